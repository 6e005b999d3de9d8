"""The table of the rules in Markdown, with what its signs mean."""

from __future__ import annotations

from scoregate.reports.github_text import code, inline
from scoregate.reports.markdown_text import cut, within
from scoregate.reports.report import Report
from scoregate.reports.rows import MARKS, RuleRow, primary_sentence, rule_rows
from scoregate.reports.shown_rules import ShownRules

_HEADERS = (
    "", "score", "baseline", "candidate", "difference [95 %]", "p (adjusted)",
    "scored", "lost / won", "detectable drop", "outcome",
)  # fmt: skip
_ALIGNMENT = ("---", "---", "--:", "--:", "---", "--:", "--:", "--:", "--:", "---")
_LONGEST_SENTENCE = 250
"""Characters before escaping."""
_LEGEND = "p: one-sided for worse, adjusted for all rules"


def rules_table(report: Report, shown: ShownRules, share: int, *, reference: str = "baseline") -> list[str]:
    """The table as one part of at most `share` characters, then what is to be said of it.

    Rows over its share are counted below it; those that do not hold stay longest.
    """
    rows = rule_rows(report, shown.rules)
    if not rows:
        return []
    lines = [_row(row) for row in rows]
    worst_first = sorted(range(len(rows)), key=lambda index: rows[index].holds)
    kept, left = within([lines[index] for index in worst_first], share)
    headers = (reference if header == "baseline" else header for header in _HEADERS)
    head = [_line(*headers), _line(*_ALIGNMENT)]
    parts = ["\n".join([*head, *(lines[index] for index in sorted(worst_first[: len(kept)]))])]
    if left:
        parts.append(f"… and {left:,} more rules, left out here for length.")
    if shown.summary:
        parts.append(inline(shown.summary))
    return [*parts, _legend(rows, shown)]


def _row(row: RuleRow) -> str:
    mark = code(row.mark) if row.mark.strip() else ""
    plain = row.outcome in ("pass", "no drop proved") or row.outcome.startswith("advisory")
    return _line(
        mark, inline(row.label), row.baseline, row.candidate, row.difference, inline(row.p), row.scored,
        row.moved.replace("/", " / "), row.detectable, row.outcome if plain else f"**{row.outcome}**",
    )  # fmt: skip


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _legend(rows: tuple[RuleRow, ...], shown: ShownRules) -> str:
    used = {row.mark for row in rows}
    marks = ", ".join(f"{code(mark)} {meaning}" for mark, meaning in MARKS.items() if mark in used)
    primary = primary_sentence(shown.rules)
    texts = filter(None, (marks, _LEGEND, inline(cut(primary, _LONGEST_SENTENCE)) if primary else ""))
    return f"<sub>{'; '.join(texts)}</sub>"
