"""The family of hypotheses "the candidate is worse", tested together at one familywise level.

A hypothesis is one score on the whole dataset or on one slice of it. Every relabelling of the runs is the same for all
of them, so that their dependence is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoregate.gate_file import Inference
from scoregate.gates.evidence import Evidence
from scoregate.gates.slices import Slice
from scoregate.statistics.exact import ExactTest, exact_permutation_test
from scoregate.statistics.multiplicity import step_down
from scoregate.statistics.permutation import label_variance, permutation_test


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One score, on one slice or on everything."""

    evidence: Evidence
    slice: Slice | None = None

    @property
    def members(self) -> NDArray[np.bool_]:
        """(N,): the items that count."""
        counted = self.evidence.coded.counted
        return counted if self.slice is None else counted & self.slice.members


@dataclass(frozen=True, slots=True)
class TestedHypothesis:
    """What the test said."""

    p_value: float
    adjusted_p_value: float
    standard_error: float
    """Of the difference of means under relabelling: the noise of trials and judges, in the score's unit."""
    informative: bool
    """Some cluster's runs differ, so that a regression could show."""


def examine(
    family: Sequence[Hypothesis],
    clusters: NDArray[np.intp],
    *,
    alpha: float,
    seed: int,
    inference: Inference = "dataset",
) -> list[TestedHypothesis]:
    """Joint test of all hypotheses, in the order given. `clusters` (N,) numbers each item's cluster.

    Rates on the whole dataset alone are tested exactly and adjusted by the discrete step-down. A family with numbers
    or slices is relabelled jointly with step-down maxT, which gains from what they have in common; its rates on the
    whole dataset still report their exact unadjusted p-value.

    `inference`: dataset relabels the trials within each item; population flips the sign of each cluster's difference,
    so that a true effect which varies between items counts as noise.
    """
    if not family:
        return []
    runs = [_runs(h, clusters, inference) for h in family]
    baseline_trials = 1 if inference == "population" else family[0].evidence.coded.baseline.shape[1]
    stacked = np.stack(runs, axis=2)
    variances = label_variance(stacked, baseline_trials)
    exact = {
        position: _exact(runs[position], baseline_trials)
        for position, h in enumerate(family)
        if h.slice is None and _whole_numbers(h, inference)
    }
    if len(exact) == len(family):
        p_values = np.array([exact[i].p_value for i in range(len(family))])
        adjusted = step_down(p_values.tolist(), [exact[i].probability_at_most for i in range(len(family))])
    else:
        joint = permutation_test(stacked, baseline_trials, seed=seed, alpha=alpha)
        p_values = np.array(
            [exact[i].p_value if i in exact else joint.p_values[i] for i in range(len(family))]
        )
        adjusted = np.maximum(joint.adjusted, p_values)
    return [
        TestedHypothesis(
            float(p_values[i]),
            float(adjusted[i]),
            float(np.sqrt(variances[i])) / max(1, int(h.members.sum()) * _trials_summed(h, inference)),
            bool(variances[i] > 0),
        )
        for i, h in enumerate(family)
    ]


def _exact(runs: NDArray[np.float64], baseline_trials: int) -> ExactTest:
    whole = np.rint(runs).astype(np.int64)
    return exact_permutation_test(whole[:, :baseline_trials], whole[:, baseline_trials:])


def _whole_numbers(hypothesis: Hypothesis, inference: Inference) -> bool:
    coded = hypothesis.evidence.coded
    same_trials = coded.baseline.shape[1] == coded.candidate.shape[1]
    return hypothesis.evidence.pair.scale == "rate" and (inference == "dataset" or same_trials)


def _trials_summed(hypothesis: Hypothesis, inference: Inference) -> int:
    """Trials of an arm that make one run of a cluster."""
    coded = hypothesis.evidence.coded
    equal = coded.baseline.shape[1] == coded.candidate.shape[1]
    return int(coded.baseline.shape[1]) if inference == "population" and equal else 1


def _runs(hypothesis: Hypothesis, clusters: NDArray[np.intp], inference: Inference) -> NDArray[np.float64]:
    """Totals of each cluster run, (G, k_b + k_c), the baseline's runs first; one an arm for `population`."""
    coded = hypothesis.evidence.coded
    arms = [coded.baseline, coded.candidate]
    if inference == "population":
        # Sums stay whole numbers, for which the exact test applies.
        equal = coded.baseline.shape[1] == coded.candidate.shape[1]
        arms = [(arm.sum if equal else arm.mean)(axis=1, keepdims=True) for arm in arms]
    pooled = np.where(hypothesis.members[:, None], np.concatenate(arms, axis=1), 0.0)
    groups = int(clusters.max(initial=-1)) + 1
    if groups == len(clusters):
        totals = np.empty_like(pooled)
        totals[clusters] = pooled
        return np.asarray(totals, dtype=float)
    columns = [np.bincount(clusters, weights=column, minlength=groups) for column in pooled.T]
    return np.asarray(np.stack(columns, axis=1), dtype=float)
