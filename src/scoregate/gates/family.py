"""The family of hypotheses "the candidate is worse", tested together at one familywise level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoregate.gates.evidence import Evidence
from scoregate.statistics.exact import exact_permutation_test
from scoregate.statistics.multiplicity import step_down
from scoregate.statistics.permutation import label_variance, permutation_test


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One score, as totals of each cluster run."""

    name: str
    runs: NDArray[np.float64]
    """(G, k_b + k_c), the baseline's runs first, larger is better."""
    baseline_trials: int
    whole_numbers: bool
    """The exact test applies."""
    n_items: int


@dataclass(frozen=True, slots=True)
class TestedHypothesis:
    """What the test said."""

    p_value: float
    adjusted_p_value: float
    standard_error: float
    """Of the difference of means under relabelling: the noise of trials and judges, in the score's unit."""
    informative: bool
    """Some cluster's runs differ, so that a regression could show."""


def evidence_hypothesis(evidence: Evidence, clusters: NDArray[np.intp]) -> Hypothesis:
    """Sum each trial of each cluster over the counted items."""
    coded = evidence.coded
    pooled = np.concatenate([coded.baseline, coded.candidate], axis=1)
    pooled = np.where(coded.counted[:, None], pooled, 0.0)
    runs = np.stack(
        [
            np.bincount(clusters, weights=pooled[:, trial], minlength=int(clusters.max(initial=-1)) + 1)
            for trial in range(pooled.shape[1])
        ],
        axis=1,
    )
    return Hypothesis(
        name=evidence.name,
        runs=np.asarray(runs, dtype=float),
        baseline_trials=coded.baseline.shape[1],
        whole_numbers=evidence.pair.scale == "rate",
        n_items=int(coded.counted.sum()),
    )


def examine(family: Sequence[Hypothesis], *, alpha: float, seed: int) -> list[TestedHypothesis]:
    """Joint test of all hypotheses, in the order given.

    Rates alone are tested exactly and adjusted by the discrete step-down; a family with any other score is
    relabelled jointly with step-down maxT, and its rates still report their exact unadjusted p-value.
    """
    if not family:
        return []
    baseline_trials = family[0].baseline_trials
    exact = {
        position: exact_permutation_test(
            np.rint(h.runs[:, :baseline_trials]).astype(np.int64),
            np.rint(h.runs[:, baseline_trials:]).astype(np.int64),
        )
        for position, h in enumerate(family)
        if h.whole_numbers
    }
    stacked = np.stack([h.runs for h in family], axis=2)
    variances = label_variance(stacked, baseline_trials)
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
            float(np.sqrt(variances[i])) / max(1, h.n_items),
            bool(variances[i] > 0),
        )
        for i, h in enumerate(family)
    ]
