"""The verdict on a terminal, read in ten seconds: one word, why, a line a rule, then the items that moved.

No line is wider than the terminal, except commands and links, which stay whole so that they can be copied.
"""

from __future__ import annotations

from collections.abc import Sequence

from scoregate.records import RuleResult
from scoregate.reports.corrected_lines import corrected_lines
from scoregate.reports.display_width import wrap
from scoregate.reports.excerpt import one_line
from scoregate.reports.report import Report
from scoregate.reports.rounds_log import effort, round_lines, stopped_early
from scoregate.reports.rows import further_reasons
from scoregate.reports.shown_rules import ShownRules, shown_rules
from scoregate.reports.spread_lines import spread_lines
from scoregate.reports.terminal_items import evidence_lines, moved_lines
from scoregate.reports.terminal_table import rules_table
from scoregate.reports.terminal_text import Paint, hanging, paragraphs
from scoregate.wording import count

_NARROWEST = 40
_MISSING_SHOWN = 10
_OUTCOME_COLOURS = {"pass": "green", "regression": "red", "inconclusive": "yellow", "invalid": "magenta"}


def render_terminal(report: Report, *, width: int, colour: bool, max_items: int = 10) -> str:
    """The report as text for a terminal of `width` columns, with ANSI colours only if `colour`."""
    width = max(width, _NARROWEST)
    paint = Paint(on=colour)
    main, anchor = shown_rules(report.verdict), shown_rules(report.verdict, "anchor")
    explained: set[str] = set()
    parts = (
        _head(report, width, paint),
        rules_table(report, main, width, paint, explained=explained),
        _anchor(report, anchor, width, paint, explained),
        paragraphs(spread_lines(report), width, first=""),
        paragraphs(corrected_lines(report), width, first=""),
        _reasons(report, (*main.rules, *anchor.rules), width),
        _rounds(report, width),
        evidence_lines(report, width, paint),
        moved_lines(report, width, paint, max_items),
        _missing(report, width),
        paragraphs(report.verdict.notes, width, first="note: "),
        _next_steps(report),
        _foot(report, width),
    )
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _head(report: Report, width: int, paint: Paint) -> list[str]:
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


def _anchor(report: Report, shown: ShownRules, width: int, paint: Paint, explained: set[str]) -> list[str]:
    table = rules_table(report, shown, width, paint, explained=explained, reference="anchor")
    named = f" {report.anchor}" if report.anchor else ""
    return [*hanging(f"Against the anchor{named}:", width, first=""), *table] if table else []


def _reasons(report: Report, shown: Sequence[RuleResult], width: int) -> list[str]:
    sentences = [f"{label}: {reason}" for label, reason in further_reasons(report.verdict, shown)]
    return paragraphs(sentences, width, first="- ")


def _rounds(report: Report, width: int) -> list[str]:
    """What was run, as a log."""
    entries = round_lines(report.verdict)
    if not entries:
        return []
    ran = max(len(entry.ran) for entry in entries)
    lines = ["Rounds, both versions side by side:"]
    for entry in entries:
        first = f"{entry.name}  {entry.ran:>{ran}}  "
        lines += hanging(
            entry.showed, width, first=first, indent=len(first) if len(first) < width // 2 else 4
        )
    closing = (effort(report.verdict), stopped_early(report))
    return lines + paragraphs(filter(None, closing), width, first="")


def _missing(report: Report, width: int) -> list[str]:
    missing = report.verdict.missing_items
    if not missing:
        return []
    ids = ", ".join(one_line(item) for item in missing[:_MISSING_SHOWN])
    left = len(missing) - _MISSING_SHOWN
    more = f" … and {left:,} more" if left > 0 else ""
    return hanging(
        f"Missing or failed in {count(len(missing), 'item')}: {ids}{more}",
        width,
        first="! ",
    )


def _next_steps(report: Report) -> list[str]:
    links = [f"{one_line(name)}: {one_line(url)}" for name, url in report.links.items()]
    return [f"→ {line}" for line in (*links, *map(one_line, report.hints))]


def _foot(report: Report, width: int) -> list[str]:
    verdict = report.verdict
    warns = verdict.outcome == "inconclusive" and verdict.exit_code == 0
    why = ' (on_inconclusive = "warn")' if warns else ""
    code = f"exit code {verdict.exit_code}{why}, " if report.decides else ""
    return wrap(f"{code}alpha {verdict.alpha:g}, seed {verdict.seed}", width)
