"""A verdict whose judges are not all to be trusted: what they scored proves nothing either way.

A judge lacks the calibration that the gate requires, or was held against people's labels of both versions' answers and
treats the two differently.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from scoregate.calibration.differential_bias import SIGNIFICANT, WRONG_LABELS, Errors
from scoregate.gates.sentences import p_text, why
from scoregate.records import RuleResult, Verdict
from scoregate.statistics.differential import ErrorRates, Offset
from scoregate.statistics.estimate import difference_interval

_NOT_CALIBRATED = "its judge is not calibrated"
_OF_PARTS = "its judge treats the two versions differently"
"""Why a drop in a slice, or since the anchor, proves nothing where the rule's own reason tells the whole."""
_STANDS = "as that favours the candidate, the drop that is proved all the same stands"
_ALLOWED = f"where {100 * WRONG_LABELS:.0f} % of the labels may be wrong"


def with_uncalibrated(
    verdict: Verdict,
    reasons: Mapping[str, str],
    *,
    of_parts: str = _NOT_CALIBRATED,
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
    decided = replace(verdict, rules=rules)
    if not deciding or verdict.outcome == "invalid":
        return replace(decided, notes=(*verdict.notes, *reasons.values()))
    if any(rule.outcome == "regression" for rule in gating):
        reason = why("regression", [rule for rule in gating if rule.outcome == "regression"])
        return replace(decided, reason=reason, notes=(*verdict.notes, *reasons.values()))
    more = [reason for reason in reasons.values() if reason != deciding[0]]
    return replace(decided, outcome="invalid", reason=deciding[0], notes=(*verdict.notes, *more))


def _marked(
    rule: RuleResult, reasons: Mapping[str, str], of_parts: str, standing: Collection[str]
) -> RuleResult:
    reason = reasons.get(rule.score)
    on_the_whole = _on_the_whole(rule)
    if reason is None or (rule.outcome != "regression" and not on_the_whole):
        return rule
    if rule.score in standing and _dropped_on_the_whole(rule):
        return rule
    return replace(rule, outcome="invalid", reason=reason if on_the_whole else of_parts)


def _dropped_on_the_whole(rule: RuleResult) -> bool:
    """Whether a rule proved a drop since the baseline, in no slice alone."""
    return rule.outcome == "regression" and _on_the_whole(rule)


def _on_the_whole(rule: RuleResult) -> bool:
    return rule.slice is None and rule.against == "baseline"


def with_biased(verdict: Verdict, faults: Mapping[str, str], *, favoured: Collection[str] = ()) -> Verdict:
    """The verdict where some judges treat the versions differently. `faults`: score -> the proof, and what repairs it.

    What they scored proves nothing, as in `with_uncalibrated`. Not so where the judge is kinder to the candidate than
    to the baseline (`favoured`): what it shows of a drop on the whole is less than there is.
    """
    standing = {
        rule.score for rule in verdict.rules if rule.score in favoured and _dropped_on_the_whole(rule)
    }
    reasons = {name: f"{fault}; {_STANDS}" if name in standing else fault for name, fault in faults.items()}
    return with_uncalibrated(verdict, reasons, of_parts=_OF_PARTS, standing=standing)


def fault_of_errors(score: str, errors: Errors, command: str) -> str | None:
    """Why the judge may not decide a score that passes or fails, and what to do; None where no fault is proved."""
    if errors.differ == "lenient":
        return _fault(score, "lenient", errors.lenient, f"it {_passes(errors)}", errors.p_value, command)
    if errors.differ == "strict":
        return _fault(score, "strict", errors.strict, f"it {_fails(errors)}", errors.p_value, command)
    return None


def fault_of_offset(score: str, offset: Offset, command: str) -> str | None:
    """The same of a score in numbers."""
    if offset.p_value > SIGNIFICANT:
        return None
    more = "more" if offset.value > 0 else "less"
    ends = sorted((abs(offset.low), abs(offset.high)))
    return (
        f"the judge '{score}' treats the versions differently: where people see no difference it gives the candidate "
        f"{abs(offset.value):.3g} {more} than the baseline (95 % interval {ends[0]:.3g} to {ends[1]:.3g}, "
        f"{offset.pairs:,} items labelled in both; {p_text(offset.p_value)}); {_advice(command)}"
    )


def nothing_in_errors(score: str, errors: Errors, labelled: tuple[int, int]) -> str:
    """That the check was made, and how little it may have seen. `labelled`: answers of baseline and candidate."""
    before, now = labelled
    return (
        f"held against people's labels of {now:,} answers of the candidate and {before:,} of the baseline, the judge "
        f"'{score}' is not proved to treat them differently: it {_passes(errors)}{_unseen(errors.lenient)}; it "
        f"{_fails(errors)}{_unseen(errors.strict)}; {p_text(errors.p_value)} {_ALLOWED}"
    )


def nothing_in_offset(score: str, offset: Offset) -> str:
    """The same of a score in numbers."""
    return (
        f"held against people's labels of {offset.pairs:,} items in both versions, the judge '{score}' is not proved "
        f"to treat them differently: where people see no difference it gives the candidate {offset.value:+.2g} "
        f"(95 % interval {offset.low:.2g} to {offset.high:.2g}; {p_text(offset.p_value)})"
    )


def unchecked(score: str, why: str) -> str:
    """That nothing is known of the judge's errors in the two versions."""
    return f"whether the judge '{score}' errs alike in both versions is not checked: {why}"


def _fault(score: str, how: str, rates: ErrorRates, counts: str, p_value: float, command: str) -> str:
    first, second = ("candidate", "baseline") if rates.excess > 0 else ("baseline", "candidate")
    return (
        f"the judge '{score}' is more {how} with the {first} than with the {second}: {counts}; {p_text(p_value)} "
        f"{_ALLOWED}; {_advice(command)}"
    )


def _advice(command: str) -> str:
    return (
        f"mend its prompt or rubric and calibrate it again ({command}), or make the score advisory and let people's "
        "labels decide, by the corrected difference in this report"
    )


def _unseen(rates: ErrorRates) -> str:
    """How large a difference these counts leave possible."""
    (_, of_b), (_, of_c) = rates.baseline, rates.candidate
    if not of_b or not of_c:
        return " (which says nothing of a difference)"
    most = max(map(abs, difference_interval(*rates.baseline, *rates.candidate)))
    return f" (a difference of up to {100 * most:.0f} points cannot be excluded)"


def _passes(errors: Errors) -> str:
    return _counts("passes", "fail", errors.lenient)


def _fails(errors: Errors) -> str:
    return _counts("fails", "pass", errors.strict)


def _counts(judge: str, people: str, rates: ErrorRates) -> str:
    (wrong_b, of_b), (wrong_c, of_c) = rates.baseline, rates.candidate
    return (
        f"{judge} {wrong_c:,} of {of_c:,} answers of the candidate that people {people}, {wrong_b:,} of {of_b:,} of "
        "the baseline's"
    )
