"""Runs that a gate or a command line names as `langfuse:…`: read, and held against the gate."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from scoregate.catalog import Catalog
from scoregate.datasets import cluster_of, slices_of
from scoregate.errors import BaselineError, ConfigError, NoBaseline
from scoregate.gate_file import Gate
from scoregate.gate_file.dataset_source import LangfuseDataset
from scoregate.gate_file.source import LangfuseExperiment
from scoregate.records import DatasetItem, Run
from scoregate.sources.datasets import connect, read_gate_dataset

if TYPE_CHECKING:
    from scoregate.langfuse.connection import Connection
    from scoregate.langfuse.experiment_runs import FoundRun

_MOST_KEPT = 4
_kept: dict[tuple[str | None, ...], FoundRun] = {}
"""Whole runs by server, key, experiment, gate and acceptance: a command asks for its baseline more than once."""


def read_langfuse_run(source: LangfuseExperiment, root: Path, gate: Gate | None, what: str) -> Run:
    """The run, with its acceptance in the header.

    `gate` says the dataset, and the clusters and slices of a run that does not. `what` is the run's part, for
    messages. Raises NoBaseline where the branch has no accepted baseline yet, BaselineError where it never will, and
    where the run is not there, incomplete, foreign or unreadable, ConfigError where there are no keys, Refused,
    ServiceError.
    """
    with connect(root, f"the {what} '{source}'") as connection:
        found = find(connection, source, gate)
        if found is None:
            assert gate is not None  # `find` refuses a branch without one
            raise _none_yet(connection, source, gate)
    if gate is not None:
        _check_dataset(gate, found.run, what)
    return _with_places(found, gate)


def _none_yet(connection: Connection, source: LangfuseExperiment, gate: Gate) -> BaselineError:
    from scoregate.baselines.no_accepted_run import why_none_accepted

    shown = gate.place
    return NoBaseline(
        f"{why_none_accepted(connection, source.branch or '', gate)}, so nothing was compared",
        where=str(source),
        hint=f'accept a run that was delivered: scoregate baseline accept {shown} RUN --why "…"',
    )


def find(connection: Connection, source: LangfuseExperiment, gate: Gate | None) -> FoundRun | None:
    """The run that is meant, as Langfuse has it and with its acceptance; None where the branch has none yet.

    Raises as `read_langfuse_run`.
    """
    from scoregate.langfuse.experiment_runs import acceptance, newest_accepted, read_found
    from scoregate.langfuse.experiments import find_experiment

    if source.branch is None:
        experiment, mark = find_experiment(connection, source.name or ""), None
    else:
        if gate is None:
            raise ConfigError(
                f"'{source}' is the newest accepted baseline of a gate, and there is no gate here",
                hint="name the experiment: langfuse:NAME",
            )
        newest = newest_accepted(connection, source.branch, gate=gate.name, dataset=dataset_name(gate))
        if newest is None:
            return None
        experiment, mark = newest
    settings, gate_name = connection.settings, gate.name if gate is not None else None
    key = (settings.base_url, settings.public_key, experiment.id, gate_name, mark.when if mark else None)
    if key not in _kept:
        found = _with_awaited(connection, read_found(connection, experiment), gate)
        mark = mark or acceptance(connection, found, gate_name)
        if mark is not None:
            header = found.run.header
            header = header.with_facts(replace(header.facts, accepted=mark.acceptance))
            found = replace(found, run=replace(found.run, header=header))
        while len(_kept) >= _MOST_KEPT:
            _kept.pop(next(iter(_kept)))
        _kept[key] = found
    return _kept[key]


def _with_awaited(connection: Connection, found: FoundRun, gate: Gate | None) -> FoundRun:
    """With the scores that evaluators in Langfuse have written of a run that was delivered from here."""
    run = found.run
    if not run.header.awaited:
        return found
    from scoregate.langfuse.awaited import awaited_scores

    catalog = gate.catalog if gate is not None else Catalog()
    theirs = awaited_scores(connection, run.header, run.items, run.header.awaited, catalog)
    return replace(found, run=replace(run, scores=(*run.scores, *theirs)))


def dataset_name(gate: Gate) -> str | None:
    """What the runs of this gate call their dataset. Raises as `read_gate_dataset` for a file that cannot be read."""
    match gate.dataset_source:
        case None:
            return None
        case LangfuseDataset(name):
            return name
        case Path():
            return read_gate_dataset(gate).name


def forget() -> None:
    """Read every run anew from now on: what was accepted has changed."""
    _kept.clear()


def _check_dataset(gate: Gate, run: Run, what: str) -> None:
    """Refuse a run of another dataset of Langfuse. One of a file has other names, and is told by its items."""
    source = gate.dataset_source
    if isinstance(source, LangfuseDataset) and run.header.dataset != source.name:
        raise BaselineError(
            f"the {what} {run.id} is a run of another dataset: '{run.header.dataset}', and the gate's is "
            f"'{source.name}'",
            hint="name an experiment of the gate's dataset",
        )


def _with_places(found: FoundRun, gate: Gate | None) -> Run:
    """The run, and where it does not say its items' clusters and slices, with those that the gate finds in them."""
    run = found.run
    if gate is None or not found.shown_items or (gate.cluster is None and not gate.slices):
        return run
    shown = {item.id: item for item in found.shown_items}
    items = [
        replace(one, cluster=_cluster(shown[one.item], gate), slices=slices_of(shown[one.item], gate.slices))
        for one in run.items
    ]
    return replace(run, items=tuple(items))


def _cluster(item: DatasetItem, gate: Gate) -> str | None:
    return cluster_of(item, gate.cluster) if gate.cluster is not None else None
