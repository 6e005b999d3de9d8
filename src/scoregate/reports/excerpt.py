"""Inputs and outputs as short text that is safe to print: no control characters, no lone surrogates.

Other people's text reaches the terminal and GitHub through here. An output may hold terminal escape sequences
or characters that turn the reading direction, so these are written out (`\\x1b`) and never passed on.
"""

from __future__ import annotations

import json
import unicodedata

from scoregate.records import JSON

_MOST_CHARACTERS = 20_000
"""Of a longer text only this much is looked at: nobody reads it in a report."""
_TURNS_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_LINE_BREAK = " ⏎ "


def plain(text: str) -> str:
    """The text with its line breaks as `\\n`, and unprintable characters written out."""
    lines = text[:_MOST_CHARACTERS].expandtabs(4).splitlines()
    return "\n".join("".join(map(_printable, line)) for line in lines)


def one_line(text: str) -> str:
    """The text on one line: line breaks become a return sign, runs of white space one space."""
    lines = (" ".join(line.split()) for line in plain(text).splitlines())
    return _LINE_BREAK.join(line for line in lines if line)


def as_text(value: JSON) -> str:
    """A JSON value as text: a string as it is, unless it would read as another value (`"42"`, `""`)."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, default=repr)
    return json.dumps(value, ensure_ascii=False) if _reads_as_another_value(value) else value


def from_first_difference(before: str, after: str, width: int) -> tuple[str, str]:
    """Both texts, their shared beginning cut if it is so long that `width` characters would not show what differs."""
    if max(len(before), len(after)) <= width or before == after:
        return before, after
    shared = _shared_beginning(before, after)
    if shared <= width // 2:
        return before, after
    cut = shared - width // 4
    space = before.find(" ", cut, shared)
    start = space + 1 if space >= 0 else cut
    return f"…{before[start:]}", f"…{after[start:]}"


def _shared_beginning(before: str, after: str) -> int:
    for index, (one, other) in enumerate(zip(before, after, strict=False)):
        if one != other:
            return index
    return min(len(before), len(after))


def _printable(character: str) -> str:
    if character in _TURNS_DIRECTION or unicodedata.category(character) in ("Cc", "Cs"):
        return character.encode("unicode_escape").decode("ascii")
    return character


def _reads_as_another_value(text: str) -> bool:
    if not text.strip():
        return True
    if len(text) > _MOST_CHARACTERS:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
