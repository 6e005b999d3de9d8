"""The cells of a comma-separated file, row by row, each with its place."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from scoregate.datasets.rows import whole_text
from scoregate.errors import DatasetError


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
