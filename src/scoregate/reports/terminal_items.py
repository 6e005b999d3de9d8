"""The items on a terminal: the evidence of fresh trials, and the items that moved."""

from __future__ import annotations

from collections.abc import Sequence

from scoregate.reports.report import Report
from scoregate.reports.shown_items import (
    MOST_ITEMS,
    ItemEvidence,
    MovedItem,
    changes,
    comments,
    details,
    fresh_evidence,
    further_items,
    grouped,
    in_words,
    moved_items,
)
from scoregate.reports.text import (
    MARK_COLOURS,
    Paint,
    from_first_difference,
    hanging,
    one_line,
    shorten,
    wrap,
)

_LINES_A_VALUE = 2
_IN_FULL = 3
"""So many of the items that break a rule are shown with input, expected, before and after; others get a line."""


def evidence_lines(report: Report, width: int, paint: Paint) -> list[str]:
    """The items that were worse again in fresh trials, the first ones that break a rule in full."""
    evidence = fresh_evidence(report)
    in_full = _first_in_full(evidence.items)
    lines = hanging(evidence.title, width, first="")
    for item in evidence.items[:MOST_ITEMS]:
        lines += _signed("-", f"{item.id}: {_fresh(report, item)}", width, paint)
        if item.id in in_full:
            lines += _contents(report, item.id, width)
    if left := further_items(len(evidence.items), MOST_ITEMS):
        lines.append(left)
    return lines


def moved_lines(report: Report, width: int, paint: Paint, max_items: int) -> list[str]:
    """The items that moved; those that the evidence shows in full have a line here."""
    items = moved_items(report)
    worse = sum(item.worse for item in items)
    lines = [f"Items that moved: {worse} worse, {len(items) - worse} better"]
    above = _first_in_full(fresh_evidence(report).items)
    groups = grouped(report, items)
    wanted = [g[0].id for g in groups if g[0].evidence and g[0].id not in above]
    in_full = wanted[: _IN_FULL - len(above)]
    for group in groups[:max_items]:
        first, *others = group
        if first.id not in in_full:
            lines.append(_brief(report, first, width, paint, others))
            continue
        lines += _item(report, first, width, paint)
        if others:
            lines.append(_brief(report, others[0], width, paint, others[1:]))
    left = sum(map(len, groups[max_items:]))
    if left > 0:
        command = f" ({one_line(report.see_all)})" if report.see_all else ""
        lines.append(f"… and {left:,} more{command}")
    return lines


def _first_in_full(items: Sequence[ItemEvidence]) -> list[str]:
    return [item.id for item in items if item.breaks][:_IN_FULL]


def _fresh(report: Report, item: ItemEvidence) -> str:
    return "; ".join(
        f"{fresh.score} {in_words(fresh, report.contracts.get(fresh.score))}" for fresh in item.scores
    )


def _brief(report: Report, item: MovedItem, width: int, paint: Paint, alike: Sequence[MovedItem] = ()) -> str:
    """One line; `alike` are the other items of which the same is to be said."""
    mark = "-" if item.worse else "+"
    comment = next((f" ({flip.comment})" for flip in item.flips if flip.comment), "")
    others = f" and {len(alike):,} more alike" if alike else ""
    line = one_line(f"{item.id}{others}: {_changes(report, item)}")
    if comment:  # where several scores moved, the reason says more than the last of them
        line = shorten(line, max(width // 2, width - len("- ") - len(comment)))
    text = shorten(one_line(line + comment), width - len("- "))
    return f"{paint(mark, MARK_COLOURS[mark])} {text}"


def _changes(report: Report, item: MovedItem) -> str:
    return "; ".join(f"{score} {changed}" for score, changed in changes(report, item))


def _item(report: Report, item: MovedItem, width: int, paint: Paint) -> list[str]:
    mark = "-" if item.worse else "+"
    lines = _signed(mark, f"{item.id}: {_changes(report, item)}", width, paint)
    lines += _contents(report, item.id, width)
    for comment in comments(item):
        lines += _value("comment", one_line(comment), width)
    return lines


def _signed(mark: str, text: str, width: int, paint: Paint) -> list[str]:
    first, *rest = hanging(text, width, first=f"{mark} ")
    return [paint(mark, MARK_COLOURS[mark]) + first[1:], *rest]


def _contents(report: Report, item: str, width: int) -> list[str]:
    known = {name: one_line(text) for name, text in details(report, item).items()}
    room = (width - len(_name_of("input"))) * _LINES_A_VALUE
    if "before" in known:
        known["before"], known["after"] = from_first_difference(known["before"], known["after"], room)
    return [line for name, text in known.items() for line in _value(name, text, width)]


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
