"""Quantiles of latency and cost, where a mean of logarithms does not answer what was asked.

Three questions, three tools. Is the tail heavier? Count the cells above the pooled quantile of both arms and test that
rate by relabelling: the threshold does not depend on the labels, so the test is exact. How large is the ratio of the
quantiles? A bootstrap over clusters, for the report and for a pass bound. Does one arm keep a budget? Order statistics.
All of them know little about a tail from few calls, and say so with an infinite bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoregate.statistics.canonical import canonical_order
from scoregate.statistics.special import special_function

_INTERVAL_LEVEL = 0.05
_CELLS_AT_ONCE = 12_000
"""Of so many cells the weights are held together, so that they stay in a processor's cache."""


def exceedance(
    baseline: NDArray[np.float64], candidate: NDArray[np.float64], q: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which cells of the two arms lie above the q-quantile of both arms' cells together.

    `baseline` and `candidate` of any shape; the results have the same. The threshold is the smallest value that at
    least a share q of all cells does not exceed, and a value equal to it does not exceed it. Where so many cells share
    that value that less than half of the share 1 − q lies above it, as where a tenth of all answers stops at the same
    limit, those equal to it count as well, unless that tells fewer cells from the rest. Which of the two it is depends
    on all cells together, never on their labels. None exceeds where all are equal. NaN is a cell without a value: it
    neither counts nor exceeds. Raises ValueError where q is not between 0 and 1.
    """
    _require_share(q)
    pooled = np.concatenate([baseline.ravel(), candidate.ravel()])
    pooled = pooled[~np.isnan(pooled)]
    if not len(pooled):
        return np.zeros(baseline.shape, dtype=bool), np.zeros(candidate.shape, dtype=bool)
    threshold = np.quantile(pooled, q, method="inverted_cdf")
    above, reaching = int((pooled > threshold).sum()), int((pooled >= threshold).sum())
    few = above < (1.0 - q) * len(pooled) / 2
    if few and min(reaching, len(pooled) - reaching) > above:
        return np.asarray(baseline >= threshold), np.asarray(candidate >= threshold)
    return np.asarray(baseline > threshold), np.asarray(candidate > threshold)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileRatio:
    """Candidate's quantile over the baseline's, with what resampling says about it."""

    ratio: float
    lower_bound: float
    """One-sided, with the error asked for; 0 where there are too few clusters to tell."""
    upper_bound: float
    """One-sided, with the error asked for; infinite where there are too few clusters to tell."""
    interval: tuple[float, float]
    """Two-sided, 95 %."""


def quantile_ratio_bound(
    baseline: NDArray[np.float64],
    candidate: NDArray[np.float64],
    clusters: NDArray[np.intp],
    q: float,
    *,
    level: float,
    seed: int,
    resamples: int = 1_999,
) -> QuantileRatio:
    """Percentile bootstrap of log(q_candidate / q_baseline) over whole clusters, both arms resampled together.

    `baseline` (N, k_b) and `candidate` (N, k_c) hold positive values, `clusters` (N,) the items' cluster numbers. A
    bound is infinite (0 from below) where order statistics of as many independent values as there are clusters would
    have none: resampling cannot invent a tail that was never seen. Clusters are drawn in an order told by their values,
    so that the numbers they happen to have change nothing. Raises ValueError for values that are not
    positive and finite, for q or level outside 0..1, and without items.
    """
    _require_share(q)
    _require_share(level)
    if not len(clusters):
        raise ValueError("a ratio of quantiles needs at least one item")
    for values in (baseline, candidate):
        if not (np.isfinite(values) & (values > 0)).all():
            raise ValueError("a ratio of quantiles needs positive, finite values")
    numbers, unit = np.unique(clusters, return_inverse=True)
    count = len(numbers)
    unit = _by_content(baseline, candidate, unit.ravel())
    arms = (_Descending.of(baseline, unit, q), _Descending.of(candidate, unit, q))
    rng = np.random.default_rng(seed)
    cells = max(1, *(len(arm.values) for arm in arms))
    at_once = max(1, _CELLS_AT_ONCE // cells)
    logs = np.empty(resamples)
    for first in range(0, resamples, at_once):
        weights = _drawn_weights(rng, min(at_once, resamples - first), count)
        before, now = (arm.quantiles(weights) for arm in arms)
        logs[first : first + len(weights)] = [math.log(ratio) for ratio in (now / before).tolist()]
    before, now = (arm.quantiles(np.ones((1, count), dtype=np.intp)) for arm in arms)
    ratio = float(now[0] / before[0])

    def end(share: float) -> float:
        # The interval holds the estimate even where most resamples lie to one side of it.
        bound = float(np.exp(np.quantile(logs, share)))
        error = min(share, 1.0 - share)
        if not _bounded(count, q, error):
            return math.inf if share > 0.5 else 0.0
        return max(bound, ratio) if share > 0.5 else min(bound, ratio)

    return QuantileRatio(
        ratio=ratio,
        lower_bound=end(level),
        upper_bound=end(1.0 - level),
        interval=(end(_INTERVAL_LEVEL / 2), end(1.0 - _INTERVAL_LEVEL / 2)),
    )


def quantile_bounds(values: NDArray[np.float64], q: float, level: float) -> tuple[float, float]:
    """Lower and upper one-sided bounds of the q-quantile, each with error at most `level`, whatever the distribution.

    `values` (n,) are independent. The bounds are order statistics with ranks from Binomial(n, q); infinite when n is
    too small: the upper bound of the 95 % quantile with error 5 % takes 59 values. Raises ValueError where q or level
    is not between 0 and 1.
    """
    bdtr = special_function("bdtr")

    _require_share(q)
    _require_share(level)
    count = len(values)
    ordered = np.sort(values)
    at_most = bdtr(np.arange(count + 1, dtype=float), count, q)
    # The r-th smallest lies above the quantile only if fewer than r values do not; the s-th lies below it only if
    # at least s values do.
    rank_low = int((at_most[:count] <= level).sum())
    rank_high = int((1.0 - at_most[:count] > level).sum()) + 1
    low = float(ordered[rank_low - 1]) if rank_low else -math.inf
    high = float(ordered[rank_high - 1]) if rank_high <= count else math.inf
    return low, high


@dataclass(frozen=True, slots=True)
class _Descending:
    """An arm's cells from the largest down, for quantiles under changing weights of the clusters."""

    values: NDArray[np.float64]
    units: NDArray[np.intp]
    sizes: NDArray[np.intp]
    """Cells of each cluster."""
    above: float
    """Share of the weight that may lie above the quantile."""

    @classmethod
    def of(cls, cells: NDArray[np.float64], unit: NDArray[np.intp], q: float) -> _Descending:
        units = np.repeat(unit.ravel(), cells.shape[1])
        order = np.argsort(-cells.ravel(), kind="stable")
        return cls(cells.ravel()[order], units[order], np.bincount(units), 1.0 - q)

    def quantiles(self, weights: NDArray[np.intp]) -> NDArray[np.float64]:
        """Smallest value above which at most the share 1 − q of the weight lies, for each row of `weights` (R, G)."""
        allowed = np.floor(self.above * (weights @ self.sizes) * (1 + 1e-12)).astype(np.intp)
        # The tail is short: look at a part of the cells first, at all of them only where that was not enough.
        for units in (self.units[: int(2 * self.above * len(self.values)) + 200], self.units):
            # Summed on from row to row, which is far quicker than row by row, and searched at once.
            sums = np.append(0, weights.take(units, axis=1).cumsum())
            starts = np.arange(len(weights)) * len(units)
            most = sums[starts] + allowed
            if (sums[starts + len(units)] > most).all():
                break
        found: NDArray[np.float64] = self.values[np.searchsorted(sums, most, side="right") - 1 - starts]
        return found


def _drawn_weights(rng: np.random.Generator, resamples: int, count: int) -> NDArray[np.intp]:
    """How often each of `count` clusters is drawn in each of so many resamples, (resamples, count)."""
    drawn = rng.integers(count, size=(resamples, count)) + count * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * count).reshape(resamples, count)


def _by_content(
    baseline: NDArray[np.float64], candidate: NDArray[np.float64], unit: NDArray[np.intp]
) -> NDArray[np.intp]:
    """The cluster numbers 0..G−1 of the items, given anew in the order of what the clusters hold."""
    count = int(unit.max()) + 1
    everything = np.ones((1, len(unit)), dtype=bool)
    cells = np.concatenate([baseline, candidate], axis=1)[:, :, None]
    order = canonical_order(
        cells, unit, everything, np.zeros((count, 1, 0)), baseline_trials=baseline.shape[1]
    ).clusters
    rank = np.empty(count, dtype=np.intp)
    rank[order] = np.arange(count)
    return rank[unit]


def _bounded(count: int, q: float, level: float) -> bool:
    return max(q, 1.0 - q) ** count <= level


def _require_share(share: float) -> None:
    if not 0.0 < share < 1.0:
        raise ValueError(f"a quantile and a level lie between 0 and 1, not at {share}")
