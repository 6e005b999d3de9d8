"""Agreement of two raters who put items into classes, and Krippendorff's α of any number of raters.

The table has one row a class of the first rater and one column a class of the second. The functions of a table take
any number of leading axes, (…, K, K) to (…,), so that all tables of a bootstrap are computed at once; a measure that
a table does not determine is NaN there. `agreement_intervals` turns that into words.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Level = Literal["nominal", "ordinal", "interval"]
Weights = Literal["linear", "quadratic"]


def confusion_table(first: NDArray[np.intp], second: NDArray[np.intp], classes: int) -> NDArray[np.int64]:
    """(K, K) counts of items by the class (0 … K−1) that each of two raters gave."""
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (first, second), 1)
    return table


def raw_agreement(table: NDArray[np.number]) -> Floats:
    """Share of items that both raters put into the same class."""
    return _ratio(np.trace(table, axis1=-2, axis2=-1), table.sum(axis=(-2, -1)))


def cohen_kappa(table: NDArray[np.number], weights: Weights | None = None) -> Floats:
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


def krippendorff_alpha(ratings: NDArray[np.float64], level: Level) -> float:
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


def _alpha(coincidences: Floats, level: Level, values: Floats | None) -> Floats:
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
