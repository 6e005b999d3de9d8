"""What data of a size can show: which drop is found, how often an unchanged candidate passes, how many items it takes.

Before any run all of it comes from one number, the within-item variance w: how much a score of one item varies from
trial to trial. A difference of arms of k trials over N items then has the standard error sqrt(2 w / (N k)) in this
dataset (Miller 2024). Normal approximations throughout, by which no verdict is decided.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from scoregate.statistics.bounds import estimate_unchanged

_POWER = 0.8
"""A drop counts as visible when it would be found in four of five builds."""
_STEPS = 60
"""Bisections: the drop is known to 2 ** -60 of the range."""


def normal_quantile(probability: float) -> float:
    """Standard normal quantile."""
    return NormalDist().inv_cdf(probability)


def minimum_detectable_drop(standard_error: float, alpha: float) -> float:
    """Smallest true drop that a one-sided test at `alpha` finds with 80 % power."""
    return (normal_quantile(1.0 - alpha) + normal_quantile(_POWER)) * standard_error


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
    ratio = standard_error * (normal_quantile(1.0 - level) + normal_quantile(_POWER)) / margin
    return math.ceil(min(pairs * min(ratio, 1e9) ** 2, 1e18))


def within_variance(values: NDArray[np.float64]) -> float:
    """Mean over items of the sample variance over trials; `values` (N, k). Raises ValueError for fewer than two
    trials or no items: one trial says nothing of how trials differ."""
    if values.shape[1] < 2 or not len(values):
        raise ValueError("the within-item variance needs at least one item with two trials")
    return float(np.asarray(values, dtype=float).var(axis=1, ddof=1).mean())


def within_variance_of_two_runs(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The same from two one-trial runs of one version: half the mean squared difference; both (N,), paired by item.

    Raises ValueError where the runs differ in length or are empty.
    """
    if first.shape != second.shape or not len(first):
        raise ValueError("two runs of the same items are needed, at least one item")
    return within_variance(np.stack([first, second], axis=1))


def difference_error(
    within: float, *, items: int, trials: int, between: float = 0.0, design_effect: float = 1.0
) -> float:
    """Standard error of the difference of means of two arms: sqrt((ω² + 2 w / k) · deff / N).

    `between` is the variance ω² of the items' true differences: 0 for the dataset itself; `design_effect` is
    1 + (items per cluster − 1) · ICC of the trial noise.
    """
    return math.sqrt((between + 2.0 * within / trials) * design_effect / items)


def passes_unchanged(
    within: float,
    *,
    items: int,
    trials: int,
    margin: float,
    level: float,
    clusters: int | None = None,
    value_range: float = 1.0,
    design_effect: float = 1.0,
    scores: int = 1,
) -> float:
    """Probability that an unchanged candidate passes: that the bound of `estimate_mean` lies above −margin.

    `within` is w of the score, `value_range` its range R, `level` the error of the one-sided bound, `clusters` G of
    equal size (each item its own by default). With several gated `scores` all have to pass; they are taken as
    independent. True differences of items are 0.
    """
    count = items if clusters is None else clusters
    variance = difference_error(within, items=items, trials=trials, design_effect=design_effect) ** 2 * count
    room = margin + estimate_unchanged(variance, count, value_range=value_range).lower_bound(level)
    noise = math.sqrt(variance * count) / (count + 2)
    if noise == 0.0:
        return float(room > 0)
    return (0.5 * math.erfc(-room / noise / math.sqrt(2.0))) ** scores


def drop_found(
    within: float,
    *,
    items: int,
    trials: int,
    alpha: float,
    concentrated: bool,
    population: bool = False,
    clusters: int | None = None,
    value_range: float = 1.0,
    design_effect: float = 1.0,
) -> float:
    """Smallest true drop of the mean that is found with 80 % power by a one-sided test at `alpha`; infinite if none.

    `alpha` is the share that this hypothesis has of the familywise level (alpha / H is the worst case of H). A diffuse
    drop takes a little from every item, a concentrated one all of the range from a few. The relabelling test pools
    both arms' trials, so its null variance holds w and what the drop itself adds, δ² / (2 k − 1) for an item that
    lost δ; `population` is the test that generalises to other items and adds their variance too. A concentrated drop
    is never below what any data of this size can prove.
    """
    z_alpha, z_power = normal_quantile(1.0 - alpha), normal_quantile(_POWER)

    def found(drop: float) -> bool:
        share = drop / value_range if concentrated else 1.0
        lost = value_range if concentrated else drop
        between = share * (1.0 - share) * lost**2 if population else 0.0
        # Items that are broken for good have no noise left in the candidate's arm.
        noise = between + (2.0 - share * concentrated) * within / trials
        null = noise if population else 2.0 * within / trials + share * lost**2 / (2 * trials - 1)
        scale = math.sqrt(design_effect / items)
        return drop >= (z_alpha * math.sqrt(null) + z_power * math.sqrt(noise)) * scale

    if not found(value_range):
        return math.inf
    low, high = 0.0, value_range
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) else (middle, high)
    if not concentrated:
        return high
    return max(high, value_range * smallest_provable_loss(clusters or items, alpha, trials, trials))


def items_needed(
    drop: float,
    *,
    alpha: float,
    within: tuple[float, float],
    trials: tuple[int, int] = (1, 1),
    between: float = 0.0,
    two_sided: bool = False,
) -> int:
    """Items with which a true drop is found with 80 % power: (z_α + z_β)² (ω² + σ_b²/k_b + σ_c²/k_c) / drop².

    `within` holds the within-item variances of baseline and candidate, `trials` their trials, `between` is ω²
    (Miller 2024, section 5).
    """
    z = normal_quantile(1.0 - (alpha / 2 if two_sided else alpha)) + normal_quantile(_POWER)
    variance = between + within[0] / trials[0] + within[1] / trials[1]
    return math.ceil(z**2 * variance / drop**2 - 1e-9)
