"""Human labels of a judge's score: from a JSON Lines or CSV file, from a run that people have scored, or annotated in
Langfuse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scoregate.baselines.load import load_run
from scoregate.catalog import Contract
from scoregate.datasets.files import MAX_ITEM_BYTES
from scoregate.datasets.rows import Row, jsonl_rows, placed
from scoregate.datasets.tables import csv_cells
from scoregate.errors import BaselineError, ConfigError, ContractError, DatasetError, StoreError, did_you_mean
from scoregate.files.reading import JsonProblem, check_input_file, open_bytes, parse_json, reading
from scoregate.gate_file import Gate
from scoregate.gate_file.source import LangfuseExperiment, named_source
from scoregate.own import json_codec
from scoregate.records import JSON, Run, RunItem
from scoregate.results_file import read_results
from scoregate.sources import answered_run, connect
from scoregate.store import Store

__all__ = [
    "SUFFIXES",
    "HumanLabel",
    "answer_key",
    "labelled_run",
    "one_an_item",
    "read_all_labels",
]

_IN_LANGFUSE = ("langfuse", "queue")
"""Words for the annotations of a delivered run; those of an annotation queue are such."""
SUFFIXES = (".jsonl", ".jsonl.gz", ".csv")
_COLUMNS = ("item", "label", "output")
_NEEDED = ("item", "label")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanLabel:
    """What a person made of one answer."""

    item: str
    label: bool | int | float | str
    where: str
    """`file:line`, or the run with item and trial."""
    output: JSON = None
    parsed: JSON = None
    """The JSON value that the output spells, where it is the text of a CSV cell: answers may be objects. Else None."""
    trial: int = 0
    has_output: bool = False
    """Whether the label says which answer it is of; else it is of the answer in a stored run."""
    run: str | None = None
    """The run whose answer it is of, where the source says so."""

    @property
    def answers(self) -> tuple[str, ...]:
        """The outputs that this label is of, each as its `answer_key`, the surest first; empty without an output."""
        if not self.has_output:
            return ()
        whole = answer_key(self.output)
        return (whole,) if self.parsed is None else (whole, answer_key(self.parsed))


def read_all_labels(
    source: str, contract: Contract, gate: Gate, store: Store | None, run: str | None = None
) -> list[HumanLabel]:
    """The labels of a score: of a JSON Lines or CSV file with `item`, `label` and perhaps `output`, of a results file
    with scores whose source is "human", of `langfuse:EXPERIMENT` with such scores, or (`langfuse`) those that people
    have annotated in Langfuse of the stored run that is named, else of the gate's newest.

    An item has one label, or one of each of several outputs, such as those of two versions; where two people say the
    same of one answer it is one label. Labels of a run name it, and hold its outputs where file or store have them.
    Raises DatasetError and ContractError with file and line, ResultsError for a results file, ConfigError for a run
    that is not there; for Langfuse Refused and ServiceError.
    """
    if source in _IN_LANGFUSE:
        return _annotated(labelled_run(gate, store, run), contract, gate)
    if isinstance(named_source(source, "--labels"), LangfuseExperiment):
        try:
            scored = load_run(source, store, "--labels", gate)
        except BaselineError as error:  # it is no comparison that it makes invalid
            raise ConfigError(f"--labels {source}: {error.message}", hint=error.hint) from None
        return _of_run(scored, contract, source, store)
    path = Path(source)
    if check_input_file(path, SUFFIXES, DatasetError) == ".csv":
        return _checked(_labels_of_csv(path, contract), contract, source)
    first = next(jsonl_rows(path, MAX_ITEM_BYTES), None)
    if first is not None and isinstance(first.value, dict) and first.value.get("kind") == "run":
        return _of_run(read_results(path), contract, source, store)
    return _checked(_labels_of_lines(path), contract, source)


def one_an_item(labels: list[HumanLabel]) -> tuple[list[HumanLabel], list[HumanLabel]]:
    """One label an item, for whoever counts items, and those that are left out: of several labelled answers to an
    item the last one counts."""
    last = {label.item: label for label in labels}
    return list(last.values()), [label for label in labels if last[label.item] is not label]


def labelled_run(gate: Gate, store: Store | None, run: str | None) -> Run:
    """The stored run that is named, else the gate's newest one that is whole. Raises ConfigError, StoreError."""
    run = answered_run(gate, store, run)
    if store is None or run is None:
        raise ConfigError(
            "the labels do not say which outputs they are of, and no run of this gate has an answer yet",
            hint="add `output` to each label, or run the gate first",
        )
    return store.load_run(run)


def _annotated(run: Run, contract: Contract, gate: Gate) -> list[HumanLabel]:
    from scoregate.langfuse.later_scores import annotations_of

    where = f"annotations of run {run.id} in Langfuse"
    answered = [item for item in run.items if item.status == "ok"]
    with connect(gate.root, "labels from Langfuse") as connection:
        found = annotations_of(connection, run.header, answered, contract.name)
    labels = [
        HumanLabel(
            item=item.item,
            label=value,
            where=f"{where}, {_cell(run, item.item, item.trial)}",
            output=item.output,
            trial=item.trial,
            has_output=item.has_output,
            run=run.id,
        )
        for item, value in found
        if value is not None
    ]
    return _checked(labels, contract, where)


def _of_run(run: Run, contract: Contract, source: str, store: Store | None) -> list[HumanLabel]:
    labels = []
    answers: dict[tuple[str, int], RunItem] = {}
    scored = [
        score
        for score in run.scores
        if score.score == contract.name and score.source == "human" and score.value is not None
    ]
    if scored:
        answers = _answers(run, store)
    for score in scored:
        answer = answers.get((score.item, score.trial))
        assert score.value is not None
        labels.append(
            HumanLabel(
                item=score.item,
                label=score.value,
                where=f"{source}, {_cell(run, score.item, score.trial)}",
                output=None if answer is None else answer.output,
                trial=score.trial,
                has_output=answer is not None,
                run=run.id,
            )
        )
    return _checked(labels, contract, source)


def _answers(run: Run, store: Store | None) -> dict[tuple[str, int], RunItem]:
    """The answers of a run whose file may leave them out; then they are those that the store has of the same run."""
    held = {(one.item, one.trial): one for one in run.items if one.has_output}
    lacking = any(one.output_left_out for one in run.items)
    if store is None or not (lacking or not run.items):
        return held
    try:
        stored = store.load_run(run.id)
    except StoreError:
        return held  # whoever needs the answers says that they are nowhere
    return {(one.item, one.trial): one for one in stored.items if one.has_output} | held


def _cell(run: Run, item: str, trial: int) -> str:
    return f"item '{item}'" + (f", trial {trial}" if run.header.trials > 1 else "")


def _checked(labels: list[HumanLabel], contract: Contract, source: str) -> list[HumanLabel]:
    if not labels:
        raise DatasetError(
            f"holds no human label of '{contract.name}'",
            where=source,
            hint='give lines such as {"item": "q1", "label": true, "output": "…"}, or a run that people have scored',
        )
    for one in labels:
        try:
            contract.check(one.label, item=one.item)
        except ContractError as error:
            raise ContractError(
                f"{contract.name}: {error.message}", where=one.where, hint=error.hint
            ) from None
    return _settled(labels)


def _settled(labels: list[HumanLabel]) -> list[HumanLabel]:
    """Several answers to an item may be labelled, each once; what two people say alike of one is one label.

    A label that holds no output and names no run is of the item, so that no other can stand beside it.
    """
    by_item: dict[str, dict[object, HumanLabel]] = {}
    settled = []
    for one in labels:
        before = by_item.setdefault(one.item, {})
        answer = _answer_of(one)
        known = before.get(answer)
        if known is not None and known.label == one.label:
            continue
        if known is None and before and (answer is None or None in before):
            known = next(iter(before.values()))
        if known is not None:
            raise DatasetError(
                f"a second label of item '{one.item}', first at {known.where}",
                where=one.where,
                hint="settle on one label an answer, and say with `output` which answer each is of",
            )
        before[answer] = one
        settled.append(one)
    return settled


def _answer_of(label: HumanLabel) -> object:
    """What two labels of one answer share; None for a label that is of the item."""
    if label.has_output:
        return label.answers[0]
    return None if label.run is None else (label.run, label.trial)


def answer_key(output: JSON) -> str:
    """The same for the same output, whatever the order of its keys."""
    return json_codec.dumps(output, sort_keys=True)


def _labels_of_lines(path: Path) -> list[HumanLabel]:
    """The labels of a JSON Lines file, unchecked; an `output` of null is one. Raises DatasetError with its place."""
    with reading(path, DatasetError), open_bytes(path) as file:
        start = file.read(64)
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
        raise DatasetError(
            "is a JSON array, and labels are JSON Lines: one object a line, without brackets and commas around them",
            where=str(path),
            hint="`jq -c '.[]' FILE` writes it so",
        )
    return [_label(row) for row in jsonl_rows(path, MAX_ITEM_BYTES)]


def _labels_of_csv(path: Path, contract: Contract) -> list[HumanLabel]:
    """The labels of a CSV file, unchecked. A blank `output` says that none is given. Raises DatasetError likewise."""
    return [_label(row, from_csv=True) for row in _csv_rows(path, contract)]


def _label(row: Row, *, from_csv: bool = False) -> HumanLabel:
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
    item, label, output = record.get("item"), record.get("label"), record.get("output")
    if not isinstance(item, str) or not item:
        raise DatasetError("has no item: the id of a dataset item, as text", where=row.where)
    if not isinstance(label, bool | int | float | str):
        raise DatasetError(f"item '{item}' has no label", where=row.where)
    return HumanLabel(
        item=item,
        label=label,
        where=row.where,
        output=output,
        parsed=_spelled(output) if from_csv else None,
        has_output="output" in record,
    )


def _spelled(cell: JSON) -> JSON:
    """The JSON value that a cell spells; None where it is no JSON, and for null."""
    if not isinstance(cell, str):
        return None
    try:
        return parse_json(cell)
    except JsonProblem:
        return None


def _csv_rows(path: Path, contract: Contract) -> Iterator[Row]:
    rows = csv_cells(path, trim_after_commas=True)
    first = next(rows, None)
    if first is None:
        return
    where, names = first
    header = _header(names, where)
    for where, cells in rows:
        if len(cells) != len(header):
            raise DatasetError(f"cells in the row: {len(cells)}, in the header: {len(header)}", where=where)
        yield Row(where, _record(dict(zip(header, cells, strict=True)), contract))


def _header(cells: Sequence[str], where: str) -> list[str]:
    header = [cell.strip() for cell in cells]
    for name in header:
        if header.count(name) > 1:
            raise DatasetError(
                f"there are {header.count(name)} columns '{name}'", where=where, hint="keep one"
            )
    for needed in _NEEDED:
        if needed not in header:
            raise DatasetError(f"there is no column '{needed}'", where=where, hint=_near(needed, header))
    return header


def _near(needed: str, header: Sequence[str]) -> str:
    separator = next((one for one in _OTHER_SEPARATORS if len(header) == 1 and one in header[0]), None)
    if separator is not None:
        return f"the cells are set apart by {_OTHER_SEPARATORS[separator]}, and are to be by commas"
    other = next((name for name in header if name.lower() == needed), None)
    if other is not None:
        return f"the column '{other}' is written '{needed}', in lower case"
    return f"the first line names the columns: {', '.join(_COLUMNS)}; this one has {', '.join(header)}"


def _record(cells: dict[str, str], contract: Contract) -> dict[str, JSON]:
    record: dict[str, JSON] = {
        **cells,
        "item": cells["item"].strip(),
        "label": _typed(cells["label"], contract),
    }
    if not cells.get("output", "").strip():
        record.pop("output", None)
    return record


def _typed(text: str, contract: Contract) -> bool | float | str | None:
    """A cell as the score's type; what cannot be one stays text, which its contract refuses."""
    text = text.strip()
    if not text:
        return None
    if contract.type == "boolean":
        return _BOOLEANS.get(text.lower(), text)
    if contract.type == "numeric" and "_" not in text:  # Python reads 1_0 as 10
        try:
            return float(text)
        except ValueError:
            return text
    return text
