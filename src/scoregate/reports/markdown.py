"""The verdict as Markdown for a job summary or a pull request: an alert, the table, the items folded away.

GitHub cuts or refuses what is longer than 65,536 characters, in the middle of whatever stands there. So every
part has a share of `LIMIT`, the items get what is left, and what was left out is said.
"""

from __future__ import annotations

from collections.abc import Sequence

from scoregate.records import Outcome, RuleResult, Verdict
from scoregate.reports.judge_lines import corrected_lines, judge_usage_lines
from scoregate.reports.markdown_items import evidence_parts, moved_parts
from scoregate.reports.markdown_text import bullets, code, fitting, inline, link
from scoregate.reports.report import UNDELIVERED, Report
from scoregate.reports.rounds_log import effort, round_lines, stopped_early
from scoregate.reports.shown_rules import (
    MARKS,
    POLICY_CHANGES,
    RuleRow,
    ShownRules,
    further_reasons,
    p_sentence,
    primary_sentence,
    rule_rows,
    shown_rules,
    spread_lines,
)
from scoregate.reports.text import cut
from scoregate.wording import count

LIMIT = 65_000
"""Most characters of the whole text."""

_REASON_LENGTH = 1_000
"""Characters of the verdict's reason, counted before escaping (which takes eight for one at worst)."""
_TABLE_SHARE = 12_000
_ANCHOR_SHARE = 4_000
_REASONS_SHARE = 6_000
_LIST_SHARE = 3_000
"""Of each of: rounds, missing items, notes, next steps."""
_ROUND_LENGTH = 400
_LONGEST_LABEL = 300

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
_LONGEST_SENTENCE = 250
"""Characters before escaping."""


def render_markdown(report: Report, *, max_items: int = 20, limit: int = LIMIT) -> str:
    """The report as GitHub Markdown of at most `LIMIT` characters, with up to `max_items` items in full.

    With less room every part gets less. What is never cut, such as the verdict's own sentence, may then need more.
    """
    main, anchor = shown_rules(report.verdict), shown_rules(report.verdict, "anchor")
    part = limit / LIMIT
    tables = _rules_table(report, main, _TABLE_SHARE * part) + _anchor(report, anchor, _ANCHOR_SHARE * part)
    reasons = _reasons(report, (*main.rules, *anchor.rules), _REASONS_SHARE * part)
    share = _LIST_SHARE * part
    spreads = [
        inline(line) for line in (*spread_lines(report), *corrected_lines(report), *judge_usage_lines(report))
    ]
    head = [_alert(report), *_policy_changes(report.verdict, share), _sides(report.verdict)]
    before = [*head, *tables, *spreads, *reasons, *_rounds(report, share)]
    after = [*_missing(report, share), *_notes(report, share), *_next_steps(report, share), _footer(report)]
    room = limit - sum(len(part) + 2 for part in (*before, *after))
    evidence, in_full = evidence_parts(report, room // 2)
    room -= sum(len(part) + 2 for part in evidence)
    items = moved_parts(report, max_items, room, shown_above=in_full)
    return "\n\n".join(part for part in (*before, *evidence, *items, *after) if part) + "\n"


def _alert(report: Report) -> str:
    verdict = report.verdict
    word = verdict.outcome.upper() + (" (PARTIAL RUN)" if verdict.partial else "")
    lines = [
        f"> [!{'CAUTION' if report.undelivered_code else _ALERTS[verdict.outcome]}]",
        f"> **{word}**: {inline(cut(verdict.reason, _REASON_LENGTH))}",
    ]
    if report.undelivered_code:
        lines += [">", f"> **Exit code {report.undelivered_code}**: {inline(UNDELIVERED)}."]
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


def _policy_changes(verdict: Verdict, share: float) -> list[str]:
    lines = bullets((inline(cut(line, _REASON_LENGTH)) for line in verdict.policy_changes), share)
    return [f"#### {POLICY_CHANGES}", *lines] if lines else []


def _named(role: str, name: str | None) -> str:
    return f"{role} {code(name)}" if name else role


def _anchor(report: Report, shown: ShownRules, share: float) -> list[str]:
    table = _rules_table(report, shown, share, reference="anchor")
    named = f" {code(report.anchor)}" if report.anchor else ""
    return [f"#### Against the anchor{named}", *table] if table else []


def _rules_table(
    report: Report, shown: ShownRules, share: float, *, reference: str = "baseline"
) -> list[str]:
    """The table as one part of at most `share` characters, then what is to be said of it.

    Rows over its share are counted below it; those that do not hold stay longest.
    """
    rows = rule_rows(report, shown.rules)
    if not rows:
        return []
    lines = [_row(row) for row in rows]
    worst_first = sorted(range(len(rows)), key=lambda index: rows[index].holds)
    kept, left = fitting([lines[index] for index in worst_first], share)
    headers = (reference if header == "baseline" else header for header in _HEADERS)
    head = [_line(*headers), _line(*_ALIGNMENT)]
    parts = ["\n".join([*head, *(lines[index] for index in sorted(worst_first[: len(kept)]))])]
    if left:
        parts.append(f"… and {left:,} more rules, left out here for length.")
    if shown.summary:
        parts.append(inline(shown.summary))
    return [*parts, _legend(rows, shown)]


def _row(row: RuleRow) -> str:
    mark, label = code(row.mark) if row.mark.strip() else "", inline(cut(row.label, _LONGEST_LABEL))
    plain = row.outcome in ("pass", "no drop proved") or row.outcome.startswith("advisory")
    return _line(
        mark, label, row.baseline, row.candidate, row.difference, inline(row.p), row.scored,
        row.moved.replace("/", " / "), row.detectable, row.outcome if plain else f"**{row.outcome}**",
    )  # fmt: skip


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _legend(rows: tuple[RuleRow, ...], shown: ShownRules) -> str:
    used = {row.mark for row in rows}
    marks = ", ".join(f"{code(mark)} {meaning}" for mark, meaning in MARKS.items() if mark in used)
    primary = primary_sentence(shown.rules)
    texts = filter(
        None, (marks, p_sentence(shown), inline(cut(primary, _LONGEST_SENTENCE)) if primary else "")
    )
    return f"<sub>{'; '.join(texts)}</sub>"


def _reasons(report: Report, shown: Sequence[RuleResult], share: float) -> list[str]:
    reasons = further_reasons(report.verdict, shown)
    short = ((cut(label, _LONGEST_LABEL), cut(reason, _REASON_LENGTH)) for label, reason in reasons)
    return bullets((f"**{inline(label)}**: {inline(reason)}" for label, reason in short), share)


def _rounds(report: Report, share: float) -> list[str]:
    """What was run, as a log."""
    if not report.verdict.rounds:
        return []
    entries = round_lines(report.verdict)
    lines = [f"**{e.name}** {e.ran}: {inline(cut(e.showed, _ROUND_LENGTH))}" for e in entries]
    closing = " ".join(filter(None, (f"{effort(report.verdict)}.", stopped_early(report))))
    return ["#### Rounds, both versions side by side", *bullets(lines, share), closing]


def _missing(report: Report, share: float) -> list[str]:
    missing = report.verdict.missing_items
    if not missing:
        return []
    kept, left = fitting([code(item) for item in missing[:50]], share)
    left += max(0, len(missing) - 50)
    more = f" … and {left:,} more" if left else ""
    return [f"**Missing or failed in {count(len(missing), 'item')}**: {', '.join(kept)}{more}"]


def _notes(report: Report, share: float) -> list[str]:
    return bullets((inline(cut(note, _REASON_LENGTH)) for note in report.verdict.notes), share)


def _next_steps(report: Report, share: float) -> list[str]:
    links = [link(cut(label, _LONGEST_LABEL), url) for label, url in report.links.items()]
    return bullets([*links, *map(code, report.hints)], share)


def _footer(report: Report) -> str:
    verdict = report.verdict
    runs = [
        f"{role} run {code(run)}"
        for role, run in (("baseline", verdict.baseline_run), ("candidate", verdict.candidate_run))
        if run
    ]
    exit_code = report.undelivered_code or verdict.exit_code
    facts = [*runs, f"alpha {verdict.alpha:g}", f"seed {verdict.seed}", f"exit code {exit_code}"]
    return f"<sub>{', '.join(facts)}</sub>"
