"""Dataset files: read from JSON Lines, JSON, CSV or Parquet, written as JSON Lines that read back the same."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from scoregate.datasets.fingerprint import canonical, combined, item_digest
from scoregate.datasets.rows import Row, item_from, json_rows, jsonl_rows, placed, too_big
from scoregate.datasets.schemas import ItemCheck, schema_check
from scoregate.datasets.tables import csv_rows, parquet_rows
from scoregate.errors import DatasetError
from scoregate.files.reading import check_input_file
from scoregate.files.writing import atomic_file
from scoregate.records import JSON, Dataset, DatasetItem

MAX_ITEM_BYTES = 20_000_000
"""Largest item, as a line of a JSON Lines file and as canonical JSON."""

SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".csv", ".parquet")
ENDING = ".jsonl"


def read_dataset(
    path: Path,
    *,
    input_schema: Path | None = None,
    expected_output_schema: Path | None = None,
    name: str | None = None,
) -> Dataset:
    """All items of a dataset file, in the file's order, checked, with their fingerprint.

    `name` defaults to the file's name without its ending. Raises DatasetError for the first problem, with
    file and line and the number of further ones, and ConfigError for a schema that is none.
    """
    path = Path(path)
    suffix = check_input_file(path, SUFFIXES, DatasetError)
    checks: list[ItemCheck] = []
    if input_schema is not None:
        checks.append(schema_check(Path(input_schema), "input"))
    if expected_output_schema is not None:
        checks.append(schema_check(Path(expected_output_schema), "expected_output"))

    items: list[DatasetItem] = []
    digests: list[bytes] = []
    places: dict[str, str] = {}
    problems: list[DatasetError] = []
    for row in _rows(path, suffix):
        try:
            item = _item(row, places)
            content = canonical(item)
            if len(content) > MAX_ITEM_BYTES:
                raise too_big(len(content), MAX_ITEM_BYTES)
            for check in checks:
                check(item)
        except DatasetError as error:
            problems.append(placed(error, row.where))
        else:
            items.append(item)
            digests.append(item_digest(content))
    if problems:
        raise _all_in_one(problems)
    if not items:
        raise DatasetError("holds no items", where=str(path))
    return Dataset(name or path.name[: -len(suffix)], tuple(items), combined(digests), source=str(path))


def _rows(path: Path, suffix: str) -> Iterator[Row]:
    if suffix == ".csv":
        return csv_rows(path)
    if suffix == ".parquet":
        return parquet_rows(path)
    return json_rows(path) if suffix == ".json" else jsonl_rows(path, MAX_ITEM_BYTES)


def _item(row: Row, places: dict[str, str]) -> DatasetItem:
    if row.error is not None:
        raise row.error
    item = item_from(row.value)
    first = places.setdefault(item.id, row.where)
    if first is not row.where:
        raise DatasetError(f"duplicate id '{item.id}', first used at {first}")
    return item


def _all_in_one(problems: list[DatasetError]) -> DatasetError:
    first, further = problems[0], len(problems) - 1
    if not further:
        return first
    return DatasetError(f"{first.message}, and {further} more", where=first.where, hint=first.hint)


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
