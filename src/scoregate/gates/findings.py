"""What the evidence on one score speaks for: findings, each an outcome and a clause that says why."""

from __future__ import annotations

import math

from scoregate.catalog import MEASURED_UNITS
from scoregate.gates.bill import and_the_bill, few_can_carry_it, is_of_typical_call
from scoregate.gates.coding import nothing_moved
from scoregate.gates.evidence import BoundedEstimate, Evidence
from scoregate.gates.family import TestedHypothesis
from scoregate.gates.levels import RuleLevels
from scoregate.gates.pairing import Scale
from scoregate.gates.sentences import amount_text, change_text, interval_text, named_ids, p_text, size_text
from scoregate.records import Outcome
from scoregate.statistics.exact import smallest_attainable_p
from scoregate.statistics.power import minimum_detectable_drop, pairs_needed, smallest_provable_loss
from scoregate.wording import count

_MOST_PAIRS = 10_000_000
"""Beyond this many items × trials the number is no advice any more."""
FEWEST_CLUSTERS = 6
"""Below this no interval over clusters deserves trust."""
_TINY = 1e-12
Finding = tuple[Outcome, str]


def proved_drop(evidence: Evidence, tested: TestedHypothesis, level: RuleLevels) -> list[Finding]:
    """The candidate is worse beyond chance, and by no less than the smallest effect that counts."""
    if tested.adjusted_p_value > level.alpha or not _large_enough(evidence):
        return []
    shown, p = evidence.shown, p_text(tested.adjusted_p_value)
    scale, unit, estimate = shown.scale, shown.unit, shown.estimate
    if _quantile_is_a_gap(shown):
        gaps = count(shown.open_ended_gaps, "call")
        text = f"{shown.rule.statistic} is worse than any value that was seen: {gaps} without a value"
        return [("regression", f"{text} ({p})")]
    if estimate is None or estimate.value >= 0:
        though = _change_where_it_applies(evidence)
        return [("regression", f"worse ({p}{beyond_the_margin(evidence)}), though {though}")]
    low, high = shown.confidence_interval()
    before, now = shown.before, shown.now
    assert before is not None
    assert now is not None
    worse = "fell" if evidence.pair.sign > 0 else "rose"
    # The interval is of the mean over items like these, and of a handful it may hold 0 where the test is sure of these.
    denied = evidence.pair.sign * (high if evidence.pair.sign > 0 else low) >= 0
    has_interval = math.isfinite(low) and math.isfinite(high) and not denied
    sure = f"{interval_text(low, high, scale, unit)}, " if has_interval else ""
    moved = f"{_shown_change(evidence)}, {sure}"
    if scale == "ratio" and before == 0:
        moved = ""  # nothing is a share of 0
    text = f"{worse} from {amount_text(before, scale, unit)} to {amount_text(now, scale, unit)} ({moved}{p}"
    text += f"{beyond_the_margin(evidence)})"
    return [("regression", text + _gaps(evidence))]


def beyond_the_margin(evidence: Evidence) -> str:
    """That more than any drop is proved, where a rule asks for that; else nothing."""
    if evidence.beyond_margin is None:
        return ""
    margin = shown_margin(evidence)
    return (
        ""
        if margin is None
        else f" for more than its margin of {size_text(margin, evidence.scale, evidence.unit)}"
    )


def shown_margin(evidence: Evidence) -> float | None:
    """The margin as differences are told; None where there is none, or where it is a share of nothing."""
    margin = evidence.margin
    if margin is None or not math.isfinite(margin):
        return None
    if evidence.reference is not None and (not evidence.reference or evidence.scale != "ratio"):
        return None
    return abs(evidence.to_unit(-margin)) if evidence.scale == "ratio" else margin


def _gaps(evidence: Evidence) -> str:
    """How much of a drop may be items that have no value: a reader looks for those elsewhere than in the answers."""
    gone = evidence.pair.candidate.missing.any(axis=1) & ~evidence.pair.baseline.missing.any(axis=1)
    gone &= evidence.coded.counted
    lost = int(gone.sum())
    if not lost:
        return ""
    have, count_as = ("has", "counts") if lost == 1 else ("have", "count")
    return f"; {count(lost, 'item')} that {have} no valid value now {count_as} as failed"


def suspected_drop(evidence: Evidence, tested: TestedHypothesis, level: RuleLevels) -> list[Finding]:
    """A drop that would be proved if this were the only score: no pass, though it may be chance among many."""
    if tested.p_value > level.suspicion or tested.adjusted_p_value <= level.alpha:
        return []
    if not _large_enough(evidence):
        return []
    shown = evidence.shown
    if _quantile_is_a_gap(shown):
        moved = f"a worse {shown.rule.statistic}"
    elif shown.estimate is None or shown.estimate.value >= 0:
        moved = "a drop"
    else:
        moved = _shown_change(evidence)
    if level.family == 1:
        proof = f"{p_text(tested.p_value)}, and {level.alpha:.2g} would prove it"
        return [("inconclusive", f"{moved} is suspected ({proof}); more trials would settle it")]
    return [
        (
            "inconclusive",
            f"{moved} is suspected ({p_text(tested.p_value)} on its own), but in one of {level.family} tests chance "
            f"does as much ({p_text(tested.adjusted_p_value)}); more trials would settle it",
        )
    ]


def _large_enough(evidence: Evidence) -> bool:
    """Whether the candidate is worse by more than the smallest effect that counts.

    Of what is tested or of what is reported: a drop that is read as larger than `min_effect` is not to be ignored.
    Chance is the test's concern alone.
    """
    tested, shown = evidence.estimate, evidence.shown
    if tested is None or tested.value >= 0:
        return False
    if tested.value < -smallest_effect(evidence):
        return True
    return shown.estimate is not None and shown.estimate.value < -smallest_effect(shown)


def _quantile_is_a_gap(evidence: Evidence) -> bool:
    """So many calls have no value that the quantile is one of them; it has no number then."""
    return evidence.rule.quantile is not None and evidence.open_ended_gaps > 0


def smallest_effect(evidence: Evidence) -> float:
    """Below this, in the scale of the test, a proved drop does not count."""
    effect = evidence.rule.min_effect
    if evidence.reference is not None:
        # What was 0 before has grown by more than any share of it.
        return effect * evidence.reference if evidence.scale == "ratio" else 0.0
    return math.log1p(effect) if evidence.scale == "ratio" else effect


def critical_items(
    evidence: Evidence, ids: tuple[str, ...], undecidable: tuple[str, ...] = ()
) -> list[Finding]:
    """Items that break a critical rule by themselves. `undecidable` fail, but the baseline never had them so."""
    findings: list[Finding] = []
    broken, suspect = evidence.critical_items, evidence.suspect_items
    if broken:
        failing = "fails" if len(broken) == 1 else "fail"
        text = f"critical: {count(len(broken), 'item')} did not fail in the baseline and {failing} now"
        findings.append(("regression", f"{text}: {_names(broken, ids)}"))
    if suspect:
        text = (
            f"critical: {count(len(suspect), 'item')} passed every trial before and none now, too few to tell"
        )
        findings.append(
            ("inconclusive", f"{text} from chance (5 trials of each run can): {_names(suspect, ids)}")
        )
    if undecidable:
        fails = "item fails" if len(undecidable) == 1 else "items fail"
        text = f"critical: {len(undecidable):,} new or changed {fails}"
        unknown = "and nothing says whether the baseline's version did"
        findings.append(("inconclusive", f"{text}, {unknown}: {named_ids(undecidable)}"))
    return findings


def _names(positions: tuple[int, ...], ids: tuple[str, ...]) -> str:
    return named_ids([ids[position] for position in positions if position < len(ids)], len(positions))


def floors(evidence: Evidence, level: RuleLevels) -> list[Finding]:
    """Broken by the cells that apply; held only if those that no longer apply had failed as well."""
    rule, feared = evidence.rule, evidence.own_worst_case
    if rule.min is None and rule.max is None:
        return []
    if feared is None:
        return [
            (
                "inconclusive",
                "applies to no item of the candidate, so that nothing says whether it keeps its floor",
            )
        ]
    own = evidence.own or feared
    scale: Scale = "numeric" if evidence.scale == "ratio" else evidence.scale
    findings: list[Finding] = []
    for limit, word, sign in ((rule.min, "minimum", 1.0), (rule.max, "maximum", -1.0)):
        if limit is None:
            continue
        plain = _plain(evidence, limit, sign)
        near = own.value if plain else _bound(own, sign, level)
        far = feared.value if plain else _bound(feared, -sign, level)
        value = (
            amount_text(own.value, scale, evidence.unit)
            if math.isfinite(own.value)
            else "a call without a value"
        )
        wanted = f"its {word} of {amount_text(limit, scale, evidence.unit)}"
        side = "below" if sign > 0 else "above"
        # A quantile knows itself where it is a call without a value.
        gaps_hide_it = evidence.open_ended_gaps and evidence.rule.quantile is None
        worse_end_is_open = gaps_hide_it and (evidence.pair.sign > 0) == (sign > 0)
        if sign * near < sign * limit - _TINY:
            findings.append(("regression", f"{value} is {side} {wanted}"))
        elif worse_end_is_open:
            gaps = count(evidence.open_ended_gaps, "missing value")
            text = f"{wanted} cannot be told with {gaps} and no range in the score's contract"
            findings.append(("inconclusive", text))
        elif sign * far >= sign * limit - _TINY:
            findings.append(("pass", f"{value} keeps {wanted}"))
        else:
            reach = amount_text(far, scale, evidence.unit) if math.isfinite(far) else "any value"
            text = f"{value} may lie {side} {wanted} (it could be {reach})"
            findings.append(("inconclusive", f"{text}; more items would settle it" if not plain else text))
    return findings


def _bound(own: BoundedEstimate, sign: float, level: RuleLevels) -> float:
    return own.upper_bound(level.bound) if sign > 0 else own.lower_bound(level.bound)


def _plain(evidence: Evidence, limit: float, sign: float) -> bool:
    """Whether the plain value decides a floor.

    An end of the scale can be reached but never be proved by a sample, so there it always does.
    """
    return evidence.rule.strict or _at_the_end(evidence, limit, sign)


def _decided_without_drop(evidence: Evidence) -> bool:
    """Whether the rule asks only for what a handful of items can settle: critical items and plain floors."""
    rule = evidence.rule
    if rule.max_drop is not None or rule.max_increase is not None:
        return False
    floors = [(limit, sign) for limit, sign in ((rule.min, 1.0), (rule.max, -1.0)) if limit is not None]
    return bool(rule.critical or floors) and all(_plain(evidence, *floor) for floor in floors)


def _at_the_end(evidence: Evidence, limit: float, sign: float) -> bool:
    ends = sorted((evidence.pair.sign * evidence.pair.low, evidence.pair.sign * evidence.pair.high))
    return limit >= ends[1] if sign > 0 else limit <= ends[0]


def too_few(evidence: Evidence, tested: TestedHypothesis, level: RuleLevels) -> bool:
    """Whether so few independent items could not even show that all of them were lost."""
    few = evidence.clusters < FEWEST_CLUSTERS
    return few or smallest_attainable_p(evidence.clusters, *tested.runs) > level.total


def _without_a_number(evidence: Evidence) -> str:
    """The policy of which a number of items is not asked, where the score can have it."""
    if evidence.pair.scale != "rate" or evidence.rule.critical:
        return ""
    return ", or ask with critical = true instead of a margin that no item flips"


def no_drop(evidence: Evidence, tested: TestedHypothesis, level: RuleLevels) -> list[Finding]:
    """Whether a drop of the margin or more is ruled out, and what it would take where it is not."""
    if evidence.estimate is None:
        return [("pass", "applies to no item of either run")]
    if evidence.worst_case is None:
        return [("pass", "applied to no item of the baseline, so there is nothing to lose")]
    trials = evidence.trials
    if too_few(evidence, tested, level):
        if _decided_without_drop(evidence):
            return [("pass", "decided by its floor and its items; too few to compare as a whole")]
        return [
            (
                "invalid",
                f"cannot gate: {count(evidence.clusters, 'independent item')} with "
                f"{count(min(trials), 'trial')} cannot tell a total loss from chance; "
                f"add items or trials{_without_a_number(evidence)}",
            )
        ]
    if evidence.margin is None:
        return []
    if evidence.reference is not None and not evidence.margin:
        return [("inconclusive", "the baseline's sum is 0, and no share of 0 is a margin; compare the mean")]
    scale, unit = evidence.scale, evidence.unit
    margin = abs(evidence.to_unit(-evidence.margin)) if scale == "ratio" else evidence.margin
    lost = "a drop" if evidence.pair.sign > 0 else "a rise"
    wanted = f"{lost} of {size_text(margin, scale, unit)}"
    typical = paid = ""
    few = None
    if evidence.name in MEASURED_UNITS:
        typical = " in the typical call" if is_of_typical_call(evidence) else ""
        few, paid = few_can_carry_it(evidence, level), and_the_bill(evidence)
    if evidence.worst_case > -evidence.margin and few is not None:
        return [("inconclusive", f"{wanted}{typical} cannot be ruled out: {few}{paid}")]
    if evidence.worst_case > -evidence.margin:
        bound = change_text(evidence.to_unit(evidence.worst_case), scale, unit)
        text = f"{wanted} or more{typical} is ruled out (bound {bound}){paid}"
        if evidence.reported is not None and _loses_the_margin(evidence):
            text += f"; {_change_where_it_applies(evidence)}"
        return [("pass", text)]
    if evidence.rule.quantile is not None:
        return [("inconclusive", f"{wanted} cannot be ruled out; {_tail(evidence)}")]
    if math.isinf(evidence.worst_case):
        gaps = evidence.open_ended_gaps
        why = count(gaps, "missing value") if gaps else "cells that no longer apply, or nothing but zeros,"
        return [
            ("inconclusive", f"{wanted} cannot be ruled out with {why} and no range in the score's contract")
        ]
    # An interval may reach beyond the scale, a drop cannot.
    worst = evidence.worst_case if scale == "ratio" else max(evidence.worst_case, -evidence.pair.size)
    reach = change_text(evidence.to_unit(worst), scale, unit)
    text = f"{wanted}{typical} cannot be ruled out (bound {reach})"
    unmoved = nothing_moved(evidence.pair)
    if unmoved:
        text = f"nothing moved, but with so few items {text}"
    if _loses_the_margin(evidence):
        text += f"; the estimate itself is {_shown_change(evidence)}"
    needed = pairs_needed(evidence.pairs, evidence.worst_case_error, evidence.margin, level.bound)
    if needed > _MOST_PAIRS:
        text += "; no affordable number of items would settle it"
    elif needed > evidence.pairs:
        text += f"; about {needed:,} items × trials would settle it (now {evidence.pairs:,})"
    else:
        text += "; more items or trials would settle it"
    if few is not None:
        text += f"; {few}"
    visible = visible_drop(evidence, tested, level)
    if visible is not None:
        text += f"; {lost} of {size_text(visible, scale, unit)} would have shown"
    if unmoved:
        text += _without_a_number(evidence)
    return [("inconclusive", text)]


def _tail(evidence: Evidence) -> str:
    """How little a quantile rests on."""
    beyond = sum(int((cells == 0).sum()) for cells in evidence.cells)
    calls = sum(cells.size for cells in evidence.cells)
    return (
        f"{evidence.rule.statistic} rests on {count(beyond, 'call')} of {calls:,} and shows only large changes, "
        "the mean shows smaller ones"
    )


def visible_drop(evidence: Evidence, tested: TestedHypothesis, level: RuleLevels) -> float | None:
    """Smallest true drop that these data would have shown, never below what could be proved at all."""
    if evidence.rule.quantile is not None:
        return None
    drop = minimum_detectable_drop(tested.standard_error, level.share)
    if evidence.scale == "rate" and evidence.clusters:
        drop = max(drop, smallest_provable_loss(evidence.clusters, level.share, *tested.runs))
    elif not tested.informative:
        return None
    if not math.isfinite(drop):
        return None
    if evidence.beyond_margin is not None and evidence.margin is not None:
        drop += evidence.margin
    drop = min(drop, evidence.pair.size)
    if evidence.reference is not None:
        return drop / evidence.reference if evidence.reference else None
    return math.expm1(drop) if evidence.scale == "ratio" else drop


def _shown_change(evidence: Evidence) -> str:
    """The change that is reported."""
    shown = evidence.shown
    assert shown.estimate is not None
    return change_text(shown.to_unit(shown.estimate.value), shown.scale, shown.unit)


def _change_where_it_applies(evidence: Evidence) -> str:
    """The same, with its items, where it seems to say something else than the decision."""
    if evidence.shown.estimate is None:
        return "no item has it in both runs"
    items = count(int(evidence.shown.coded.counted.sum()), "item")
    return f"on the {items} that it applies to in both runs the change is {_shown_change(evidence)}"


def _loses_the_margin(evidence: Evidence) -> bool:
    """Whether the reported estimate is a loss of the margin or more. Needs a margin."""
    shown, margin = evidence.shown, evidence.margin
    assert margin is not None
    if shown.estimate is None:
        return False
    if evidence.reference is not None and shown.reference is not None and shown is not evidence:
        # Each is a share of the sum of its own items.
        margin *= shown.reference / evidence.reference
    return shown.scale == evidence.scale and shown.estimate.value <= -margin
