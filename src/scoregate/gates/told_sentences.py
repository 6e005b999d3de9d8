"""Words for what is told of a score, above all where it differs from what is tested."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scoregate.gates.coding import CodedScore
from scoregate.gates.evidence import Evidence
from scoregate.gates.sentences import change, count

_TINY = 1e-12


def failing_where_first_applied(evidence: Evidence) -> str | None:
    """What the test counts as lost and the told figures cannot: the score did not apply to it in the baseline.

    Only a rate has such items: where it does not apply it has not failed. A number has no value to fall from.
    """
    pair, told = evidence.pair, evidence.told
    if pair.scale != "rate":
        return None
    skipped = pair.baseline.not_applicable
    new = _lost(evidence.coded) & skipped.any(axis=1)
    if told is not None:
        new &= ~_lost(told.coded)
    items = int(new.sum())
    if not items:
        return None
    applied = "apply" if skipped[new].all() else "always apply"
    return (
        f"{count(items, 'item')} that it did not {applied} to before {'fails' if items == 1 else 'fail'} now"
    )


def _lost(coded: CodedScore) -> NDArray[np.bool_]:
    """(N,): the counted items that are worse."""
    moved = coded.candidate.mean(axis=1) - coded.baseline.mean(axis=1)
    return np.asarray(coded.counted & (moved < -_TINY))


def told_change(evidence: Evidence) -> str:
    """The change that is told."""
    shown = evidence.shown
    assert shown.estimate is not None
    return change(shown.to_unit(shown.estimate.value), shown.scale, shown.unit)


def change_where_it_applies(evidence: Evidence) -> str:
    """The same, with its items, where it seems to say something else than the decision."""
    items = count(int(evidence.shown.coded.counted.sum()), "item")
    return f"on the {items} that it applies to in both runs the change is {told_change(evidence)}"


def loses_the_margin(evidence: Evidence) -> bool:
    """Whether the told estimate is a loss of the margin or more. Needs both."""
    shown, margin = evidence.shown, evidence.margin
    assert shown.estimate is not None
    assert margin is not None
    if evidence.reference is not None and shown.reference is not None and shown is not evidence:
        # Each is a share of the sum of its own items.
        margin *= shown.reference / evidence.reference
    return shown.scale == evidence.scale and shown.estimate.value <= -margin
