"""The rows of a CSV or Parquet file, as the records that a JSON file would hold.

A column is `id`, `input`, `expected_output` or `metadata`, or a dotted path that builds an object, such as
`metadata.intent`. What is empty in a table (an empty cell of a CSV file, a null of a Parquet column or of a
struct's field) is absent from the record.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from scoregate.datasets.rows import COLUMNS, Row, placed, unknown_column, whole_text
from scoregate.errors import ConfigError, DatasetError
from scoregate.files.reading import JsonProblem, parse_json, reading
from scoregate.records import JSON


def csv_rows(path: Path) -> Iterator[Row]:
    """The rows of a comma-separated file with a header; a row's line is the one that it starts on.

    A cell that starts with `{` or `[` is JSON, any other cell is text; ids are always text.
    """
    rows = csv_cells(path)
    first = next(rows, None)
    if first is None:
        return
    where, header = first
    _check_header(header, where)
    for where, cells in rows:
        yield _csv_row(where, header, cells)


def parquet_rows(path: Path) -> Iterator[Row]:
    """The rows of a Parquet file. Text stays text; a struct is an object.

    Raises ConfigError where pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ConfigError(
            "reading Parquet needs pyarrow", where=str(path), hint="pip install 'scoregate[parquet]'"
        ) from None
    number = 0
    try:
        with reading(path, DatasetError), pyarrow.parquet.ParquetFile(path) as file:
            header = list(file.schema_arrow.names)
            _check_header(header, str(path))
            for batch in file.iter_batches():
                for record in batch.to_pylist():
                    number += 1
                    yield _parquet_row(f"{path}: row {number}", record)
    except pyarrow.ArrowException as error:
        raise DatasetError(f"broken Parquet file: {error}", where=str(path)) from None


def _check_header(header: Sequence[str], where: str) -> None:
    for position, column in enumerate(header, start=1):
        if not column.strip():
            raise DatasetError(f"column {position} has no name", where=where)
        if header.index(column) != position - 1:
            raise DatasetError(f"the column '{column}' appears twice", where=where)
        root, *rest = column.split(".")
        if len(header) == 1 and any(mark in column for mark in ";\t"):
            raise DatasetError(
                f"the header is one column, '{column}'", where=where, hint="separate the columns with commas"
            )
        if root not in COLUMNS or (root == "id" and rest):
            raise placed(unknown_column(column), where)
        if not all(rest):
            raise DatasetError(f"the column '{column}' has an empty part", where=where)
    for needed in ("id", "input"):
        if all(column.split(".")[0] != needed for column in header):
            raise DatasetError(f"there is no column '{needed}'", where=where)


def _csv_row(where: str, header: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) != len(header):
        return Row(where, error=DatasetError(f"cells in the row: {len(cells)}, in the header: {len(header)}"))
    try:
        values = {column: _cell(column, text) for column, text in zip(header, cells, strict=True) if text}
        return Row(where, _nested(values))
    except DatasetError as error:
        return Row(where, error=error)


def _cell(column: str, text: str) -> JSON:
    if column == "id" or text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return parse_json(text)
    except JsonProblem as problem:
        raise DatasetError(
            f"the cell of '{column}' starts like JSON but is not: {problem}",
            hint="a text that starts with { or [ needs a JSON Lines file",
        ) from None


def _parquet_row(where: str, record: dict[str, object]) -> Row:
    try:
        return Row(
            where,
            _nested({column: _plain(value, column) for column, value in record.items() if value is not None}),
        )
    except DatasetError as error:
        return Row(where, error=error)


def _plain(value: object, column: str) -> JSON:
    """A Parquet value as JSON: nulls of a struct left out, for a struct has every field in every row."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, dict):
        return {key: _plain(member, column) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_plain(element, column) for element in value]
    kind = "map entry" if isinstance(value, tuple) else type(value).__name__
    raise DatasetError(
        f"the column '{column}' holds a {kind}, which is no JSON", hint="store it as text, number or struct"
    )


def _nested(values: dict[str, JSON]) -> dict[str, JSON]:
    record: dict[str, JSON] = {}
    for column in sorted(values, key=lambda column: column.count(".")):
        *parents, last = column.split(".")
        target = record
        for parent in parents:
            target = target.setdefault(parent, {})
            if not isinstance(target, dict):
                raise DatasetError(f"'{column}' has a value, and so has a column that it lies inside")
        if last in target:
            raise DatasetError(f"'{column}' has a value here and in another column")
        target[last] = values[column]
    return record


def csv_cells(path: Path, *, trim_after_commas: bool = False) -> Iterator[tuple[str, list[str]]]:
    """`file:line` and cells of every row that is not blank, the header first; a row's line is the one it starts on.

    With `trim_after_commas`, blanks behind a comma go where the header has one. Elsewhere they belong to the cell.
    Raises DatasetError for a file that cannot be read or is no CSV, with the line.
    """
    text = whole_text(path)
    spaced = trim_after_commas and ", " in text.lstrip("\r\n").partition("\n")[0]
    # The module's limit is 128 KB a cell; ours is the size of an item, which is checked for every format.
    usual_limit = csv.field_size_limit(2**31 - 1)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=spaced)
        while True:
            where = f"{path}:{reader.line_num + 1}"
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise DatasetError(f"broken CSV: {error}", where=where) from None
            if cells is None:
                return
            if cells:
                yield where, cells
    finally:
        csv.field_size_limit(usual_limit)
