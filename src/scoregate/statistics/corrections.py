"""The true mean of a score that a judge measures with errors, from human labels of a part of the items.

Both corrections assume that the labelled items are a random part of all: labels of the items that looked odd say
nothing of the rest. Items count as independent.

`rogan_gladen` takes the judge's two error rates from the labels and turns the observed share back (Rogan and Gladen
1978). `corrected_mean` is the prediction-powered estimate with its tuning (Angelopoulos, Duchi and Zrnic 2023,
arXiv:2311.01453): the mean of the labels, moved by what the judge saw of the other items as far as the judge is worth
it. A judge that knows nothing gets no weight, and the estimate is the mean of the labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoregate.statistics.estimate import Estimate, not_estimated, t_quantile, two_sided_z

WEAKEST_JUDGE = 0.1
"""Smallest sensitivity + specificity − 1 that Rogan and Gladen's correction divides by."""


@dataclass(frozen=True, slots=True)
class PredictionPowered:
    """A prediction-powered estimate and the weight that the judge got in it."""

    estimate: Estimate
    """`n` is the number of labelled items."""
    judge_weight: float
    """λ from 0 (the labels alone) to 1 (the judge's mean, shifted by its mean error)."""


def rogan_gladen(judge: NDArray[np.float64], human: NDArray[np.float64], *, level: float = 0.05) -> Estimate:
    """The share that truly passes, of a judge that says 0 or 1.

    `judge` (N,) holds 0 and 1 of all items, `human` (N,) the label, NaN where there is none. No value where the
    labels hold only passes or only failures, or where the judge is hardly better than chance (sensitivity +
    specificity − 1 ≤ 0.1): the correction divides by that. Value and interval stay within 0 and 1.
    """
    labelled = ~np.isnan(human)
    n = int(labelled.sum())
    passes, fails = labelled & (human == 1), labelled & (human == 0)
    n_pass, n_fail = int(passes.sum()), int(fails.sum())
    if not n_pass or not n_fail:
        kind = "pass" if not n_pass else "fail"
        return not_estimated(n, f"no labelled item is a {kind}, so that this error rate is unknown")
    sensitivity = (float(judge[passes].sum()) + 1) / (n_pass + 2)
    specificity = (float((1 - judge[fails]).sum()) + 1) / (n_fail + 2)
    strength = sensitivity + specificity - 1
    if strength <= WEAKEST_JUDGE:
        return not_estimated(
            n, f"the judge is hardly better than chance (sensitivity + specificity − 1 is {strength:.2f})"
        )
    observed = (float(judge.sum()) + 1) / (len(judge) + 2)
    share = min(1.0, max(0.0, (observed + specificity - 1) / strength))
    variance = (
        observed * (1 - observed) / len(judge)
        + (1 - share) ** 2 * specificity * (1 - specificity) / n_fail
        + share**2 * sensitivity * (1 - sensitivity) / n_pass
    )
    half = two_sided_z(level) * math.sqrt(variance) / strength
    return Estimate(share, max(0.0, share - half), min(1.0, share + half), n)


def corrected_mean(
    judge: NDArray[np.float64],
    human: NDArray[np.float64],
    *,
    low: float = 0.0,
    high: float = 1.0,
    level: float = 0.05,
) -> PredictionPowered:
    """Prediction-powered estimate of the mean human label of all items.

    `judge` (N,) are the judge's scores of all items, `human` (N,) the labels, NaN where there is none, both on the
    scale from `low` to `high`, which the interval does not leave. No value with fewer than two labels.
    """
    weight = _judge_weight(judge, human)
    # The furthest that a label can be from the weighted judge, on either side.
    ends = (low - weight * high, high - weight * low)
    return PredictionPowered(_estimate(judge, human, weight, ends, (low, high), level), weight)


def corrected_difference(
    judge: NDArray[np.float64], human: NDArray[np.float64], *, scale: float = 1.0, level: float = 0.05
) -> PredictionPowered:
    """The same of the mean difference of two versions, candidate − baseline, each item judged in both.

    `judge` (N,) are the differences of the judge's scores, `human` (N,) those of the labels, NaN where not both
    versions of the item are labelled; `scale` is the range of one score. A judge that flatters one version is
    corrected, as the labels of both enter item by item.
    """
    weight = _judge_weight(judge, human)
    ends = (-scale, scale)
    return PredictionPowered(_estimate(judge, human, weight, ends, ends, level), weight)


def with_known(
    estimate: Estimate,
    items: int,
    known: NDArray[np.float64],
    *,
    limits: tuple[float, float] = (0.0, 1.0),
    level: float = 0.05,
) -> Estimate:
    """The mean over the `items` that `estimate` is of, and over others whose value is `known` (K,) without a label.

    Such are answers that were never given, and differences of two answers that are one and the same. They are no
    random part of all items, so as labels they would bend the estimate; as a stratum of their own they cannot. How
    many items are of either kind is chance as well, and the interval holds that.
    """
    if not len(known) or estimate.value is None or estimate.low is None or estimate.high is None:
        return estimate
    total = items + len(known)
    part, mean = items / total, float(known.mean())
    value = part * estimate.value + (1 - part) * mean
    between = part * (1 - part) * (estimate.value - mean) ** 2 + (1 - part) * float(known.var())
    chance = two_sided_z(level) ** 2 * between / total
    below = math.sqrt((part * (estimate.value - estimate.low)) ** 2 + chance)
    above = math.sqrt((part * (estimate.high - estimate.value)) ** 2 + chance)
    return Estimate(value, max(limits[0], value - below), min(limits[1], value + above), estimate.n)


def _judge_weight(judge: NDArray[np.float64], human: NDArray[np.float64]) -> float:
    """λ that makes the variance smallest, within 0 and 1.

    The slope of the labels on the judge's scores, of the labelled items alone: their covariance over the variance of
    all items would go with the luck of the draw, and the weight with the error that it is to correct.
    """
    labelled = ~np.isnan(human)
    n, rest = int(labelled.sum()), int((~labelled).sum())
    if n < 2 or not rest:
        return 0.0
    (variance, covariance), _ = np.cov(judge[labelled], human[labelled])
    if variance <= 0:
        return 0.0
    return min(1.0, max(0.0, float(covariance / variance))) / (1 + n / rest)


def _estimate(
    judge: NDArray[np.float64],
    human: NDArray[np.float64],
    weight: float,
    ends: tuple[float, float],
    limits: tuple[float, float],
    level: float,
) -> Estimate:
    labelled = ~np.isnan(human)
    n, rest = int(labelled.sum()), judge[~labelled]
    if n < 2:
        items = "1 labelled item is" if n == 1 else f"{n} labelled items are"
        return not_estimated(n, f"{items} too few to correct anything")
    rectifier = human[labelled] - weight * judge[labelled]
    from_judge = weight * float(rest.mean()) if len(rest) else 0.0
    from_judge_variance = weight**2 * float(rest.var(ddof=1)) / len(rest) if len(rest) > 1 else 0.0
    # Two more items at the ends: labels that all equal the judge's scores would leave no width at all.
    widened = np.append(rectifier, ends)
    centre = from_judge + float(widened.mean())
    half = t_quantile(level, n - 1) * math.sqrt(
        from_judge_variance + float(widened.var(ddof=1)) / len(widened)
    )
    value = min(limits[1], max(limits[0], from_judge + float(rectifier.mean())))
    return Estimate(
        value, min(value, max(limits[0], centre - half)), max(value, min(limits[1], centre + half)), n
    )
