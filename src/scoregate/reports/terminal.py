"""The verdict on a terminal, read in ten seconds: one word, why, a line a rule, then the items that moved.

No line is wider than the terminal, except commands and links, which stay whole so that they can be copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scoregate.reports.display_width import display_width, pad, shorten, wrap
from scoregate.reports.excerpt import from_first_difference, items_text, one_line
from scoregate.reports.moved_items import MovedItem, change, comments, details, moved_items
from scoregate.reports.report import Report
from scoregate.reports.rows import MARKS, RuleRow, further_reasons, rule_rows

_NARROWEST = 40
_MISSING_SHOWN = 10
_LINES_A_VALUE = 2
_IN_FULL = 3
"""So many of the items that break a rule are shown with input, expected, before and after; others get a line."""

_COLOURS = {"green": "32", "red": "31", "yellow": "33", "magenta": "35"}
_OUTCOME_COLOURS = {"pass": "green", "regression": "red", "inconclusive": "yellow", "invalid": "magenta"}
_MARK_COLOURS = {"+": "green", "-": "red", "~": "yellow", "!": "magenta"}

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


def render_terminal(report: Report, *, width: int, colour: bool, max_items: int = 10) -> str:
    """The report as text for a terminal of `width` columns, with ANSI colours only if `colour`."""
    width = max(width, _NARROWEST)
    paint = _Paint(on=colour)
    parts = (
        _head(report, width, paint),
        _table(rule_rows(report), width, paint),
        _reasons(report, width),
        _moved(report, width, paint, max_items),
        _missing(report, width),
        _paragraphs(report.verdict.notes, width, first="note: "),
        _next_steps(report),
        _foot(report, width),
    )
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


@dataclass(frozen=True, slots=True)
class _Paint:
    on: bool

    def __call__(self, text: str, colour: str | None, *, bold: bool = False) -> str:
        if not self.on or colour is None:
            return text
        return f"\x1b[{'1;' if bold else ''}{_COLOURS[colour]}m{text}\x1b[0m"


def _head(report: Report, width: int, paint: _Paint) -> list[str]:
    verdict = report.verdict
    word = verdict.outcome.upper()
    painted = paint(word, _OUTCOME_COLOURS[verdict.outcome], bold=True)
    first, *rest = wrap(f"{word}: {one_line(verdict.reason)}", width)
    lines = [painted + first[len(word) :], *rest]
    if verdict.partial:
        warning = "PARTIAL RUN: only a selection of the dataset was run, so this is no pass and no baseline."
        lines += wrap(warning, width)
    sides = [_side("candidate", verdict.candidate, verdict.candidate_run)]
    if verdict.baseline_run or verdict.baseline_candidate:
        sides.append(_side("against baseline", verdict.baseline_candidate, verdict.baseline_run))
    dataset = f", dataset {verdict.dataset}" if verdict.dataset else ""
    gate = f", gate {verdict.gate}" if verdict.gate else ""
    return lines + wrap(one_line(" ".join(sides) + dataset + gate), width)


def _side(role: str, label: str | None, run: str | None) -> str:
    name = f"{role} {label}" if label else role
    return f"{name} (run {run})" if run else name


def _table(rows: Sequence[RuleRow], width: int, paint: _Paint) -> list[str]:
    """Mark and score, padded here because only they hold other people's (perhaps wide) characters; then the rest."""
    if not rows:
        return []
    labels = [one_line(row.label) for row in rows]
    label_width = max(len("score"), *map(display_width, labels))
    for names, headers, label_needed in _layouts(label_width):
        body = _columns(rows, names, headers)
        room = width - len("+ ") - len("  ") - len(body[0])
        if label_needed <= room:
            break
    label_width = max(min(label_width, room), 1)
    marks = [" ", *(paint(row.mark, _MARK_COLOURS.get(row.mark)) for row in rows)]
    lines = [
        f"{mark} {pad(shorten(label, label_width), label_width)}  {cells}".rstrip()
        for mark, label, cells in zip(marks, ["score", *labels], body, strict=True)
    ]
    rule = "-" * (len("+ ") + label_width + len("  ") + len(body[0]))
    return [lines[0], rule, *lines[1:], *_legend(rows, names, width)]


def _layouts(label_width: int) -> Iterator[tuple[tuple[str, ...], Mapping[str, str], int]]:
    """Columns, their headers, and the width that the scores' names need at least: from the widest table on."""
    names = tuple(_HEADERS)
    needed = min(label_width, _LABEL)
    yield names, _HEADERS, needed
    for given_up in _WIDE_ONLY:
        names = tuple(name for name in names if name != given_up)
        yield names, _HEADERS, needed
    for given_up, label in _NARROW_LABELS:
        yield names, _SHORT_HEADERS, min(label_width, label)
        names = tuple(name for name in names if name != given_up)
    yield names, _SHORT_HEADERS, 1


def _columns(rows: Sequence[RuleRow], names: Sequence[str], headers: Mapping[str, str]) -> list[str]:
    """The rows' cells as aligned lines of equal width, headers first (as a row: tabulate widens real headers)."""
    from tabulate import tabulate

    table = [[headers[name] for name in names], *([getattr(row, name) for name in names] for row in rows)]
    left = ("difference", "outcome")
    lines = tabulate(
        table,
        tablefmt="plain",
        colalign=["left" if name in left else "right" for name in names],
        disable_numparse=True,
    ).splitlines()
    width = max(map(len, lines))
    return [line.ljust(width) for line in lines]


def _legend(rows: Iterable[RuleRow], names: Sequence[str], width: int) -> list[str]:
    used = {row.mark for row in rows}
    marks = ", ".join(f"{mark} {meaning}" for mark, meaning in MARKS.items() if mark in used)
    explained = [_EXPLAINED[name] for name in names if name in _EXPLAINED]
    return wrap("; ".join([marks, *explained] if marks else explained), width)


def _reasons(report: Report, width: int) -> list[str]:
    sentences = [f"{label}: {reason}" for label, reason in further_reasons(report.verdict)]
    return _paragraphs(sentences, width, first="- ")


def _moved(report: Report, width: int, paint: _Paint, max_items: int) -> list[str]:
    items = moved_items(report)
    if not items:
        return []
    worse = sum(item.worse for item in items)
    lines = [f"Items that moved: {worse} worse, {len(items) - worse} better"]
    in_full = [item.id for item in items if item.evidence][:_IN_FULL]
    for item in items[:max_items]:
        lines += (
            _item(report, item, width, paint) if item.id in in_full else [_brief(report, item, width, paint)]
        )
    left = len(items) - max_items
    if left > 0:
        command = f" ({one_line(report.see_all)})" if report.see_all else ""
        lines.append(f"… and {left:,} more{command}")
    return lines


def _brief(report: Report, item: MovedItem, width: int, paint: _Paint) -> str:
    mark = "-" if item.worse else "+"
    comment = next((f" ({flip.comment})" for flip in item.flips if flip.comment), "")
    changes = one_line(f"{item.id}: {_changes(report, item)}")
    if comment:  # where several scores moved, the reason says more than the last of them
        changes = shorten(changes, max(width // 2, width - len("- ") - len(comment)))
    text = shorten(one_line(changes + comment), width - len("- "))
    return f"{paint(mark, _MARK_COLOURS[mark])} {text}"


def _changes(report: Report, item: MovedItem) -> str:
    return "; ".join(f"{flip.score} {change(flip, report.contracts.get(flip.score))}" for flip in item.flips)


def _item(report: Report, item: MovedItem, width: int, paint: _Paint) -> list[str]:
    changes = _changes(report, item)
    mark = "-" if item.worse else "+"
    first, *rest = _hanging(f"{item.id}: {changes}", width, first=f"{mark} ")
    lines = [paint(mark, _MARK_COLOURS[mark]) + first[1:], *rest]
    known = {name: one_line(text) for name, text in details(report, item.id).items()}
    room = (width - len(_name_of("input"))) * _LINES_A_VALUE
    if "before" in known:
        known["before"], known["after"] = from_first_difference(known["before"], known["after"], room)
    for name, text in known.items():
        lines += _value(name, text, width)
    for comment in comments(item):
        lines += _value("comment", one_line(comment), width)
    return lines


def _value(name: str, text: str, width: int) -> list[str]:
    """A value beside its name, on at most two lines."""
    first = _name_of(name)
    lines = wrap(text, width - len(first))
    if len(lines) > _LINES_A_VALUE:
        last = lines[_LINES_A_VALUE - 1] + " " + lines[_LINES_A_VALUE]
        lines = [*lines[: _LINES_A_VALUE - 1], shorten(last, width - len(first))]
    return [(first if index == 0 else " " * len(first)) + line for index, line in enumerate(lines)]


def _name_of(value: str) -> str:
    return f"    {value:<8}  "


def _missing(report: Report, width: int) -> list[str]:
    missing = report.verdict.missing_items
    if not missing:
        return []
    ids = ", ".join(one_line(item) for item in missing[:_MISSING_SHOWN])
    left = len(missing) - _MISSING_SHOWN
    more = f" … and {left:,} more" if left > 0 else ""
    return _hanging(
        f"Missing or failed in {items_text(len(missing))}: {ids}{more}",
        width,
        first="! ",
    )


def _paragraphs(texts: Iterable[str], width: int, *, first: str) -> list[str]:
    return [line for text in texts for line in _hanging(text, width, first=first)]


def _next_steps(report: Report) -> list[str]:
    links = [f"{one_line(name)}: {one_line(url)}" for name, url in report.links.items()]
    return [f"→ {line}" for line in (*links, *map(one_line, report.hints))]


def _foot(report: Report, width: int) -> list[str]:
    verdict = report.verdict
    warns = verdict.outcome == "inconclusive" and verdict.exit_code == 0
    why = ' (on_inconclusive = "warn")' if warns else ""
    code = f"exit code {verdict.exit_code}{why}, " if report.decides else ""
    return wrap(f"{code}alpha {verdict.alpha:g}, seed {verdict.seed}", width)


def _hanging(text: str, width: int, *, first: str) -> list[str]:
    """The text wrapped behind `first`, further lines indented by two."""
    lines = wrap(one_line(text), width - len(first)) or [""]
    return [(first if index == 0 else "  ") + line for index, line in enumerate(lines)]
