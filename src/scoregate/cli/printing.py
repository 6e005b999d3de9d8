"""Everything that a command prints goes through here: text of a model, a server or a file never commands anything.

Terminals act on escape sequences, readers are misled by characters that turn the reading direction, and the logs
of CI services act on lines that look like their commands. What comes from elsewhere may hold all of that, so it is
written out or broken where it can be seen, whoever wrote it and wherever the log is read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scoregate.wording import written_out

if TYPE_CHECKING:
    from typing import TextIO

_COMMANDS = re.compile(r"##(?=\[|vso\[|teamcity\[)|^([^\S\n]*):(?=:)", re.MULTILINE)
"""How GitHub, Azure and TeamCity know a command: its first sign anywhere in a line, or `::` where the line begins."""
_OWN_COLOURS = re.compile(r"(\x1b\[[0-9;]*m)")


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
