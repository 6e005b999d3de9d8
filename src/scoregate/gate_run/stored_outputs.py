"""What a run's stored outputs are scored from: the outputs themselves, and the dataset items that they answer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from scoregate.baselines.load import intact, load_baseline, load_run
from scoregate.datasets import content_digest
from scoregate.errors import BaselineError, ConfigError, StoreError
from scoregate.files.reading import shown_path
from scoregate.gate_file import Gate
from scoregate.gate_file.source import File, LangfuseExperiment, RunId, named_source
from scoregate.gates.provenance import run_that_was_made
from scoregate.records import Dataset, DatasetItem, Run, RunItem
from scoregate.results_file import read_results
from scoregate.store import Store
from scoregate.wording import proposed_command

_NAMED = 5
"""So many items are named in an error."""

Cell = tuple[str, int]
"""Item and trial."""


def baseline_files(gate: Gate, run: str) -> dict[Path, Run]:
    """Files that the gate names as its baseline or anchor and that hold this run, scored at whatever time."""
    found = {}
    for source in (gate.baseline_source, gate.anchor_source):
        if isinstance(source, File) and source.path.is_file():
            held = intact(source.path, "restore the file from git", gate)
            if run in (held.id, run_that_was_made(held.header)):
                found[source.path] = held
    return found


def named_run(name: str, gate: Gate, store: Store | None) -> Run:
    """The run that is to be scored again: a run's id, `run:ID`, `langfuse:EXPERIMENT` or a file.

    A run that a file of the gate holds is taken from there, for that is what was accepted. Raises ConfigError,
    ResultsError; for Langfuse as `load_baseline`.
    """
    source = named_source(name, "BASELINE")
    held = baseline_files(gate, source.id if isinstance(source, RunId) else name)
    if held:
        return next(iter(held.values()))
    try:
        return load_run(name, store, "BASELINE", gate)
    except ConfigError:
        if not isinstance(gate.baseline_source, LangfuseExperiment):
            raise
        run = load_baseline(gate, None, None)
        if name not in (run.id, run_that_was_made(run.header)):
            raise
        return run


def with_outputs(run: Run, store: Store, file: Path | None) -> Run:
    """The run, with its outputs and all that was measured, as far as the file or the store holds them.

    `file` is a results file of the same run. Raises ConfigError where any output is nowhere, as a baseline with gaps is
    none, and what to do then.
    """
    held = {(item.item, item.trial): item for item in run.items}
    scored = {(score.item, score.trial) for score in run.scores}
    for record in _other_records(run, store, file):
        for other in record.items:
            cell = other.item, other.trial
            if cell in held:
                held[cell] = _filled(held[cell], other)
            elif cell in scored:
                held[cell] = other
    lacking = {cell for cell, item in held.items() if item.output_left_out} | (scored - held.keys())
    if lacking:
        failed = {cell for cell, item in held.items() if item.status != "ok"}
        raise _nowhere(run, lacking, len((held.keys() | scored) - failed), file)
    return replace(run, items=tuple(held[cell] for cell in sorted(held)))


def _nowhere(run: Run, lacking: Collection[Cell], answered: int, file: Path | None) -> ConfigError:
    cells = sorted(lacking)
    named = [f"{item} trial {trial}" if run.header.trials > 1 else item for item, trial in cells[:_NAMED]]
    more = f" and {len(cells) - _NAMED:,} more" if len(cells) > _NAMED else ""
    which = "the outputs" if len(cells) == answered else f"{len(cells):,} of the {answered:,} outputs"
    where = "the store nor the baseline's file" if file is None else f"the store nor {shown_path(file)}"
    export = proposed_command("runs", "export", run_that_was_made(run.header), "-o", "FILE")
    return ConfigError(
        f"{which} of run {run.id} are neither in {where}, so they cannot be scored again: {', '.join(named)}{more}",
        hint=f"give a results file that has them, --outputs FILE: `{export}` writes "
        "it where the run is stored; else run its version again and accept it",
    )


def _other_records(run: Run, store: Store, file: Path | None) -> Iterator[Run]:
    """The file's, then the store's, as a file may leave outputs out."""
    origin = run_that_was_made(run.header)
    if file is not None:
        given = read_results(file)
        if run_that_was_made(given.header) != origin:
            raise ConfigError(
                f"holds run {given.id}, and the outputs of run {origin} are wanted",
                where=f"--outputs {shown_path(file)}",
            )
        yield given
    if _is_stored(origin, store):
        try:
            yield store.load_run(store.find_run(origin))
        except StoreError:
            return  # Deleted meanwhile: what the other records hold must do.


def _is_stored(run: str, store: Store) -> bool:
    return any(summary.run == run for summary in store.list_runs())


def _filled(item: RunItem, other: RunItem) -> RunItem:
    """The run item with the output and the measurements that it has not, of another record of it."""
    if other.status != item.status:
        return item
    measured = other if item.latency_seconds is None else item
    answer = other if item.output_left_out else item
    return replace(
        measured,
        output=answer.output,
        output_left_out=answer.output_left_out,
        cluster=item.cluster,
        slices=item.slices,
        content=item.content,
    )


def asked_items(run: Run, dataset: Dataset, store: Store, gate: Gate) -> Mapping[str, DatasetItem]:
    """Item id -> dataset item as it was when the run was made.

    The store keeps what its runs were asked; else the gate's dataset serves, as far as it did not change. Raises
    BaselineError where an item that has an output is not known any more, unless the gate compares what is the same in
    both datasets and so leaves it out.
    """
    fingerprint = run.header.dataset_fingerprint
    contents = {item.item: item.content for item in run.items}
    same = fingerprint is None or fingerprint == dataset.fingerprint
    known = {
        item.id: item
        for item in dataset.items
        if contents.get(item.id) == content_digest(item) or (same and contents.get(item.id) is None)
    }
    if fingerprint is not None:
        known |= store.dataset_items(fingerprint)
    unknown = sorted({item.item for item in run.items if item.status == "ok" and item.item not in known})
    if unknown and gate.on_dataset_change != "intersection":
        raise BaselineError(
            f"the dataset changed since run {run.id} was made, so {len(unknown):,} of its items "
            f"(first: {unknown[0]}) cannot be scored again",
            hint="run the baseline's version on the present dataset and accept it",
        )
    return known
