"""How many items it takes to see a rise that a few of them carry.

A quantity without an upper end can rise by the margin through 2 items in a hundred that are 50 times dearer, and fifty
items that hold none of them look unchanged. No bound that is taken from what was seen knows of them; the number of
items does: so many are needed that at least one of them is among these with probability 1 − level.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

LARGEST_MULTIPLE = 50.0
"""A call that got dearer or slower by more than this is not planned for."""
FEWEST_SHARE = 0.02
"""Nor is a rise that fewer items than this share carry."""


def share_that_carries(margin: float, *, of_sum: bool) -> float:
    """The smallest share of items that can carry a loss of the margin: in logs, or as a share of the sum."""
    most = LARGEST_MULTIPLE - 1.0 if of_sum else math.log(LARGEST_MULTIPLE)
    return max(FEWEST_SHARE, margin / most)


def fewest_items(margin: float, level: float, *, of_sum: bool) -> int:
    """Independent items of which, but for a chance of `level`, one is among those that carry the margin."""
    share = share_that_carries(margin, of_sum=of_sum)
    return 1 if share >= 1 else math.ceil(math.log(level) / math.log1p(-share))


def equal_items(weights: NDArray[np.float64]) -> float:
    """As many items of one weight as these are worth: (Σ w)² / Σ w²; 0 where all weights are 0."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0
