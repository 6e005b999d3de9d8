"""Human labels of a judge's score: from a file, from a run that people have scored, or annotated in Langfuse."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scoregate.catalog import Contract
from scoregate.datasets.files import MAX_ITEM_BYTES
from scoregate.datasets.rows import Row, jsonl_rows, placed, whole_text
from scoregate.errors import ConfigError, ContractError, DatasetError, did_you_mean
from scoregate.files.reading import check_input_file
from scoregate.gate_file import Gate
from scoregate.gate_file.experiment_source import is_langfuse
from scoregate.project.baselines import load_run
from scoregate.project.datasets import connect
from scoregate.records import JSON, Run
from scoregate.results_file import read_results
from scoregate.store import Store

IN_LANGFUSE = ("langfuse", "queue")
"""Words for the annotations of a delivered run; those of an annotation queue are such."""
SUFFIXES = (".jsonl", ".jsonl.gz", ".csv")
_COLUMNS = ("item", "label", "output")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanLabel:
    """What a person made of one answer."""

    item: str
    label: bool | int | float | str
    where: str
    """`file:line`, or the run."""
    output: JSON = None
    trial: int = 0
    has_output: bool = False
    """Whether the label says which answer it is of; else it is of the answer in a stored run."""


def read_labels(
    source: str, contract: Contract, gate: Gate, store: Store | None, run: str | None = None
) -> list[HumanLabel]:
    """The labels of a score, one an item, for whoever counts items: of several labelled answers to an item the last
    one counts. Sources and errors are those of `read_all_labels`.
    """
    return list({label.item: label for label in read_all_labels(source, contract, gate, store, run)}.values())


def read_all_labels(
    source: str, contract: Contract, gate: Gate, store: Store | None, run: str | None = None
) -> list[HumanLabel]:
    """The labels of a score: of a JSON Lines or CSV file with `item`, `label` and perhaps `output`, of a results file
    with scores whose source is "human", of `langfuse:EXPERIMENT` with such scores, or (`langfuse`) those that people
    have annotated in Langfuse of the stored run that is named, else of the gate's newest.

    An item has one label, or one of each of several outputs, such as those of two versions. Raises DatasetError and
    ContractError with file and line, ResultsError for a results file; for Langfuse as `load_run`.
    """
    if source in IN_LANGFUSE:
        return _annotated(labelled_run(gate, store, run), contract, gate)
    if is_langfuse(source):
        return _of_run(load_run(source, store, "--labels", gate), contract, source)
    path = Path(source)
    suffix = check_input_file(path, SUFFIXES, DatasetError)
    if suffix == ".csv":
        rows = _csv_rows(path, contract)
    else:
        rows = jsonl_rows(path, MAX_ITEM_BYTES)
        first = next(jsonl_rows(path, MAX_ITEM_BYTES), None)
        if first is not None and isinstance(first.value, dict) and first.value.get("kind") == "run":
            return _of_run(read_results(path), contract, source)
    return _checked([_label(row) for row in rows], contract, source)


def labelled_run(gate: Gate, store: Store | None, run: str | None) -> Run:
    """The stored run that is named, else the gate's newest one that is whole. Raises ConfigError, StoreError."""
    if store is not None and run is not None:
        run = store.find_run(run)
    elif store is not None:
        run = next((found.run for found in store.list_runs(gate=gate.name) if found.done), None)
    if store is None or run is None:
        raise ConfigError(
            "the labels do not say which outputs they are of, and no run of this gate has an answer yet",
            hint="add `output` to each label, or run the gate first",
        )
    return store.load_run(run)


def _annotated(run: Run, contract: Contract, gate: Gate) -> list[HumanLabel]:
    from scoregate.langfuse.annotations import annotations_of

    where = f"annotations of run {run.id} in Langfuse"
    answered = [item for item in run.items if item.status == "ok"]
    with connect(gate.root, "labels from Langfuse") as connection:
        found = annotations_of(connection, run.header, answered, contract.name)
    labels = [
        HumanLabel(
            item=item.item, label=value, where=where, output=item.output, trial=item.trial, has_output=True
        )
        for item, value in found
        if value is not None
    ]
    return _checked(labels, contract, where)


def _of_run(run: Run, contract: Contract, source: str) -> list[HumanLabel]:
    answers = {(one.item, one.trial): one for one in run.items if one.status == "ok"}
    by_item: dict[str, list[HumanLabel]] = {}
    for score in run.scores:
        if score.score == contract.name and score.source == "human" and score.value is not None:
            answer = answers.get((score.item, score.trial))
            output = answer.output if answer is not None else None
            label = HumanLabel(
                item=score.item,
                label=score.value,
                where=source,
                output=output,
                trial=score.trial,
                has_output=output is not None,
            )
            if not any(_same(label, one) for one in by_item.get(label.item, ())):
                by_item.setdefault(label.item, []).append(label)
    return _checked([label for labels in by_item.values() for label in labels], contract, source)


def _same(one: HumanLabel, other: HumanLabel) -> bool:
    """Whether two trials gave one answer and people said the same of it."""
    alike = one.has_output and other.has_output and one.label == other.label
    return alike and answer_key(one.output) == answer_key(other.output)


def _checked(labels: list[HumanLabel], contract: Contract, source: str) -> list[HumanLabel]:
    if not labels:
        raise DatasetError(
            f"holds no human label of '{contract.name}'",
            where=source,
            hint='give lines such as {"item": "q1", "label": true, "output": "…"}, or a run that people have scored',
        )
    _check_distinct(labels)
    for one in labels:
        try:
            contract.check(one.label, item=one.item)
        except ContractError as error:
            raise ContractError(
                f"{contract.name}: {error.message}", where=one.where, hint=error.hint
            ) from None
    return labels


def _check_distinct(labels: list[HumanLabel]) -> None:
    """Several answers to an item may be labelled, each once; without its output a label is of the item."""
    places: dict[str, dict[str | None, str]] = {}
    for one in labels:
        before = places.setdefault(one.item, {})
        answer = answer_key(one.output) if one.has_output else None
        if answer in before or (before and (answer is None or None in before)):
            raise DatasetError(
                f"a second label of item '{one.item}', first at {before.get(answer) or next(iter(before.values()))}",
                where=one.where,
                hint="settle on one label an answer, and say with `output` which answer each is of",
            )
        before[answer] = one.where


def answer_key(output: JSON) -> str:
    """The same for the same output, whatever the order of its keys."""
    return json.dumps(output, sort_keys=True)


def _label(row: Row) -> HumanLabel:
    if row.error is not None:
        raise placed(row.error, row.where)
    record = row.value
    if not isinstance(record, dict):
        raise DatasetError("is no object with item and label", where=row.where)
    for key in record:
        if key not in _COLUMNS:
            raise DatasetError(
                f"'{key}' is not known here", where=row.where, hint=did_you_mean(str(key), _COLUMNS)
            )
    item, label = record.get("item"), record.get("label")
    if not isinstance(item, str) or not item:
        raise DatasetError("has no item: the id of a dataset item, as text", where=row.where)
    if not isinstance(label, bool | int | float | str):
        raise DatasetError(f"item '{item}' has no label", where=row.where)
    return HumanLabel(
        item=item, label=label, where=row.where, output=record.get("output"), has_output="output" in record
    )


def _csv_rows(path: Path, contract: Contract) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(whole_text(path), newline=""), strict=True)
    header: list[str] | None = None
    while True:
        where = f"{path}:{reader.line_num + 1}"
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise DatasetError(f"broken CSV: {error}", where=where) from None
        if cells is None:
            return
        if header is None:
            header = cells
            for needed in ("item", "label"):
                if needed not in header:
                    raise DatasetError(f"there is no column '{needed}'", where=where)
        elif cells:
            if len(cells) != len(header):
                raise DatasetError(
                    f"cells in the row: {len(cells)}, in the header: {len(header)}", where=where
                )
            record: dict[str, JSON] = dict(zip(header, cells, strict=True))
            record["label"] = _typed(str(record["label"]), contract)
            yield Row(where, record)


def _typed(text: str, contract: Contract) -> bool | float | str | None:
    """A cell as the score's type; what cannot be one stays text, which its contract refuses."""
    text = text.strip()
    if not text:
        return None
    if contract.type == "boolean":
        return _BOOLEANS.get(text.lower(), text)
    if contract.type == "numeric":
        try:
            return float(text)
        except ValueError:
            return text
    return text
