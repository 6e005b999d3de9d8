"""A candidate's value as its judge sees it, beside what human labels of a part of the items make of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoregate.statistics.bounds import estimate_mean
from scoregate.statistics.corrected import corrected_mean, rogan_gladen
from scoregate.statistics.estimate import Estimate, told, untold

RAW_DECIDES = (
    "The judge's own scores decide: one judge scored both versions, and errors that are as frequent in both make no "
    "drop. The corrected value says where the candidate truly stands; it decides nothing."
)
"""The only rule today. A key `decide = "corrected"` of a score would let the corrected interval decide the floors
(`min`, `max`); the comparison with the baseline would stay with the raw scores."""


@dataclass(frozen=True, slots=True)
class CorrectedValue:
    """The same mean, told three ways; `n` of each is the number of items that it rests on."""

    raw: Estimate
    """Mean of the judge's scores of all items."""
    prediction_powered: Estimate
    """Of the labels, helped by the judge's scores of the other items."""
    rogan_gladen: Estimate
    """Of the judge's share and its two error rates; for scores that pass or fail."""
    judge_weight: float
    """λ of the prediction-powered estimate: 0, the labels alone, to 1."""
    items: int
    labelled: int
    decides: str = RAW_DECIDES
    """Which of them decides, in a sentence."""


def corrected_value(
    judge: NDArray[np.float64],
    human: NDArray[np.float64],
    *,
    low: float = 0.0,
    high: float = 1.0,
    level: float = 0.05,
) -> CorrectedValue:
    """`judge` (N,) are the judge's scores of all items, `human` (N,) the labels, NaN where there is none.

    Both are on the scale from `low` to `high`; pass is 1 and fail 0. The labelled items must be a random part of all,
    else the correction corrects towards them. A missing score of the judge is to be given as the gate counts it, as
    the worst. Raises ValueError for no items, unequal lengths, and scores that are not on the scale.
    """
    _check(judge, human, low, high)
    powered = corrected_mean(judge, human, low=low, high=high, level=level)
    labels = human[~np.isnan(human)]
    whole = bool(np.isin(judge, (0.0, 1.0)).all() and np.isin(labels, (0.0, 1.0)).all())
    mean = estimate_mean(judge, np.ones(len(judge)), low=low, high=high)
    return CorrectedValue(
        raw=told(
            mean.value,
            max(low, mean.lower_bound(level / 2)),
            min(high, mean.upper_bound(level / 2)),
            len(judge),
        ),
        prediction_powered=powered.estimate,
        rogan_gladen=rogan_gladen(judge, human, level=level)
        if whole
        else untold(len(labels), "it is for scores that pass or fail"),
        judge_weight=powered.judge_weight,
        items=len(judge),
        labelled=len(labels),
    )


def _check(judge: NDArray[np.float64], human: NDArray[np.float64], low: float, high: float) -> None:
    if not len(judge) or judge.shape != human.shape:
        raise ValueError(f"{len(judge)} scores of the judge and {len(human)} places for labels")
    known = np.concatenate([judge, human[~np.isnan(human)]])
    if not ((known >= low) & (known <= high)).all():
        raise ValueError(f"scores and labels must lie within {low:g} and {high:g}")
