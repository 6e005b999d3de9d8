"""What a baseline's header gives to bear in mind: that it is old, or that it was the best of several runs."""

from __future__ import annotations

from datetime import UTC, datetime

from scoregate.gate_file import Gate
from scoregate.records import RunHeader
from scoregate.wording import count

_SECONDS_A_DAY = 86_400


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
    then = time_of(earlier.started_at) or time_of(accepted.when if accepted else None)
    now = time_of(candidate.started_at)
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


def time_of(text: object) -> datetime | None:
    """An ISO time; one without a zone is taken as UTC. None where there is none or it cannot be read."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
