"""What is said beside the lines of the gate: an error where a rule broke, a warning where it is not settled, a notice
where something got better. The runner shows ten of a kind of each step, so those that matter most come first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from scoregate.github.section import WithoutVerdict, gate_name
from scoregate.github.workflow_commands import LEVELS, Level, command
from scoregate.records import RuleResult
from scoregate.reports import Report
from scoregate.reports.report import UNDELIVERED
from scoregate.reports.shown_rules import POLICY_CHANGES, is_broken, mark_of, rule_name, rule_rows
from scoregate.reports.text import cut

MOST_OF_A_KIND = 10
_LONGEST_TITLE = 200
_LONGEST_MESSAGE = 2_000


@dataclass(frozen=True, slots=True)
class Annotation:
    """Title and message are anybody's words: whoever writes them somewhere escapes them."""

    level: Level
    title: str
    message: str
    file: str | None
    """From the top of the repository."""
    line: int | None

    def as_command(self) -> str:
        return command(self.level, self.message, {"title": self.title, "file": self.file, "line": self.line})


def annotations_of(reports: Iterable[Report], without: Iterable[WithoutVerdict] = ()) -> list[Annotation]:
    """All of them, of each kind what matters most first: what breaks the build, the whole before its slices, the
    larger difference before the smaller."""
    found = [(weight, one) for report in reports for weight, one in _of(report)]
    found += [
        (_FIRST, _annotation("error", f"scoregate: {one.gate}: {one.word}", one.why, one.gate, None))
        for one in without
        if one.word != "left out"
    ]
    ordered = sorted(found, key=lambda pair: (LEVELS.index(pair[1].level), pair[0]))
    return [one for _, one in ordered]


def split(found: Sequence[Annotation]) -> tuple[list[Annotation], list[Annotation]]:
    """Those that a step can show, and the others."""
    shown = [one for level in LEVELS for one in [a for a in found if a.level == level][:MOST_OF_A_KIND]]
    return shown, [one for one in found if one not in shown]


_Weight = tuple[bool, bool, float, str]
"""Smaller comes first."""
_FIRST: _Weight = (False, False, -math.inf, "")


def _of(report: Report) -> Iterator[tuple[_Weight, Annotation]]:
    verdict, place = report.verdict, report.provenance.gate if report.provenance else None
    file, lines = (place.path, place.lines) if place else (None, {})
    rows = rule_rows(report, verdict.rules)
    told = False
    if verdict.policy_changes:
        title = f"{verdict.gate or gate_name(report)}: {POLICY_CHANGES}"
        moved = "; ".join(verdict.policy_changes)
        yield _FIRST, _annotation("warning", title, moved, file, 1 if file else None)
    for rule, row in zip(verdict.rules, rows, strict=True):
        level = _level(rule)
        if level is None:
            continue
        told = told or rule.outcome == verdict.outcome
        figures = f"{row.baseline} → {row.candidate}, {row.difference}, scored {row.scored}"
        weight = (rule.outcome != verdict.outcome, rule.slice is not None, _smallness(rule), rule_name(rule))
        title = (
            f"{verdict.gate or 'gate'}: {rule_name(rule)}: {'better' if level == 'notice' else rule.outcome}"
        )
        yield weight, _annotation(level, title, f"{figures}: {rule.reason}", file, lines.get(rule.score))
    if report.undelivered_code:
        title = f"{verdict.gate or gate_name(report)}: error"
        yield _FIRST, _annotation("error", title, UNDELIVERED, file, 1 if file else None)
    if verdict.outcome != "pass" and not told:
        # What breaks the build without being the outcome of any rule: too many missing items, a partial run.
        level = "warning" if verdict.outcome == "inconclusive" else "error"
        title = f"{verdict.gate or gate_name(report)}: {verdict.outcome}"
        yield _FIRST, _annotation(level, title, verdict.reason, file, 1 if file else None)


def _annotation(level: Level, title: str, message: str, file: str | None, line: int | None) -> Annotation:
    return Annotation(level, cut(title, _LONGEST_TITLE), cut(message, _LONGEST_MESSAGE), file, line)


def _level(rule: RuleResult) -> Level | None:
    if is_broken(rule) or (rule.outcome == "invalid" and rule.role != "advisory"):
        return "error"
    if rule.outcome == "inconclusive" and rule.role != "advisory":
        return "warning"
    return "notice" if mark_of(rule) == "+" else None


def _smallness(rule: RuleResult) -> float:
    return -abs(rule.difference or 0.0)
