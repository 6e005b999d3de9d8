"""What a run was to cover: from its dataset where that is at hand, and never less than the run holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scoregate import Gate, Rule
from scoregate.datasets import content_digest, fingerprint
from scoregate.gates.table import RunTable
from scoregate.records import DatasetItem, Run, RunHeader, RunItem
from scoregate.sources import with_expected_items
from scoregate.store import Store

ITEMS = [DatasetItem(f"q{n}", {"n": n}, n) for n in range(4)]
GATE = Gate(name="g", rules={"correct": Rule()}, on_dataset_change="intersection")


def run_of(held: int, **header: object) -> Run:
    """A run of the four items that holds only the first ones."""
    about = RunHeader("r", "agent", "v1", len(ITEMS), dataset_fingerprint=fingerprint(ITEMS))
    items = (RunItem(item.id, 0, "ok", content=content_digest(item)) for item in ITEMS[:held])
    return Run(replace(about, **header), tuple(items))  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.sqlite3") as store:
        store.create_run(run_of(0, run="an earlier one").header, ITEMS)
        yield store


def test_a_run_that_holds_everything_stands_for_itself(store: Store) -> None:
    run = run_of(4)
    assert with_expected_items(run, GATE, store) is run


def test_a_gate_that_compares_no_changed_datasets_needs_none(store: Store) -> None:
    run = run_of(2)
    assert with_expected_items(run, replace(GATE, on_dataset_change="invalid"), store) is run


def test_what_a_run_lacks_is_known_from_the_store(store: Store) -> None:
    table = with_expected_items(run_of(2), GATE, store)
    assert isinstance(table, RunTable)
    assert table.dataset == {item.id: content_digest(item) for item in ITEMS}


def test_a_selection_expects_what_was_selected(store: Store) -> None:
    about = {"selection": "two items", "selected_items": ["q1", "q3"]}
    table = with_expected_items(run_of(0, metadata=about, expected_items=2), GATE, store)
    assert isinstance(table, RunTable)
    assert set(table.dataset or ()) == {"q1", "q3"}


def test_a_dataset_that_is_not_at_hand_is_none(store: Store) -> None:
    other = run_of(2, dataset_fingerprint="other")
    assert with_expected_items(other, GATE, store) is other
    nameless = run_of(2, dataset_fingerprint=None)
    assert with_expected_items(nameless, GATE, store) is nameless
    assert with_expected_items(run_of(2), GATE, None) == run_of(2)
