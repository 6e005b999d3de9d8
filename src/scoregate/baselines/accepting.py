"""Moving a gate's baseline: which run would take which one's place, what speaks against it, and the move itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scoregate.baselines.langfuse_acceptance import accept_in_langfuse, delivered_run
from scoregate.baselines.load import load_baseline, load_run, lock_path
from scoregate.errors import BaselineError, ConfigError, NoBaseline
from scoregate.files.reading import shown_path
from scoregate.gate_file import Gate
from scoregate.gate_file.source import LangfuseExperiment
from scoregate.gates.acceptance import flattered, locked, objections, same_scores
from scoregate.gates.compare import check_decidable
from scoregate.gates.dead_rules import dead_rules
from scoregate.gates.provenance import iso_time
from scoregate.gates.run_shift import SHIFTING, same_version, shifts_of
from scoregate.git.checkout import whoami
from scoregate.records import Run, RunHeader
from scoregate.records.run_facts import Acceptance, RunShift
from scoregate.results_file import write_lock
from scoregate.sources import read_gate_dataset
from scoregate.store import Store

_MOST_RUNS = 40
"""The newest runs of a gate that are asked how they move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Succession:
    """A run, and the baseline whose place it would take."""

    gate: Gate
    new: Run
    old: Run | None
    """None where there is no baseline yet, or none that can be read."""
    unreadable: BaselineError | None
    """Why the present baseline cannot be read, if it is there and cannot be."""
    lock: Path | None
    """The file that holds the baseline; None where it is in Langfuse."""
    shifts: Mapping[str, RunShift] = field(default_factory=dict)
    """How far the gate's stored runs of one version lie apart."""

    @property
    def place(self) -> str:
        """Where the baseline is, for people."""
        return str(self.gate.baseline) if self.lock is None else shown_path(self.lock)

    @property
    def changes_nothing(self) -> bool:
        if self.old is None or self.old.id != self.new.id or not same_scores(self.old, self.new):
            return False
        return self.lock is None or self.shifts == self.old.header.facts.run_shifts

    def accept(self, why: str, overruled: _Overruled) -> bool:
        """Make the run the baseline; whether it is seen there already (Langfuse takes a while)."""
        acceptance = Acceptance(
            who=whoami(self.gate.root),
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            why=why.strip(),
            forced=overruled.objections,
            best_of=overruled.best_of,
        )
        if self.lock is None:
            return accept_in_langfuse(self.gate, self.new, acceptance)
        write_lock(locked(self.new, acceptance, self.shifts), self.lock)
        return True


@dataclass(frozen=True, slots=True)
class _Overruled:
    """What spoke against a run, and did not count; it is kept with the baseline."""

    objections: tuple[str, ...] = ()
    best_of: int | None = None
    """The run was chosen by its score among so many equal ones."""


def succession(gate: Gate, run: str, store: Store | None) -> Succession:
    """What accepting `run` would replace. Raises the errors of reading the run, and of Langfuse's client."""
    source, lock = gate.baseline_source, None
    if isinstance(source, LangfuseExperiment):
        new = delivered_run(gate, source, run, store)
    else:
        lock = lock_path(gate)
        new = load_run(run, store, "RUN")
    old, unreadable = None, None
    try:
        old = load_baseline(gate, None, store, new.header.scorers)
    except NoBaseline:
        pass
    except BaselineError as error:
        unreadable = error
    shifts = {} if lock is None else _shifts(gate, new, store)
    if old is not None and not shifts:
        shifts = (
            old.header.facts.run_shifts
        )  # a store that holds too few runs says nothing against what was known
    return Succession(gate=gate, new=new, old=old, unreadable=unreadable, lock=lock, shifts=shifts)


def _shifts(gate: Gate, new: Run, store: Store | None) -> Mapping[str, RunShift]:
    """How far this gate's whole runs of one version lie apart, of those scores that move so and have a rule."""
    if store is None or not any(name in gate.rules for name in SHIFTING):
        return {}
    headers = {new.id: new.header}
    for summary in store.list_runs(gate=gate.name):
        whole = summary.done >= summary.expected and summary.selection is None and not summary.companion
        if whole and summary.finished_at is not None and len(headers) < _MOST_RUNS:
            headers.setdefault(summary.run, store.header(summary.run))
    runs = same_version(headers.values(), new.header)
    return shifts_of([new if run == new.id else store.load_run(run, outputs=False) for run in runs])


def examine(
    step: Succession, store: Store | None, *, why: str, force: bool, best_of_several: bool
) -> _Overruled:
    """What is overruled by `force` and `best_of_several`, and by `why` where that names a rule that guards nothing.

    Raises BaselineError where something speaks against the run that is not, ConfigError where the gate could not
    decide with it.
    """
    gate, new = step.gate, step.new
    fingerprint = read_gate_dataset(gate).fingerprint if gate.dataset else None
    against = objections(new, gate, fingerprint)
    if against and not force:
        raise BaselineError(
            f"run {new.id} was not accepted: {'; '.join(against)}",
            hint="--force accepts it and records why not",
        )
    if step.old is None:
        check_decidable(gate, new)
    dead = unnamed_dead_rules(gate, new, why)
    if dead and not force:
        raise BaselineError(
            f"run {new.id} was not accepted: {'; '.join(dead.values())}, so that the rule guards nothing",
            hint=f"mend the rule or its scorer, make it advisory, or name {' and '.join(dead)} in --why",
        )
    against = (*against, *dead.values())
    choice = _choice_by_score(store, new, gate)
    if choice is not None and not best_of_several:
        raise BaselineError(
            f"run {new.id} was not accepted: it is one of {choice.among} equal runs, and better than the first of "
            f"them in {', '.join(choice.better)}; a baseline chosen by its score makes unchanged candidates look worse",
            hint=f"accept the first, {choice.first}; --best-of-several accepts this one, and every verdict says so",
        )
    return _Overruled(against, choice.among if choice is not None else None)


def unnamed_dead_rules(gate: Gate, run: Run, why: str) -> dict[str, str]:
    """Rules that guard nothing with this run as the baseline, and that the reason says nothing of. Raises as `compare`.

    As `dead_rules`.
    """
    return {name: clause for name, clause in dead_rules(gate, run).items() if name not in why}


def refuse_in_ci(gate: Gate, ci: str) -> None:
    """Raises ConfigError where the variable `CI` has a value that means yes."""
    if ci.lower() not in ("", "0", "false"):
        in_langfuse = isinstance(gate.baseline_source, LangfuseExperiment)
        how = "accept it on a checkout" + ("" if in_langfuse else " and commit the lock file")
        raise ConfigError("a baseline is never accepted in CI", hint=how)


@dataclass(frozen=True, slots=True)
class _ChosenByScore:
    """A run that was preferred to an equal one that was made before it."""

    first: str
    """Id of the run that no score can have chosen."""
    among: int
    """Equal runs, both of these counted."""
    better: tuple[str, ...]
    """Scores, with both values, that the chosen run is better in."""


def _choice_by_score(store: Store | None, run: Run, gate: Gate) -> _ChosenByScore | None:
    """What speaks for it that `run` was chosen by its score, or None.

    The unbiased choice among equal runs is the first that could be a baseline. The newest is not: whoever runs
    again until the score is good, and takes the last run, has chosen by the score. A later run that is nowhere
    better than the first flatters nothing, and may be taken. Raises as `compare` does.
    """
    equal = _equal_runs(store, run.header, gate)
    for header in equal:
        if header.run == run.id or store is None:
            return None
        first = store.load_run(header.run, outputs=False)
        if not objections(first, gate):
            better = flattered(run, first, gate)
            return _ChosenByScore(first.id, len(equal), better) if better else None
    return None


def _equal_runs(store: Store | None, run: RunHeader, gate: Gate) -> tuple[RunHeader, ...]:
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
