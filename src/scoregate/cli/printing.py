"""Everything that a command prints goes through here: text of a model, a server or a file never commands anything.

Terminals act on escape sequences, readers are misled by characters that turn the reading direction, and the logs
of CI services act on lines that look like their commands. What comes from elsewhere may hold all of that, so it is
written out or broken where it can be seen, whoever wrote it and wherever the log is read.
"""

from __future__ import annotations

import io
import os
import re
import sys
from typing import TextIO

from scoregate.wording import written_out

_COMMANDS = re.compile(r"##(?=\[|vso\[|teamcity\[)|^([^\S\n]*):(?=:)", re.MULTILINE)
"""How GitHub, Azure and TeamCity know a command: its first sign anywhere in a line, or `::` where the line begins."""
_OWN_COLOURS = re.compile(r"(\x1b\[[0-9;]*m)")


def begin_streams() -> None:
    """Make streams of this process that can be written to, whatever is printed and whoever started it."""
    # None where whoever started the process closed it.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that is not UTF-8 shows "?", and nothing fails


class _Streams:
    """Of the terminal's own, once they are claimed; None before."""

    out: TextIO | None = None
    err: TextIO | None = None


streams = _Streams()


def claim_streams() -> TextIO:
    """A stream to the real stdout; for the rest of the process everybody else's stdout is stderr.

    Call it before any code of the user runs, which may close the streams of `sys` or put others in their place: what
    is said goes on to the real stderr. It is not given back: a thread of a candidate that hangs is left behind and may
    print at any moment until the process ends, also while the verdict is written.
    """
    streams.out, streams.err = (_own(stream, number) for stream, number in ((sys.stdout, 1), (sys.stderr, 2)))
    os.dup2(2, 1)
    return streams.out


def _own(stream: TextIO, number: int) -> TextIO:
    stream.flush()
    return os.fdopen(os.dup(number), "w", encoding=stream.encoding, errors="replace", buffering=1)


def say(message: str) -> None:
    """Print one line on stderr, with paths below the working directory as a person would type them."""
    line = "".join(char if char.isprintable() else " " for char in message)
    print_text(f"scoregate: {as_typed(line)}", stream=streams.err, err=True)


def as_typed(text: str) -> str:
    """A message with its paths below the working directory as a person would type them."""
    from scoregate.own.folder import here

    folder = re.escape(f"{here()}{os.sep}")
    return re.sub(rf"(?<![^\s'\"(=]){folder}(?=\S)", "", text)


def print_text(
    text: str = "",
    *,
    stream: TextIO | None = None,
    err: bool = False,
    end: bool = True,
    colours: bool = False,
) -> None:
    """Print text for people, on stdout if nothing else is said.

    `colours` leaves colour codes as they are, in a text whose foreign parts are written out already.
    """
    import click

    if colours:
        parts = _OWN_COLOURS.split(text)
        parts[::2] = map(written_out, parts[::2])
        text = "".join(parts)
    else:
        text = written_out(text)
    click.echo(_unbroken(text), file=stream, err=err, nl=end, color=colours or None)


def print_workflow_command(command: str) -> None:
    """Print a line that GitHub's runner is to act on, in which text of others was made to act on nothing."""
    import click

    click.echo(written_out(command.replace("\n", " ")))


def print_json(document: str, *, stream: TextIO | None = None, end: bool = True) -> None:
    """Print a JSON text: the same values, whatever else might act on a character is an escape of JSON.

    Such characters stand in strings only, as JSON has no others of them.
    """
    import click

    document = written_out(document, lambda character: f"\\u{ord(character):04x}")
    document = document.replace("##[", "#\\u0023[").replace("##vso[", "#\\u0023vso[")
    click.echo(document.replace("##teamcity[", "#\\u0023teamcity["), file=stream, nl=end)


def _unbroken(text: str) -> str:
    return _COMMANDS.sub(lambda found: "# #" if found[1] is None else f"{found[1]}: ", text)
