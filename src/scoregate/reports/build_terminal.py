"""A build on a terminal: one line that says it all, and a table of its gates, the worst first.

It stands below the verdicts of the gates, where whoever has waited for them looks.
"""

from __future__ import annotations

from collections.abc import Iterator

from scoregate.reports.build import Build, Row
from scoregate.reports.terminal import OUTCOME_COLOURS, render_terminal
from scoregate.reports.text import Paint, display_width, one_line, pad, shorten, wrap

_NARROWEST = 40
_COLOURS = {**OUTCOME_COLOURS, "error": "red"}
_GAP = "  "


def render_build_terminal(build: Build, *, width: int, colour: bool, max_items: int = 10) -> str:
    """All of a build: the verdict of each gate, then `render_summary`."""
    verdicts = [
        render_terminal(report, width=width, colour=colour, max_items=max_items) for report in build.reports
    ]
    return "\n".join([*verdicts, render_summary(build, width=width, colour=colour)])


def render_summary(build: Build, *, width: int, colour: bool) -> str:
    """The table of the gates, under the worst word and how often each one is there."""
    width, paint = max(width, _NARROWEST), Paint(on=colour)
    word = build.worst.upper()
    first, *rest = wrap(f"{word}: {build.sentence}", width)
    painted = paint(word, _COLOURS.get(build.worst), bold=True)
    head = [painted + first[len(word) :], *rest]
    return (
        "\n\n".join(
            "\n".join(lines)
            for lines in (head, list(_table(build.rows, width, paint)), wrap(build.facts, width))
        )
        + "\n"
    )


def _table(rows: tuple[Row, ...], width: int, paint: Paint) -> Iterator[str]:
    names = [shorten(one_line(row.gate), width // 4) for row in rows]
    worse = [row.shown_worse for row in rows]
    columns = [
        max(map(display_width, column))
        for column in (("gate", *names), ("verdict", *(row.word for row in rows)), ("worse", *worse))
    ]
    room = width - sum(columns) - 3 * len(_GAP)
    yield _GAP.join([pad("gate", columns[0]), pad("verdict", columns[1]), pad("worse", columns[2]), "why"])
    yield "-" * width
    for row, name, number in zip(rows, names, worse, strict=True):
        word = paint(row.word, _COLOURS.get(row.word)) + " " * (columns[1] - len(row.word))
        why = [shorten(one_line(row.why), room)] if room > 0 and row.why else []
        yield _GAP.join([pad(name, columns[0]), word, f"{number:>{columns[2]}}", *why]).rstrip()
