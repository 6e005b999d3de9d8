"""The figures of one score over some of its items: the value of each run, and the paired difference."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from scoregate.gate_file import Rule
from scoregate.gates.coding import CodedScore
from scoregate.gates.evidence import Evidence
from scoregate.gates.pairing import PairedScore, Scale
from scoregate.statistics.bounds import MeanEstimate, estimate_mean, number_of_clusters, observed_range

_ROUNDING = 1e-9


def over(evidence: Evidence, coded: CodedScore, clusters: NDArray[np.intp]) -> Evidence:
    """The same evidence with the figures of these values. Its pair holds as many items as `coded` and `clusters`."""
    pair, rule = evidence.pair, evidence.rule
    items = int(coded.counted.sum())
    before, now = (value_of(pair, coded, values) for values in (coded.baseline, coded.candidate))
    total = items if rule.statistic == "sum" else 1
    reference, scale = told_in(pair, rule, before, items)
    return replace(
        evidence,
        coded=coded,
        estimate=difference(coded, pair, clusters),
        clusters=number_of_clusters(clusters[coded.counted]),
        before=None if before is None else before * total,
        now=None if now is None else now * total,
        reference=reference,
        scale=scale,
    )


def told_in(pair: PairedScore, rule: Rule, before: float | None, items: int) -> tuple[float | None, Scale]:
    """What differences are divided by, and the scale in which they are told then.

    A sum is told as a share of the baseline's. Nothing is a share of 0, so there the sum is told as it is.
    """
    if rule.statistic != "sum":
        return None, pair.scale
    if before is None or before != 0:
        return before, "ratio"
    return 1.0 / items, "numeric"


def value_of(pair: PairedScore, coded: CodedScore, values: NDArray[np.float64]) -> float | None:
    """Mean over counted items in the score's unit; the geometric mean for ratios."""
    counted = values[coded.counted]
    if not counted.size:
        return None
    mean = float(counted.mean())
    if pair.scale != "ratio":
        return pair.sign * mean + 0.0
    value = math.exp(pair.sign * mean)
    # Without the offset that gave zeros a logarithm; what is left of it is rounding.
    return value - pair.offset if value > pair.offset * (1 + _ROUNDING) else 0.0


def difference(coded: CodedScore, pair: PairedScore, clusters: NDArray[np.intp]) -> MeanEstimate | None:
    """Candidate − baseline over the counted items, larger is better; None without any."""
    if not coded.counted.any():
        return None
    differences = coded.differences
    if not np.isfinite(differences).all():
        # A missing value on a scale without a lower end: nothing can be ruled out.
        return MeanEstimate(-math.inf, -math.inf, 0.0, 1)
    reach = math.log(2.0) if pair.scale == "ratio" else pair.size
    if not math.isfinite(reach):
        reach = observed_range(differences, _values(coded))
    if not reach:
        # Nothing but zeros on a scale without ends says nothing of what another item would give.
        return MeanEstimate(float(differences.mean()), 0.0, math.inf, 1)
    totals, sizes = by_cluster(differences, clusters[coded.counted])
    return estimate_mean(totals, sizes, low=-reach, high=reach, skewed=True)


def _values(coded: CodedScore) -> NDArray[np.float64]:
    return np.concatenate([coded.baseline[coded.counted].ravel(), coded.candidate[coded.counted].ravel()])


def by_cluster(
    values: NDArray[np.float64], clusters: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum and number of each cluster's items, (G,) each."""
    _, position = np.unique(clusters, return_inverse=True)
    totals = np.asarray(np.bincount(position, weights=values), dtype=float)
    return totals, np.bincount(position).astype(float)
