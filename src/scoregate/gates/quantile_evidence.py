"""A quantile of latency, cost or tokens: p50 to p99 as the statistic of a rule.

A regression is proved by the calls beyond the quantile of both runs together: their number in each arm is tested by the
same relabelling as every other score. The ratio of the quantiles and its pass bound come from resampling clusters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoregate.catalog import Contract
from scoregate.gate_file import Rule
from scoregate.gates.coding import CodedScore
from scoregate.gates.evidence import Evidence
from scoregate.gates.pairing import Arm, PairedScore, Universe
from scoregate.statistics.quantiles import QuantileRatio, exceedance, quantile_bounds, quantile_ratio_bound

_SEED = 0
_BEYOND = 1e6
"""A missing call counts as so many times slower, or faster, than any that was seen."""


@dataclass(frozen=True, slots=True)
class QuantileEstimate:
    """The log-ratio of two quantiles, larger is better."""

    value: float
    level: float
    bounds: tuple[float, float]
    """One-sided with error `level`."""
    interval: tuple[float, float]
    """Two-sided, 95 %."""
    standard_error: float = 0.0

    def lower_bound(self, level: float) -> float:
        return (self.bounds if level == self.level else self.interval)[0]

    def upper_bound(self, level: float) -> float:
        return (self.bounds if level == self.level else self.interval)[1]


@dataclass(frozen=True, slots=True)
class OwnQuantile:
    """The candidate's own quantile, in its unit."""

    value: float
    cells: NDArray[np.float64]
    q: float
    independent: int
    standard_error: float = 0.0

    def lower_bound(self, level: float) -> float:
        return self._bound(level, 0)

    def upper_bound(self, level: float) -> float:
        return self._bound(level, 1)

    def _bound(self, level: float, side: int) -> float:
        # Ranks are those of as many independent values as there are clusters.
        ranks = np.arange(1, self.independent + 1, dtype=float)
        rank = quantile_bounds(ranks, self.q, level)[side]
        if not math.isfinite(rank):
            return rank
        return float(np.quantile(self.cells, rank / self.independent, method="inverted_cdf"))


def gather_quantile(
    name: str,
    pair: PairedScore,
    contract: Contract | None,
    rule: Rule,
    q: float,
    everything: Universe,
    *,
    margin: float | None,
    level: float,
) -> Evidence:
    """Measure one score by its quantile; `pair` holds logarithms."""
    arms = (pair.baseline, pair.candidate)
    counted = np.asarray(~(arms[0].not_applicable.all(axis=1) & arms[1].not_applicable.all(axis=1)))
    worst = 1.0 if pair.sign < 0 else -1.0
    slow = [_amounts(arm, pair, missing=worst) for arm in arms]
    tail = _counted_beyond(q)
    beyond = exceedance(-pair.sign * slow[0], -pair.sign * slow[1], tail)
    within = [(~cells).astype(float) for cells in beyond]
    estimate = own = worst_case = before = now = None
    if counted.any():
        kept = [values[counted] for values in slow]
        clusters = everything.clusters[counted]
        ratio = quantile_ratio_bound(kept[0], kept[1], clusters, q, level=level, seed=_SEED)
        estimate = _oriented(ratio, pair.sign, level)
        feared = (_amounts(pair.baseline, pair, missing=-worst)[counted], kept[1])
        worst_case = _oriented(
            quantile_ratio_bound(*feared, clusters, q, level=level, seed=_SEED), pair.sign, level
        ).lower_bound(level)
        before, now = (float(np.quantile(v, q, method="inverted_cdf")) - pair.offset for v in kept)
        own = OwnQuantile(now, kept[1].ravel() - pair.offset, q, len(np.unique(clusters)))
    trials = slow[0].shape[1], slow[1].shape[1]
    return Evidence(
        name=name,
        pair=pair,
        contract=contract,
        rule=rule,
        coded=CodedScore(counted, within[0], within[1]),
        cells=(within[0], within[1]),
        passes_or_fails=True,
        estimate=estimate,
        worst_case=worst_case,
        worst_case_error=0.0,
        own=own,
        own_worst_case=own,
        open_ended_gaps=0,
        margin=margin,
        critical_items=(),
        suspect_items=(),
        clusters=len(np.unique(everything.clusters[counted])),
        pairs=int(counted.sum()) * min(trials),
        before=before,
        now=now,
        scale="ratio",
    )


def _counted_beyond(q: float) -> float:
    """The quantile of both runs beyond which calls are counted.

    For the tails one that is twice as far in: twice as many calls tell a shift much sooner, and a heavier tail as soon.
    """
    return q if q <= 0.5 else 1.0 - 2.0 * (1.0 - q)


def _amounts(arm: Arm, pair: PairedScore, *, missing: float) -> NDArray[np.float64]:
    """Positive amounts; a missing call is far beyond all others, upwards for `missing` = 1, downwards for −1."""
    seen = np.concatenate([pair.baseline.values.ravel(), pair.candidate.values.ravel()])
    seen = seen[~np.isnan(seen)]
    far = (float(seen.max() if missing > 0 else seen.min()) if len(seen) else 0.0) + missing * math.log(
        _BEYOND
    )
    neutral = float(np.median(seen)) if len(seen) else 0.0
    logs = np.where(np.isnan(arm.values), np.where(arm.not_applicable, neutral, far), arm.values)
    return np.asarray(np.exp(logs))


def _oriented(ratio: QuantileRatio, sign: float, level: float) -> QuantileEstimate:
    def log(value: float) -> float:
        return math.log(value) if value > 0 else -math.inf

    bounds = sorted(sign * log(v) for v in (ratio.lower_bound, ratio.upper_bound))
    interval = sorted(sign * log(v) for v in ratio.interval)
    return QuantileEstimate(
        sign * log(ratio.ratio), level, (bounds[0], bounds[1]), (interval[0], interval[1])
    )
