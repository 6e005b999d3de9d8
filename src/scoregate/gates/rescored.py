"""Runs whose stored outputs were scored again: what their headers say, and the command that does it."""

from __future__ import annotations

import shlex

from scoregate.gate_file import Gate
from scoregate.gates.age import time_of
from scoregate.records import RunHeader


def run_that_was_made(header: RunHeader) -> str:
    """Id of the run that the outputs come from: its own, unless it was scored again."""
    return header.facts.rescored_from or header.run


def rescore_command(run: str, gate: Gate) -> str:
    """What a person types to have the stored outputs of a run scored by the gate's present scorers."""
    path = f"gates/{gate.name}.toml"
    if gate.path is not None:
        inside = gate.path.is_relative_to(gate.root)
        path = str(gate.path.relative_to(gate.root) if inside else gate.path)
    return shlex.join(["scoregate", "runs", "rescore", run, "--gate", path])


def scorer_changed(score: str, before: RunHeader, now: RunHeader) -> bool:
    """Whether both runs say which scorer made a score, and name different ones."""
    return score in before.scorers and score in now.scorers and before.scorers[score] != now.scorers[score]


def how_to_score_alike(gate: Gate, baseline: RunHeader, candidate: RunHeader) -> str:
    """What to do where the two were scored by different scorers: the one that was scored earlier is scored again."""
    command = _command(gate, baseline, candidate)
    if _candidate_is_older(baseline, candidate):
        return f"the candidate was scored first, so score its outputs again and check that run: {command}"
    return f"score the baseline's outputs again by the present ones: {command}"


def command_to_score_alike(gate: Gate, baseline: RunHeader, candidate: RunHeader) -> str | None:
    """The command that makes a comparison possible which different scorers forbid; None where they do not.

    Where the dataset changed as well, scoring again would not be enough.
    """
    fingerprints = {baseline.dataset_fingerprint, candidate.dataset_fingerprint} - {None}
    if len(fingerprints) > 1 and gate.on_dataset_change == "invalid":
        return None
    gating = [name for name, rule in gate.rules.items() if not rule.advisory]
    if not any(scorer_changed(name, baseline, candidate) for name in gating):
        return None
    return _command(gate, baseline, candidate)


def _command(gate: Gate, baseline: RunHeader, candidate: RunHeader) -> str:
    first = candidate if _candidate_is_older(baseline, candidate) else baseline
    return rescore_command(run_that_was_made(first), gate)


def _candidate_is_older(baseline: RunHeader, candidate: RunHeader) -> bool:
    then, now = _scored_at(baseline), _scored_at(candidate)
    return then is not None and now is not None and now < then


def rescored_note(baseline: RunHeader) -> str | None:
    """A sentence where the baseline's scores are younger than its outputs."""
    again = baseline.facts.rescored
    if again is None:
        return None
    return (
        f"the baseline's outputs are those of run {run_that_was_made(baseline)}, which were scored again on "
        f"{again.when}"
    )


def _scored_at(header: RunHeader) -> float | None:
    time = time_of(header.scored_at)
    return None if time is None else time.timestamp()
