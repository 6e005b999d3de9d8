"""The calibrations that a gate requires of its judges: found, and held against who scored a run and when."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime

from scoregate.calibration.file import calibration_path, read_calibration
from scoregate.calibration.identity import Identity, identity_of
from scoregate.calibration.requirement import unmet
from scoregate.gate_file import Gate
from scoregate.gates.age import time_of
from scoregate.gates.rescored import RESCORED, rescore_command, run_that_was_made
from scoregate.judging.identity import JudgeIdentity
from scoregate.project.judges import is_judge, read_judges
from scoregate.project.places import shown_path
from scoregate.records import RunHeader

_VERSION = "judge "
"""What a judge's version begins with, before the first digits of its identity."""


def bound_to(judge: JudgeIdentity) -> Identity:
    """What a calibration of this judge is bound to: the judge's own hash, by which runs know it too, and its parts."""
    return Identity(judge.hash, identity_of(judge.as_dict()).parts)


def unmet_requirements(gate: Gate, candidate: RunHeader) -> dict[str, str]:
    """Score -> why its judge may not decide on this run, with the command that repairs it; empty if all may.

    A calibration's age is that at the time of the run, never at the time of deciding, so that the same input gives
    the same verdict. Raises ConfigError for a judge or a calibration that cannot be read.
    """
    return _unmet(gate, candidate.scorers, _judged_at(candidate), candidate)


def unmet_now(gate: Gate) -> dict[str, str]:
    """The same of a run that would begin now, to be told before a call is paid for."""
    return _unmet(gate, None, datetime.now(UTC), None)


def calibrate_command(gate: Gate, score: str) -> str:
    """What a person types to calibrate the judge of a score; FILE stands for labels that the gate does not name."""
    path = shown_path(gate.path) if gate.path else f"gates/{gate.name}.toml"
    judges = [spec for spec in gate.scorers if is_judge(spec)]
    which = ["--score", score] if len(judges) > 1 else []
    rule = gate.rules.get(score)
    labels = [] if rule is not None and rule.labels else ["--labels", "FILE"]
    return shlex.join(["scoregate", "judge", "calibrate", path, *which, *labels])


def commands_of(gate: Gate, reasons: Mapping[str, str]) -> list[str]:
    """The commands that these reasons name, each to be shown on a line of its own."""
    commands = [calibrate_command(gate, score) for score in reasons]
    return [command for command, reason in zip(commands, reasons.values(), strict=True) if command in reason]


def _unmet(
    gate: Gate, scorers: Mapping[str, str] | None, at: datetime | None, candidate: RunHeader | None
) -> dict[str, str]:
    required = {
        name: rule.require_calibration
        for name, rule in gate.rules.items()
        if rule.require_calibration is not None
    }
    specs = read_judges(gate) if required else {}
    reasons = {}
    for name, requirement in required.items():
        path, present = calibration_path(gate.root, name), specs[name].identity
        calibration = read_calibration(path)
        identity, made_by = bound_to(present), None if scorers is None else scorers.get(name, "")
        if made_by is not None and made_by != present.version:
            if calibration is None or not _is(made_by, calibration.identity):
                reasons[name] = _other_judge(gate, name, made_by, present.version, candidate)
                continue
            identity = calibration.identity
        reason = unmet(
            requirement,
            calibration,
            identity,
            at,
            judge=name,
            command=calibrate_command(gate, name),
            file=shown_path(path),
        )
        if reason is not None:
            reasons[name] = reason
    return reasons


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
    again = header.metadata.get(RESCORED)
    return time_of(again.get("when") if isinstance(again, dict) else header.started_at)
