"""What GitHub's runner reads: commands in the lines of a log, and files of outputs, as its own toolkit writes them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from scoregate.errors import ScoregateError
from scoregate.reports.text import one_line

Level = Literal["error", "warning", "notice"]
LEVELS: tuple[Level, ...] = ("error", "warning", "notice")
_OLDER_COMMANDS = re.compile(r"##(?=\[)")
"""The runner still takes `##[command]` anywhere in a line for one."""


def command(level: Level, message: str, properties: Mapping[str, str | int | None] | None = None) -> str:
    """One line. Message and properties may be anybody's: they stand on one line, and end neither it nor each other."""
    given = {name: str(value) for name, value in (properties or {}).items() if value not in (None, "")}
    listed = ",".join(f"{name}={_property(value)}" for name, value in given.items())
    return f"::{level}{f' {listed}' if listed else ''}::{_data(message)}"


def _data(text: str) -> str:
    line = _OLDER_COMMANDS.sub("# #", one_line(text))
    return line.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def append(path: Path, text: str) -> None:
    """Add to a file of the runner. Raises ScoregateError."""
    try:
        with path.open("a", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise ScoregateError(f"cannot be written: {error.strerror or error}", where=str(path)) from None


def output(name: str, value: str) -> str:
    """An entry of the file of outputs: between delimiters that nobody can foresee."""
    delimiter = f"ghadelimiter_{secrets.token_hex(16)}"
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"
