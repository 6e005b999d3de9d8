"""The Markdown of the job's page: every report in full, as far as GitHub takes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scoregate.github.headline import headline
from scoregate.github.sections import Section
from scoregate.reports import Report, render
from scoregate.wording import count

MOST_BYTES = 1 << 20
"""Of a step; more of it is thrown away as a whole."""
_KEPT_FREE = 2_000


def summary(reports: Sequence[Report], sections: Sequence[Section], there: int = 0) -> str:
    """The text, of so many bytes that it fits behind those that are there already.

    Behind the sections of the reports are those of gates that have none, which say why.
    """
    parts = [headline(sections)]
    parts += [part.opening for section in sections[len(reports) :] for part in section.parts]
    room = MOST_BYTES - there - _KEPT_FREE - sum(_bytes(part) + 2 for part in parts)
    left = 0
    for report in reports:
        text = render(report, "markdown")
        room -= _bytes(text) + 2
        if room < 0:
            left += 1
        else:
            parts.append(text)
    if left:
        parts.append(f"… and {count(left, 'more gate')}, left out here as GitHub takes 1 MiB of a step.")
    return "\n\n".join(parts) + "\n"


def bytes_in(path: Path) -> int:
    """How much an earlier command of the same step has written."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))
