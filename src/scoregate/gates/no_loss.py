"""What a rule needs to hold: that a drop of its margin is ruled out, or that no item flipped."""

from __future__ import annotations

from scoregate.gates.evidence import Evidence
from scoregate.gates.family import TestedHypothesis
from scoregate.gates.findings import Finding, no_drop, too_few
from scoregate.gates.kept import nothing_moved
from scoregate.gates.levels import RuleLevels
from scoregate.gates.sentences import named_ids
from scoregate.wording import count


def no_loss(
    evidence: Evidence, tested: TestedHypothesis, level: RuleLevels, ids: tuple[str, ...]
) -> list[Finding]:
    """Whether the rule holds as far as its comparison with the baseline goes. `ids` are the items by position."""
    if not evidence.rule.no_item_may_flip or evidence.estimate is None or evidence.worst_case is None:
        return no_drop(evidence, tested, level)
    items = count(int(evidence.coded.counted.sum()), "item")
    if not evidence.not_kept:
        how = "every one as before" if nothing_moved(evidence.pair) else "none worse than before"
        return [("pass", f"no item flipped: {items}, {how}")]
    # Several trials of an item differ by chance alone; among enough items that is told from a loss.
    settled = [] if too_few(evidence, tested, level) else no_drop(evidence, tested, level)
    if settled and settled[0][0] == "pass":
        return settled
    named = [ids[position] for position in evidence.not_kept if position < len(ids)]
    of_these = named_ids(named, len(evidence.not_kept))
    lost = count(len(evidence.not_kept), "item that is", "items that are")
    return [("inconclusive", f"{lost} not shown to be as good as before: {of_these}")]
