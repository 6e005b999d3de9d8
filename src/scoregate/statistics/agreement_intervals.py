"""Measures of agreement with their intervals: the percentile bootstrap over items, the same for the same seed.

Where nothing disagreed a bootstrap sees no spread at all and would call the measure certain. Then the lower end is
the measure of a table in which as many items disagree as so few can hide (the exact bound), spread as chance would.
Where all items disagree in one and the same way it sees none either, and nobody knows in which way the next one would:
then there is no interval, and none from a handful of items.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from scoregate.statistics.estimate import Estimate, told, untold
from scoregate.statistics.proportions import exact_interval

Floats = NDArray[np.float64]
TableMeasure = Callable[[NDArray[np.number]], Floats]
NumberMeasure = Callable[[Floats, Floats, Floats | None], Floats]

RESAMPLES = 2000
_CHUNK = 200
"""Resamples of numbers at a time, which bounds the memory."""
_UNDETERMINED = 0.05
"""Where more resamples than this share determine no value, there is no interval."""
_NO_WIDTH = 1e-9
ONE_VALUE = "all values are the same, so that chance would agree as well"
FEWEST = 10
"""A bootstrap of fewer items draws the same few over and over, and its intervals are too narrow."""
TOO_FEW = f"an interval takes at least {FEWEST} items"
NO_SPREAD = "all items fell alike, so that resampling them shows no spread"
NO_ITEMS = "no item has both values"
RARE = "so few items have another value than the rest that an interval would be guessed"


def table_estimate(
    table: NDArray[np.int64], measure: TableMeasure, *, level: float = 0.05, seed: int = 0
) -> Estimate:
    """A measure of a (K, K) table, such as `cohen_kappa`, with its 1 − `level` interval.

    Without a value where the table determines none (one class only), without an interval where too many
    resamples do not, where all of them are alike, and where the items are fewer than `FEWEST` and not all agree;
    `reason` says so.
    """
    n = int(table.sum())
    if not n:
        return untold(0, NO_ITEMS)
    value = float(measure(table))
    if np.isnan(value):
        return untold(n, ONE_VALUE)
    if np.trace(table) == n:
        return told(value, float(measure(_with_hidden_disagreements(table, level))), value, n)
    if n < FEWEST:
        return Estimate(value, None, None, n, TOO_FEW)
    seen = np.flatnonzero(table)
    rng = np.random.default_rng(seed)
    drawn = np.zeros((RESAMPLES, table.size))
    drawn[:, seen] = rng.multinomial(n, table.ravel()[seen] / n, size=RESAMPLES)
    return _percentiles(value, measure(drawn.reshape(RESAMPLES, *table.shape)), n, level)


def numbers_estimate(
    first: Floats, second: Floats, measure: NumberMeasure, *, level: float = 0.05, seed: int = 0
) -> Estimate:
    """A measure of two raters' numbers (N,), such as `quadratic_kappa`, in the same way."""
    n = len(first)
    if not n:
        return untold(0, NO_ITEMS)
    order = np.lexsort((second, first))  # the order in which the items came is no difference
    first, second = first[order], second[order]
    value = float(measure(first, second, None))
    if np.isnan(value):
        return untold(n, ONE_VALUE)
    if np.array_equal(first, second):
        # Items that disagree as chance would add nothing to agreement beyond chance.
        return told(value, exact_interval(n, n, level)[0] * value, value, n)
    if n < FEWEST:
        return Estimate(value, None, None, n, TOO_FEW)
    rng = np.random.default_rng(seed)
    resampled = [
        measure(first, second, rng.multinomial(n, np.full(n, 1.0 / n), size=_CHUNK).astype(np.float64))
        for _ in range(RESAMPLES // _CHUNK)
    ]
    return _percentiles(value, np.concatenate(resampled), n, level)


def _percentiles(value: float, resampled: Floats, n: int, level: float) -> Estimate:
    determined = resampled[~np.isnan(resampled)]
    if len(determined) < (1.0 - _UNDETERMINED) * len(resampled):
        return Estimate(value, None, None, n, RARE)
    low, high = np.quantile(determined, [level / 2, 1.0 - level / 2])
    if high - low < _NO_WIDTH:
        return Estimate(value, None, None, n, NO_SPREAD)
    return told(value, float(low), float(high), n)


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
