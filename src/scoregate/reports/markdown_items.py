"""The items in Markdown: the evidence of fresh trials, and the items that moved, folded away."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from scoregate.reports.markdown_text import code, fenced, fitting, inline
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
from scoregate.reports.text import cut, from_first_difference, plain, wrap

_AROUND_ITEMS = 2_500
"""Kept free for the headings around the items and the line that says how many are left out."""
_AROUND_EVIDENCE = 300
_EVIDENCE_IN_FULL = 3
"""So many of the items that break a rule in fresh trials are shown with what went in and came out."""
_LONGEST = 300
"""Characters of a score or a value in a title, before escaping."""
_LINE_WIDTH = 100
_LINES_A_VALUE = 8


def evidence_parts(report: Report, room: int) -> tuple[list[str], frozenset[str]]:
    """The items that were worse in fresh trials, within `room` characters, and the ids of those shown in full."""
    if not report.verdict.confirmed:
        return [], frozenset()
    evidence = fresh_evidence(report)
    items = evidence.items[:MOST_ITEMS]
    in_full = [item.id for item in items if item.breaks][:_EVIDENCE_IN_FULL]  # the first: they are sorted so
    blocks = [_evidence(report, item, in_full=item.id in in_full) for item in items]
    kept, _ = fitting(blocks, room - _AROUND_EVIDENCE)
    lines = "\n".join(f"- {block}" for block in kept[len(in_full) :])
    parts = [f"#### {evidence.title}", *kept[: len(in_full)], *([lines] if lines else [])]
    if left := further_items(len(evidence.items), len(kept)):
        parts.append(left)
    return parts, frozenset(in_full[: len(kept)])


def moved_parts(report: Report, max_items: int, room: int, *, shown_above: Collection[str] = ()) -> list[str]:
    """The items that got worse, then the better ones, each group folded; as many as fit into `room` characters.

    What went in and came out of the items in `shown_above` is not said again.
    """
    items = moved_items(report)
    if not items:
        return []
    worse = sum(item.worse for item in items)
    groups = grouped(report, items)
    wanted = [
        _item(report, first, in_full=first.id not in shown_above, alike=len(others))
        for first, *others in groups[: max(max_items, 0)]
    ]
    parts = [f"#### Items that moved: {worse:,} worse, {len(items) - worse:,} better"]
    kept, unfit = fitting(wanted, room - _AROUND_ITEMS)
    shown = [item for group in groups[: len(kept)] for item in group]
    shown_worse = sum(item.worse for item in shown)
    split = sum(group[0].worse for group in groups[: len(kept)])
    broken = report.verdict.outcome == "regression"
    parts += _folded(f"{shown_worse:,} of {worse:,} that got worse", kept[:split], opened=broken)
    parts += _folded(
        f"{len(shown) - shown_worse:,} of {len(items) - worse:,} that got better", kept[split:], opened=False
    )
    if left := len(items) - len(shown):
        why = " (cut here to stay below GitHub's limit)" if unfit else ""
        command = f": {code(report.see_all)}" if report.see_all else ""
        parts.append(f"… and {left:,} more{why}{command}")
    return parts


def _folded(summary: str, blocks: Sequence[str], *, opened: bool) -> list[str]:
    if not blocks:
        return []
    start = "<details open>" if opened else "<details>"
    return [f"{start}\n<summary>{summary}</summary>", *blocks, "</details>"]


def _evidence(report: Report, item: ItemEvidence, *, in_full: bool) -> str:
    scores = "; ".join(
        f"{inline(cut(fresh.score, _LONGEST))} {in_words(fresh, report.contracts.get(fresh.score))}"
        for fresh in item.scores
    )
    title = f"{code(item.id)}: {scores}"
    block = _contents(details(report, item.id), ()) if in_full else ""
    return f"{title}\n\n{fenced(block)}" if block else title


def _item(report: Report, item: MovedItem, *, in_full: bool, alike: int) -> str:
    moved = ((cut(score, _LONGEST), cut(text, _LONGEST)) for score, text in changes(report, item))
    changed = "; ".join(f"{inline(score)} {inline(text)}" for score, text in moved)
    others = f" and {alike:,} more alike" if alike else ""
    title = f"{code(item.id)}{others}: {changed}"
    block = _contents(details(report, item.id) if in_full else {}, comments(item))
    return f"{title}\n\n{fenced(block)}" if block else title


def _contents(known: Mapping[str, str], said: Sequence[str]) -> str:
    known = {name: plain(text) for name, text in known.items()}
    if "before" in known:
        room = _LINE_WIDTH * _LINES_A_VALUE // 2
        known["before"], known["after"] = from_first_difference(known["before"], known["after"], room)
    values = [*known.items(), *(("comment", plain(comment)) for comment in said)]
    return "\n".join(line for name, text in values for line in _value(name, text))


def _value(name: str, text: str) -> list[str]:
    """A value under its name, its own line breaks kept, cut to a few lines."""
    lines = [part for line in text.split("\n") for part in wrap(line, _LINE_WIDTH) or [""]]
    shown = lines[:_LINES_A_VALUE]
    if left := len(lines) - len(shown):
        shown.append(f"… {left:,} more line{'s' if left > 1 else ''}")
    return [f"{name:<8}  {line}" if index == 0 else f"{'':<8}  {line}" for index, line in enumerate(shown)]
