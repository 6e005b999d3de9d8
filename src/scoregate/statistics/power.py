"""What data of this size could have shown, and what it would take (normal approximation, Miller 2024)."""

from __future__ import annotations

import math
from statistics import NormalDist

POWER = 0.8
"""A drop counts as visible when it would be found in four of five builds."""


def normal_quantile(probability: float) -> float:
    """Standard normal quantile."""
    return NormalDist().inv_cdf(probability)


def minimum_detectable_drop(standard_error: float, alpha: float) -> float:
    """Smallest true drop that a one-sided test at `alpha` finds with 80 % power."""
    return (normal_quantile(1.0 - alpha) + normal_quantile(POWER)) * standard_error


def smallest_provable_loss(clusters: int, alpha: float, baseline_trials: int, candidate_trials: int) -> float:
    """Share of clusters that must be lost in every run, with none won, before p ≤ alpha is possible at all.

    Seven of G for alpha 0.01 and one trial; infinite when even a total loss is not enough.
    """
    ways = math.log(math.comb(baseline_trials + candidate_trials, candidate_trials))
    needed = math.ceil(math.log(1.0 / alpha) / ways - 1e-9)
    return needed / clusters if 0 < needed <= clusters else math.inf


def pairs_needed(pairs: float, standard_error: float, margin: float, level: float) -> int:
    """Item × trial pairs with which an unchanged candidate passes `margin` in four of five builds.

    `pairs` is what gave `standard_error`.
    """
    ratio = standard_error * (normal_quantile(1.0 - level) + normal_quantile(POWER)) / margin
    return math.ceil(min(pairs * min(ratio, 1e9) ** 2, 1e18))
