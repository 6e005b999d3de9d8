"""Lines of a terminal: colour, and wrapping behind a sign."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scoregate.reports.display_width import wrap
from scoregate.reports.excerpt import one_line

_COLOURS = {"green": "32", "red": "31", "yellow": "33", "magenta": "35"}
MARK_COLOURS = {"+": "green", "-": "red", "~": "yellow", "!": "magenta"}


@dataclass(frozen=True, slots=True)
class Paint:
    """Paints text, or leaves it as it is where colour is off."""

    on: bool

    def __call__(self, text: str, colour: str | None, *, bold: bool = False) -> str:
        if not self.on or colour is None:
            return text
        return f"\x1b[{'1;' if bold else ''}{_COLOURS[colour]}m{text}\x1b[0m"


def hanging(text: str, width: int, *, first: str, indent: int = 2) -> list[str]:
    """The text wrapped behind `first`, further lines indented."""
    lines = wrap(one_line(text), width - max(len(first), indent)) or [""]
    return [(first if index == 0 else " " * indent) + line for index, line in enumerate(lines)]


def paragraphs(texts: Iterable[str], width: int, *, first: str) -> list[str]:
    """Each text wrapped behind `first`."""
    return [line for text in texts for line in hanging(text, width, first=first)]
