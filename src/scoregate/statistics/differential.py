"""Does a judge err alike in two versions? Tests of its errors against human labels of both.

A true drop must not look like such a difference. A judge that passes a fifth of what people fail, in both versions
alike, passes more bad answers of the version that gives more of them; and one that shows half of every drop lies
above the labels where there was one. So errors are compared among answers that people judge alike: the passes among
what people fail, the failures among what they pass, and for numbers the difference that is left where people see none.

Nor must a true change look like one because people err. A good answer labelled bad by mistake passes as it should, and
counts as an error among the bad ones; the version with fewer bad answers has more of these. So errors that wrong labels
may explain are left out, and of numbers every slope counts that noise in the labels leaves possible.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scoregate.statistics.estimate import t_quantile
from scoregate.statistics.special import special_function

FEWEST_PAIRS = 10
"""Pairs of numbers that an interval is told from, at least."""
_STEEPEST = 2.0
"""Slope of the judge on the truth, in slopes of the judge on the labels: labels whose differences are half noise."""
_ROUNDING = 1e-12
"""Of numbers whose largest is 1."""


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Errors among the labelled answers of two versions, and whether they differ in frequency."""

    baseline: tuple[int, int]
    """Errors, answers."""
    candidate: tuple[int, int]
    p_value: float
    """Two-sided, without the errors that wrong labels may explain."""
    excess: float
    """Errors of the candidate beyond those expected if the version made no difference."""


@dataclass(frozen=True, slots=True)
class Offset:
    """By how much a judge scores one version higher than the other where people see no difference."""

    value: float
    low: float
    high: float
    """95 % interval, of every slope that is possible."""
    p_value: float
    """Two-sided, of the slope that speaks most against it."""
    pairs: int


def compare_errors(
    baseline: Mapping[str, bool], candidate: Mapping[str, bool], *, explained: tuple[int, int] = (0, 0)
) -> ErrorRates:
    """Exact test of the errors of two versions: item -> whether the judge erred, a labelled answer an item.

    Where every item is in both it is McNemar's test of the pairs, where none is, Fisher's of two samples. Else both are
    made, Fisher's of all answers, and the smaller p-value counts twice. The pairs alone would not do: bad answers to
    items that the other version answered well are what a true drop is made of. Fisher's test takes the two answers to
    an item for independent; as a judge errs on some items rather than on others, that makes it slower to speak.

    `explained` are the errors of baseline and candidate that wrong labels may explain. The p-value is of the rest where
    so many are taken from the version with too many errors, those first that the other version does not share. Nothing
    is taken from the other version, as that would speak for a difference.
    """
    found = _compared(baseline, candidate)
    taken = explained[1] if found.excess > 0 else explained[0]
    if not taken or not found.excess:
        return found
    if found.excess > 0:
        rest = _compared(baseline, _without(candidate, baseline, taken))
    else:
        rest = _compared(_without(baseline, candidate, taken), candidate)
    p_value = rest.p_value if rest.excess * found.excess > 0 else 1.0
    return replace(found, p_value=max(p_value, found.p_value))


def _without(errors: Mapping[str, bool], others: Mapping[str, bool], number: int) -> dict[str, bool]:
    """The answers without so many of the errors, those first that the other version does not share."""
    wrong = sorted(
        (item for item, erred in errors.items() if erred), key=lambda item: others.get(item, False)
    )
    gone = set(wrong[:number])
    return {item: erred for item, erred in errors.items() if item not in gone}


def _compared(baseline: Mapping[str, bool], candidate: Mapping[str, bool]) -> ErrorRates:
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


def offset_at_equal_labels(judge: NDArray[np.float64], human: NDArray[np.float64]) -> Offset | None:
    """The judge's difference of two versions that the labels do not explain; None where that cannot be told.

    `judge` and `human` (N,) are differences of one item's answers, candidate − baseline. The judge's are fitted by a
    line of the people's, and the line's height at 0 is tested: its slope is how much of a true difference the judge
    shows, which is the same for both versions. Noise in the labels flattens that line, so that a true drop would leave
    a height. The steepest line that noise leaves possible is the reverse regression's, people's on the judge's, which
    takes all scatter for theirs; it counts up to `_STEEPEST` times the slope. An offset has to stand on both lines.
    """
    pairs = len(judge)
    if pairs < FEWEST_PAIRS or (np.ptp(human) == 0 and human[0] != 0):
        return None  # where every item moved by the same, slope and offset cannot be told apart
    # In units of the largest: rounding is to be told from a difference on every scale.
    unit = _largest(judge)
    judge, human = judge / unit, human / _largest(human)
    lines = [_flat_line(judge, human)]
    if np.ptp(human) > 0:
        lines.append(_steep_line(judge, human))
    value = lines[0].value
    one_side = all(line.value * value >= 0 for line in lines)
    return Offset(
        value * unit,
        min(line.ends[0] for line in lines) * unit,
        max(line.ends[1] for line in lines) * unit,
        max(line.p_value for line in lines) if one_side else 1.0,
        pairs,
    )


@dataclass(frozen=True, slots=True)
class _Height:
    """Of a line at 0."""

    value: float
    error: float
    freedom: int

    @property
    def ends(self) -> tuple[float, float]:
        half = t_quantile(0.05, self.freedom) * self.error
        return self.value - half, self.value + half

    @property
    def p_value(self) -> float:
        return _two_sided(self.value, self.error, self.freedom)


def _flat_line(judge: NDArray[np.float64], human: NDArray[np.float64]) -> _Height:
    """By least squares; the variance is that of unequal residuals (MacKinnon and White's HC3)."""
    pairs = len(judge)
    columns = [np.ones(pairs)] if np.ptp(human) == 0 else [np.ones(pairs), human]
    design = np.stack(columns, axis=1)
    inverse = np.linalg.inv(design.T @ design)
    fitted = inverse @ design.T @ judge
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    residuals = (judge - design @ fitted) / np.maximum(1.0 - leverage, _ROUNDING)
    # One item alone may fix the slope; it has no residual then, and says nothing of the height.
    residuals[leverage > 1 - 1e-9] = 0.0
    spread = inverse @ (design.T * residuals**2) @ design @ inverse
    return _Height(float(fitted[0]), math.sqrt(max(0.0, float(spread[0, 0]))), pairs - len(columns))


def _steep_line(judge: NDArray[np.float64], human: NDArray[np.float64]) -> _Height:
    """With the steepest slope that noise in the labels leaves possible; the variance is the jackknife's."""
    pairs = len(judge)
    moments = np.stack([judge, human, judge * judge, human * human, judge * human])
    whole = moments.sum(axis=1)
    left_out = _steep_height(pairs - 1, whole[:, None] - moments)
    spread = (pairs - 1) / pairs * float(((left_out - left_out.mean()) ** 2).sum())
    return _Height(float(_steep_height(pairs, whole[:, None])[0]), math.sqrt(spread), pairs - 2)


def _steep_height(pairs: int, sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heights (M,) of the sums (5, M) of judge, human, their squares and their product over so many pairs."""
    judge, human, judge_2, human_2, product = sums
    of_judge, of_human = judge_2 - judge**2 / pairs, human_2 - human**2 / pairs
    common = product - judge * human / pairs
    moved = of_human > _ROUNDING * pairs
    slope = np.divide(common, of_human, out=np.zeros_like(common), where=moved)
    together = moved & (common > _ROUNDING * pairs)
    # 1 / r², by which the reverse regression is steeper.
    steeper = np.divide(of_judge * of_human, common**2, out=np.ones_like(common), where=together)
    found: NDArray[np.float64] = (judge - np.clip(steeper, 1.0, _STEEPEST) * slope * human) / pairs
    return found


def _largest(values: NDArray[np.float64]) -> float:
    return float(np.abs(values).max()) or 1.0


def _two_sided(value: float, error: float, freedom: int) -> float:
    stdtr = special_function("stdtr")

    if abs(value) <= _ROUNDING:
        return 1.0
    return 0.0 if error <= _ROUNDING else float(2 * stdtr(freedom, -abs(value) / error))


def _coin_flips_p(heads: int, tails: int) -> float:
    """Two-sided p-value of so many heads and tails of a fair coin."""
    gammaln = special_function("gammaln")

    n = heads + tails
    k = np.arange(n + 1)
    chances: NDArray[np.float64] = np.exp(
        gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) - n * math.log(2)
    )
    return _as_unlikely(chances, heads)


def _drawn_p(first: tuple[int, int], second: tuple[int, int]) -> float:
    """Fisher's two-sided p-value of two samples, each (hits, size)."""
    gammaln = special_function("gammaln")

    (hits_1, n_1), (hits_2, n_2) = first, second
    hits = hits_1 + hits_2

    def ways(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        return found

    fewest = max(0, hits - n_1)
    k = np.arange(fewest, min(hits, n_2) + 1)
    logarithms = ways(n_2, k) + ways(n_1, hits - k)
    chances = np.exp(logarithms - logarithms.max())
    return _as_unlikely(chances / chances.sum(), hits_2 - fewest)


def _as_unlikely(chances: NDArray[np.float64], seen: int) -> float:
    """Probability of all outcomes that are no more likely than the one seen."""
    return min(1.0, float(chances[chances <= chances[seen] * (1 + 1e-9)].sum()))
