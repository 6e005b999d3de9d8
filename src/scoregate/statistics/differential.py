"""Does a judge err alike in two versions? Tests of its errors against human labels of both.

A true drop must not look like such a difference. A judge that passes a fifth of what people fail, in both versions
alike, passes more bad answers of the version that gives more of them; and one that shows half of every drop lies
above the labels where there was one. So errors are compared among answers that people judge alike: the passes among
what people fail, the failures among what they pass, and for numbers the difference that is left where people see none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoregate.statistics.estimate import t_quantile

Floats = NDArray[np.float64]

FEWEST_PAIRS = 10
"""Pairs of numbers that an interval is told from, at least."""
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Errors among the labelled answers of two versions, and whether they differ in frequency."""

    baseline: tuple[int, int]
    """Errors, answers."""
    candidate: tuple[int, int]
    p_value: float
    """Two-sided."""
    excess: float
    """Errors of the candidate beyond those expected if the version made no difference."""


@dataclass(frozen=True, slots=True)
class Offset:
    """By how much a judge scores one version higher than the other where people see no difference."""

    value: float
    low: float
    high: float
    """95 % interval."""
    p_value: float
    """Two-sided."""
    pairs: int


def compare_errors(baseline: Mapping[str, bool], candidate: Mapping[str, bool]) -> ErrorRates:
    """Exact test of the errors of two versions: item -> whether the judge erred, a labelled answer an item.

    Where every item is in both it is McNemar's test of the pairs, where none is, Fisher's of two samples. Else both are
    made, Fisher's of all answers, and the smaller p-value counts twice. The pairs alone would not do: bad answers to
    items that the other version answered well are what a true drop is made of. Fisher's test takes the two answers to
    an item for independent; as a judge errs on some items rather than on others, that makes it slower to speak.
    """
    both = baseline.keys() & candidate.keys()
    only_baseline = sum(baseline[item] and not candidate[item] for item in both)
    only_candidate = sum(candidate[item] and not baseline[item] for item in both)
    first, second = (sum(baseline.values()), len(baseline)), (sum(candidate.values()), len(candidate))
    # Each with the candidate's errors beyond those expected if the version made no difference.
    of_pairs = (_coin_flips_p(only_candidate, only_baseline), (only_candidate - only_baseline) / 2)
    expected = (first[0] + second[0]) * second[1] / max(1, first[1] + second[1])
    of_all = (_drawn_p(first, second), second[0] - expected)
    if len(both) == len(baseline) == len(candidate):
        return ErrorRates(first, second, *of_pairs)
    if not both:
        return ErrorRates(first, second, *of_all)
    p_value, excess = min(of_pairs, of_all)
    return ErrorRates(first, second, min(1.0, 2 * p_value), excess)


def offset_at_equal_labels(judge: Floats, human: Floats) -> Offset | None:
    """The judge's difference of two versions that the labels do not explain; None where that cannot be told.

    `judge` and `human` (N,) are differences of one item's answers, candidate − baseline. The judge's are fitted by a
    line of the people's, and the line's height at 0 is tested: its slope is how much of a true difference the judge
    shows, which is the same for both versions. The variance is that of unequal residuals (MacKinnon and White's HC3).
    """
    pairs = len(judge)
    if pairs < FEWEST_PAIRS:
        return None
    columns = [np.ones(pairs)] if np.ptp(human) == 0 and human[0] == 0 else [np.ones(pairs), human]
    if np.ptp(human) == 0 and human[0] != 0:
        return None  # every item moved by the same: slope and offset cannot be told apart
    design = np.stack(columns, axis=1)
    inverse = np.linalg.inv(design.T @ design)
    fitted = inverse @ design.T @ judge
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    residuals = (judge - design @ fitted) / np.maximum(1.0 - leverage, _ROUNDING)
    # One item alone may fix the slope; it has no residual then, and says nothing of the height.
    residuals[leverage > 1 - 1e-9] = 0.0
    spread = inverse @ (design.T * residuals**2) @ design @ inverse
    value, error = float(fitted[0]), math.sqrt(max(0.0, float(spread[0, 0])))
    freedom = pairs - len(columns)
    half = t_quantile(0.05, freedom) * error
    return Offset(value, value - half, value + half, _two_sided(value, error, freedom), pairs)


def _two_sided(value: float, error: float, freedom: int) -> float:
    from scipy.special import stdtr

    if abs(value) <= _ROUNDING:
        return 1.0
    return 0.0 if error <= _ROUNDING else float(2 * stdtr(freedom, -abs(value) / error))


def _coin_flips_p(heads: int, tails: int) -> float:
    """Two-sided p-value of so many heads and tails of a fair coin."""
    from scipy.special import gammaln

    n = heads + tails
    k = np.arange(n + 1)
    chances: Floats = np.exp(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) - n * math.log(2))
    return _as_unlikely(chances, heads)


def _drawn_p(first: tuple[int, int], second: tuple[int, int]) -> float:
    """Fisher's two-sided p-value of two samples, each (hits, size)."""
    from scipy.special import gammaln

    (hits_1, n_1), (hits_2, n_2) = first, second
    hits = hits_1 + hits_2

    def ways(n: int, k: NDArray[np.int64]) -> Floats:
        found: Floats = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        return found

    fewest = max(0, hits - n_1)
    k = np.arange(fewest, min(hits, n_2) + 1)
    logarithms = ways(n_2, k) + ways(n_1, hits - k)
    chances = np.exp(logarithms - logarithms.max())
    return _as_unlikely(chances / chances.sum(), hits_2 - fewest)


def _as_unlikely(chances: Floats, seen: int) -> float:
    """Probability of all outcomes that are no more likely than the one seen."""
    return min(1.0, float(chances[chances <= chances[seen] * (1 + 1e-9)].sum()))
