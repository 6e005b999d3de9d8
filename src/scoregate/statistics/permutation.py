"""Within-cluster label permutation for scores of any kind, with step-down maxT over the whole family.

The labels "baseline" and "candidate" of a cluster's runs are dealt anew at random, the same way for every
hypothesis, so that their dependence is kept (Westfall and Young 1993; Romano and Wolf 2005). The familywise error
is at most alpha by construction, whatever the distribution of the scores, and p = (1 + hits) / (B + 1) is valid
for any number of relabellings B (Phipson and Smyth 2010).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RELABELLINGS = (999, 9_999, 99_999)
"""So many at first; more as long as chance in the relabelling could decide on which side of alpha a p-value lies."""
_MOST_WORK = 40_000_000_000
"""Cells that are relabelled at most; the last step is left out where it would take many minutes."""
_CHUNK_BYTES = 64_000_000
_TIE = 1e-9
"""Statistics that differ by less are rounding of the same number and count as ties."""


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """One-sided p-values for "the candidate is lower", arrays of length H."""

    p_values: NDArray[np.float64]
    adjusted: NDArray[np.float64]
    """Step-down maxT."""
    variances: NDArray[np.float64]
    """Variance of each difference of means under relabelling (known exactly)."""
    relabellings: int


def label_variance(runs: NDArray[np.float64], baseline_trials: int) -> NDArray[np.float64]:
    """Variance of Σ_g (candidate mean − baseline mean) under relabelling, per hypothesis.

    `runs` has shape (G, k_b + k_c, H), the baseline's runs first.
    """
    candidate_trials = runs.shape[1] - baseline_trials
    within = runs.var(axis=1, ddof=1).sum(axis=0)
    result: NDArray[np.float64] = within * (1.0 / baseline_trials + 1.0 / candidate_trials)
    return result


def permutation_test(
    runs: NDArray[np.float64], baseline_trials: int, *, seed: int, alpha: float
) -> PermutationTest:
    """Test H hypotheses jointly.

    `runs` has shape (G, k_b + k_c, H): the total of each cluster run, the baseline's runs first, larger is
    better. A hypothesis without any variation within clusters gets p = 1: no information is not evidence.
    """
    canonical = _canonical_order(runs)
    test = _relabel(canonical, baseline_trials, RELABELLINGS[0], seed)
    for step, relabellings in enumerate(RELABELLINGS[1:]):
        # Never fewer than the second step where a p-value may be below alpha: few relabellings know no small ones.
        close = 3.0 * np.sqrt(np.maximum(test.adjusted, alpha) / test.relabellings)
        undecided = np.abs(test.adjusted - alpha) < close
        if not (undecided.any() or (step == 0 and (test.adjusted < alpha).any())):
            break
        if step and relabellings * canonical.size > _MOST_WORK:
            break
        test = _relabel(canonical, baseline_trials, relabellings, seed)
    return test


def _canonical_order(runs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Clusters sorted by their content, so that neither names nor the order of input change a p-value.

    Hypotheses are taken in an order of their own content while sorting; clusters without any variation go.
    """
    varying = runs[(runs != runs[:, :1, :]).any(axis=(1, 2))]
    if not len(varying):
        return np.asarray(varying, dtype=float)
    columns = sorted(range(varying.shape[2]), key=lambda h: np.sort(varying[:, :, h], axis=0).tobytes())
    keys = varying[:, :, columns].reshape(len(varying), -1)
    ordered: NDArray[np.float64] = varying[np.lexsort(keys.T[::-1])]
    return ordered


def _relabel(
    runs: NDArray[np.float64], baseline_trials: int, relabellings: int, seed: int
) -> PermutationTest:
    clusters, pooled, hypotheses = runs.shape
    if not clusters:
        ones = np.ones(hypotheses)
        return PermutationTest(ones, ones.copy(), np.zeros(hypotheses), relabellings)
    candidate_trials = pooled - baseline_trials
    variances = label_variance(runs, baseline_trials)
    informative = variances > 0
    scale = np.where(informative, np.sqrt(np.where(informative, variances, 1.0)), np.inf)
    observed_labels = np.full(pooled, -1.0 / baseline_trials)
    observed_labels[baseline_trials:] = 1.0 / candidate_trials
    flat = runs.reshape(clusters * pooled, hypotheses) / scale
    observed = np.tile(observed_labels, clusters) @ flat

    order = np.argsort(observed, kind="stable")
    raw_hits = np.zeros(hypotheses)
    max_hits = np.zeros(hypotheses)
    rng = np.random.default_rng(seed)
    chunk = max(1, min(relabellings, _CHUNK_BYTES // (8 * clusters * pooled)))
    done = 0
    while done < relabellings:
        count = min(chunk, relabellings - done)
        labels = _deal(rng, count, clusters, baseline_trials, candidate_trials)
        drawn = labels.reshape(count, clusters * pooled) @ flat
        raw_hits += (drawn <= observed + _TIE).sum(axis=0)
        # For rank j the reference is the most extreme of the hypotheses j..H.
        ordered = drawn[:, order]
        lowest = np.minimum.accumulate(ordered[:, ::-1], axis=1)[:, ::-1]
        max_hits += (lowest <= observed[order] + _TIE).sum(axis=0)
        done += count
    p_values = np.where(informative, (1 + raw_hits) / (relabellings + 1), 1.0)
    stepped = np.maximum.accumulate((1 + max_hits) / (relabellings + 1))
    adjusted = np.empty(hypotheses)
    adjusted[order] = stepped
    return PermutationTest(p_values, np.where(informative, adjusted, 1.0), variances, relabellings)


def _deal(
    rng: np.random.Generator, count: int, clusters: int, baseline_trials: int, candidate_trials: int
) -> NDArray[np.float64]:
    """`count` relabellings: weights of shape (count, G, k_b + k_c), 1/k_c or −1/k_b for each run."""
    pooled = baseline_trials + candidate_trials
    if math.comb(pooled, candidate_trials) <= 5_000:
        patterns = np.full((math.comb(pooled, candidate_trials), pooled), -1.0 / baseline_trials)
        for row, chosen in enumerate(itertools.combinations(range(pooled), candidate_trials)):
            patterns[row, list(chosen)] = 1.0 / candidate_trials
        return np.asarray(patterns[rng.integers(len(patterns), size=(count, clusters))])
    ranks = rng.random((count, clusters, pooled)).argsort(axis=2).argsort(axis=2)
    return np.asarray(np.where(ranks < candidate_trials, 1.0 / candidate_trials, -1.0 / baseline_trials))
