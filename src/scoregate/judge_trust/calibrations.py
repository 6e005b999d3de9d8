"""The calibrations that a gate requires of its judges: found, and held against who scored a run and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from scoregate.calibration.file import BadCalibration, calibration_path, read_calibration
from scoregate.calibration.judge_strength import (
    judge_strength,
    margin_sentence,
    too_weak,
    true_margin_sentence,
)
from scoregate.calibration.record import Calibration, Identity, identity_of
from scoregate.calibration.requirement import Requirement, unmet
from scoregate.errors import ConfigError
from scoregate.files.reading import shown_path
from scoregate.gate_file import DEFAULT_MARGIN, Gate, Rule
from scoregate.gates.provenance import iso_time, rescore_command, run_that_was_made
from scoregate.judge_trust.judged_answers import passes_or_fails
from scoregate.judge_trust.judges import read_judges
from scoregate.records import RunHeader
from scoregate.statistics.estimate import Estimate
from scoregate.wording import proposed_command

if TYPE_CHECKING:
    from scoregate.judging.identity import JudgeIdentity
    from scoregate.judging.spec import JudgeSpec


_VERSION = "judge "
"""What a judge's version begins with, before the first digits of its identity."""


def bound_to(judge: JudgeIdentity) -> Identity:
    """What a calibration of this judge is bound to: the judge's own hash, by which runs know it too, and its parts."""
    return identity_of(judge.hash, judge.as_dict())


@dataclass(frozen=True, slots=True)
class _Found:
    """The calibration of a judge that scored a run, or why there is none that will do."""

    calibration: Calibration | None
    reason: str | None


def unmet_requirements(gate: Gate, candidate: RunHeader) -> dict[str, str]:
    """Score -> why its judge may not decide on this run, with the command that repairs it; empty if all may.

    A calibration's age is that at the time of the run, never at the time of deciding, so that the same input gives
    the same verdict; only a calibration that is dated in the future is told by the clock. One whose file holds none, or
    contradicts itself, may not decide. Raises ConfigError for a judge that cannot be read.
    """
    return _unmet(gate, candidate.scorers, _judged_at(candidate), candidate)


def unmet_now(gate: Gate) -> dict[str, str]:
    """The same of a run that would begin now, to be told before a call is paid for."""
    return _unmet(gate, None, datetime.now(UTC), None)


def calibrate_command(gate: Gate, score: str) -> str:
    """What a person types to calibrate the judge of a score; FILE stands for labels that the gate does not name."""
    path = shown_path(gate.path) if gate.path else f"gates/{gate.name}.toml"
    judges = [spec for spec in gate.scorers if spec.is_judge]
    which = ["--score", score] if len(judges) > 1 else []
    rule = gate.rules.get(score)
    labels = [] if rule is not None and rule.labels else ["--labels", "FILE"]
    return proposed_command("judge", "calibrate", path, *which, *labels)


def commands_of(gate: Gate, reasons: Mapping[str, str]) -> list[str]:
    """The commands that these reasons name, each to be shown on a line of its own."""
    commands = [calibrate_command(gate, score) for score in reasons]
    return [command for command, reason in zip(commands, reasons.values(), strict=True) if command in reason]


def strength_of(gate: Gate, score: str, candidate: RunHeader) -> Estimate | None:
    """How much of a true drop the judge shows that scored the run; None without a calibration that will do.

    Raises ConfigError for a judge that cannot be read, and for a bad calibration that the gate does not require:
    of the others `unmet_requirements` tells.
    """
    contract, rule = gate.contract(score), gate.rules[score]
    if contract is None or not calibration_path(gate.root, score).exists():
        return None
    specs = read_judges(gate)
    if score not in specs:
        return None
    wanted = rule.require_calibration or Requirement()
    try:
        found = _find(gate, score, wanted, specs[score], candidate.scorers, _judged_at(candidate), candidate)
    except BadCalibration:
        if _required(rule):
            return None
        raise
    return None if found.calibration is None else judge_strength(found.calibration, contract)


def _unmet(
    gate: Gate, scorers: Mapping[str, str] | None, at: datetime | None, candidate: RunHeader | None
) -> dict[str, str]:
    required = {
        name: rule.require_calibration or Requirement()
        for name, rule in gate.rules.items()
        if _required(rule)
    }
    specs = read_judges(gate) if required else {}
    reasons = {}
    for name, requirement in required.items():
        try:
            found = _find(gate, name, requirement, specs[name], scorers, at, candidate)
        except BadCalibration as bad:
            reasons[name] = _unusable(gate, name, bad)
            continue
        reason = found.reason
        if found.calibration is not None and gate.rules[name].margin_of == "truth":
            reason = _no_true_margin(gate, name, found.calibration)
        if reason is not None:
            reasons[name] = reason
    return reasons


def _required(rule: Rule) -> bool:
    return rule.require_calibration is not None or rule.margin_of == "truth"


def _unusable(gate: Gate, score: str, bad: BadCalibration) -> str:
    file = shown_path(calibration_path(gate.root, score))
    return (
        f"the calibration of the judge '{score}' cannot be used: {file} {bad.message}; "
        f"calibrate it again: {calibrate_command(gate, score)}"
    )


def _find(
    gate: Gate,
    name: str,
    requirement: Requirement,
    spec: JudgeSpec,
    scorers: Mapping[str, str] | None,
    at: datetime | None,
    candidate: RunHeader | None,
) -> _Found:
    path, present = calibration_path(gate.root, name), spec.identity
    calibration = read_calibration(path, judge=name, contract=gate.contract(name))
    identity, made_by = bound_to(present), None if scorers is None else scorers.get(name, "")
    if made_by is not None and made_by != present.version:
        if calibration is None or not _is(made_by, calibration.identity):
            return _Found(None, _other_judge(gate, name, made_by, present.version, candidate))
        identity = calibration.identity
    reason = unmet(
        requirement,
        calibration,
        identity,
        at,
        now=datetime.now(UTC),
        judge=name,
        command=calibrate_command(gate, name),
        file=shown_path(path),
    )
    return _Found(calibration if reason is None else None, reason)


def _no_true_margin(gate: Gate, score: str, calibration: Calibration) -> str | None:
    """Why a margin of the truth has none of the judge's scores that stands for it."""
    contract = gate.contract(score)
    if contract is None:
        return f"the judge '{score}' has no contract that says what passes"
    strength = judge_strength(calibration, contract)
    again = f"calibrate it with more: {calibrate_command(gate, score)}"
    if strength.value is None or strength.low is None:
        return (
            f"how much of a true drop the judge '{score}' shows cannot be told ({strength.reason}); {again}"
        )
    if too_weak(strength):
        return (
            f"the judge '{score}' may show as little as {max(0.0, strength.low):.2f} of a true drop "
            f"({strength.value:.2f} by {strength.n:,} items), so that no margin of it rules one out; mend prompt or "
            f"rubric, or {again}"
        )
    return None


def _is(version: str, identity: Identity) -> bool:
    digits = version.removeprefix(_VERSION)
    return version.startswith(_VERSION) and bool(digits) and identity.hash.startswith(digits)


def _other_judge(gate: Gate, score: str, made_by: str, present: str, candidate: RunHeader | None) -> str:
    run = run_that_was_made(candidate) if candidate is not None else ""
    again = f"score its outputs again: {rescore_command(run, gate)}"
    if not made_by:
        return f"the candidate's run does not say which judge made '{score}', so no calibration speaks for it; {again}"
    return (
        f"the candidate was scored by another judge '{score}' ({made_by}) than the gate's present one ({present}), and "
        f"by one without a calibration; {again}"
    )


def _judged_at(header: RunHeader) -> datetime | None:
    """When the run's scores were made: its own time, unless it was scored again."""
    return iso_time(header.scored_at)


def with_true_margins(gate: Gate, candidate: RunHeader) -> Gate:
    """The gate with each margin of the truth (`margin_of = "truth"`) as the margin of the judge's scores.

    It is multiplied by the smallest part of a true drop that the judge's calibration leaves possible. Where there is no
    such calibration the margin stays, and `unmet_requirements` makes the rule invalid. Raises ConfigError for a
    calibration that cannot be read.
    """
    rules = {
        name: _scaled(gate, name, rule, candidate) if rule.margin_of == "truth" else rule
        for name, rule in gate.rules.items()
    }
    return replace(gate, rules=rules) if rules != gate.rules else gate


def margin_notes(gate: Gate, candidate: RunHeader) -> tuple[str, ...]:
    """What the margins of calibrated judges mean in truth, a sentence each. `gate` is the one as it was read."""
    notes = []
    for name, rule in gate.rules.items():
        contract = gate.contract(name)
        if contract is None or not passes_or_fails(contract) or rule.reducer is not None:
            continue
        if rule.advisory or (_given(rule) is None and (rule.min, rule.max) != (None, None)):
            continue  # It gates nothing, or only the candidate's own value.
        try:
            strength = strength_of(gate, name, candidate)
        except ConfigError as error:
            notes.append(f"what the margin of '{name}' means in truth cannot be told: {error}")
            continue
        if strength is None:
            continue
        margin = margin_of_rate(rule)
        if rule.margin_of == "judge":
            sentence = margin_sentence(name, margin, strength)
            notes += [sentence] if sentence is not None else []
        elif not too_weak(strength):
            notes.append(true_margin_sentence(name, margin, strength))
    return tuple(notes)


def _scaled(gate: Gate, name: str, rule: Rule, candidate: RunHeader) -> Rule:
    strength = strength_of(gate, name, candidate)
    if strength is None or strength.low is None or too_weak(strength):
        return rule
    margin = margin_of_rate(rule) * strength.low
    return (
        replace(rule, max_increase=margin)
        if rule.max_increase is not None
        else replace(rule, max_drop=margin)
    )


def _given(rule: Rule) -> float | None:
    return rule.max_drop if rule.max_drop is not None else rule.max_increase


def margin_of_rate(rule: Rule) -> float:
    """The margin that the rule gives, or the one that a score has which passes or fails."""
    given = _given(rule)
    return DEFAULT_MARGIN if given is None else given
