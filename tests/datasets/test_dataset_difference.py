"""What differs between two states of a dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoregate.datasets import read_dataset
from scoregate.datasets.difference import dataset_difference
from scoregate.datasets.files import write_dataset
from scoregate.errors import DatasetError
from scoregate.records import DatasetItem

BEFORE = [
    DatasetItem("a", 1),
    DatasetItem("b", {"q": 1, "r": 2}, "x", {"k": 1}),
    DatasetItem("c", "old", "old", {"k": "old"}),
    DatasetItem("d", True),
]


def test_items_are_told_apart_by_their_ids_and_members() -> None:
    after = [
        DatasetItem("c", "new", "old", {}),
        DatasetItem("d", 1),
        DatasetItem("b", {"r": 2.0, "q": 1}, "x", {"k": 1}),
        DatasetItem("e", 1),
    ]
    found = dataset_difference(BEFORE, after)
    assert found.new == ("e",)
    assert found.gone == ("a",)
    assert found.changed == {"c": ("input", "metadata"), "d": ("input",)}
    assert found.same == ("b",)
    assert not found.none


def test_another_order_is_no_difference() -> None:
    assert dataset_difference(BEFORE, BEFORE[::-1]).none


def test_content_that_is_no_json_is_named_by_its_item() -> None:
    with pytest.raises(DatasetError, match="item 'a'"):
        dataset_difference([DatasetItem("a", float("nan"))], [DatasetItem("a", 1)])


def test_a_written_dataset_reads_back_the_same(tmp_path: Path) -> None:
    items = [*BEFORE, DatasetItem("é 😀\u2028", "two\nlines", [1.5, None], {"n": {"m": []}})]
    write_dataset(items, tmp_path / "out.jsonl")
    assert read_dataset(tmp_path / "out.jsonl").items == tuple(items)
