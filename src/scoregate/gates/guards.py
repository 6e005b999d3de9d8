"""What guards the scores: that they are there, that they apply, that calls end in time.

A candidate that loses its failing items looks better on what is left; so does one whose score no longer applies where
it failed, and one whose slow calls end at the time limit. Each of these is a score of its own here, which every gate
has: who loses more than before breaks a rule that no gate has to write down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scoregate.catalog import LATENCY, SCORED, Contract
from scoregate.gate_file import Rule
from scoregate.gates.evidence import Evidence
from scoregate.gates.family import TestedHypothesis
from scoregate.gates.levels import RuleLevels
from scoregate.gates.measuring import gather
from scoregate.gates.pairing import ArmCells, PairedScore, Universe
from scoregate.gates.rules import decide_rule, rule_result
from scoregate.gates.sentences import amount_text, named_ids, p_text
from scoregate.gates.table import RunTable
from scoregate.records import Outcome, RuleResult
from scoregate.wording import count

APPLICABLE = " (applicable)"
"""Marks the rule in a report: `policy_compliance (applicable)`."""
_NEWLY_FAILING = " (newly failing)"
IN_TIME = f"{LATENCY} (in time)"
"""Of the rule in a report."""


def completeness(
    measured: Sequence[Evidence], rule: Rule, everything: Universe, level: RuleLevels
) -> Evidence:
    """Whether every gated cell holds a valid value, as a score of its own."""

    def arm(missing: list[NDArray[np.bool_]]) -> ArmCells:
        present = ~np.logical_or.reduce(missing)
        return ArmCells(present.astype(float), np.zeros_like(present))

    arms = (
        arm([e.pair.baseline.missing for e in measured]),
        arm([e.pair.candidate.missing for e in measured]),
    )
    pair = PairedScore(SCORED, "rate", 1.0, 0.0, 1.0, *arms)
    contract = Contract(name=SCORED, type="boolean")
    return gather(SCORED, pair, contract, rule, everything, alpha=level.alpha, level=level.bound)


def missing_ids(complete: Evidence, everything: Universe) -> tuple[str, ...]:
    """Ids of the items of which the candidate lacks a gated cell."""
    return tuple(i for i, gone in zip(everything.ids, _absent(complete), strict=False) if gone)


def decide_scored(
    complete: Evidence,
    tested: TestedHypothesis,
    everything: Universe,
    level: RuleLevels,
    *,
    has_rule: bool,
    own: Evidence | None = None,
) -> list[RuleResult]:
    """Gates regressions only, unless the gate has a rule for it. Says nothing where nothing is missing.

    `own`: the same of all the candidate's items, where not all of them are compared; what is missing counts there.
    """
    all_cells = (own or complete).pair.candidate.values
    lost = int((all_cells == 0).sum())
    lost_before = int((complete.pair.baseline.values == 0).sum())
    if has_rule:
        from scoregate.gates.intersection import Own

        result = decide_rule(
            complete, tested, everything.ids, level, own=Own(own) if own is not None else None
        )
    elif not lost and not lost_before:
        return []
    else:
        outcome: Outcome = "pass"
        what = count(lost or lost_before, "item × trial", "items × trials")
        reason = (
            f"{what} of the {'candidate' if lost else 'baseline'} without a valid score, counted as failed"
        )
        if tested.adjusted_p_value <= level.alpha:
            outcome = "regression"
            total = int(_absent(complete).sum())
            reason = (
                f"{count(total, 'item')} of {len(everything):,} without a valid score in the candidate "
                f"({p_text(tested.adjusted_p_value)}): {named_ids(missing_ids(complete, everything), total)}"
            )
        elif tested.p_value <= level.suspicion:
            outcome = "inconclusive"
            reason += f"; more than before, and hardly by chance ({p_text(tested.p_value)})"
        result = rule_result(complete, tested, outcome, reason, level)
    # `scored` itself always has a value; what it reports as missing is where that value is "no".
    expected = all_cells.size
    return [
        replace(
            result, n_expected=expected, n_scored=expected - lost, missing=lost, baseline_missing=lost_before
        )
    ]


def _absent(complete: Evidence) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = (complete.pair.candidate.values == 0).any(axis=1)
    return result


def applicability(measured: Sequence[Evidence], everything: Universe, level: RuleLevels) -> list[Evidence]:
    """For each score of which any cell does not apply: whether it applies, as a score of its own.

    A missing cell counts as applying: `scored` sees to those.
    """
    found = []
    for score in measured:
        arms = [
            ArmCells((~arm.not_applicable).astype(float), np.zeros(arm.values.shape, dtype=bool))
            for arm in (score.pair.baseline, score.pair.candidate)
        ]
        if all(arm.values.all() for arm in arms):
            continue
        name = score.name + APPLICABLE
        pair = PairedScore(name, "rate", 1.0, 0.0, 1.0, arms[0], arms[1])
        contract = Contract(name=name, type="boolean")
        found.append(gather(name, pair, contract, Rule(), everything, alpha=level.alpha, level=level.bound))
    return found


def newly_failing(measured: Sequence[Evidence], everything: Universe, level: RuleLevels) -> list[Evidence]:
    """For each rate whose scorer says of an answer that it does not apply: whether it fails on those items.

    Of the items of which any cell of either run does not apply, which relabelling the runs does not change. An answer
    that nobody looked at, because a score before it failed, has no better state to fall from and is left out.
    """
    found = []
    for score in measured:
        pair = score.pair
        skipped = np.concatenate([pair.baseline.not_applicable, pair.candidate.not_applicable], axis=1)
        if pair.scale != "rate" or not pair.opts_out or not skipped.any():
            continue
        others = ~skipped.any(axis=1, keepdims=True)
        good = pair.sign * pair.high
        arms = [
            ArmCells(
                np.where(arm.not_applicable, good, arm.values), np.broadcast_to(others, arm.values.shape)
            )
            for arm in (pair.baseline, pair.candidate)
        ]
        name = score.name + _NEWLY_FAILING
        part = replace(pair, name=name, baseline=arms[0], candidate=arms[1], opts_out=False)
        found.append(
            gather(name, part, score.contract, Rule(), everything, alpha=level.alpha, level=level.bound)
        )
    return found


def decide_newly_failing(
    failing: Sequence[Evidence], tested: Sequence[TestedHypothesis], level: RuleLevels
) -> list[RuleResult]:
    """A broken rule for each score that fails beyond chance where it did not apply; silent otherwise."""
    return _broken(
        failing,
        tested,
        level,
        lambda score, p: f"fails where it did not apply before ({count(score.clusters, 'item')}, {p})",
    )


def decide_applicability(
    applies: Sequence[Evidence], tested: Sequence[TestedHypothesis], level: RuleLevels
) -> list[RuleResult]:
    """A broken rule for each score that applies to fewer items beyond chance; silent otherwise."""

    def reason(score: Evidence, p: str) -> str:
        before, now = _shares(score)
        return f"the score applies to fewer items than before ({_then_and_now(before, now)}, {p})"

    return _broken(applies, tested, level, reason)


def lateness(
    measured: Sequence[Evidence],
    everything: Universe,
    baseline: RunTable,
    candidate: RunTable,
    level: RuleLevels,
) -> list[Evidence]:
    """Whether each call ended in time, as a score of its own; none without a rule on latency or a late call."""
    if not any(e.name == LATENCY for e in measured) or not (baseline.timeouts or candidate.timeouts):
        return []
    arms = [
        ArmCells(values, np.zeros(values.shape, dtype=bool))
        for values in (_in_time(everything, table) for table in (baseline, candidate))
    ]
    pair = PairedScore(IN_TIME, "rate", 1.0, 0.0, 1.0, arms[0], arms[1])
    contract = Contract(name=IN_TIME, type="boolean")
    return [gather(IN_TIME, pair, contract, Rule(), everything, alpha=level.alpha, level=level.bound)]


def decide_timeouts(
    found: Sequence[Evidence], tested: Sequence[TestedHypothesis], level: RuleLevels
) -> list[RuleResult]:
    """A broken rule where more calls time out beyond chance; silent otherwise."""

    def reason(late: Evidence, p: str) -> str:
        before, now = (1.0 - in_time for in_time in _shares(late))
        return f"more calls time out than before ({_then_and_now(before, now)}, {p})"

    return _broken(found, tested, level, reason)


def _broken(
    found: Sequence[Evidence],
    tested: Sequence[TestedHypothesis],
    level: RuleLevels,
    reason: Callable[[Evidence, str], str],
) -> list[RuleResult]:
    """A broken rule for each that is worse beyond chance; `reason` is given the evidence and its p-value in words."""
    return [
        rule_result(score, test, "regression", reason(score, p_text(test.adjusted_p_value)), level)
        for score, test in zip(found, tested, strict=True)
        if test.adjusted_p_value <= level.alpha
    ]


def _shares(score: Evidence) -> tuple[float, float]:
    """Mean of all cells in baseline and candidate."""
    return float(score.pair.baseline.values.mean()), float(score.pair.candidate.values.mean())


def _then_and_now(before: float, now: float) -> str:
    return f"{amount_text(before, 'rate')} then, {amount_text(now, 'rate')} now"


def _in_time(everything: Universe, table: RunTable) -> NDArray[np.float64]:
    """(N, k): 0 where the call timed out, else 1; what is missing altogether is the business of `scored`."""
    cells = np.ones((len(everything), table.header.trials))
    positions = {item: i for i, item in enumerate(everything.ids)}
    for item, trial in table.timeouts:
        if item in positions and trial < table.header.trials:
            cells[positions[item], trial] = 0.0
    return cells
