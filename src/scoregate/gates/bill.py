"""Latency, cost and tokens: what a mean of ratios says, what the bill says, and what a few items can hide from both.

The mean of log-ratios is of the typical call: it is the geometric mean, in which a call that costs fifty times as much
weighs no more than a few that cost half. What is paid is the sum. A rule is decided by the one it names; the other
stands beside it, and where the two part by more than the margin that is said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scoregate.gates.evidence import Evidence
from scoregate.gates.levels import RuleLevels
from scoregate.gates.sentences import change_text
from scoregate.statistics.rare import fewest_items, share_that_carries
from scoregate.wording import count


def is_of_typical_call(evidence: Evidence) -> bool:
    """Whether the rule's statistic is the geometric mean."""
    return evidence.pair.scale == "ratio" and evidence.rule.statistic == "mean"


def bill_change(evidence: Evidence) -> float | None:
    """Relative change of the sum, 0.1 is 10 % more; None without a value in both runs, or where it was 0 before."""
    if evidence.bill is None or not evidence.bill[0]:
        return None
    return evidence.bill[1] / evidence.bill[0] - 1.0


def and_the_bill(evidence: Evidence) -> str:
    """The change of the bill as a further clause of a sentence on the typical call; else nothing."""
    change = bill_change(evidence) if is_of_typical_call(evidence) else None
    return "" if change is None else f"; the bill, their sum, changed by {change_text(change, 'ratio')}"


def few_can_carry_it(evidence: Evidence, level: RuleLevels) -> str | None:
    """Why so few items show no loss of the margin even where none is seen, or None. Needs a margin."""
    assert evidence.margin is not None
    if math.isinf(evidence.independent):
        return None
    of_sum = evidence.rule.statistic == "sum"
    margin = evidence.margin
    if of_sum:
        margin = margin / evidence.reference if evidence.reference else math.inf
    needed = fewest_items(margin, level.pass_level, of_sum=of_sum)
    if evidence.independent >= needed:
        return None
    share, have = share_that_carries(margin, of_sum=of_sum), math.floor(evidence.independent)
    worth = f" (worth {have:,} of one size)" if have < evidence.clusters else ""
    return (
        f"{100 * share:.2g} items in a hundred can carry it, and {count(evidence.clusters, 'independent item')}{worth} "
        f"may hold none of them; {needed:,} would hold one"
    )


def bill_notes(measured: Sequence[Evidence]) -> list[str]:
    """A sentence for each measured score whose typical call and whose bill changed by amounts that the margin parts."""
    notes = []
    for evidence in measured:
        change, estimate = bill_change(evidence), evidence.shown.estimate
        if change is None or estimate is None or not is_of_typical_call(evidence) or evidence.margin is None:
            continue
        typical = evidence.shown.to_unit(estimate.value)
        if change <= -1.0 or not math.isfinite(typical) or evidence.shown.open_ended_gaps:
            continue
        if abs(math.log1p(change) - math.log1p(typical)) > evidence.margin:
            notes.append(
                f"{evidence.name}: the typical call changed by {change_text(typical, 'ratio')}, the bill (the sum) by "
                f"{change_text(change, 'ratio')}: a few items carry the difference; "
                'statistic = "sum" gates the bill'
            )
    return notes
