"""How numbers, places and foreign text are written for people: one way for every line that is shown."""

from __future__ import annotations

from collections.abc import Callable

Say = Callable[[str], None]
"""Takes one line that a person is to see."""
MAX_REASON = 300
"""Characters of an error's reason."""


def first_line(text: str) -> str:
    """The first line that is not blank, at most MAX_REASON characters, safe to store and to show."""
    return printable(text.lstrip()[:MAX_REASON].partition("\n")[0].rstrip())


def printable(text: str) -> str:
    """The text with spaces for tabs and the like, and U+FFFD for control codes and half surrogate pairs."""
    return "".join(
        char if char.isprintable() else " " if char.isspace() else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )


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
