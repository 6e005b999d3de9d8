"""Words for what is told of a score, above all where it differs from what is tested."""

from __future__ import annotations

from scoregate.gates.evidence import Evidence
from scoregate.gates.sentences import change
from scoregate.wording import count


def failing_where_first_applied(evidence: Evidence) -> str | None:
    """Items of a rate that fail now and to which it did not apply before: nothing that they could have fallen from."""
    pair = evidence.pair
    new = pair.baseline.not_applicable.all(axis=1) & ~pair.candidate.not_applicable.all(axis=1)
    if pair.scale != "rate" or not new.any():
        return None
    bad = pair.low if pair.sign > 0 else -pair.low
    failing = int((new & (pair.candidate.missing | (pair.candidate.values == bad)).any(axis=1)).sum())
    items = count(int(new.sum()), "item")
    return f"of the {items} that it did not apply to before {count(failing, 'fails', 'fail')} now"


def told_change(evidence: Evidence) -> str:
    """The change that is told."""
    shown = evidence.shown
    assert shown.estimate is not None
    return change(shown.to_unit(shown.estimate.value), shown.scale, shown.unit)


def change_where_it_applies(evidence: Evidence) -> str:
    """The same, with its items, where it seems to say something else than the decision."""
    if evidence.shown.estimate is None:
        return "no item has it in both runs"
    items = count(int(evidence.shown.coded.counted.sum()), "item")
    return f"on the {items} that it applies to in both runs the change is {told_change(evidence)}"


def loses_the_margin(evidence: Evidence) -> bool:
    """Whether the told estimate is a loss of the margin or more. Needs a margin."""
    shown, margin = evidence.shown, evidence.margin
    assert margin is not None
    if shown.estimate is None:
        return False
    if evidence.reference is not None and shown.reference is not None and shown is not evidence:
        # Each is a share of the sum of its own items.
        margin *= shown.reference / evidence.reference
    return shown.scale == evidence.scale and shown.estimate.value <= -margin
