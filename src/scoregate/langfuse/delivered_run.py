"""A run that scoregate delivered, read back: the same records as the store holds, or a refusal.

A run is one experiment a trial. What Langfuse has no field for stands as JSON text under `scoregate` in the metadata
of the experiment and of each root observation (see `spans`). A run that is not there as a whole is refused: what is
missing may have failed, and then the rest would look better than the run was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter

from scoregate.errors import BaselineError, ResultsError
from scoregate.files.reading import JsonProblem, parse_json
from scoregate.langfuse import ids
from scoregate.langfuse.connection import Connection
from scoregate.langfuse.experiment_items import FoundItem, FoundScore, items_of, scores_of
from scoregate.langfuse.experiments import Experiment, experiment_of_id, iso
from scoregate.langfuse.spans import KEY, SCHEMA
from scoregate.records import (
    JSON,
    Run,
    RunHeader,
    RunItem,
    Score,
    ScoreValue,
)
from scoregate.records.run_facts import RunFacts
from scoregate.results_file.reading import (
    Record,
    count_of,
    header_of,
    item_of,
    object_of,
    score_of,
    texts_of,
)
from scoregate.wording import proposed_command

_ORIGIN_KEYS = ("branch", "pull_request", "ci_job")
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class _Cell:
    """A run item with what its own record says about its scores."""

    row: FoundItem
    item: RunItem
    cells: Record
    """Score name -> status, comment and source, where they are not "ok", nothing and "code"."""
    types: Mapping[str, str]
    """Score name -> type of its value, of every score that has one."""


def is_delivered(experiment: Experiment) -> bool:
    """Whether scoregate wrote this experiment."""
    return KEY in experiment.metadata


def delivered_header(experiment: Experiment) -> RunHeader:
    """The header of the run that an experiment of ours is a trial of. Raises BaselineError."""
    where = f"Langfuse: experiment {experiment}"
    record = _record(experiment.metadata.get(KEY), where)
    try:
        schema = count_of(record, "schema", 1)
        if schema > SCHEMA:
            raise BaselineError(
                f"it was delivered by a newer version of scoregate (format {schema}; this one reads {SCHEMA})",
                where=where,
                hint="upgrade scoregate",
            )
        origin = {key: experiment.metadata[key] for key in _ORIGIN_KEYS if key in experiment.metadata}
        facts = RunFacts.of(object_of(record, "metadata"))
        facts = replace(
            facts,
            origin=origin or facts.origin,
            langfuse_dataset_id=facts.langfuse_dataset_id or experiment.dataset_id,
        )
        header = replace(header_of(record), trials=count_of(record, "trials", 1))
        return header.with_facts(facts)
    except ResultsError as error:
        raise _unreadable(error.message, where) from error


def read_delivered(connection: Connection, experiment: Experiment) -> tuple[Run, tuple[Experiment, ...]]:
    """The run that this experiment is a trial of, and the experiments of all its trials, in order.

    Raises BaselineError where it is incomplete or cannot be read; Refused, ServiceError.
    """
    trials = _trials(connection, experiment)
    header = delivered_header(max(trials.values(), key=lambda one: delivered_header(one).trials))
    cells = [
        _cell(header.run, row, trial)
        for trial, one in trials.items()
        for row in items_of(connection, one, scores=True)
        if row.id == ids.root_span_id(header.run, row.item, trial)
    ]
    found = _values(connection, header.run, cells)
    _check_whole(header, trials, cells, found)
    scores = [score for cell in cells for score in _scores(header.run, cell, found)]
    whole = Run(
        replace(header, finished_at=iso(max(one.ended_at for one in trials.values()))),
        tuple(sorted((cell.item for cell in cells), key=attrgetter("item", "trial"))),
        tuple(sorted(scores, key=attrgetter("item", "trial", "score"))),
    )
    return whole, tuple(trials[trial] for trial in sorted(trials))


def _trials(connection: Connection, experiment: Experiment) -> dict[int, Experiment]:
    """Trial -> its experiment, of those that are there. A trial that came later may know of more trials."""
    header = delivered_header(experiment)
    found: dict[int, Experiment] = {}
    wanted, asked = header.trials, 0
    while asked < wanted:
        one = experiment_of_id(connection, ids.experiment_id(header.run, asked))
        if one is not None:
            found[asked] = one
            wanted = max(wanted, delivered_header(one).trials)
        asked += 1
    return found or {0: experiment}


def _values(connection: Connection, run: str, cells: Iterable[_Cell]) -> dict[str, FoundScore]:
    """Score id -> score; what does not stand beside its item is asked for."""
    cells = list(cells)
    found = {score.id: score for cell in cells for score in cell.row.scores}
    lacking = [
        cell.row
        for cell in cells
        if any(ids.score_id(run, cell.item.item, cell.item.trial, name) not in found for name in cell.types)
    ]
    if lacking:
        found |= {score.id: score for some in scores_of(connection, lacking).values() for score in some}
    return found


def _check_whole(
    header: RunHeader,
    trials: Mapping[int, Experiment],
    cells: list[_Cell],
    found: Mapping[str, FoundScore],
) -> None:
    expected = header.expected_items * header.trials
    wanted = [
        (cell, name, ids.score_id(header.run, cell.item.item, cell.item.trial, name))
        for cell in cells
        for name in cell.types
    ]
    absent = [(cell, name) for cell, name, score in wanted if score not in found]
    if len(cells) >= expected and len(trials) >= header.trials and not absent:
        return
    parts = [f"{len(cells):,} of {expected:,} run items"]
    if len(trials) < header.trials:
        parts.append(f"{len(trials)} of {header.trials} trials")
    if absent:
        places = ", ".join(f"{name} of item '{cell.item.item}'" for cell, name in absent[:_MOST_NAMED])
        parts.append(f"{len(wanted) - len(absent):,} of {len(wanted):,} scores (missing: {places}, …)")
    hint = f"wait where it is still arriving; `{proposed_command('runs', 'push', header.run)}` delivers what is missing"
    if header.facts.session is not None:
        hint = (
            "it is of a side-by-side session, which makes trials of some items only; run the gate by itself"
        )
    raise BaselineError(
        f"the run {header.run} is incomplete in Langfuse: {', '.join(parts)} are there", hint=hint
    )


def _cell(run: str, row: FoundItem, trial: int) -> _Cell:
    where = f"Langfuse: run {run}, item '{row.item}'"
    record = _record(row.metadata.get(KEY), where)
    try:
        item = item_of(record, row.item, trial)
        left_out = record.get("output_left_out") is True
        output = _json(row.output, where) if item.status == "ok" and not left_out else None
        item = replace(item, output=output, output_left_out=left_out)
        return _Cell(row, item, object_of(record, "cells"), texts_of(record, "types"))
    except ResultsError as error:
        raise _unreadable(error.message, where) from error


def _scores(run: str, cell: _Cell, found: Mapping[str, FoundScore]) -> list[Score]:
    item, trial = cell.item.item, cell.item.trial
    where = f"Langfuse: run {run}, item '{item}'"
    scores = []
    try:
        for name in {**cell.types, **cell.cells}:
            said = object_of(cell.cells, name) or {"status": "ok"}
            value = None
            if name in cell.types:
                score = found[ids.score_id(run, item, trial, name)]
                value = _value(name, cell.types[name], score.value)
            scores.append(score_of({**said, "value": value}, item, trial, name))
    except ResultsError as error:
        raise _unreadable(error.message, where) from error
    return scores


def _value(name: str, kind: str, value: JSON) -> ScoreValue:
    """The value as it was before it was sent: Langfuse knows no integers, and gives a boolean as either kind."""
    number = isinstance(value, int | float)
    if kind == "boolean" and number and value in (0, 1):
        return bool(value)
    if kind == "integer" and number and float(value).is_integer():
        return int(value)
    if kind == "number" and number and not isinstance(value, bool):
        return float(value)
    if kind == "text" and isinstance(value, str):
        return value
    raise ResultsError(f"the value of '{name}' is {value!r:.60}, which is no {kind}")


def _record(text: JSON, where: str) -> Record:
    # Langfuse gives metadata as texts; an object is what a server makes that parses them.
    record = text if isinstance(text, dict) else _json(text, where)
    if not isinstance(record, dict):
        raise _unreadable(f"what stands under '{KEY}' in its metadata is no JSON object", where)
    return record


def _json(text: JSON, where: str) -> JSON:
    if not isinstance(text, str):
        raise _unreadable(f"it lacks what scoregate wrote there ({text!r:.60})", where)
    try:
        return parse_json(text)
    except JsonProblem as problem:
        raise _unreadable(f"what scoregate wrote there is no JSON any more: {problem}", where) from None


def _unreadable(why: str, where: str) -> BaselineError:
    return BaselineError(
        f"cannot be read back: {why}", where=where, hint="deliver it again: `scoregate runs push RUN`"
    )
