"""Agreement of two raters who give numbers: by the size of their differences, without classes.

The functions take weights (…, N), how often each item counts, so that all resamples of a bootstrap are computed at
once. What the items do not determine is NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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
