"""How numbers, places and foreign text are written for people: one way for every line that is shown."""

from __future__ import annotations

import re
from collections.abc import Callable

from scoregate.hiding import without_known_keys

Say = Callable[[str], None]
"""Takes one line that a person is to see."""
_SHORT_ID = 2
"""Shorter ones may stand anywhere in an error by chance."""
MAX_REASON = 300
"""Characters of an error's reason."""
_LOOKED_AT = 10_000


def first_line(text: str) -> str:
    """The first line that is not blank, at most MAX_REASON characters, safe to store and to show.

    Values of the environment that are keys by their names are left out, before the cut could leave a part of one.
    """
    line = without_known_keys(text.lstrip()[:_LOOKED_AT].partition("\n")[0])
    return printable(line[:MAX_REASON].rstrip())


_ACTS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""What a terminal or a reader's eye acts on: control codes, other line ends, turned directions; half pairs, and what is
no character, neither of which can be written everywhere."""


def written_out(text: str, escape: Callable[[str], str] | None = None) -> str:
    """The text with every character that acts instead of being read as its escape (`\\x1b`); `\\t` and `\\n` stay."""
    return _ACTS.sub(lambda found: (escape or _escape)(found[0]), text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def printable(text: str) -> str:
    """The text with spaces for tabs and the like, and U+FFFD for control codes and half surrogate pairs."""
    return "".join(
        char if char.isprintable() else " " if char.isspace() else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )


def proposed_command(*words: object, why: bool = False) -> str:
    """What a person types next: `scoregate` and these words, quoted where a shell asks for it."""
    import shlex

    return shlex.join(["scoregate", *map(str, words)]) + (' --why "…"' if why else "")


def error_without_id(error: str, item: str) -> str:
    """An error's text by which those of several items are counted together, where it names its own item."""
    return error.replace(item, "…") if len(item) > _SHORT_ID else error


_PARTICULAR = re.compile(r"(?<![\w-])(?![1-5]\d\d(?![\w-]))[\w-]*\d[\w-]*")
"""What tells one request from the next: ids, numbers, hashes; an HTTP status is none of them."""


def kind_of_error(reason: str) -> str:
    """The same text for errors that differ in nothing but an id or a number: `no such user #` for user 17 and 18."""
    return _PARTICULAR.sub("#", reason)


def plural(number: int, one: str, many: str | None = None) -> str:
    """The noun alone: `item` for 1, else `items`."""
    return one if number == 1 else many or one + "s"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 item`, `1,319 items`."""
    return f"{number:,} {plural(number, one, many)}"


def dollars(amount: float) -> str:
    """Two digits behind the point, or as many as it takes to show that it is not nothing."""
    return f"${amount:.2f}" if amount >= 0.005 or amount == 0 else f"${amount:.2g}"


def running_dollars(amount: float) -> str:
    """The same of a sum that grows while it is looked at: as many digits from one moment to the next."""
    return f"${amount:.4f}" if amount < 1 else f"${amount:.2f}"
