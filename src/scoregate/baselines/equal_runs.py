"""Whether a baseline was chosen by its score: among the runs that differ from it by chance alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from scoregate.gate_file import Gate
from scoregate.gates.acceptance import flattered, objections
from scoregate.gates.provenance import iso_time
from scoregate.records import Run, RunHeader
from scoregate.store import Store


@dataclass(frozen=True, slots=True)
class Choice:
    """A run that was preferred to an equal one that was made before it."""

    first: str
    """Id of the run that no score can have chosen."""
    among: int
    """Equal runs, both of these counted."""
    better: tuple[str, ...]
    """Scores, with both values, that the chosen run is better in."""


def choice_by_score(store: Store | None, run: Run, gate: Gate) -> Choice | None:
    """What speaks for it that `run` was chosen by its score, or None.

    The unbiased choice among equal runs is the first that could be a baseline. The newest is not: whoever runs
    again until the score is good, and takes the last run, has chosen by the score. A later run that is nowhere
    better than the first flatters nothing, and may be taken. Raises as `compare` does.
    """
    equal = equal_runs(store, run.header, gate)
    for header in equal:
        if header.run == run.id or store is None:
            return None
        first = store.load_run(header.run, outputs=False)
        if not objections(first, gate):
            better = flattered(run, first, gate)
            return Choice(first.id, len(equal), better) if better else None
    return None


def equal_runs(store: Store | None, run: RunHeader, gate: Gate) -> tuple[RunHeader, ...]:
    """Complete runs of the same version, dataset, scorers and trials as `run`, itself among them, oldest first.

    Runs further apart than the gate's `max_baseline_age_days` are not counted, for then to run again is what
    the gate itself advises; nor is what ran from a changed working tree, of which nobody knows the version.
    """
    if store is None or run.facts.dirty:
        return (run,)
    others = []
    for summary in store.list_runs():
        whole = summary.done >= summary.expected and not summary.failed and summary.selection is None
        if whole and summary.run != run.run and summary.rescored_from is None:
            header = store.header(summary.run)
            if _version(header, gate) == _version(run, gate) and _near(header, run, gate):
                others.append(header)
    return tuple(sorted([run, *others], key=lambda header: (_begun(header), header.run)))


def _version(header: RunHeader, gate: Gate) -> tuple[object, ...]:
    scorers = {name: header.scorers.get(name) for name in gate.rules}
    about = (header.candidate, header.commit, bool(header.facts.dirty))
    return *about, header.dataset, header.dataset_fingerprint, header.trials, scorers


def _near(one: RunHeader, other: RunHeader, gate: Gate) -> bool:
    times = iso_time(one.started_at), iso_time(other.started_at)
    if times[0] is None or times[1] is None:
        return True
    return abs(times[0] - times[1]) <= timedelta(days=gate.max_baseline_age_days)


def _begun(header: RunHeader) -> float:
    """Seconds since the epoch; a run that says no time comes last, as nothing shows that it was the first."""
    time = iso_time(header.started_at)
    return math.inf if time is None else time.timestamp()
