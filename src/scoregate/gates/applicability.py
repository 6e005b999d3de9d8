"""A score that applies to fewer items than before could hide failures, so that is tested as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from scoregate.catalog import Contract
from scoregate.gate_file import Gate, Rule
from scoregate.gates.evidence import Evidence, gather
from scoregate.gates.family import Hypothesis, TestedHypothesis, evidence_hypothesis
from scoregate.gates.pairing import Arm, PairedScore, Universe
from scoregate.gates.rules import Level, rule_result
from scoregate.gates.sentences import amount, p_text
from scoregate.records import RuleResult

SUFFIX = " (applicable)"
"""Marks the rule in a report: `policy_compliance (applicable)`."""


def hypotheses(measured: Sequence[Evidence], everything: Universe) -> list[Hypothesis]:
    """One for each score of which any cell does not apply: "it applies as often as before"."""
    gate = Gate(name="", rules={})
    return [
        evidence_hypothesis(_applies(e, everything, gate), everything.clusters)
        for e in measured
        if e.pair.baseline.not_applicable.any() or e.pair.candidate.not_applicable.any()
    ]


def judge_applicability(
    measured: Sequence[Evidence],
    tested: Mapping[str, TestedHypothesis],
    everything: Universe,
    level: Level,
    gate: Gate,
) -> list[RuleResult]:
    """A broken rule for each score that applies to fewer items beyond chance; silent otherwise."""
    results = []
    for evidence in measured:
        test = tested.get(evidence.name + SUFFIX)
        if test is None or test.adjusted_p_value > level.alpha:
            continue
        applies = _applies(evidence, everything, gate)
        before, now = (float(arm.values.mean()) for arm in (applies.pair.baseline, applies.pair.candidate))
        reason = (
            f"the score applies to fewer items than before ({amount(before, 'rate')} then, "
            f"{amount(now, 'rate')} now, {p_text(test.adjusted_p_value)})"
        )
        results.append(rule_result(applies, test, "regression", reason, level))
    return results


def _applies(evidence: Evidence, everything: Universe, gate: Gate) -> Evidence:
    """Whether a value was given at all, as a score; a missing cell counts as no."""
    name = evidence.name + SUFFIX
    arms = [
        Arm((~np.isnan(arm.values)).astype(float), np.zeros(arm.values.shape, dtype=bool))
        for arm in (evidence.pair.baseline, evidence.pair.candidate)
    ]
    pair = PairedScore(name, "rate", 1.0, 0.0, 1.0, arms[0], arms[1])
    return gather(name, pair, Contract(name=name, type="boolean"), Rule(), everything, gate)
