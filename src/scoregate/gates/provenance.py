"""Where results come from, as the headers of their runs say: when they were run, on which dataset, scored by what.

Two runs are comparable by the dataset and the scorers they name; a stored baseline may be old, the best of several
runs, or scored again, and there is a command by which outputs are scored again.
"""

from __future__ import annotations

from datetime import UTC, datetime

from scoregate.gate_file import Gate
from scoregate.records import RunHeader
from scoregate.wording import count, proposed_command

_SECONDS_A_DAY = 86_400


def run_that_was_made(header: RunHeader) -> str:
    """Id of the run that the outputs come from: its own, unless it was scored again."""
    return header.facts.rescored_from or header.run


def rescore_command(run: str, gate: Gate) -> str:
    """What a person types to have the stored outputs of a run scored by the gate's present scorers."""
    path = f"gates/{gate.name}.toml"
    if gate.path is not None:
        inside = gate.path.is_relative_to(gate.root)
        path = str(gate.path.relative_to(gate.root) if inside else gate.path)
    return proposed_command("runs", "rescore", run, "--gate", path)


def dataset_changed(before: RunHeader, now: RunHeader) -> bool:
    """Whether the runs say that their datasets differ; a run without a fingerprint says nothing."""
    then, here = before.dataset_fingerprint, now.dataset_fingerprint
    return bool(then and here and then != here)


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
    if len(fingerprints) > 1 and gate.on_dataset_change != "intersection":
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
    time = iso_time(header.scored_at)
    return None if time is None else time.timestamp()


def age_note(gate: Gate, baseline: RunHeader, candidate: RunHeader) -> str | None:
    """A sentence where a stored baseline was run long before the candidate, by the gate's own measure.

    Both times are those of the runs, never that of the machine which decides, so that the same input gives the
    same verdict. None where a time is not known, and for two versions that run side by side.
    """
    if gate.side_by_side:
        return None
    days = older_than_allowed(gate, baseline, candidate)
    if days is None:
        return None
    return (
        f"the baseline was run {days} before the candidate: a model provider may have changed meanwhile, "
        'which would look like a regression; baseline = "git:main" runs both side by side'
    )


def older_than_allowed(gate: Gate, earlier: RunHeader, candidate: RunHeader) -> str | None:
    """How long before the candidate a run was made ("40 days"), where that is over `max_baseline_age_days`.

    A lock file whose run says no time is as old as its acceptance at least.
    """
    accepted = earlier.facts.accepted
    then = iso_time(earlier.started_at) or iso_time(accepted.when if accepted else None)
    now = iso_time(candidate.started_at)
    if then is None or now is None:
        return None
    days = (now - then).total_seconds() / _SECONDS_A_DAY
    return count(int(days), "day") if days > gate.max_baseline_age_days else None


def best_of_note(baseline: RunHeader) -> str | None:
    """A sentence where the baseline was accepted as the better one of several equal runs."""
    accepted = baseline.facts.accepted
    if accepted is None or accepted.best_of is None:
        return None
    return (
        f"the baseline is the better one of {count(accepted.best_of, 'equal run')}, chosen by its score: an unchanged "
        "candidate looks worse than it more often than alpha says"
    )


def iso_time(text: object) -> datetime | None:
    """An ISO time; one without a zone is taken as UTC. None where there is none or it cannot be read."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
