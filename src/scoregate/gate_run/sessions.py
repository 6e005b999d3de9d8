"""How a side-by-side session begins, and goes on after it was interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scoregate.errors import ConfigError
from scoregate.gate_run.assembly import Assembly
from scoregate.gate_run.running import new_id, resume_run, start_run
from scoregate.gate_run.side_by_side import ARM, BASELINE, SESSION, Arms, SideBySide, Watching, full_name
from scoregate.git.revisions import PREFIX
from scoregate.records import DatasetItem, RunHeader
from scoregate.runner.candidates import Candidate
from scoregate.store import Store

AGAINST = "against"
"""Key of a run's metadata: the baseline that the session was asked for, `git:…` or the full path of a file."""


def begin(
    assembly: Assembly,
    store: Store,
    arms: Arms,
    against: str,
    items: Sequence[DatasetItem],
    selection: str | None,
    *,
    seed: int,
    watching: Watching,
) -> SideBySide:
    """A new session; its runs of the whole set are made."""
    session = new_id(assembly.gate.name)
    baseline, candidate = (
        start_run(
            assembly,
            store,
            items,
            selection,
            trials=assembly.gate.trials,
            run=run,
            candidate=version,
            metadata={SESSION: session, ARM: arm, AGAINST: full_name(against)},
        )
        for run, version, arm in (
            (session + BASELINE, arms.baseline, "baseline"),
            (session, arms.candidate, "candidate"),
        )
    )
    return SideBySide(assembly, store, arms, baseline, candidate, seed, watching)


def go_on(
    assembly: Assembly, store: Store, arms: Arms, against: str, session: str, *, seed: int, watching: Watching
) -> SideBySide:
    """A session that was interrupted. Raises ConfigError where going on would mix two things."""
    run = _session_of(store, session)
    candidate = resume_run(assembly, store, run, candidate=arms.candidate)
    version = _same_baseline(candidate.header, arms.baseline, against, store)
    arms = replace(arms, baseline=version)
    baseline = resume_run(assembly, store, run + BASELINE, candidate=version)
    return SideBySide(assembly, store, arms, baseline, candidate, seed, watching)


def _session_of(store: Store, run: str) -> str:
    """The session that a run (its id, or a unique beginning) belongs to. Raises StoreError."""
    header = store.header(store.find_run(run))
    return str(header.metadata.get(SESSION) or header.run)


def _same_baseline(session: RunHeader, version: Candidate, against: str, store: Store) -> Candidate:
    """`version`, named as it was when the session began. Raises ConfigError where it is another one."""
    then, begun = str(session.metadata[AGAINST]), store.header(session.run + BASELINE)
    by_commit = then.startswith(PREFIX) and against.startswith(PREFIX)
    if by_commit and begun.commit == version.commit:
        return replace(version, version=begun.candidate)
    if then == full_name(against) and not by_commit:
        return version
    was, now = (f" (commit {commit[:8]})" if commit else "" for commit in (begun.commit, version.commit))
    again = f"{PREFIX}{begun.commit}" if by_commit else then
    raise ConfigError(
        f"run {session.run} was started beside {then}{was}, and {against}{now} is another version",
        hint=f"go on with --against {again}, or start a new run",
    )
