"""The items that a run was to cover, from its dataset rather than from what the run holds of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scoregate.datasets import content_digest
from scoregate.errors import ScoregateError
from scoregate.gate_file import Gate
from scoregate.gates.table import RunTable, table_from_run
from scoregate.records import DatasetItem, Run
from scoregate.sources.datasets import read_gate_dataset
from scoregate.store import Store


def with_expected_items(run: Run, gate: Gate, store: Store | None) -> Run | RunTable:
    """The run, and where the gate compares changed datasets, beside it every item that it was to cover.

    An item that is missing from the run is then known by its name: it is lost, and has not left the dataset. The
    dataset is what the store kept of it, else the gate's own where that is the one that was run; where neither has
    it, or nothing is missing, the run stands for itself. Raises ResultsError when a cell is there twice.
    """
    if gate.on_dataset_change != "intersection" or _says_everything(run):
        return run
    items = _items_of(run, gate, store)
    selected = run.header.facts.selected_items if run.header.partial else None
    chosen = None if selected is None else set(selected)
    if items is None or (run.header.partial and chosen is None):
        return run
    dataset = {item.id: content_digest(item) for item in items if chosen is None or item.id in chosen}
    return replace(table_from_run(run), dataset=dataset)


def _says_everything(run: Run) -> bool:
    known = {item.item for item in run.items if item.content is not None}
    return len(known) >= run.header.expected_items and known >= {score.item for score in run.scores}


def _items_of(run: Run, gate: Gate, store: Store | None) -> Sequence[DatasetItem] | None:
    fingerprint = run.header.dataset_fingerprint
    if fingerprint is None:
        return None
    stored = store.dataset_items(fingerprint) if store is not None else {}
    if stored:
        return tuple(stored.values())
    if gate.dataset is None:
        return None
    try:
        present = read_gate_dataset(gate)
    except ScoregateError:
        return None  # The run's own word is enough to decide, or the verdict says what is not known.
    return present.items if present.fingerprint == fingerprint else None
