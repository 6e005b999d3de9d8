"""Agreement of two raters: of classes, of numbers, and of each with an interval.

Of classes there is a table with one row a class of the first rater and one column a class of the second; its measures
take any number of leading axes, (…, K, K) to (…,). Those of numbers go by the size of the differences and take weights
(…, N), how often each item counts. So all resamples of a bootstrap are computed at once; what the items do not
determine is NaN.

Intervals are those of the percentile bootstrap over items, the same for the same seed. Where nothing disagreed a
bootstrap sees no spread at all and would call the measure certain. Then the lower end is the measure of a table in
which as many items disagree as so few can hide (the exact bound), spread as chance would. Where all items disagree in
one and the same way it sees none either, and nobody knows in which way the next one would: then there is no interval,
and none from a handful of items.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scoregate.statistics.estimate import Estimate, estimated, exact_interval, not_estimated

Floats = NDArray[np.float64]
MeasurementLevel = Literal["nominal", "ordinal", "interval"]
_Weights = Literal["linear", "quadratic"]
_TableMeasure = Callable[[NDArray[np.number]], Floats]
_NumberMeasure = Callable[[Floats, Floats, Floats | None], Floats]

_RESAMPLES = 2000
_CHUNK = 200
"""Resamples of numbers at a time, which bounds the memory."""
_UNDETERMINED = 0.05
"""Where more resamples than this share determine no value, there is no interval."""
_NO_WIDTH = 1e-9
ONE_VALUE = "all values are the same, so that chance would agree as well"
_FEWEST = 10
"""A bootstrap of fewer items draws the same few over and over, and its intervals are too narrow."""
TOO_FEW = f"an interval takes at least {_FEWEST} items"
NO_SPREAD = "all items fell alike, so that resampling them shows no spread"
_NO_ITEMS = "no item has both values"
RARE = "so few items have another value than the rest that an interval would be guessed"


def confusion_table(first: NDArray[np.intp], second: NDArray[np.intp], classes: int) -> NDArray[np.int64]:
    """(K, K) counts of items by the class (0 … K−1) that each of two raters gave."""
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (first, second), 1)
    return table


def raw_agreement(table: NDArray[np.number]) -> Floats:
    """Share of items that both raters put into the same class."""
    return _ratio(np.trace(table, axis1=-2, axis2=-1), table.sum(axis=(-2, -1)))


def cohen_kappa(table: NDArray[np.number], weights: _Weights | None = None) -> Floats:
    """Cohen's κ: agreement beyond that of two raters who keep their marginal shares and know nothing of each other.

    With weights, a disagreement counts by the distance of the classes in the table's order, or by its square. NaN
    where both raters gave one and the same class to every item: chance agrees as well.
    """
    counts = np.asarray(table, dtype=np.float64)
    distance = np.abs(np.subtract.outer(np.arange(counts.shape[-1]), np.arange(counts.shape[-1])))
    size = (
        (distance > 0) * 1.0 if weights is None else distance * 1.0 if weights == "linear" else distance**2.0
    )
    observed = (counts * size).sum(axis=(-2, -1)) * counts.sum(axis=(-2, -1))
    expected = np.einsum("...i,ij,...j->...", counts.sum(axis=-1), size, counts.sum(axis=-2))
    return 1.0 - _ratio(observed, expected)


def gwet_ac1(table: NDArray[np.number]) -> Floats:
    """Gwet's AC1 (2008), which a rare class does not push down as it does κ. All K classes count, seen or not.

    NaN for a single class or an empty table.
    """
    counts = np.asarray(table, dtype=np.float64)
    classes = counts.shape[-1]
    items = counts.sum(axis=(-2, -1))
    if classes < 2:
        return np.full(items.shape, np.nan)
    shares = _ratio(counts.sum(axis=-1) + counts.sum(axis=-2), 2.0 * items[..., None])
    chance = (shares * (1.0 - shares)).sum(axis=-1) / (classes - 1)
    return _ratio(raw_agreement(counts) - chance, 1.0 - chance)


def alpha_of_table(table: NDArray[np.number], level: Literal["nominal", "ordinal"]) -> Floats:
    """Krippendorff's α of two raters who both rated every item. Ordinal: the classes are in order.

    NaN where all ratings are one and the same class.
    """
    counts = np.asarray(table, dtype=np.float64)
    return _alpha(counts + np.swapaxes(counts, -2, -1), level, None)


def krippendorff_alpha(ratings: NDArray[np.float64], level: MeasurementLevel) -> float:
    """Krippendorff's α of `ratings` (raters, items), NaN where a rater gave none.

    Items with fewer than two ratings say nothing and drop out. NaN where nothing is left or all ratings are equal.
    Ordinal takes only the order of the numbers, interval their distances, nominal whether they are the same.
    """
    rated = ~np.isnan(ratings)
    values, codes = np.unique(ratings[rated], return_inverse=True)
    counts = np.zeros((ratings.shape[1], len(values)))
    np.add.at(counts, (np.nonzero(rated)[1], codes), 1)
    counts = counts[counts.sum(axis=1) >= 2]
    share = counts / (counts.sum(axis=1, keepdims=True) - 1)
    coincidences = counts.T @ share - np.diag(share.sum(axis=0))
    return float(_alpha(coincidences, level, values))


def _alpha(coincidences: Floats, level: MeasurementLevel, values: Floats | None) -> Floats:
    """α from the (…, V, V) coincidences of values; `values` (V,) are their places for the interval level."""
    margins = coincidences.sum(axis=-1)
    total = margins.sum(axis=-1)
    if level == "nominal":
        observed = total - np.trace(coincidences, axis1=-2, axis2=-1)
        expected = total**2 - (margins**2).sum(axis=-1)
    else:
        # Classes that are only ordered stand at the middle of the ranks that they take.
        ranks = np.cumsum(margins, axis=-1) - margins / 2
        places = ranks if values is None or level == "ordinal" else np.broadcast_to(values, margins.shape)
        squares = (places[..., :, None] - places[..., None, :]) ** 2
        observed = (coincidences * squares).sum(axis=(-2, -1))
        expected = (margins[..., :, None] * margins[..., None, :] * squares).sum(axis=(-2, -1))
    alpha: Floats = 1.0 - (total - 1.0) * _ratio(observed, expected)
    return alpha


def _ratio(numerator: NDArray[np.number], denominator: NDArray[np.number]) -> Floats:
    """The quotient, NaN where the denominator is zero."""
    top, bottom = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    result = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=result, where=bottom != 0)
    return result


def quadratic_kappa(first: Floats, second: Floats, weights: Floats | None = None) -> Floats:
    """Cohen's κ with quadratic weights, a disagreement counted by the square of the difference of the numbers.

    This is also Lin's concordance correlation coefficient. NaN where both raters gave one and the same number.
    """
    return _beyond_chance(first, second, weights, joint=False)


def interval_alpha(first: Floats, second: Floats, weights: Floats | None = None) -> Floats:
    """Krippendorff's α of the interval level, of two raters who both rated every item. NaN for all ratings equal."""
    return _beyond_chance(first, second, weights, joint=True)


def _beyond_chance(first: Floats, second: Floats, weights: Floats | None, *, joint: bool) -> Floats:
    """1 − the mean squared difference over the one expected by chance.

    Chance pairs a number of the one rater with any of the other's, or (`joint`) two of all numbers of both, none
    with itself.
    """
    counts = np.ones(first.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    n = counts.sum(axis=-1)
    # Moments about a common middle: far from zero their difference would be lost in rounding.
    middle = (first.mean() + second.mean()) / 2 if len(first) else 0.0
    x, y = first - middle, second - middle
    squared = counts @ (x - y) ** 2 / n
    mean_x, mean_y = counts @ x / n, counts @ y / n
    spread_x = np.maximum(counts @ x**2 / n - mean_x**2, 0.0)
    spread_y = np.maximum(counts @ y**2 / n - mean_y**2, 0.0)
    chance = spread_x + spread_y + (mean_x - mean_y) ** 2
    if joint:
        # Twice the variance of all 2n numbers, with 2n − 1 in its denominator.
        chance = (chance - (mean_x - mean_y) ** 2 / 2) * (2 * n / (2 * n - 1))
    scale = float(np.max(np.abs([x, y]), initial=0.0)) ** 2
    result = np.full(np.shape(squared), np.nan)
    np.divide(squared, chance, out=result, where=chance > 1e-12 * scale)
    return 1.0 - result


def table_estimate(
    table: NDArray[np.int64], measure: _TableMeasure, *, level: float = 0.05, seed: int = 0
) -> Estimate:
    """A measure of a (K, K) table, such as `cohen_kappa`, with its 1 − `level` interval.

    Without a value where the table determines none (one class only), without an interval where too many
    resamples do not, where all of them are alike, and where the items are fewer than `_FEWEST` and not all agree;
    `reason` says so.
    """
    n = int(table.sum())
    if not n:
        return not_estimated(0, _NO_ITEMS)
    value = float(measure(table))
    if np.isnan(value):
        return not_estimated(n, ONE_VALUE)
    if np.trace(table) == n:
        return estimated(value, float(measure(_with_hidden_disagreements(table, level))), value, n)
    if n < _FEWEST:
        return Estimate(value, None, None, n, TOO_FEW)
    seen = np.flatnonzero(table)
    rng = np.random.default_rng(seed)
    drawn = np.zeros((_RESAMPLES, table.size))
    drawn[:, seen] = rng.multinomial(n, table.ravel()[seen] / n, size=_RESAMPLES)
    return _percentiles(value, measure(drawn.reshape(_RESAMPLES, *table.shape)), n, level)


def numbers_estimate(
    first: Floats, second: Floats, measure: _NumberMeasure, *, level: float = 0.05, seed: int = 0
) -> Estimate:
    """A measure of two raters' numbers (N,), such as `quadratic_kappa`, in the same way."""
    n = len(first)
    if not n:
        return not_estimated(0, _NO_ITEMS)
    order = np.lexsort((second, first))  # the order in which the items came is no difference
    first, second = first[order], second[order]
    value = float(measure(first, second, None))
    if np.isnan(value):
        return not_estimated(n, ONE_VALUE)
    if np.array_equal(first, second):
        # Items that disagree as chance would add nothing to agreement beyond chance.
        return estimated(value, exact_interval(n, n, level)[0] * value, value, n)
    if n < _FEWEST:
        return Estimate(value, None, None, n, TOO_FEW)
    rng = np.random.default_rng(seed)
    resampled = [
        measure(first, second, rng.multinomial(n, np.full(n, 1.0 / n), size=_CHUNK).astype(np.float64))
        for _ in range(_RESAMPLES // _CHUNK)
    ]
    return _percentiles(value, np.concatenate(resampled), n, level)


def _percentiles(value: float, resampled: Floats, n: int, level: float) -> Estimate:
    determined = resampled[~np.isnan(resampled)]
    if len(determined) < (1.0 - _UNDETERMINED) * len(resampled):
        return Estimate(value, None, None, n, RARE)
    low, high = np.quantile(determined, [level / 2, 1.0 - level / 2])
    if high - low < _NO_WIDTH:
        return Estimate(value, None, None, n, NO_SPREAD)
    return estimated(value, float(low), float(high), n)


def _with_hidden_disagreements(table: NDArray[np.int64], level: float) -> Floats:
    """The table of perfect agreement with the largest share of disagreements that its items could have hidden."""
    n = int(table.sum())
    kept = exact_interval(n, n, level)[0]
    off = np.outer(table.sum(axis=1), table.sum(axis=0)).astype(np.float64)
    np.fill_diagonal(off, 0.0)
    if not off.any():
        off = 1.0 - np.eye(len(table))
    mixed: Floats = kept * table + (1.0 - kept) * n * off / off.sum()
    return mixed
