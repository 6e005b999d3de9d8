"""The verdict as Markdown for a job summary or a pull request: an alert, the table, the items folded away.

GitHub cuts or refuses what is longer than 65,536 characters, in the middle of whatever stands there. So every
part has a share of `LIMIT`, the items get what is left, and what was left out is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scoregate.records import Outcome, Verdict
from scoregate.reports.display_width import wrap
from scoregate.reports.excerpt import from_first_difference, items_text, plain
from scoregate.reports.github_text import code, fenced, inline, link
from scoregate.reports.moved_items import MovedItem, change, comments, details, moved_items
from scoregate.reports.report import Report
from scoregate.reports.rows import MARKS, further_reasons, rule_rows

LIMIT = 65_000
"""Most characters of the whole text."""

_REASON_LENGTH = 1_000
"""Characters of the verdict's reason, counted before escaping (which takes eight for one at worst)."""
_TABLE_SHARE = 15_000
_REASONS_SHARE = 6_000
_LIST_SHARE = 3_000
"""Of each of: missing items, notes, next steps."""

_ALERTS: dict[Outcome, str] = {
    "pass": "TIP",
    "regression": "CAUTION",
    "inconclusive": "WARNING",
    "invalid": "WARNING",
}
_HEADERS = (
    "", "score", "baseline", "candidate", "difference [95 %]", "p (adjusted)",
    "scored", "lost / won", "detectable drop", "outcome",
)  # fmt: skip
_ALIGNMENT = ("---", "---", "--:", "--:", "---", "--:", "--:", "--:", "--:", "---")
_AROUND_ITEMS = 2_500
"""Kept free for the headings around the items and the line that says how many are left out."""
_LINE_WIDTH = 100
_LINES_A_VALUE = 8


def render_markdown(report: Report, *, max_items: int = 20) -> str:
    """The report as GitHub Markdown of at most `LIMIT` characters, with up to `max_items` items in full."""
    before = [_alert(report), _sides(report.verdict), *_table(report), *_reasons(report)]
    after = [*_missing(report), *_notes(report), *_next_steps(report), _footer(report.verdict)]
    used = sum(len(part) + 2 for part in (*before, *after))
    items = _moved(report, max_items, LIMIT - used)
    return "\n\n".join(part for part in (*before, *items, *after) if part) + "\n"


def _alert(report: Report) -> str:
    verdict = report.verdict
    word = verdict.outcome.upper() + (" (PARTIAL RUN)" if verdict.partial else "")
    lines = [
        f"> [!{_ALERTS[verdict.outcome]}]",
        f"> **{word}**: {inline(_cut(verdict.reason, _REASON_LENGTH))}",
    ]
    if verdict.partial:
        lines += [
            ">",
            "> **Only a selection of the dataset was run**, so this is no pass and cannot become a baseline.",
        ]
    return "\n".join(lines)


def _sides(verdict: Verdict) -> str:
    parts = [_named("candidate", verdict.candidate)]
    if verdict.baseline_candidate or verdict.baseline_run:
        parts[0] += f" against {_named('baseline', verdict.baseline_candidate)}"
    parts += [
        _named(name, value) for name, value in (("dataset", verdict.dataset), ("gate", verdict.gate)) if value
    ]
    text = ", ".join(parts)
    return text[0].upper() + text[1:]


def _named(role: str, name: str | None) -> str:
    return f"{role} {code(name)}" if name else role


def _table(report: Report) -> list[str]:
    """The table as one part; rows over its share are counted below it, those that do not pass stay longest."""
    rows = rule_rows(report)
    if not rows:
        return []
    lines = [
        _table_line(
            code(row.mark) if row.mark.strip() else "", inline(row.label), row.baseline, row.candidate,
            row.difference, inline(row.p), row.scored, row.moved.replace("/", " / "), row.detectable,
            row.outcome if row.outcome == "pass" else f"**{row.outcome}**",
        )
        for row in rows
    ]  # fmt: skip
    worst_first = sorted(range(len(rows)), key=lambda index: rows[index].outcome == "pass")
    kept, left = _within([lines[index] for index in worst_first], _TABLE_SHARE)
    shown = sorted(worst_first[: len(kept)])
    head = [_table_line(*_HEADERS), _table_line(*_ALIGNMENT)]
    parts = ["\n".join([*head, *(lines[index] for index in shown)])]
    if left:
        parts.append(f"… and {left:,} more rules, left out here for length.")
    used = {row.mark for row in rows}
    legend = ", ".join(f"{code(mark)} {meaning}" for mark, meaning in MARKS.items() if mark in used)
    return [*parts, f"<sub>{legend}</sub>"] if legend else parts


def _table_line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _reasons(report: Report) -> list[str]:
    reasons = further_reasons(report.verdict)
    return _bullets((f"**{inline(label)}**: {inline(reason)}" for label, reason in reasons), _REASONS_SHARE)


def _moved(report: Report, max_items: int, room: int) -> list[str]:
    """The items that got worse, then the better ones, each group folded; as many as fit into `room` characters."""
    items = moved_items(report)
    if not items:
        return []
    worse = sum(item.worse for item in items)
    wanted = [_item(report, item) for item in items[: max(max_items, 0)]]
    parts = [f"#### Items that moved: {worse:,} worse, {len(items) - worse:,} better"]
    kept, cut = _within(wanted, room - _AROUND_ITEMS)
    split = min(worse, len(kept))
    broken = report.verdict.outcome == "regression"
    parts += _folded(f"{split:,} of {worse:,} that got worse", kept[:split], opened=broken)
    parts += _folded(
        f"{len(kept) - split:,} of {len(items) - worse:,} that got better", kept[split:], opened=False
    )
    if left := len(items) - len(kept):
        why = " (cut here to stay below GitHub's limit)" if cut else ""
        command = f": {code(report.see_all)}" if report.see_all else ""
        parts.append(f"… and {left:,} more{why}{command}")
    return parts


def _folded(summary: str, blocks: Sequence[str], *, opened: bool) -> list[str]:
    if not blocks:
        return []
    start = "<details open>" if opened else "<details>"
    return [f"{start}\n<summary>{summary}</summary>", *blocks, "</details>"]


def _item(report: Report, item: MovedItem) -> str:
    changes = "; ".join(
        f"{inline(flip.score)} {inline(change(flip, report.contracts.get(flip.score)))}"
        for flip in item.flips
    )
    known = {name: plain(text) for name, text in details(report, item.id).items()}
    if "before" in known:
        room = _LINE_WIDTH * _LINES_A_VALUE // 2
        known["before"], known["after"] = from_first_difference(known["before"], known["after"], room)
    values = [*known.items(), *(("comment", plain(comment)) for comment in comments(item))]
    block = "\n".join(line for name, text in values for line in _value(name, text))
    title = f"{code(item.id)}: {changes}"
    return f"{title}\n\n{fenced(block)}" if block else title


def _value(name: str, text: str) -> list[str]:
    """A value under its name, its own line breaks kept, cut to a few lines."""
    lines = [part for line in text.split("\n") for part in wrap(line, _LINE_WIDTH) or [""]]
    shown = lines[:_LINES_A_VALUE]
    if left := len(lines) - len(shown):
        shown.append(f"… {left:,} more line{'s' if left > 1 else ''}")
    return [f"{name:<8}  {line}" if index == 0 else f"{'':<8}  {line}" for index, line in enumerate(shown)]


def _missing(report: Report) -> list[str]:
    missing = report.verdict.missing_items
    if not missing:
        return []
    kept, left = _within([code(item) for item in missing[:50]], _LIST_SHARE)
    left += max(0, len(missing) - 50)
    more = f" … and {left:,} more" if left else ""
    return [f"**Missing or failed in {items_text(len(missing))}**: {', '.join(kept)}{more}"]


def _notes(report: Report) -> list[str]:
    return _bullets(map(inline, report.verdict.notes), _LIST_SHARE)


def _next_steps(report: Report) -> list[str]:
    links = [link(label, url) for label, url in report.links.items()]
    return _bullets([*links, *map(code, report.hints)], _LIST_SHARE)


def _footer(verdict: Verdict) -> str:
    runs = [
        f"{role} run {code(run)}"
        for role, run in (("baseline", verdict.baseline_run), ("candidate", verdict.candidate_run))
        if run
    ]
    facts = [*runs, f"alpha {verdict.alpha:g}", f"seed {verdict.seed}", f"exit code {verdict.exit_code}"]
    return f"<sub>{', '.join(facts)}</sub>"


def _bullets(texts: Iterable[str], share: int) -> list[str]:
    kept, left = _within([f"- {text}" for text in texts], share)
    if left:
        kept.append(f"- … and {left:,} more, left out here for length")
    return ["\n".join(kept)] if kept else []


def _within(blocks: Sequence[str], share: int) -> tuple[list[str], int]:
    """The first blocks that fit into `share` characters, and how many do not."""
    used = 0
    for index, block in enumerate(blocks):
        used += len(block) + 2
        if used > share:
            return list(blocks[:index]), len(blocks) - index
    return list(blocks), 0


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
