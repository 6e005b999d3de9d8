"""Accepting a delivered run as the baseline of a gate whose baseline is in Langfuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scoregate.baselines.langfuse_runs import dataset_name, find, forget
from scoregate.errors import BaselineError, ConfigError, StoreError
from scoregate.gate_file import Gate
from scoregate.gate_file.source import LangfuseExperiment, named_experiment
from scoregate.records import Run
from scoregate.records.run_facts import Acceptance
from scoregate.sources import connect
from scoregate.store import Store
from scoregate.wording import proposed_command

if TYPE_CHECKING:
    from scoregate.langfuse.connection import Connection
    from scoregate.langfuse.experiment_runs import FoundRun

_WHAT_FOR = "accepting a baseline in Langfuse"


def delivered_run(gate: Gate, wants: LangfuseExperiment, name: str, store: Store | None) -> Run:
    """The run that is to be accepted, as Langfuse has it: the id of a stored run, or an experiment's name or id.

    `wants` is the gate's baseline.

    Raises BaselineError where it is not there as a whole or could never be this gate's baseline, ConfigError,
    Refused, ServiceError.
    """
    source = named_experiment(name, "RUN")
    if source.name is None:
        raise ConfigError(f"RUN: '{name}' names a branch and no run", hint="give the id of a run")
    stored = _stored(source.name, store)
    with connect(gate.root, _WHAT_FOR) as connection:
        if stored is None:
            found = find(connection, source, gate)
        else:
            found = _find_stored(connection, stored, gate)
    assert found is not None  # only a branch can be without a run
    where = gate.place
    if wants.branch is not None and found.branch != wants.branch:
        own = (
            LangfuseExperiment(branch=found.branch)
            if found.branch
            else LangfuseExperiment(name=found.trials[0].name)
        )
        raise BaselineError(
            f"run {found.run.id} {_of_branch(found.branch)}, and the gate compares with '{wants.branch}'",
            where=where,
            hint=f"accept a run of '{wants.branch}', or set baseline = \"{own}\"",
        )
    if wants.name is not None and all(wants.name not in (one.id, one.name) for one in found.trials):
        raise ConfigError(
            f"the baseline is the experiment '{wants.name}' and no other, so accepting {found.run.id} moves nothing",
            where=where,
            hint=f'set baseline = "{LangfuseExperiment(branch=found.branch or "main")}", or name this experiment',
        )
    wanted = dataset_name(gate)
    if wanted is not None and found.run.header.dataset != wanted:
        raise BaselineError(
            f"run {found.run.id} is a run of the dataset '{found.run.header.dataset}', and the gate's is '{wanted}'",
            where=where,
            hint="accept a run of the gate's dataset",
        )
    return found.run


def other_branch(gate: Gate, run: Run) -> str | None:
    """Why `delivered_run` would refuse a run of this checkout because of its branch, as a clause; None if it is right.

    For saying so before somebody tries.
    """
    source = gate.baseline_source
    wanted = source.branch if isinstance(source, LangfuseExperiment) else None
    branch = run.header.facts.branch
    if wanted is None or branch == wanted:
        return None
    return f"it {_of_branch(branch)}, and the gate compares with '{wanted}'"


def accept_in_langfuse(gate: Gate, run: Run, acceptance: Acceptance) -> bool:
    """Mark the run as accepted, on the experiment of every trial; whether the server shows the marks already.

    Raises what `delivered_run` raises, and where the server does not take a mark.
    """
    from scoregate.langfuse.accepted import write_marks

    with connect(gate.root, _WHAT_FOR) as connection:
        found = find(connection, LangfuseExperiment(name=_experiment_of(run)), gate)
        assert found is not None  # only a branch can be without a run
        forget()
        return write_marks(
            connection,
            run.id,
            found.trials,
            acceptance.to_json(),
            gate=gate.name,
            branch=found.branch,
            commit=run.header.commit,
        )


def _of_branch(branch: str | None) -> str:
    return f"was made on the branch '{branch}'" if branch else "does not say its branch"


def _stored(name: str, store: Store | None) -> str | None:
    """Id of the stored run that the name begins; None where it can only be an experiment's name."""
    if store is None:
        return None
    try:
        return store.find_run(name)
    except StoreError:
        return None  # Langfuse says whether it knows the name


def _find_stored(connection: Connection, run: str, gate: Gate) -> FoundRun | None:
    from scoregate.langfuse import ids
    from scoregate.langfuse.experiments import experiment_of_id

    experiment = ids.experiment_id(run, 0)
    if experiment_of_id(connection, experiment) is None:
        raise BaselineError(
            f"run {run} is not in Langfuse, where the gate's baseline is",
            hint=f"deliver it: {proposed_command('runs', 'push', run)}",
        )
    return find(connection, LangfuseExperiment(name=experiment), gate)


def _experiment_of(run: Run) -> str:
    """Id of the experiment of its first trial; one that scoregate did not deliver is called by its own."""
    from scoregate.langfuse import ids

    return ids.experiment_id(run.id, 0) if run.header.facts.experiment is None else run.id
