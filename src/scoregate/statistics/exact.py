"""The exact test for whole-number scores, within-cluster label permutation without Monte Carlo, of one or several.

If the version label has no effect, the k_b + k_c runs of a cluster are exchangeable, so the candidate's runs are
a random subset of size k_c of them, independently for each cluster. The distribution of the candidate's total is
the convolution of the clusters' subset-sum distributions. For k_b = k_c = 1 and single items this is the exact
one-sided McNemar test; for single items with more trials it is the exact Cochran-Mantel-Haenszel test.

Several are adjusted by the discrete step-down: Holm's method (1979) with each p-value replaced by the probability that
it could have been reached (Westfall and Wolfinger 1997). A hypothesis that can hardly reach a small p-value costs the
others hardly anything, and one without information costs nothing. It holds under any dependence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scoregate.statistics.special import special_function

_SMALLEST_P = 1e-15
"""Resolution of the convolution; no smaller p-value is claimed."""


@dataclass(frozen=True, slots=True)
class ExactTest:
    """One-sided p-value for "the candidate's total is lower", with all values that it could have taken."""

    p_value: float
    attainable: NDArray[np.float64]
    """P-values that some relabelling gives, ascending; ends with 1. Just [1] when nothing could be seen."""

    def probability_at_most(self, p: float) -> float:
        """P(p-value ≤ p) when the label has no effect: the largest attainable p-value ≤ p, else 0."""
        position = int(np.searchsorted(self.attainable, p * (1 + 1e-9), side="right"))
        return float(self.attainable[position - 1]) if position else 0.0


def exact_permutation_test(baseline: NDArray[np.int64], candidate: NDArray[np.int64]) -> ExactTest:
    """Exact p-value that the candidate is worse, given per-cluster run totals.

    `baseline` has shape (G, k_b), `candidate` (G, k_c): whole numbers, larger is better. Arms may have different
    numbers of trials. Clusters whose runs all agree carry no information and drop out.
    """
    pooled = np.concatenate([baseline, candidate], axis=1)
    lowest = pooled.min(axis=1, keepdims=True) if pooled.size else pooled
    informative = (pooled != lowest).any(axis=1) if pooled.size else np.zeros(0, dtype=bool)
    if not informative.any():
        return ExactTest(1.0, np.ones(1))

    chosen = candidate.shape[1]
    shifted = (pooled - lowest)[informative]
    observed = int(shifted[:, baseline.shape[1] :].sum())
    strata, counts = _distinct_rows(np.sort(shifted, axis=1))
    kinds = [(tuple(row), n) for row, n in zip(strata.tolist(), counts.tolist(), strict=True)]
    length = 1 + sum(sum(row[-chosen:]) * n for row, n in kinds)
    size = 1 << (length - 1).bit_length()
    spectrum = np.ones(size // 2 + 1, dtype=complex)
    transform = _kept_transform if size <= _LARGEST_KEPT else _transform
    for row, n in kinds:
        spectrum *= transform(row, chosen, size) ** n
    cumulative = np.cumsum(np.clip(np.fft.irfft(spectrum, size)[:length], 0.0, None))
    cumulative = np.clip(cumulative / cumulative[-1], _SMALLEST_P, 1.0)
    # Sums that no subset has repeat the value before them; below the smallest sum there is only rounding noise.
    smallest_sum = sum(sum(row[:chosen]) * n for row, n in kinds)
    attainable = cumulative[smallest_sum:]
    return ExactTest(
        float(cumulative[observed]), attainable[np.append(True, attainable[1:] != attainable[:-1])]
    )


def _distinct_rows(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The different rows of whole numbers from 0, in their order, and how often each is there."""
    base = int(rows.max()) + 1
    if base ** rows.shape[1] > np.iinfo(np.int64).max:
        return np.unique(rows, axis=0, return_counts=True)
    # One number a row is sorted many times faster than rows are.
    _, first, counts = np.unique(
        rows @ base ** np.arange(rows.shape[1])[::-1], return_index=True, return_counts=True
    )
    return rows[first], counts


def _transform(values: tuple[int, ...], chosen: int, size: int) -> NDArray[np.complex128]:
    """The spectrum of `_subset_sums`, padded to `size`."""
    return np.fft.rfft(_subset_sums(values, chosen), size)


_LARGEST_KEPT = 8_192
"""Larger ones would fill the memory."""
_kept_transform = lru_cache(maxsize=256)(_transform)
"""Kept, like the sums, as few trials hold few kinds of values. Not to be changed by who is given them."""


@lru_cache(maxsize=500)
def _subset_sums(values: tuple[int, ...], chosen: int) -> NDArray[np.float64]:
    """Distribution of the sum of a random subset of `chosen` values, ascending: index = sum, entry = probability."""
    top = sum(values[-chosen:])
    ways = np.zeros((chosen + 1, top + 1))
    ways[0, 0] = 1.0
    for value in values:
        for taken in range(chosen, 0, -1):
            ways[taken, value:] += ways[taken - 1, : top + 1 - value]
        ways /= ways.max()  # only proportions matter, and the counts of many trials overflow
    total: NDArray[np.float64] = ways[chosen] / ways[chosen].sum()
    return total


def label_variance(runs: NDArray[np.float64], baseline_trials: int) -> NDArray[np.float64]:
    """Variance of Σ_g (candidate mean − baseline mean) under relabelling, per hypothesis.

    `runs` has shape (G, k_b + k_c, H), the baseline's runs first.
    """
    candidate_trials = runs.shape[1] - baseline_trials
    within = runs.var(axis=1, ddof=1).sum(axis=0)
    result: NDArray[np.float64] = within * (1.0 / baseline_trials + 1.0 / candidate_trials)
    return result


def smallest_attainable_p(clusters: int, baseline_trials: int, candidate_trials: int) -> float:
    """The smallest p-value that any data of this shape could give: every cluster lost in every run.

    1 / C(k_b + k_c, k_c) ** G; 2 ** -G for one trial an arm.
    """
    binom = special_function("binom")
    return float(binom(baseline_trials + candidate_trials, candidate_trials) ** -float(clusters))


def within_item_p(
    baseline_passes: int, baseline_trials: int, candidate_passes: int, candidate_trials: int
) -> float:
    """Fisher's exact one-sided p-value that one item passes less often than before."""
    passes = baseline_passes + candidate_passes
    pooled = baseline_trials + candidate_trials
    fewest = max(0, passes - baseline_trials)
    ways = sum(
        math.comb(passes, c) * math.comb(pooled - passes, candidate_trials - c)
        for c in range(fewest, candidate_passes + 1)
    )
    return ways / math.comb(pooled, candidate_trials)


def step_down(
    p_values: Sequence[float],
    reach: Sequence[Callable[[float], float]] | None = None,
    *,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Adjusted p-values in the order given.

    Hypotheses share the level by their `weights` (Holm 1979), all alike by default.

    `reach[h](p)` is P(p-value of h ≤ p) under its null hypothesis; without `reach` every p-value is taken as
    continuous, which is Holm's method.
    """
    p = np.asarray(p_values, dtype=float)
    share = np.ones(len(p)) if weights is None else np.asarray(weights, dtype=float)
    order = np.argsort(p / share, kind="stable")
    adjusted = np.empty(len(p))
    running = 0.0
    for rank, hypothesis in enumerate(order):
        remaining = order[rank:]
        level = float(p[hypothesis] / share[hypothesis])
        if reach is None:
            total = level * float(share[remaining].sum())
        else:
            total = sum(reach[int(h)](min(1.0, level * float(share[h]))) for h in remaining)
        running = min(1.0, max(running, total))
        adjusted[hypothesis] = max(running, float(p[hypothesis]))
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> NDArray[np.float64]:
    """Adjusted p-values whose use at level q keeps the expected share of false findings at most q, in the order given.

    For reading a list of findings, never for a verdict: beside one true regression it lets others in too easily.
    Valid for independent and for positively dependent p-values (Benjamini and Hochberg 1995; Benjamini and Yekutieli
    2001). Raises ValueError where a p-value is not between 0 and 1.
    """
    p = np.asarray(p_values, dtype=float)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p-values must lie between 0 and 1")
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.minimum(adjusted, 1.0)
