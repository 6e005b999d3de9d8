"""Several trials of one version, as far as the store, files or the baseline hold them: what its noise is told from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scoregate.baselines.load import load_baseline, load_run
from scoregate.datasets import cluster_of, slices_of
from scoregate.errors import ConfigError, NoBaseline
from scoregate.files.reading import shown_path
from scoregate.gate_file import Gate
from scoregate.gate_file.source import GitRevision, RunId
from scoregate.gates.sentences import named_ids
from scoregate.gates.table import RunTable, table_from_run, with_more_trials
from scoregate.judge_trust.own_replies import asked_for_itself, gating_judges, measuring_runs
from scoregate.records import Dataset, Run, RunHeader
from scoregate.store import Store
from scoregate.wording import count, proposed_command

_ENOUGH_TRIALS = 20
"""No older run is looked for once so many trials are there: more would hardly tell more."""
_NEWEST = 50
"""So many of the gate's stored runs are looked at."""
_Version = tuple[str, str | None, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class StoredTrials:
    """Trials of one version on one dataset, by the same scorers."""

    table: RunTable
    """All of them side by side, numbered from 0; the gate's scores only."""
    origin: str
    """Which runs they are, for people."""
    runs: int = 1

    @property
    def trials(self) -> int:
        return self.table.header.trials


def stored_trials(gate: Gate, store: Store | None) -> StoredTrials | None:
    """What there is, best first: runs of several trials, several runs of one version, a baseline of several trials.

    Runs that are unfinished, of a selection, or with more failures than the gate bears are left out, and where a judge
    gates, those that may share its replies with the others; of several versions the one that was run last is taken.
    """
    found = _from_store(gate, store) if store is not None else None
    return found or _from_baseline(gate, store)


def named_trials(gate: Gate, names: Sequence[str], store: Store | None) -> StoredTrials:
    """The trials of the results files or stored runs that are named; where they may share replies, `origin` says so.

    Raises ConfigError where they are not several trials of one version, or of a part of the dataset only.
    """
    runs = [load_run(name, store, "--from") for name in names]
    first = runs[0]
    for run in runs:
        if run.header.partial:
            raise ConfigError(
                f"--from: run {run.id} is of a part of the dataset only", hint="name a whole run"
            )
        if runs.count(run) > 1 or sum(run.id == other.id for other in runs) > 1:
            raise ConfigError(f"--from: run {run.id} is there twice", hint="name each run once")
        different = _difference(first.header, run.header)
        if different:
            raise ConfigError(
                f"--from: runs {first.id} and {run.id} are no repetitions: {different}",
                hint="name runs of one version, one dataset and the same scorers",
            )
    pooled = _pooled(gate, runs)
    judges = gating_judges(gate)
    if len(runs) > 1 and not all(asked_for_itself(run.id, judges, store) for run in runs):
        explained = (
            f"which may share replies of {named_ids(judges)}, so that the noise may be larger than it looks"
        )
        pooled = replace(pooled, origin=f"{pooled.origin}, {explained}")
    if pooled.trials < 2:
        raise ConfigError(
            f"--from: run {first.id} has one trial, which says nothing of how trials differ",
            hint=f"run: {more_trials_command(gate)}",
        )
    return pooled


def placed_trials(gate: Gate, trials: StoredTrials, dataset: Dataset) -> StoredTrials:
    """The trials in the clusters and slices that the gate names now, which may be others than when they were run."""
    table, ids = trials.table, set(trials.table.items)
    clusters, slices = dict(table.clusters), dict(table.slices)
    for item in dataset.items:
        if item.id not in ids:
            continue
        clusters.pop(item.id, None)
        cluster = cluster_of(item, gate.cluster) if gate.cluster else None
        if cluster is not None:
            clusters[item.id] = cluster
        slices[item.id] = slices_of(item, gate.slices)
    return replace(trials, table=replace(table, clusters=clusters, slices=slices))


def more_trials_command(gate: Gate) -> str:
    """What a person runs to have several trials."""
    return proposed_command("run", shown_path(gate.path) if gate.path else "GATE", "--trials", 5)


def _from_store(gate: Gate, store: Store) -> StoredTrials | None:
    versions: dict[_Version, list[str]] = {}
    trials: dict[str, int] = {}
    for summary in store.list_runs(limit=_NEWEST, gate=gate.name):
        failed = summary.failed / max(1, summary.expected)
        if summary.finished_at is None or summary.selection or failed > gate.max_failed_items:
            continue
        if summary.rescored_from is not None:  # The same outputs once more are no further trials.
            continue
        totals = store.totals(summary.run)
        if totals.scores_error > gate.max_failed_items * (totals.scores_ok + totals.scores_error):
            continue  # A judge that was down says nothing of its noise.
        header = store.header(summary.run)
        version = _version(header)
        # Uncommitted changes are no part of a version's label, so that two such runs may be of different code.
        key = (f"{version[0]} ({summary.run})", *version[1:]) if header.facts.dirty else version
        versions.setdefault(key, []).append(summary.run)
        trials[summary.run] = header.trials
    repeated = [runs for runs in versions.values() if any(trials[run] > 1 for run in runs)]
    repeated += [runs for runs in versions.values() if len(runs) > 1]
    judges = gating_judges(gate)
    for runs in repeated:
        measuring = measuring_runs(runs, trials, judges, store)
        if sum(trials[run] for run in measuring) < 2:
            continue
        chosen: list[Run] = []
        for run in sorted(measuring, key=lambda run: trials[run] < 2):
            if sum(one.header.trials for one in chosen) < _ENOUGH_TRIALS:
                chosen.append(store.load_run(run, outputs=False))
        pooled, left_out = _pooled(gate, chosen), len(runs) - len(measuring)
        if left_out:
            explained = (
                f"left out: {count(left_out, 'other run')} that may share replies of {named_ids(judges)}"
            )
            pooled = replace(pooled, origin=f"{pooled.origin} ({explained})")
        return pooled
    return None


def _from_baseline(gate: Gate, store: Store | None) -> StoredTrials | None:
    match gate.baseline_source:
        case None | GitRevision():
            return None
        case RunId() if store is None:
            return None
    try:
        baseline = load_baseline(gate, None, store)
    except NoBaseline:
        return None
    found = trials_of_baseline(gate, baseline)
    return found and replace(found, origin=f"the accepted baseline, {found.origin}")


def trials_of_baseline(gate: Gate, baseline: Run) -> StoredTrials | None:
    """The baseline's own trials; None where there is but one of an item, or they are of a part of the dataset."""
    if baseline.header.trials < 2 or baseline.header.partial:
        return None
    return _pooled(gate, [baseline])


def _version(header: RunHeader) -> _Version:
    return header.candidate, header.dataset_fingerprint, tuple(sorted(header.scorers.items()))


def _difference(first: RunHeader, other: RunHeader) -> str | None:
    if first.candidate != other.candidate:
        return f"of versions {first.candidate} and {other.candidate}"
    if first.dataset_fingerprint != other.dataset_fingerprint:
        return "the dataset changed between them"
    changed = [name for name, version in first.scorers.items() if other.scorers.get(name, version) != version]
    return f"the scorer of {', '.join(changed)} changed between them" if changed else None


def _pooled(gate: Gate, runs: Sequence[Run]) -> StoredTrials:
    table = _gated(gate, table_from_run(runs[0]))
    for run in runs[1:]:
        table = with_more_trials(table, _gated(gate, table_from_run(run)))
    version, trials = runs[0].header.candidate, count(table.header.trials, "trial")
    which = (
        f"run {runs[0].id}"
        if len(runs) == 1
        else f"{count(len(runs), 'run')} ({named_ids([r.id for r in runs])})"
    )
    return StoredTrials(table, f"{which}: {trials} of {version}", len(runs))


def _gated(gate: Gate, table: RunTable) -> RunTable:
    columns: Mapping[str, object] = table.columns
    kept = {name: table.columns[name] for name in gate.rules if name in columns}
    return replace(table, columns=kept, failures={}, comments={})
