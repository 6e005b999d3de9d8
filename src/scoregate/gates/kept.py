"""Whether every item is at least as good as it was, which no number of items has to prove.

"No item may flip" is a rule of its own: it is broken by one item, and holds where none is lost. What has no valid value
is never taken for unchanged.
"""

from __future__ import annotations

import numpy as np

from scoregate.gates.coding import code_for_pass
from scoregate.gates.pairing import PairedScore

_TINY = 1e-12


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
