"""Where a score applies is tested as well: failures could hide in what it no longer applies to, or be new elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
from scoregate.wording import count

NEWLY_FAILING = " (newly failing)"
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


def newly_failing(measured: Sequence[Evidence], everything: Universe, level: Level) -> list[Evidence]:
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
            Arm(np.where(arm.not_applicable, good, arm.values), np.broadcast_to(others, arm.values.shape))
            for arm in (pair.baseline, pair.candidate)
        ]
        name = score.name + NEWLY_FAILING
        part = replace(pair, name=name, baseline=arms[0], candidate=arms[1], opts_out=False)
        found.append(
            gather(name, part, score.contract, Rule(), everything, alpha=level.alpha, level=level.bound)
        )
    return found


def judge_newly_failing(
    failing: Sequence[Evidence], tested: Sequence[TestedHypothesis], level: Level
) -> list[RuleResult]:
    """A broken rule for each score that fails beyond chance where it did not apply; silent otherwise."""
    return [
        rule_result(
            score,
            test,
            "regression",
            f"fails where it did not apply before ({count(score.clusters, 'item')}, {p_text(test.adjusted_p_value)})",
            level,
        )
        for score, test in zip(failing, tested, strict=True)
        if test.adjusted_p_value <= level.alpha
    ]


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
