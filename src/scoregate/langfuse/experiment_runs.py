"""Experiments as runs: found, read whole, and known by whom they were accepted."""

from __future__ import annotations

from dataclasses import dataclass

from scoregate.langfuse.accepted import Mark, marks
from scoregate.langfuse.connection import Connection
from scoregate.langfuse.delivered_run import delivered_header, is_delivered, read_delivered
from scoregate.langfuse.experiments import Experiment, experiment_of_id, find_experiment
from scoregate.langfuse.sdk_run import dataset_name, read_sdk_run
from scoregate.records import DatasetItem, Run


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run that was read from Langfuse."""

    run: Run
    trials: tuple[Experiment, ...]
    """The experiment of each trial, in order."""
    shown_items: tuple[DatasetItem, ...] = ()
    """Dataset items as the experiment shows them; only of a run that does not say its clusters and slices itself."""

    @property
    def branch(self) -> str | None:
        """The branch that the run's metadata name."""
        return self.trials[0].metadata.get("branch")


def read_run(connection: Connection, name: str) -> FoundRun:
    """The run of the experiment of this id or name; the whole run, where that is one trial of several.

    Raises BaselineError where there is none, where several bear the name, where it is incomplete or cannot be read;
    Refused, ServiceError.
    """
    return read_found(connection, find_experiment(connection, name))


def read_found(connection: Connection, experiment: Experiment) -> FoundRun:
    """The run that this experiment is, or is a trial of. Raises as `read_run`."""
    if is_delivered(experiment):
        return FoundRun(*read_delivered(connection, experiment))
    run, items = read_sdk_run(connection, experiment)
    return FoundRun(run, (experiment,), items)


def newest_accepted(
    connection: Connection, branch: str, *, gate: str, dataset: str | None
) -> tuple[Experiment, Mark] | None:
    """The experiment of this branch and dataset (by name) that was accepted last, and its acceptance.

    Acceptances for other gates do not count. Raises BaselineError, Refused, ServiceError.
    """
    for mark in marks(connection):
        if mark.gate not in (None, gate) or mark.branch not in (None, branch):
            continue
        experiment = experiment_of_id(connection, mark.experiment)
        if experiment is None or experiment.metadata.get("branch") != branch:
            continue
        if dataset is None or dataset == _dataset_of(connection, experiment):
            return experiment, mark
    return None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was accepted in a project, for whom there is no baseline of a branch."""

    branches: tuple[str, ...]
    """All with an accepted run, by name."""
    gates: tuple[str, ...]
    """Those that have an accepted run of the branch in question, by name."""


def accepted_of(connection: Connection, branch: str) -> Accepted:
    """What was accepted in this project. A mark that somebody set by hand names neither branch nor gate."""
    found = marks(connection)
    return Accepted(
        branches=tuple(sorted({mark.branch for mark in found if mark.branch})),
        gates=tuple(sorted({mark.gate for mark in found if mark.gate and mark.branch == branch})),
    )


def acceptance(connection: Connection, found: FoundRun, gate: str | None) -> Mark | None:
    """Who accepted this run for this gate (None: for any), if anybody did. Raises Refused, ServiceError."""
    of_run = marks(connection, experiment=found.trials[0].id)
    return next((mark for mark in of_run if gate is None or mark.gate in (None, gate)), None)


def _dataset_of(connection: Connection, experiment: Experiment) -> str | None:
    if is_delivered(experiment):
        return delivered_header(experiment).dataset
    return dataset_name(connection, experiment.dataset_id)
