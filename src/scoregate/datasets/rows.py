"""The rows of a JSON Lines or JSON file, each with its place or its error, and the dataset item that a row says."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scoregate.errors import DatasetError, did_you_mean
from scoregate.files.reading import (
    JsonProblem,
    decode_utf8,
    json_problem,
    open_bytes,
    parse_json,
    reading,
    unique_members,
)
from scoregate.paths import json_type
from scoregate.records import JSON, DatasetItem

COLUMNS = ("id", "input", "expected_output", "metadata")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `value` is the record as parsed, unless there is an `error`."""

    where: str
    """`file:line`, `file: item 3` or `file: row 3`; items and rows count from 1."""
    value: JSON = None
    error: DatasetError | None = None


def jsonl_rows(path: Path, max_bytes: int) -> Iterator[Row]:
    """The lines of a `.jsonl` or `.jsonl.gz` file; blank ones are skipped.

    A line of more than `max_bytes` is passed over without being held in memory.
    """
    with reading(path, DatasetError), open_bytes(path) as file:
        number = offset = 0
        while line := file.readline(max_bytes + 1):
            number += 1
            size = len(line)
            overlong = size > max_bytes and not line.endswith(b"\n")
            while len(line) > max_bytes and not line.endswith(b"\n"):
                line = file.readline(max_bytes + 1)
                size += len(line)
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if overlong:
                yield Row(f"{path}:{number}", error=too_big(size, max_bytes))
            elif line.strip():
                yield _line_row(f"{path}:{number}", line, offset + size - len(line))
            offset += size


def json_rows(path: Path) -> Iterator[Row]:
    """The items of a `.json` file: a list of them, or an object whose only member is `items`."""
    text = whole_text(path)
    try:
        # NaN and Infinity are found later, item by item, so that the message can name the item.
        value = json.loads(text, object_pairs_hook=unique_members)
    except JsonProblem as problem:
        raise DatasetError(str(problem), where=str(path)) from None
    except json.JSONDecodeError as error:
        raise DatasetError(str(json_problem(error)), where=f"{path}:{error.lineno}") from None
    except (ValueError, RecursionError) as error:
        raise DatasetError(str(json_problem(error)), where=str(path)) from None
    if isinstance(value, dict) and set(value) == {"items"}:
        value = value["items"]
    if not isinstance(value, list):
        raise DatasetError('is no list of items, nor {"items": [...]}', where=str(path))
    for number, record in enumerate(value, start=1):
        yield Row(f"{path}: item {number}", record)


def whole_text(path: Path) -> str:
    """The text of a UTF-8 file. Raises DatasetError naming the line and the byte that is not UTF-8."""
    with reading(path, DatasetError):
        data = path.read_bytes()
    try:
        return decode_utf8(data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise placed(_not_utf8(error, error.start), f"{path}:{line}") from None


def _not_utf8(error: UnicodeDecodeError, offset: int) -> DatasetError:
    """The error for a byte at `offset` of the file that no UTF-8 text has."""
    byte = error.object[error.start]
    return DatasetError(f"not UTF-8: byte 0x{byte:02x} at offset {offset}", hint="save the file as UTF-8")


def too_big(size: int, max_bytes: int) -> DatasetError:
    """The error for an item of `size` bytes."""
    return DatasetError(
        f"an item of {size / 1e6:.1f} MB; the limit is {max_bytes / 1e6:.0f} MB",
        hint="keep large content outside the dataset and name it in the input",
    )


def placed(error: DatasetError, where: str) -> DatasetError:
    """The same error at `where`; the narrower place that it had, such as the item, stays in its message."""
    message = f"{error.where}: {error.message}" if error.where else error.message
    return DatasetError(message, where=where, hint=error.hint)


def _line_row(where: str, line: bytes, offset: int) -> Row:
    try:
        return Row(where, parse_json(line.decode("utf-8")))
    except UnicodeDecodeError as error:
        return Row(where, error=_not_utf8(error, offset + error.start))
    except JsonProblem as problem:
        return Row(where, error=DatasetError(str(problem)))


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
