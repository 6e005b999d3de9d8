"""Human labels of a judge's score: from a file, from a run that people have scored, or annotated in Langfuse."""

from __future__ import annotations

from pathlib import Path

from scoregate.baselines.load import load_run
from scoregate.catalog import Contract
from scoregate.datasets.files import MAX_ITEM_BYTES
from scoregate.datasets.rows import jsonl_rows
from scoregate.errors import BaselineError, ConfigError, ContractError, DatasetError, StoreError
from scoregate.files.reading import check_input_file
from scoregate.gate_file import Gate
from scoregate.gate_file.source import LangfuseExperiment, named_source
from scoregate.judge_trust.label_files import HumanLabel, answer_key, labels_of_csv, labels_of_lines
from scoregate.records import Run, RunItem
from scoregate.results_file import read_results
from scoregate.sources import connect
from scoregate.store import Store

__all__ = [
    "IN_LANGFUSE",
    "SUFFIXES",
    "HumanLabel",
    "answer_key",
    "labelled_run",
    "one_an_item",
    "read_all_labels",
]

IN_LANGFUSE = ("langfuse", "queue")
"""Words for the annotations of a delivered run; those of an annotation queue are such."""
SUFFIXES = (".jsonl", ".jsonl.gz", ".csv")


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
    if source in IN_LANGFUSE:
        return _annotated(labelled_run(gate, store, run), contract, gate)
    if isinstance(named_source(source, "--labels"), LangfuseExperiment):
        try:
            scored = load_run(source, store, "--labels", gate)
        except BaselineError as error:  # it is no comparison that it makes invalid
            raise ConfigError(f"--labels {source}: {error.message}", hint=error.hint) from None
        return _of_run(scored, contract, source, store)
    path = Path(source)
    if check_input_file(path, SUFFIXES, DatasetError) == ".csv":
        return _checked(labels_of_csv(path, contract), contract, source)
    first = next(jsonl_rows(path, MAX_ITEM_BYTES), None)
    if first is not None and isinstance(first.value, dict) and first.value.get("kind") == "run":
        return _of_run(read_results(path), contract, source, store)
    return _checked(labels_of_lines(path), contract, source)


def one_an_item(labels: list[HumanLabel]) -> tuple[list[HumanLabel], list[HumanLabel]]:
    """One label an item, for whoever counts items, and those that are left out: of several labelled answers to an
    item the last one counts."""
    last = {label.item: label for label in labels}
    return list(last.values()), [label for label in labels if last[label.item] is not label]


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
