"""The table of the rules on a terminal: as many columns as it is wide, and a legend of what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from scoregate.reports.display_width import display_width, pad, shorten, wrap
from scoregate.reports.excerpt import one_line
from scoregate.reports.report import Report
from scoregate.reports.rows import MARKS, RuleRow, primary_sentence, rule_rows
from scoregate.reports.shown_rules import ShownRules
from scoregate.reports.terminal_text import MARK_COLOURS, Paint, hanging

_HEADERS = {
    "baseline": "baseline",
    "candidate": "candidate",
    "difference": "difference [95 %]",
    "p": "p",
    "scored": "scored",
    "moved": "lost/won",
    "detectable": "detectable",
    "outcome": "outcome",
}
_SHORT_HEADERS = _HEADERS | {"baseline": "base", "candidate": "cand"}
_WIDE_ONLY = ("detectable", "p", "moved", "scored")
"""What a narrower terminal does without, first to last; then the headers get short."""
_LABEL = 24
"""Columns that scores' names get before one of these is given up."""
_NARROW_LABELS = (("baseline", 16), ("candidate", 14), ("outcome", 10))
"""What a narrow terminal does without in the end, each after scores' names are cut to so many columns."""
_EXPLAINED = {
    "p": "p: one-sided for worse, adjusted for all rules",
    "moved": "lost/won: items that are worse / better",
    "detectable": "detectable: smallest drop that these data would have shown 4 times in 5",
}


def rules_table(
    report: Report,
    shown: ShownRules,
    width: int,
    paint: Paint,
    *,
    explained: set[str],
    reference: str = "baseline",
) -> list[str]:
    """The table of these rules with its legend; `explained` holds what was explained above, and grows.

    Mark and score are padded here because only they hold other people's (perhaps wide) characters.
    """
    rows = rule_rows(report, shown.rules)
    if not rows:
        return []
    labels = [one_line(row.label) for row in rows]
    label_width = max(len("score"), *map(display_width, labels))
    for names, headers, label_needed in _layouts(label_width, reference):
        body = _columns(rows, names, headers)
        room = width - len("+ ") - len("  ") - len(body[0])
        if label_needed <= room:
            break
    label_width = max(min(label_width, room), 1)
    marks = [" ", *(paint(row.mark, MARK_COLOURS.get(row.mark)) for row in rows)]
    lines = [
        f"{mark} {pad(shorten(label, label_width), label_width)}  {cells}".rstrip()
        for mark, label, cells in zip(marks, ["score", *labels], body, strict=True)
    ]
    rule = "-" * (len("+ ") + label_width + len("  ") + len(body[0]))
    slices = hanging(shown.summary, width, first="") if shown.summary else []
    return [lines[0], rule, *lines[1:], *slices, *_legend(rows, shown, names, width, explained)]


def _layouts(label_width: int, reference: str) -> Iterator[tuple[tuple[str, ...], Mapping[str, str], int]]:
    """Columns, their headers, and the width that the scores' names need at least: from the widest table on."""
    names = tuple(_HEADERS)
    wide = _HEADERS | {"baseline": reference}
    short = _SHORT_HEADERS | ({} if reference == "baseline" else {"baseline": reference})
    needed = min(label_width, _LABEL)
    yield names, wide, needed
    for given_up in _WIDE_ONLY:
        names = tuple(name for name in names if name != given_up)
        yield names, wide, needed
    for given_up, label in _NARROW_LABELS:
        yield names, short, min(label_width, label)
        names = tuple(name for name in names if name != given_up)
    yield names, short, 1


def _columns(rows: Sequence[RuleRow], names: Sequence[str], headers: Mapping[str, str]) -> list[str]:
    """The rows' cells as aligned lines of equal width, headers first."""
    table = [
        [headers[name] for name in names],
        *([_cell(row, name, headers) for name in names] for row in rows),
    ]
    # Not by tabulate, whose import takes longer than all else that shows a verdict.
    columns = []
    for name, cells in zip(names, zip(*table, strict=True), strict=True):
        widest = max(map(display_width, cells))
        spaces = [" " * (widest - display_width(cell)) for cell in cells]
        left = name in ("difference", "outcome")
        columns.append(
            [cell + space if left else space + cell for cell, space in zip(cells, spaces, strict=True)]
        )
    lines = ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
    width = max(map(len, lines))
    return [line.ljust(width) for line in lines]


def _cell(row: RuleRow, name: str, headers: Mapping[str, str]) -> str:
    text: str = getattr(row, name)
    narrow = headers["candidate"] != _HEADERS["candidate"]
    return (
        text.partition(" (")[0] if narrow and name == "outcome" else text
    )  # "advisory", not what it would be


def _legend(
    rows: Sequence[RuleRow], shown: ShownRules, names: Sequence[str], width: int, explained: set[str]
) -> list[str]:
    used = {row.mark for row in rows}
    marks = [f"{mark} {meaning}" for mark, meaning in MARKS.items() if mark in used]
    new_marks = ", ".join(mark for mark in marks if mark not in explained)
    columns = [_EXPLAINED[name] for name in names if name in _EXPLAINED]
    sentence = primary_sentence(shown.rules)
    sentences = [*columns, *([sentence] if sentence else [])]
    texts = [*([new_marks] if new_marks else []), *(text for text in sentences if text not in explained)]
    explained.update(marks, sentences)
    return wrap(one_line("; ".join(texts)), width)
