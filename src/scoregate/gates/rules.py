"""One rule: what the findings on its score come to, in an outcome and a sentence.

A rule is broken when a drop is proved, when a floor is, or when a critical item fails; it holds when a drop of the
margin or more is ruled out and every floor stands; else the data could not settle it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from scoregate.gate_file import ANY_DROP, BEYOND_MARGIN, Gate
from scoregate.gates.coding import nothing_moved
from scoregate.gates.evidence import Evidence
from scoregate.gates.family import TestedHypothesis
from scoregate.gates.findings import (
    Finding,
    critical_items,
    floors,
    no_drop,
    proved_drop,
    suspected_drop,
    too_few,
    visible_drop,
)
from scoregate.gates.levels import RuleLevels
from scoregate.gates.sentences import named_ids
from scoregate.records import Outcome, Role, RuleResult
from scoregate.wording import count

if TYPE_CHECKING:
    from scoregate.gates.intersection import Own

_WORST_FIRST: tuple[Outcome, ...] = ("regression", "invalid", "inconclusive", "pass")
_TINY = 1e-12
"""Differences below this are rounding."""


def worst(outcomes: list[Outcome]) -> Outcome:
    """The outcome that decides: a proved regression first, then what cannot be trusted, then the unsettled."""
    return min(outcomes, key=_WORST_FIRST.index, default="pass")


_NOT_PROVED = "no drop is proved"


def decide_rule(
    evidence: Evidence,
    tested: TestedHypothesis,
    ids: tuple[str, ...],
    level: RuleLevels,
    role: Role = "gate",
    own: Own | None = None,
) -> RuleResult:
    """Decide one rule. `ids` are the items by position, to name those that break it.

    `own`: the candidate on all of its items, where not all of them are compared; floors are of all.
    """
    findings = [
        *proved_drop(evidence, tested, level),
        *suspected_drop(evidence, tested, level),
        *(critical_items(evidence, ids, own.undecidable if own else ()) if level.critical else ()),
        *floors(own.evidence if own else evidence, level),
        *_no_loss(evidence, tested, level, ids),
    ]
    if role == "secondary":
        findings = [finding for finding in findings if finding[0] == "regression"]
    outcome = worst([finding[0] for finding in findings])
    reason = "; ".join(text for result, text in findings if result == outcome)
    return rule_result(evidence, tested, outcome, reason or _NOT_PROVED, level, role=role)


def _no_loss(
    evidence: Evidence, tested: TestedHypothesis, level: RuleLevels, ids: tuple[str, ...]
) -> list[Finding]:
    """Whether the rule holds as far as its comparison with the baseline goes. `ids` are the items by position."""
    if not evidence.rule.no_item_may_flip or evidence.estimate is None or evidence.worst_case is None:
        return no_drop(evidence, tested, level)
    items = count(int(evidence.coded.counted.sum()), "item")
    if not evidence.not_kept:
        how = "every one as before" if nothing_moved(evidence.pair) else "none worse than before"
        return [("pass", f"no item flipped: {items}, {how}")]
    # Several trials of an item differ by chance alone; among enough items that is told from a loss.
    settled = [] if too_few(evidence, tested, level) else no_drop(evidence, tested, level)
    if settled and settled[0][0] == "pass":
        return settled
    named = [ids[position] for position in evidence.not_kept if position < len(ids)]
    of_these = named_ids(named, len(evidence.not_kept))
    lost = count(len(evidence.not_kept), "item that is", "items that are")
    return [("inconclusive", f"{lost} not shown to be as good as before: {of_these}")]


def decide_slice(
    evidence: Evidence, label: str, tested: TestedHypothesis, level: RuleLevels, role: Role = "gate"
) -> RuleResult:
    """A slice is too small to pass anything, so it can only break its rule. `evidence` is that of the slice."""
    findings = proved_drop(evidence, tested, level)
    outcome: Outcome = "regression" if findings else "pass"
    reason = findings[0][1] if findings else _NOT_PROVED
    return rule_result(evidence, tested, outcome, reason, level, part=label, role=role)


def rule_result(
    evidence: Evidence,
    tested: TestedHypothesis,
    outcome: Outcome,
    reason: str,
    level: RuleLevels,
    *,
    part: str | None = None,
    role: Role = "gate",
) -> RuleResult:
    """The numbers of a rule, in the score's unit, beside its outcome; `part` names the slice that they are of.

    Values, difference and interval are of the same `n_items` items; p-values and the detectable drop are of the test.
    """
    pair, coded, shown = evidence.pair, evidence.coded, evidence.shown
    low = high = difference = None
    if shown.estimate is not None:
        difference = shown.to_unit(shown.estimate.value)
        low, high = shown.confidence_interval()
    value = shown.now
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        low = high = None
    if shown.open_ended_gaps:
        # Any number in their place would be a guess, and might flatter the candidate.
        value = difference = low = high = None
    moved = coded.differences
    missing = pair.candidate.missing
    missing_now = int(missing.sum())
    return RuleResult(
        score=evidence.name,
        slice=part,
        outcome=outcome,
        reason=reason,
        direction="higher" if pair.sign > 0 else "lower",
        baseline_value=shown.before,
        candidate_value=value,
        difference=difference,
        ci_low=low,
        ci_high=high,
        p_value=tested.p_value,
        adjusted_p_value=tested.adjusted_p_value,
        n_items=int(shown.coded.counted.sum()),
        n_clusters=shown.clusters,
        n_scored=missing.size - missing_now,
        n_expected=missing.size,
        missing=missing_now,
        baseline_missing=int(pair.baseline.missing.sum()),
        minimum_detectable_drop=visible_drop(evidence, tested, level),
        lost=int((moved < -_TINY).sum()),
        won=int((moved > _TINY).sum()),
        not_applicable=int(pair.candidate.not_applicable.sum()),
        statistic=str(evidence.reducer) if evidence.reducer else evidence.rule.statistic,
        margin=_margin_told(evidence),
        fails_on=ANY_DROP if evidence.beyond_margin is None else BEYOND_MARGIN,
        role=role,
    )


def _margin_told(evidence: Evidence) -> float | None:
    """The margin in the unit of the difference; 0 where no item may be lost, None where there is none."""
    if evidence.rule.no_item_may_flip:
        return 0.0
    if not evidence.margin or not math.isfinite(evidence.margin):
        return None
    return abs(evidence.to_unit(-evidence.margin))


def roles(gate: Gate) -> dict[str, Role]:
    """What each rule decides. Scores that are not primary gate regressions only, where others are."""
    primary = any(rule.primary for rule in gate.rules.values())
    return {
        name: "advisory"
        if rule.advisory
        else ("primary" if rule.primary else "secondary")
        if primary
        else "gate"
        for name, rule in gate.rules.items()
    }
