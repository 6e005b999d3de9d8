"""The items that moved: every item once, with all its scores that moved, and what went in and came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scoregate.catalog import Contract
from scoregate.records import JSON, Flip
from scoregate.reports.excerpt import as_text
from scoregate.reports.fresh_trials import in_short
from scoregate.reports.report import Report
from scoregate.reports.rounding import decimals_for, number
from scoregate.reports.shown_rules import broken_scores

NO_OUTPUT = "(no output)"
SAME_OUTPUT = "(the same)"


@dataclass(frozen=True, slots=True)
class MovedItem:
    """One item with its flips, worst first."""

    id: str
    flips: tuple[Flip, ...]
    evidence: bool
    """It got worse on a score whose rule is broken."""

    @property
    def worse(self) -> bool:
        return any(flip.worse for flip in self.flips)


def moved_items(report: Report) -> tuple[MovedItem, ...]:
    """Items that moved: those that break a rule first (critical ones before all), then the worse, then the better.

    What was not worse in fresh trials is no evidence, and stands behind what is.
    """
    broken = broken_scores(report.verdict)
    cleared = {(fresh.item, fresh.score) for fresh in report.verdict.confirmed if not fresh.worse}

    def evidence(flip: Flip) -> bool:
        return flip.worse and flip.score in broken and (flip.item, flip.score) not in cleared

    def place(flip: Flip) -> tuple[bool, bool, bool]:
        return not flip.worse, not flip.critical, not evidence(flip)

    by_item: dict[str, list[Flip]] = {}
    for flip in sorted(report.verdict.flips, key=place):
        by_item.setdefault(flip.item, []).append(flip)
    return tuple(MovedItem(item, tuple(flips), any(map(evidence, flips))) for item, flips in by_item.items())


def change(flip: Flip, contract: Contract | None) -> str:
    """A flip's values, such as `true → false`, `pass → fail`, `0.91 → 0.4` or `1 → missing`."""
    boolean = contract is not None and contract.type == "boolean"
    before, after = (_value(value, boolean) for value in (flip.baseline_value, flip.candidate_value))
    return f"{before} → {after}" + (", critical" if flip.critical else "")


def changes(report: Report, moved: MovedItem) -> tuple[tuple[str, str], ...]:
    """Score and change of each of the item's flips, with its fresh trials where it was run again."""
    contracts = report.contracts
    fresh = {
        f.score: in_short(f, contracts.get(f.score)) for f in report.verdict.confirmed if f.item == moved.id
    }
    return tuple(
        (
            flip.score,
            change(flip, contracts.get(flip.score))
            + (f" (fresh {fresh[flip.score]})" if flip.score in fresh else ""),
        )
        for flip in moved.flips
    )


def details(report: Report, item: str) -> dict[str, str]:
    """What is known of the item, as text of any length: input, expected, before, after. Unknown ones are absent."""
    known: dict[str, str] = {}
    if item in report.items:
        known["input"] = as_text(report.items[item].input)
        if report.items[item].expected_output is not None:
            known["expected"] = as_text(report.items[item].expected_output)
    if item in report.baseline_outputs or item in report.candidate_outputs:
        known["before"] = _output(report.baseline_outputs, item)
        known["after"] = _output(report.candidate_outputs, item)
        if known["before"] == known["after"]:
            known["after"] = SAME_OUTPUT
    return known


def comments(moved: MovedItem) -> tuple[str, ...]:
    """What the candidate's scorers said of the item, each once; with the score's name if several moved."""
    several = len(moved.flips) > 1
    said = (
        f"{flip.score}: {flip.comment}" if several else flip.comment for flip in moved.flips if flip.comment
    )
    return tuple(dict.fromkeys(said))


def _output(outputs: Mapping[str, JSON], item: str) -> str:
    return as_text(outputs[item]) if item in outputs else NO_OUTPUT


def _value(value: float | str | None, boolean: bool) -> str:
    if value is None:
        return "missing"
    if isinstance(value, str):
        return value
    if boolean and value in (0, 1):
        return "true" if value else "false"
    text = number(value, decimals_for(None, value))
    return text.rstrip("0").rstrip(".") if "." in text else text
