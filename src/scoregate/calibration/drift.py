"""Whether a judge agrees with people less than at its last calibration."""

from __future__ import annotations

from scoregate.calibration.record import Drift
from scoregate.statistics.estimate import difference_interval, fewer_hits_p


def drift_between(
    since: str,
    before: tuple[int, int],
    now: tuple[int, int],
    *,
    judge_changed: tuple[str, ...],
    labels_changed: bool,
    compared_differently: bool,
) -> Drift:
    """`before` and `now` are (items that agree, items), neither of them without items."""
    low, high = difference_interval(*before, *now)
    return Drift(
        since=since,
        difference=now[0] / now[1] - before[0] / before[1],
        low=low,
        high=high,
        n_before=before[1],
        n_now=now[1],
        p_value=fewer_hits_p(*before, *now),
        judge_changed=judge_changed,
        labels_changed=labels_changed,
        compared_differently=compared_differently,
    )
