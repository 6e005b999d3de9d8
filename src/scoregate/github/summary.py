"""The Markdown of the job's page: every report in full, as far as GitHub takes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from scoregate.github.headline import headline
from scoregate.github.section import WithoutVerdict
from scoregate.github.sections import WORDS, Section
from scoregate.reports import Report, render
from scoregate.reports.build import Row, row_of
from scoregate.reports.build_markdown import table_of
from scoregate.reports.markdown_text import code
from scoregate.wording import count

MOST_BYTES = 1 << 20
"""Of a step; more of it is thrown away as a whole."""
_KEPT_FREE = 2_000


def summary(
    reports: Sequence[Report],
    without: Sequence[WithoutVerdict],
    sections: Sequence[Section],
    there: int = 0,
) -> str:
    """The text, of so many bytes that it fits behind those that are there already.

    `sections` are those of the gates that have a verdict, then of those `without` one, in this order. Of several gates
    there is a table first, and a heading each, the worst first.
    """
    parts = [headline(sections)]
    if len(sections) > 1:
        parts += table_of(sorted(_rows(reports, without, sections), key=lambda row: WORDS.index(row.word)))
    parts += [part.opening for section in sections[len(reports) :] for part in section.parts]
    room = MOST_BYTES - there - _KEPT_FREE - sum(_bytes(part) + 2 for part in parts)
    left = 0
    decided = zip(reports, sections, strict=False)
    for report, section in sorted(decided, key=lambda one: WORDS.index(one[1].word)):
        text = render(report, "markdown")
        if len(sections) > 1:
            text = f"### {code(section.title)}\n\n{text}"
        room -= _bytes(text) + 2
        if room < 0:
            left += 1
        else:
            parts.append(text)
    if left:
        parts.append(f"… and {count(left, 'more gate')}, left out here as GitHub takes 1 MiB of a step.")
    return "\n\n".join(parts) + "\n"


def _rows(
    reports: Sequence[Report], without: Sequence[WithoutVerdict], sections: Sequence[Section]
) -> Iterator[Row]:
    """Under the names that the comment has for them."""
    for report, section in zip(reports, sections, strict=False):
        yield replace(row_of(report), gate=section.title)
    for one, section in zip(without, sections[len(reports) :], strict=True):
        yield Row(section.title, None, "error" if one.word == "running" else one.word, None, one.why)


def bytes_in(path: Path) -> int:
    """How much an earlier command of the same step has written."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace"))
