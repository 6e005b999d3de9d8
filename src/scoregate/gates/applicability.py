"""A score that applies to fewer items than before could hide failures, so that is tested as well."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scoregate.catalog import Contract
from scoregate.gate_file import Rule
from scoregate.gates.evidence import Evidence
from scoregate.gates.family import TestedHypothesis
from scoregate.gates.findings import Level
from scoregate.gates.measuring import gather
from scoregate.gates.pairing import Arm, PairedScore, Universe
from scoregate.gates.rules import rule_result
from scoregate.gates.sentences import amount, p_text
from scoregate.records import RuleResult

SUFFIX = " (applicable)"
"""Marks the rule in a report: `policy_compliance (applicable)`."""


def evidence(measured: Sequence[Evidence], everything: Universe, level: Level) -> list[Evidence]:
    """For each score of which any cell does not apply: whether it applies, as a score of its own.

    A missing cell counts as applying: `scored` sees to those.
    """
    found = []
    for score in measured:
        arms = [
            Arm((~arm.not_applicable).astype(float), np.zeros(arm.values.shape, dtype=bool))
            for arm in (score.pair.baseline, score.pair.candidate)
        ]
        if all(arm.values.all() for arm in arms):
            continue
        name = score.name + SUFFIX
        pair = PairedScore(name, "rate", 1.0, 0.0, 1.0, arms[0], arms[1])
        contract = Contract(name=name, type="boolean")
        found.append(gather(name, pair, contract, Rule(), everything, alpha=level.alpha, level=level.bound))
    return found


def judge_applicability(
    applies: Sequence[Evidence], tested: Sequence[TestedHypothesis], level: Level
) -> list[RuleResult]:
    """A broken rule for each score that applies to fewer items beyond chance; silent otherwise."""
    results = []
    for score, test in zip(applies, tested, strict=True):
        if test.adjusted_p_value > level.alpha:
            continue
        before, now = (float(arm.values.mean()) for arm in (score.pair.baseline, score.pair.candidate))
        reason = (
            f"the score applies to fewer items than before ({amount(before, 'rate')} then, "
            f"{amount(now, 'rate')} now, {p_text(test.adjusted_p_value)})"
        )
        results.append(rule_result(score, test, "regression", reason, level))
    return results
