"""A verdict whose judges are not all to be trusted: what they scored proves nothing either way.

A judge lacks the calibration that the gate requires; `biased_judges` has those that treat the two versions differently.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from scoregate.gates.look import why
from scoregate.records import RuleResult, Verdict

NOT_CALIBRATED = "its judge is not calibrated"


def with_uncalibrated(
    verdict: Verdict,
    reasons: Mapping[str, str],
    *,
    of_parts: str = NOT_CALIBRATED,
    standing: Collection[str] = (),
) -> Verdict:
    """The verdict where the judges of some scores may not decide. `reasons`: score -> why, with what repairs it.
    `of_parts` is the short reason for what they saw in a slice, or since the anchor; `standing` are the scores whose
    drop on the whole stands all the same.

    The rules of these scores are invalid, also where a drop was proved, for it may be the judge's. What the other
    scores prove stands: a regression stays one, else the verdict is invalid. An advisory score gates nothing, so its
    rule alone changes.
    """
    if not reasons:
        return verdict
    rules = tuple(_marked(rule, reasons, of_parts, standing) for rule in verdict.rules)
    gating = [rule for rule in rules if rule.role != "advisory"]
    advisory = {rule.score for rule in rules if rule.role == "advisory"}
    deciding = [reason for score, reason in reasons.items() if score not in advisory]
    told = replace(verdict, rules=rules)
    if not deciding or verdict.outcome == "invalid":
        return replace(told, notes=(*verdict.notes, *reasons.values()))
    if any(rule.outcome == "regression" for rule in gating):
        reason = why("regression", [rule for rule in gating if rule.outcome == "regression"])
        return replace(told, reason=reason, notes=(*verdict.notes, *reasons.values()))
    more = [reason for reason in reasons.values() if reason != deciding[0]]
    return replace(told, outcome="invalid", reason=deciding[0], notes=(*verdict.notes, *more))


def _marked(
    rule: RuleResult, reasons: Mapping[str, str], of_parts: str, standing: Collection[str]
) -> RuleResult:
    reason = reasons.get(rule.score)
    on_the_whole = _on_the_whole(rule)
    if reason is None or (rule.outcome != "regression" and not on_the_whole):
        return rule
    if rule.score in standing and dropped_on_the_whole(rule):
        return rule
    return replace(rule, outcome="invalid", reason=reason if on_the_whole else of_parts)


def dropped_on_the_whole(rule: RuleResult) -> bool:
    """Whether a rule proved a drop since the baseline, in no slice alone."""
    return rule.outcome == "regression" and _on_the_whole(rule)


def _on_the_whole(rule: RuleResult) -> bool:
    return rule.slice is None and rule.against == "baseline"
