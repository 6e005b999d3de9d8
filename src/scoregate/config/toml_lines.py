"""TOML with positions: the standard library parses a file, this finds the line of every table and key.

Only the keys that stand on a line of their own are found; a key inside an inline table or a multi-line value
takes the line of the key that holds it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scoregate.errors import ConfigError

KeyPath = tuple[str, ...]

# A string of one of TOML's four kinds, a comment, or a single character.
_PIECE = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'" r"|\#[^\n]*" r"|.",
    re.DOTALL,
)
_DEPTH = {"[": 1, "{": 1, "]": -1, "}": -1}
_POSITION = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class TomlFile:
    """The content of a TOML file, and where its tables and keys stand."""

    path: Path
    data: Mapping[str, object]
    lines: Mapping[KeyPath, int]
    """Line of each key, counted from 1, by its full path from the top of the file."""

    def place(self, keys: KeyPath) -> str:
        """`file:line` of a key, else of the nearest table around it, else the file alone."""
        for length in range(len(keys), 0, -1):
            if keys[:length] in self.lines:
                return f"{self.path}:{self.lines[keys[:length]]}"
        return str(self.path)


def read_toml(path: Path, kind: str, *, neighbours: Callable[[Path], str | None] | None = None) -> TomlFile:
    """Parse a file. `kind` ("gate", "score catalog") names it in messages.

    `neighbours` gives the hint where `path` is missing or is a folder. Raises ConfigError: for broken syntax
    with file:line; for a file that is missing, a folder, unreadable, not UTF-8 or empty with the file.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"the {kind} is not UTF-8 text", where=f"{path}:{line}") from error
    except (FileNotFoundError, IsADirectoryError) as error:
        message = (
            f"there is no such {kind}" if isinstance(error, FileNotFoundError) else f"a folder, not a {kind}"
        )
        raise ConfigError(message, where=str(path), hint=neighbours(path) if neighbours else None) from error
    except OSError as error:
        raise ConfigError(f"the {kind} cannot be read: {error.strerror}", where=str(path)) from error
    try:
        data = tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError("not valid TOML: nested too deeply", where=str(path)) from error
    except ValueError as error:
        raise _syntax_error(path, text, error) from error
    if not data:
        raise ConfigError(f"the {kind} is empty", where=str(path), hint="`scoregate init` writes an example")
    return TomlFile(path, data, line_map(text))


def line_map(text: str) -> dict[KeyPath, int]:
    """The line of every table and key of a valid TOML document, the first one where a name recurs."""
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for line, statement in _statements(text):
        keys = _keys(statement)
        if statement.startswith("["):
            table = keys
        else:
            keys = table + keys
        for length in range(1, len(keys) + 1):
            lines.setdefault(keys[:length], line)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of each table header, and of each key with its value replaced by `= 0`."""
    line, first_line, depth = 1, 1, 0
    statement, in_value = "", False
    for piece in _PIECE.findall(text + "\n"):
        if piece == "\n" and depth == 0:
            if statement:
                yield first_line, statement
            statement, in_value = "", False
        elif piece == "=" and not in_value:
            statement, in_value = f"{statement}= 0", True
        else:
            depth += _DEPTH.get(piece, 0)
            if not in_value and not piece.startswith("#") and (statement or not piece.isspace()):
                first_line = first_line if statement else line
                statement += piece
        line += piece.count("\n")


def _keys(statement: str) -> KeyPath:
    """The key path of a header or a key. tomllib reads it, so quoting and escapes follow the same rules."""
    keys: list[str] = []
    node: object = tomllib.loads(statement)
    while isinstance(node, dict) and node:
        key, node = next(iter(node.items()))
        keys.append(key)
    return tuple(keys)


def _syntax_error(path: Path, text: str, error: ValueError) -> ConfigError:
    reason = str(error)
    place = str(path)
    position = _POSITION.search(reason)
    if position:
        reason = reason[: position.start()]
        line = position["line"] or str(len(text.splitlines()) or 1)
        reason += f" at column {position['column']}" if position["column"] else " at the end of the file"
        place = f"{path}:{line}"
    return ConfigError(f"not valid TOML: {reason}", where=place)
