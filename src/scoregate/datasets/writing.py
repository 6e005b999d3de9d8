"""Writing a dataset as a JSON Lines file that reads back the same."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from scoregate.errors import DatasetError
from scoregate.files.writing import atomic_file
from scoregate.records import JSON, DatasetItem

ENDING = ".jsonl"


def dataset_lines(items: Iterable[DatasetItem]) -> Iterator[str]:
    """One line an item, without its end, in the order that is given; absent members are left out."""
    for item in items:
        line: dict[str, JSON] = {"id": item.id, "input": item.input}
        if item.expected_output is not None:
            line["expected_output"] = item.expected_output
        if item.metadata:
            line["metadata"] = dict(item.metadata)
        yield json.dumps(line, ensure_ascii=False, allow_nan=False)


def write_dataset(items: Iterable[DatasetItem], path: Path) -> None:
    """Write the whole file or nothing. Raises DatasetError."""
    with atomic_file(path, DatasetError) as file:
        for line in dataset_lines(items):
            file.write(line.encode("utf-8") + b"\n")
