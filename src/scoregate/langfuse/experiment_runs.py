"""Experiments as runs: found, read whole, and known by whom they were accepted.

Those that were delivered from here, and those that scoregate did not make, such as one of the SDK's `run_experiment`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from scoregate.errors import BaselineError
from scoregate.langfuse.accepted import Mark, marks
from scoregate.langfuse.connection import Connection
from scoregate.langfuse.delivered_run import delivered_header, is_delivered, read_delivered
from scoregate.langfuse.experiment_items import FoundItem, FoundScore, items_of, json_of, scores_of
from scoregate.langfuse.experiments import Experiment, experiment_of_id, find_experiment, iso
from scoregate.records import JSON, DatasetItem, Run, RunHeader, RunItem, Score, ScoreSource, ScoreValue
from scoregate.records.run_facts import RunFacts

_NO_DATASET = "(no dataset in Langfuse)"
_ERROR = "Error: "
_SOURCES: Mapping[str, ScoreSource] = {"API": "code", "EVAL": "judge", "ANNOTATION": "human"}
_MOST_NAMED = 3


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
    run, items = _read_sdk_run(connection, experiment)
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
    return _dataset_name(connection, experiment.dataset_id)


def _read_sdk_run(connection: Connection, experiment: Experiment) -> tuple[Run, tuple[DatasetItem, ...]]:
    """The run, and the dataset items as the experiment shows them (their metadata are texts).

    Raises BaselineError where an item is there twice or rows are still arriving; Refused, ServiceError.
    """
    rows = items_of(connection, experiment, scores=False)
    _check_rows(experiment, rows)
    scores = scores_of(connection, rows)
    version = max((row.version for row in rows if row.version), default=None)
    name = _dataset_name(connection, experiment.dataset_id)
    expected = _active_items(connection, name, version) if name is not None else 0
    facts = RunFacts(
        experiment={"name": experiment.name, "metadata": dict(experiment.metadata)},
        langfuse_dataset_id=experiment.dataset_id,
    )
    header = RunHeader(
        run=experiment.id,
        dataset=name or _NO_DATASET,
        candidate=experiment.name,
        expected_items=max(expected, len(rows)),
        dataset_version=version,
        commit=experiment.metadata.get("commit"),
        started_at=iso(experiment.started_at),
        finished_at=iso(experiment.ended_at),
        metadata=facts.to_metadata(),
    )
    cells = [cell for row in rows for cell in _cells(row, scores.get(row.trace_id, ()))]
    run = Run(
        header,
        tuple(sorted(map(_run_item, rows), key=attrgetter("item"))),
        tuple(sorted(cells, key=attrgetter("item", "score"))),
    )
    return run, tuple(map(_dataset_item, rows))


def _dataset_name(connection: Connection, dataset_id: str | None) -> str | None:
    """Name of a dataset, None where there is no such dataset. Raises Refused, ServiceError."""
    if dataset_id is None:
        return None
    listed = connection.pages("/v2/datasets")
    return next((str(entry["name"]) for entry in listed if entry.get("id") == dataset_id), None)


def _check_rows(experiment: Experiment, rows: list[FoundItem]) -> None:
    if not rows:
        raise BaselineError(
            f"the experiment {experiment} has no items", hint="wait where it is still arriving"
        )
    twice = [item for item, times in Counter(row.item for row in rows).items() if times > 1]
    if twice:
        named = ", ".join(f"'{item}'" for item in sorted(twice)[:_MOST_NAMED])
        raise BaselineError(
            f"the experiment {experiment} has {len(twice):,} item{'s' * (len(twice) > 1)} with more than one trace "
            f"({named}), so it cannot be told which one counts",
            hint="run it again under a name of its own",
        )
    if len(rows) < experiment.item_count:
        raise BaselineError(
            f"the experiment {experiment} is incomplete: {len(rows):,} of {experiment.item_count:,} items are there",
            hint="wait until it has arrived",
        )


def _active_items(connection: Connection, name: str, version: str | None) -> int:
    query = {"datasetName": name, "version": version}
    return sum(item.get("status", "ACTIVE") == "ACTIVE" for item in connection.pages("/dataset-items", query))


def _run_item(row: FoundItem) -> RunItem:
    text = row.output or ""
    return RunItem(
        item=row.item,
        trial=0,
        status="error" if row.failed else "ok",
        error=(text.removeprefix(_ERROR) or "it failed") if row.failed else None,
        output=None if row.failed else json_of(row.output),
        latency_seconds=max(0.0, (row.ended_at - row.started_at).total_seconds()),
        trace_id=row.trace_id,
        started_at=row.started_at.timestamp(),
    )


def _cells(row: FoundItem, scores: Iterable[FoundScore]) -> list[Score]:
    """One cell a score name. A score of the root observation goes before one of the whole trace."""
    of_name: dict[str, list[FoundScore]] = {}
    for score in scores:
        if score.data_type != "CORRECTION" and score.observation_id in (row.id, None):
            of_name.setdefault(score.name, []).append(score)
    return [_cell(row, name, found) for name, found in of_name.items()]


def _cell(row: FoundItem, name: str, found: list[FoundScore]) -> Score:
    found = [score for score in found if score.observation_id == row.id] or found
    value, score = _value(found[0]), found[0]
    others = {repr(_value(one)) for one in found}
    if len(others) > 1:
        said = ", ".join(sorted(others)[:_MOST_NAMED])
        return Score(row.item, 0, name, None, "error", f"it has several values in Langfuse: {said}")
    if value is None:
        reason = f"Langfuse has a value that is none: {score.value!r:.60} ({score.data_type})"
        return Score(row.item, 0, name, None, "error", reason)
    return Score(row.item, 0, name, value, "ok", score.comment, _SOURCES.get(score.source, "code"))


def _value(score: FoundScore) -> ScoreValue:
    """The value in Python's type; None for one that is not of its own type."""
    value = score.value
    if score.data_type == "BOOLEAN":
        return bool(value) if isinstance(value, int | float) and value in (0, 1) else None
    if score.data_type == "NUMERIC":
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    return value if isinstance(value, str) else None


def _dataset_item(row: FoundItem) -> DatasetItem:
    return DatasetItem(row.item, json_of(row.input), json_of(row.expected_output), _nested(row.item_metadata))


def _nested(flat: Mapping[str, JSON]) -> dict[str, JSON]:
    """Metadata as it was before the server joined its keys with dots; the values stay texts."""
    nested: dict[str, JSON] = {}
    for key, value in flat.items():
        *path, last = key.split(".")
        place = nested
        for step in path:
            below = place.setdefault(step, {})
            if not isinstance(below, dict):
                place, last = nested, key
                break
            place = below
        place.setdefault(last, value)
    return nested
