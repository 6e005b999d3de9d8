"""A candidate's value, and its difference from the baseline, as the judge sees them and as human labels correct them.

Of a run of several trials the labels count of the first trial's answers, and the corrected figures are of that trial:
it is a run of one trial, and its expectation is that of all. Labels of any trial would not do. An item whose answers
are all labelled tends to be one that answers the same every time, which is an easier one, so that the labelled items
would be no random part. The raw figures are of all trials.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from scoregate.statistics.bounds import estimate_mean
from scoregate.statistics.corrections import (
    PredictionPowered,
    corrected_difference,
    corrected_mean,
    rogan_gladen,
    with_known,
)
from scoregate.statistics.estimate import Estimate, estimated, not_estimated

NOTHING: NDArray[np.float64] = np.zeros(0)
_RAW_DECIDES = (
    "The judge's own scores decide: one judge scored both versions, and errors that are as frequent in both make no "
    "drop. The corrected figures say where the candidate truly stands, and how far from the baseline; they decide "
    "nothing."
)
"""The only rule today. A key `decide = "corrected"` of a score would let the corrected interval decide the floors
(`min`, `max`); the comparison with the baseline would stay with the raw scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedDifference:
    """Candidate − baseline in the score's unit, told twice; `n` of each is the number of items that it rests on."""

    raw: Estimate
    """Mean difference of the judge's scores, of all items that both versions have."""
    prediction_powered: Estimate
    """Of the labels of both versions' answers, helped by the judge's scores of the other items."""
    judge_weight: float
    """λ of the prediction-powered estimate: 0, the labels alone, to 1."""
    items: int
    labelled: int
    """Items whose answers differ and are labelled in both versions."""
    same: int
    """Items to which both versions gave the same answer, so that there is no difference to be labelled."""


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
    decides: str = _RAW_DECIDES
    """Which of them decides, in a sentence."""
    difference: CorrectedDifference | None = None
    """The same of the difference; None where there is no baseline, or none of its items."""
    doubt: str | None = None
    """Why the labelled items are hardly a random part of all; None where nothing speaks against it."""
    unseen: str | None = None
    """What people see beyond the margin and the judge's scores do not show; None where there is no such thing."""


def corrected_value(
    judge: NDArray[np.float64],
    human: NDArray[np.float64],
    *,
    low: float = 0.0,
    high: float = 1.0,
    level: float = 0.05,
    known: NDArray[np.float64] = NOTHING,
    raw: NDArray[np.float64] | None = None,
) -> CorrectedValue:
    """`judge` (N,) are the judge's scores of all answers, `human` (N,) the labels, NaN where there is none.

    Both are on the scale from `low` to `high`; pass is 1 and fail 0. The labelled items must be a random part of all,
    else the correction corrects towards them. A missing score of the judge is to be given as the gate counts it, as
    the worst. `known` (K,) are the values of items without an answer, the worst again, which need no label. `raw`
    are the values of the items that the raw mean is of, where it is not that of `judge` and `known`: means over trials.
    Raises ValueError for no items, unequal lengths, and scores that are not on the scale.
    """
    _check(judge, human, low, high)
    powered = corrected_mean(judge, human, low=low, high=high, level=level)
    labels = human[~np.isnan(human)]
    whole = bool(np.isin(judge, (0.0, 1.0)).all() and np.isin(labels, (0.0, 1.0)).all())
    simple = (
        rogan_gladen(judge, human, level=level)
        if whole
        else not_estimated(len(labels), "it is for scores that pass or fail")
    )
    every = partial(with_known, items=len(judge), known=known, limits=(low, high), level=level)
    return CorrectedValue(
        raw=_mean(np.concatenate([judge, known]) if raw is None else raw, low, high, level),
        prediction_powered=every(powered.estimate),
        rogan_gladen=every(simple),
        judge_weight=powered.judge_weight,
        items=len(judge) + len(known),
        labelled=len(labels),
    )


def corrected_difference_of(
    judge: NDArray[np.float64],
    human: NDArray[np.float64],
    *,
    same: int,
    raw: NDArray[np.float64],
    scale: float = 1.0,
    level: float = 0.05,
) -> CorrectedDifference:
    """Of the items with two different answers: `judge` (N,) the differences of the judge's scores, `human` (N,) those
    of the labels, NaN where not both answers have one.

    `same` is the number of further items, to which both versions gave one answer: it is as good as itself, whatever a
    judge that was asked twice may say. `raw` are the differences of all items, means over trials; `scale` is the range
    of one score.
    """
    labelled = int((~np.isnan(human)).sum())
    if not len(judge):
        powered = PredictionPowered(not_estimated(0, "both versions gave the same answers"), 0.0)
    elif labelled < 2:
        verb = "is" if labelled == 1 else "are"
        reason = f"{labelled:,} of the {len(judge):,} items with two different answers {verb} labelled in both versions"
        powered = PredictionPowered(not_estimated(labelled, reason), 0.0)
    else:
        powered = corrected_difference(judge, human, scale=scale, level=level)
    return CorrectedDifference(
        raw=_mean(raw, -scale, scale, level),
        prediction_powered=with_known(
            powered.estimate, len(judge), np.zeros(same), limits=(-scale, scale), level=level
        ),
        judge_weight=powered.judge_weight,
        items=len(judge) + same,
        labelled=labelled,
        same=same,
    )


def _mean(values: NDArray[np.float64], low: float, high: float, level: float) -> Estimate:
    mean = estimate_mean(values, np.ones(len(values)), low=low, high=high)
    ends = max(low, mean.lower_bound(level / 2)), min(high, mean.upper_bound(level / 2))
    return estimated(mean.value, *ends, len(values))


def _check(judge: NDArray[np.float64], human: NDArray[np.float64], low: float, high: float) -> None:
    if not len(judge) or judge.shape != human.shape:
        raise ValueError(f"{len(judge)} scores of the judge and {len(human)} places for labels")
    known = np.concatenate([judge, human[~np.isnan(human)]])
    if not ((known >= low) & (known <= high)).all():
        raise ValueError(f"scores and labels must lie within {low:g} and {high:g}")
