"""The log of a step as a runner reads it: lines that are commands to it, and what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_COMMAND = re.compile(r"^\s*::([a-z-]+)(?: (.*?))?::(.*)$")


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    properties: dict[str, str]
    message: str


def commands(log: str) -> Iterator[Command]:
    """What a runner obeys: every line that is a command, but none between `::stop-commands::MARK` and `::MARK::`."""
    mark: str | None = None
    for line in log.splitlines():
        if mark is not None:
            mark = None if line.strip() == f"::{mark}::" else mark
            continue
        found = _COMMAND.match(line)
        if found is None:
            continue
        if found[1] == "stop-commands":
            mark = found[3]
            continue
        pairs = (pair.partition("=") for pair in (found[2] or "").split(",") if pair)
        yield Command(
            found[1], {key: _unescaped(value, ":,") for key, _, value in pairs}, _unescaped(found[3], "")
        )


def shown_on_the_page(log: str) -> list[Command]:
    return [command for command in commands(log) if command.name in ("error", "warning", "notice")]


def _unescaped(text: str, more: str) -> str:
    for character in (*more, "\r", "\n", "%"):
        text = text.replace(f"%{ord(character):02X}", character)
    return text
