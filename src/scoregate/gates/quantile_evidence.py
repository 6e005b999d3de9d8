"""A quantile of latency, cost or tokens: p50 to p99 as the statistic of a rule.

A regression is proved by the calls beyond the quantile of both runs together: their number in each arm is tested by the
same relabelling as every other score. The ratio of the quantiles and its pass bound come from resampling clusters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoregate.catalog import Contract
from scoregate.gate_file import BEYOND_MARGIN, Rule
from scoregate.gates.coding import CodedScore
from scoregate.gates.evidence import Evidence
from scoregate.gates.pairing import ArmCells, PairedScore, Universe
from scoregate.statistics.bounds import number_of_clusters
from scoregate.statistics.quantiles import QuantileRatio, exceedance, quantile_bounds, quantile_ratio_bound

_SEED = 0
_BEYOND = math.log(1e6)
"""A missing call counts as so much slower, or faster, than any that was seen, and as much as all those differ."""


@dataclass(frozen=True, slots=True)
class _QuantileEstimate:
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
class _OwnQuantile:
    """The candidate's own quantile, in its unit; infinite where it is a call without a value."""

    value: float
    cells: NDArray[np.float64]
    """A missing call is infinite."""
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
        return _quantile(self.cells, rank / self.independent)


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
    seen = _Seen.of(arms)
    counted = np.asarray(~(arms[0].not_applicable.all(axis=1) & arms[1].not_applicable.all(axis=1)))
    worst = 1.0 if pair.sign < 0 else -1.0
    slow = [seen.amounts(arm, missing=worst) for arm in arms]
    tail = _counted_beyond(q)
    beyond = exceedance(-pair.sign * slow[0], -pair.sign * slow[1], tail)
    within = [(~cells).astype(float) for cells in beyond]
    beyond_margin = None
    if rule.fails_on == BEYOND_MARGIN and margin is not None:
        nearer = slow[1] * math.exp(pair.sign * margin)
        still = exceedance(-pair.sign * slow[0], -pair.sign * nearer, tail)
        beyond_margin = ((~still[0]).astype(float), (~still[1]).astype(float))
    estimate = own = worst_case = before = now = None
    gaps = 0
    if counted.any():
        kept = [values[counted] for values in slow]
        clusters = everything.clusters[counted]
        ratio = quantile_ratio_bound(kept[0], kept[1], clusters, q, level=level, seed=_SEED)
        estimate = _oriented(ratio, pair.sign, level, seen)
        feared = (seen.amounts(pair.baseline, missing=-worst)[counted], kept[1])
        worst_case = _oriented(
            quantile_ratio_bound(*feared, clusters, q, level=level, seed=_SEED), pair.sign, level, seen
        ).lower_bound(level)
        shown = [
            np.where(arm.missing[counted], worst * math.inf, values - pair.offset)
            for arm, values in zip(arms, kept, strict=True)
        ]
        before, now = (_quantile(values, q) for values in shown)
        own = _OwnQuantile(now, shown[1].ravel(), q, number_of_clusters(clusters))
        # Only where the quantile itself is a call without a value has it no number.
        gaps = sum(
            int(arm.missing.sum())
            for arm, value in zip(arms, (before, now), strict=True)
            if math.isinf(value)
        )
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
        open_ended_gaps=gaps,
        margin=margin,
        critical_items=(),
        suspect_items=(),
        clusters=number_of_clusters(everything.clusters[counted]),
        pairs=int(counted.sum()) * min(trials),
        before=_if_finite(before),
        now=_if_finite(now),
        scale="ratio",
        beyond_margin=beyond_margin,
    )


def _counted_beyond(q: float) -> float:
    """The quantile of both runs beyond which calls are counted.

    For the tails one that is twice as far in: twice as many calls tell a shift much sooner, and a heavier tail as soon.
    """
    return q if q <= 0.5 else 1.0 - 2.0 * (1.0 - q)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The logarithms of all values that either run holds; (0, 0, 0) without any."""

    lowest: float
    median: float
    highest: float

    @classmethod
    def of(cls, arms: Sequence[ArmCells]) -> _Seen:
        logs = np.concatenate([arm.values.ravel() for arm in arms])
        logs = logs[~np.isnan(logs)]
        if not len(logs):
            return cls(0.0, 0.0, 0.0)
        return cls(float(logs.min()), float(np.median(logs)), float(logs.max()))

    @property
    def spread(self) -> float:
        return self.highest - self.lowest

    def amounts(self, arm: ArmCells, *, missing: float) -> NDArray[np.float64]:
        """Positive amounts; a missing call is far beyond all others, upwards for `missing` = 1, downwards for −1."""
        beyond = self.spread + _BEYOND
        far = self.highest + beyond if missing > 0 else self.lowest - beyond
        logs = np.where(np.isnan(arm.values), np.where(arm.not_applicable, self.median, far), arm.values)
        return np.asarray(np.exp(logs))

    def ratio(self, value: float) -> float:
        """The logarithm of a ratio of two amounts; infinite where one of them was never seen."""
        log = math.log(value) if value > 0 else -math.inf
        return math.copysign(math.inf, log) if abs(log) > self.spread + _BEYOND / 2 else log


def _quantile(values: NDArray[np.float64], q: float) -> float:
    """The smallest value that a share q does not exceed; one of the values, which may be infinite."""
    ordered = np.sort(values, axis=None)
    return float(ordered[int(np.quantile(np.arange(len(ordered)), q, method="inverted_cdf"))])


def _if_finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _oriented(ratio: QuantileRatio, sign: float, level: float, seen: _Seen) -> _QuantileEstimate:
    bounds = sorted(sign * seen.ratio(v) for v in (ratio.lower_bound, ratio.upper_bound))
    interval = sorted(sign * seen.ratio(v) for v in ratio.interval)
    value = sign * math.log(ratio.ratio)
    return _QuantileEstimate(value, level, (bounds[0], bounds[1]), (interval[0], interval[1]))
