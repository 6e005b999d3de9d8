"""One record of a file, as a dataset item: known columns, an id, an input."""

from __future__ import annotations

from scoregate.errors import DatasetError, did_you_mean
from scoregate.paths import json_type
from scoregate.records import JSON, DatasetItem

COLUMNS = ("id", "input", "expected_output", "metadata")


def item_from(record: JSON) -> DatasetItem:
    """The item of a JSON object. Raises DatasetError without a place; the caller knows it.

    An integer id stands for its decimal text. An absent `expected_output` is None, absent metadata `{}`.
    """
    if not isinstance(record, dict):
        raise DatasetError(
            f"an item is a JSON object, not {json_type(record)}", hint='such as {"id": "a", "input": "..."}'
        )
    for column in record:
        if column not in COLUMNS:
            raise unknown_column(column)
    metadata = record.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise DatasetError(f"metadata is a JSON object, not {json_type(metadata)}")
    name = _id(record)
    if record.get("input") is None:
        raise DatasetError(f"item '{name}' has no input", hint="an input may be anything but null")
    return DatasetItem(name, record["input"], record.get("expected_output"), metadata or {})


def unknown_column(column: str) -> DatasetError:
    """The error for a column that no item has."""
    return DatasetError(f"unknown column '{column}'", hint=did_you_mean(column, COLUMNS))


def _id(record: dict[str, JSON]) -> str:
    value = record.get("id")
    if value is None or (isinstance(value, str) and not value.strip()):
        raise DatasetError("an item has no id", hint="give each item a unique, lasting id")
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise DatasetError(f"an id is a text or an integer, not {value!r:.60}")
