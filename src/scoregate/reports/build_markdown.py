"""A build as Markdown: one line that says it all, a table of its gates, then a section a gate, the worst first.

All of it keeps to `markdown.LIMIT`. Sections that are short leave their room to the others; where it is scarce, the
gates that matter least go without, which is said.
"""

from __future__ import annotations

from collections.abc import Sequence

from scoregate.reports.build import Build, Row
from scoregate.reports.markdown import LIMIT, render_markdown
from scoregate.reports.markdown_text import code, fitting, inline
from scoregate.reports.report import Report
from scoregate.reports.text import cut
from scoregate.wording import count

_ALERTS = {
    "error": "CAUTION", "invalid": "WARNING", "regression": "CAUTION", "inconclusive": "WARNING", "pass": "TIP",
    "left out": "NOTE",
}  # fmt: skip
_TABLE_SHARE = 12_000
_WHY_LENGTH = 300
"""Characters of a reason in the table, before escaping."""
_LEAST = 4_000
"""Characters without which a section is not worth beginning."""
_BETWEEN = len("\n\n")


def render_build_markdown(build: Build) -> str:
    """The build as GitHub Markdown of at most `LIMIT` characters."""
    head = [
        f"> [!{_ALERTS[build.worst]}]\n> **{build.worst.upper()}**: {inline(build.sentence)}",
        *table_of(build.rows),
    ]
    foot = f"<sub>{inline(build.facts)}</sub>"
    room = LIMIT - sum(len(part) + _BETWEEN for part in (*head, foot))
    return "\n\n".join([*head, *_sections(build, room), foot]) + "\n"


def table_of(rows: Sequence[Row]) -> list[str]:
    """A line a gate, in this order, and how many went without."""
    kept, left = fitting(list(map(_line, rows)), _TABLE_SHARE)
    parts = ["\n".join(["| gate | verdict | worse | why |", "| --- | --- | --: | --- |", *kept])]
    if left:
        parts.append(f"… and {count(left, 'more gate')}, left out here for length.")
    return parts


def _line(row: Row) -> str:
    word = row.word if row.word in ("pass", "left out") else f"**{row.word}**"
    return f"| {code(row.gate)} | {word} | {row.shown_worse} | {inline(cut(row.why, _WHY_LENGTH))} |"


def _sections(build: Build, room: int) -> list[str]:
    """A section for each gate that has a verdict, in `room` characters."""
    room -= 200  # the line on those that go without
    shown = build.named_reports[: room // _LEAST]
    sections = [_section(name, report, LIMIT) for name, report in shown]
    lengths = _shares([len(section) + _BETWEEN for section in sections], room)
    parts = []
    for (name, report), section, length in zip(shown, sections, lengths, strict=True):
        fits = section if len(section) + _BETWEEN <= length else _section(name, report, length - _BETWEEN)
        if len(fits) + _BETWEEN <= length:
            parts.append(fits)
    if missing := len(build.reports) - len(parts):
        parts.append(f"… and the sections of {count(missing, 'more gate')}, left out here for length.")
    return parts


def _section(name: str, report: Report, room: int) -> str:
    heading = f"## {code(name)}"
    return f"{heading}\n\n{render_markdown(report, limit=room - len(heading) - _BETWEEN).rstrip()}"


def _shares(wanted: list[int], room: int) -> list[int]:
    """How much each gets: what it wants, or the same as every other one that wants more than that."""
    given = [0] * len(wanted)
    waiting = sorted(range(len(wanted)), key=wanted.__getitem__)
    for position, index in enumerate(waiting):
        given[index] = min(wanted[index], room // (len(waiting) - position))
        room -= given[index]
    return given
