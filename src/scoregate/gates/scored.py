"""The score that every gate has: `scored`, 1 where no gated cell of the item and trial is missing.

A candidate that loses its failing items looks better on what is left. Here it looks as it is: whoever loses more
cells than before breaks a rule that no gate has to write down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scoregate.catalog import SCORED, Contract
from scoregate.gate_file import Rule
from scoregate.gates.candidates_own import Own
from scoregate.gates.evidence import Evidence
from scoregate.gates.family import TestedHypothesis
from scoregate.gates.findings import Level
from scoregate.gates.measuring import gather
from scoregate.gates.pairing import Arm, PairedScore, Universe
from scoregate.gates.rules import judge, rule_result
from scoregate.gates.sentences import named, p_text
from scoregate.records import Outcome, RuleResult
from scoregate.wording import count


def evidence(measured: Sequence[Evidence], rule: Rule, everything: Universe, level: Level) -> Evidence:
    """Whether every gated cell holds a valid value, as a score of its own."""

    def arm(missing: list[NDArray[np.bool_]]) -> Arm:
        present = ~np.logical_or.reduce(missing)
        return Arm(present.astype(float), np.zeros_like(present))

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


def judge_scored(
    complete: Evidence,
    tested: TestedHypothesis,
    everything: Universe,
    level: Level,
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
        result = judge(complete, tested, everything.ids, level, own=Own(own) if own is not None else None)
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
                f"({p_text(tested.adjusted_p_value)}): {named(missing_ids(complete, everything), total)}"
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
