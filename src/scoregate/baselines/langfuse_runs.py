"""Runs that a gate or a command line names as `langfuse:…`: read, and held against the gate.

Of a branch of which no run was accepted, what there is instead, and whether a run can ever mend it.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from scoregate.catalog import Catalog
from scoregate.datasets import cluster_of, slices_of
from scoregate.errors import BaselineError, ConfigError, NoBaseline
from scoregate.gate_file import Gate
from scoregate.gate_file.source import LangfuseDataset, LangfuseExperiment
from scoregate.records import DatasetItem, Run
from scoregate.sources import connect, read_gate_dataset
from scoregate.wording import proposed_command

if TYPE_CHECKING:
    from scoregate.langfuse.connection import Connection
    from scoregate.langfuse.experiment_runs import FoundRun


_GIT_SECONDS = 5.0
_MERGED_INTO = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
_MISSPELT = 0.75
"""Likeness from which a name is a misspelt other one; two swapped letters of four make this much."""
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
    shown = gate.place
    return NoBaseline(
        f"{_why_none_accepted(connection, source.branch or '', gate)}, so nothing was compared",
        where=str(source),
        hint=f"accept a run that was delivered: {proposed_command('baseline', 'accept', shown, 'RUN', why=True)}",
    )


def _why_none_accepted(connection: Connection, branch: str, gate: Gate) -> str:
    """Why a gate finds no accepted run of a branch, as a clause that says what was accepted instead.

    Raises BaselineError where the branch is a misspelt one, which no run can mend; Refused, ServiceError.
    """
    from difflib import get_close_matches

    from scoregate.langfuse.experiment_runs import accepted_of

    there = accepted_of(connection, branch)
    if gate.name in there.gates:
        return f"the accepted runs of the branch '{branch}' are of another dataset than the gate's, or gone"
    none = f"no run of the branch '{branch}' was accepted yet"
    if there.gates:
        named = " and ".join(f"'{name}'" for name in there.gates)
        return f"{none} for the gate '{gate.name}', only for {named}: an acceptance is for one gate"
    known = _branches(gate)
    if branch not in known:
        # release-2 is no misspelt release-1: what differs in its digits only is another branch.
        others = {name for name in (*there.branches, *known) if _letters(name) != _letters(branch)}
        near = get_close_matches(branch, sorted(others), n=1, cutoff=_MISSPELT)
        if near:
            raise BaselineError(
                f"{none}, and git knows no such branch",
                where=str(LangfuseExperiment(branch=branch)),
                hint=f"did you mean '{near[0]}'?",
            )
    if there.branches:
        return f"{none}, only of {', '.join(there.branches)}"
    return none


def _branches(gate: Gate) -> set[str]:
    """Branches that git has, here or at a remote, and what CI says of this one and of the one it is merged into."""
    import subprocess

    from scoregate.git.checkout import origin_of, run_git

    named = (origin_of(gate.root).get("branch"), *(os.environ.get(name) for name in _MERGED_INTO))
    known = {name for name in named if name}
    try:
        listed = run_git(
            gate.root,
            "for-each-ref",
            "--format=%(refname)",
            "refs/heads",
            "refs/remotes",
            seconds=_GIT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return known
    refs = (
        line.split("/", 2 if line.startswith("refs/heads/") else 3) for line in listed.stdout.splitlines()
    )
    return {ref[-1] for ref in refs} | known


def _letters(name: str) -> str:
    return re.sub(r"\d", "", name)


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
    from scoregate.langfuse.later_scores import awaited_scores

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
