"""What every expected cell counts as, on either side of the decision.

To prove a regression, a missing cell is a failure in both arms: the test stays exact whatever the share that is
missing, and `scored` finds an arm that loses more. To prove that nothing regressed, the worst case holds: the
candidate's missing cells failed, the baseline's passed (bounds of Manski 1990). A cell that does not apply is "not
failing" while a regression is sought, and a failure while its absence is to be proved, unless the baseline too said
that the score does not apply to the item. What people read leaves such cells out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scoregate.gates.pairing import ArmCells, PairedScore

_TINY = 1e-12
"""Differences below this are rounding."""


@dataclass(frozen=True)
class CodedScore:
    """Oriented values (larger is better) of shape (N, k), with a value in every cell of the counted items."""

    counted: NDArray[np.bool_]
    """(N,): items that the score says something about."""
    baseline: NDArray[np.float64]
    candidate: NDArray[np.float64]

    @cached_property
    def moved(self) -> NDArray[np.float64]:
        """Paired difference of each item, (N,): candidate's mean over trials − baseline's."""
        result: NDArray[np.float64] = self.candidate.mean(axis=1) - self.baseline.mean(axis=1)
        return result

    @property
    def differences(self) -> NDArray[np.float64]:
        """The same of the counted items."""
        return self.moved[self.counted]


def code_for_regression(pair: PairedScore) -> CodedScore:
    """Values for the test of "worse"."""
    if pair.complete:
        return _as_they_are(pair)
    worst = worst_value(pair)
    baseline, candidate = (_filled(arm, pair, worst) for arm in (pair.baseline, pair.candidate))
    b_na, c_na = pair.baseline.not_applicable, pair.candidate.not_applicable
    # The mean of the item's other cells: the same whichever run they belong to, so that the test stays exact. With one
    # trial it leaves out what the score does not apply to in both: what no longer applies is neither lost nor won.
    pooled = np.concatenate([np.where(b_na, np.nan, baseline), np.where(c_na, np.nan, candidate)], axis=1)
    there = ~np.isnan(pooled)
    neutral = np.where(there, pooled, 0.0).sum(axis=1, keepdims=True)
    neutral = neutral / np.maximum(1, there.sum(axis=1, keepdims=True))
    counted = np.asarray(~(b_na.all(axis=1) & c_na.all(axis=1)))
    return CodedScore(counted, np.where(b_na, neutral, baseline), np.where(c_na, neutral, candidate))


def code_as_not_failing(pair: PairedScore) -> CodedScore:
    """Values of a rate for what is lost item by item: where the score does not apply, nothing failed."""
    worst = worst_value(pair)
    b_na, c_na = pair.baseline.not_applicable, pair.candidate.not_applicable
    baseline, candidate = (_filled(arm, pair, worst) for arm in (pair.baseline, pair.candidate))
    counted = np.asarray(~(b_na.all(axis=1) & c_na.all(axis=1)))
    return CodedScore(counted, np.where(b_na, pair.high, baseline), np.where(c_na, pair.high, candidate))


def code_for_pass(pair: PairedScore) -> CodedScore:
    """The worst case for the candidate: what the bound that proves "not worse" has to survive.

    The candidate's missing cells are −inf where the scale has no lower end: then nothing can be ruled out. So are
    those of its cells that no longer apply, where the score applied to the item in the baseline.
    """
    if pair.complete:
        return _as_they_are(pair)
    # Without an upper end the best that the baseline holds: what the candidate gains makes its loss no larger.
    best = pair.high if np.isfinite(pair.high) else _best_of(pair.baseline, pair)
    baseline = _filled(pair.baseline, pair, best)
    candidate = _filled(pair.candidate, pair, pair.low)
    b_na, c_na = pair.baseline.not_applicable, pair.candidate.not_applicable
    never_applied = np.asarray(b_na.all(axis=1))
    if pair.scale == "rate":
        # Items that the score never applied to had nothing to lose, and would hide what others lost; but where its
        # scorer said so of the answer, one that fails now has got worse.
        nothing_to_lose = never_applied
        if pair.opts_out:
            nothing_to_lose = never_applied & (c_na | (candidate == pair.high)).all(axis=1)
        counted = np.asarray(~nothing_to_lose)
        as_candidate = np.where(never_applied[:, None], pair.high, pair.low)
        return CodedScore(
            counted, np.where(b_na, pair.high, baseline), np.where(c_na, as_candidate, candidate)
        )
    return CodedScore(~never_applied, _with_own_mean(baseline, b_na), np.where(c_na, pair.low, candidate))


def not_kept(pair: PairedScore) -> tuple[int, ...]:
    """Positions of the items of a rate of which it is not shown that they pass as often as in the baseline.

    A cell that the candidate lacks is never shown to; one that the baseline lacks may have passed; one that no longer
    applies counts as failed. What did not apply in both runs says nothing.
    """
    before, now = pair.baseline, pair.candidate
    worst = code_for_pass(pair)
    if before.values.shape == now.values.shape:
        skipped_before, skipped_now = before.not_applicable.sum(axis=1), now.not_applicable.sum(axis=1)
        passed_before = (pair.sign * before.values == pair.high) | before.missing
        passed_now = pair.sign * now.values == pair.high
        newly_applies = np.maximum(0, skipped_before - skipped_now)
        fell = passed_now.sum(axis=1) < passed_before.sum(axis=1) + newly_applies
    else:
        fell = worst.candidate.mean(axis=1) < worst.baseline.mean(axis=1) - _TINY
    return tuple(np.flatnonzero((worst.counted & fell) | now.missing.any(axis=1)).tolist())


def nothing_moved(pair: PairedScore) -> bool:
    """Whether every cell of the two runs says the same, in as many trials, and none lacks a value."""
    before, now = pair.baseline, pair.candidate
    if before.values.shape != now.values.shape or before.missing.any() or now.missing.any():
        return False
    same = (before.values == now.values) | (before.not_applicable & now.not_applicable)
    return bool(same.all())


def code_for_reading(pair: PairedScore) -> CodedScore:
    """Values for the numbers that people read: of the items that the score applies to in both runs.

    An item's value in an arm is the mean over its cells there that apply, so one that does not holds that mean.
    """
    worst = worst_value(pair)
    b_na, c_na = pair.baseline.not_applicable, pair.candidate.not_applicable
    baseline, candidate = (_filled(arm, pair, worst) for arm in (pair.baseline, pair.candidate))
    counted = np.asarray(~(b_na.all(axis=1) | c_na.all(axis=1)))
    return CodedScore(counted, _with_own_mean(baseline, b_na), _with_own_mean(candidate, c_na))


def _with_own_mean(values: NDArray[np.float64], not_applicable: NDArray[np.bool_]) -> NDArray[np.float64]:
    """In each cell that does not apply the mean of the item's cells of the same arm that do; 0 without any."""
    applied = np.maximum(1, (~not_applicable).sum(axis=1, keepdims=True))
    means = np.where(not_applicable, 0.0, values).sum(axis=1, keepdims=True) / applied
    return np.where(not_applicable, means, values)


_FEW = 0.05


def worst_value(pair: PairedScore) -> float:
    """The worst end of the scale, or where it has none the worst value of both runs but for a few outliers.

    An outlier would stand for every missing cell of both runs, and one answer that gets much worse would drown, in the
    noise of those, what proves that others did.
    """
    if np.isfinite(pair.low):
        return pair.low
    values = np.concatenate([pair.baseline.values.ravel(), pair.candidate.values.ravel()]) * pair.sign
    values = np.sort(values[~np.isnan(values)])
    return float(values[math.ceil(_FEW * len(values)) - 1]) if len(values) else 0.0


def _as_they_are(pair: PairedScore) -> CodedScore:
    """Of a pair without a gap, which leaves nothing to be decided."""
    counted = np.ones(len(pair.baseline.values), dtype=bool)
    return CodedScore(counted, pair.sign * pair.baseline.values, pair.sign * pair.candidate.values)


def _filled(arm: ArmCells, pair: PairedScore, instead: float) -> NDArray[np.float64]:
    return np.where(np.isnan(arm.values), instead, pair.sign * arm.values)


def _best_of(arm: ArmCells, pair: PairedScore) -> float:
    values = pair.sign * arm.values[~np.isnan(arm.values)]
    return float(values.max()) if len(values) else 0.0
