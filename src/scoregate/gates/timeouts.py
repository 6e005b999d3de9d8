"""A call that timed out has the time limit as its latency, so that how many did is tested as well."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scoregate.catalog import LATENCY, Contract
from scoregate.gate_file import Rule
from scoregate.gates.evidence import Evidence
from scoregate.gates.family import TestedHypothesis
from scoregate.gates.findings import Level
from scoregate.gates.measuring import gather
from scoregate.gates.pairing import Arm, PairedScore, Universe
from scoregate.gates.rules import rule_result
from scoregate.gates.sentences import amount, p_text
from scoregate.gates.table import RunTable
from scoregate.records import RuleResult

NAME = f"{LATENCY} (in time)"
"""Of the rule in a report."""


def evidence(
    measured: Sequence[Evidence], everything: Universe, baseline: RunTable, candidate: RunTable, level: Level
) -> list[Evidence]:
    """Whether each call ended in time, as a score of its own; none without a rule on latency or a late call."""
    if not any(e.name == LATENCY for e in measured) or not (baseline.timeouts or candidate.timeouts):
        return []
    arms = [
        Arm(values, np.zeros(values.shape, dtype=bool))
        for values in (_in_time(everything, table) for table in (baseline, candidate))
    ]
    pair = PairedScore(NAME, "rate", 1.0, 0.0, 1.0, arms[0], arms[1])
    contract = Contract(name=NAME, type="boolean")
    return [gather(NAME, pair, contract, Rule(), everything, alpha=level.alpha, level=level.bound)]


def judge_timeouts(
    found: Sequence[Evidence], tested: Sequence[TestedHypothesis], level: Level
) -> list[RuleResult]:
    """A broken rule where more calls time out beyond chance; silent otherwise."""
    results = []
    for late, test in zip(found, tested, strict=True):
        if test.adjusted_p_value > level.alpha:
            continue
        before, now = (1.0 - float(arm.values.mean()) for arm in (late.pair.baseline, late.pair.candidate))
        reason = (
            f"more calls time out than before ({amount(before, 'rate')} then, {amount(now, 'rate')} now, "
            f"{p_text(test.adjusted_p_value)})"
        )
        results.append(rule_result(late, test, "regression", reason, level))
    return results


def _in_time(everything: Universe, table: RunTable) -> NDArray[np.float64]:
    """(N, k): 0 where the call timed out, else 1; what is missing altogether is the business of `scored`."""
    cells = np.ones((len(everything), table.header.trials))
    positions = {item: i for i, item in enumerate(everything.ids)}
    for item, trial in table.timeouts:
        if item in positions and trial < table.header.trials:
            cells[positions[item], trial] = 0.0
    return cells
