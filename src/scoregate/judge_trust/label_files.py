"""Files of human labels: JSON Lines or CSV with `item`, `label` and perhaps `output`, a line a labelled answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scoregate.catalog import Contract
from scoregate.datasets.files import MAX_ITEM_BYTES
from scoregate.datasets.rows import Row, jsonl_rows, placed
from scoregate.datasets.tables import csv_cells
from scoregate.errors import DatasetError, did_you_mean
from scoregate.files.reading import JsonProblem, open_bytes, parse_json, reading
from scoregate.records import JSON

_COLUMNS = ("item", "label", "output")
_NEEDED = ("item", "label")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanLabel:
    """What a person made of one answer."""

    item: str
    label: bool | int | float | str
    where: str
    """`file:line`, or the run with item and trial."""
    output: JSON = None
    parsed: JSON = None
    """The JSON value that the output spells, where it is the text of a CSV cell: answers may be objects. Else None."""
    trial: int = 0
    has_output: bool = False
    """Whether the label says which answer it is of; else it is of the answer in a stored run."""
    run: str | None = None
    """The run whose answer it is of, where the source says so."""

    @property
    def answers(self) -> tuple[str, ...]:
        """The outputs that this label is of, each as its `answer_key`, the surest first; empty without an output."""
        if not self.has_output:
            return ()
        whole = answer_key(self.output)
        return (whole,) if self.parsed is None else (whole, answer_key(self.parsed))


def answer_key(output: JSON) -> str:
    """The same for the same output, whatever the order of its keys."""
    return json.dumps(output, sort_keys=True)


def labels_of_lines(path: Path) -> list[HumanLabel]:
    """The labels of a JSON Lines file, unchecked; an `output` of null is one. Raises DatasetError with its place."""
    with reading(path, DatasetError), open_bytes(path) as file:
        start = file.read(64)
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"["):
        raise DatasetError(
            "is a JSON array, and labels are JSON Lines: one object a line, without brackets and commas around them",
            where=str(path),
            hint="`jq -c '.[]' FILE` writes it so",
        )
    return [_label(row) for row in jsonl_rows(path, MAX_ITEM_BYTES)]


def labels_of_csv(path: Path, contract: Contract) -> list[HumanLabel]:
    """The labels of a CSV file, unchecked. A blank `output` says that none is given. Raises DatasetError likewise."""
    return [_label(row, from_csv=True) for row in _csv_rows(path, contract)]


def _label(row: Row, *, from_csv: bool = False) -> HumanLabel:
    if row.error is not None:
        raise placed(row.error, row.where)
    record = row.value
    if not isinstance(record, dict):
        raise DatasetError("is no object with item and label", where=row.where)
    for key in record:
        if key not in _COLUMNS:
            raise DatasetError(
                f"'{key}' is not known here", where=row.where, hint=did_you_mean(str(key), _COLUMNS)
            )
    item, label, output = record.get("item"), record.get("label"), record.get("output")
    if not isinstance(item, str) or not item:
        raise DatasetError("has no item: the id of a dataset item, as text", where=row.where)
    if not isinstance(label, bool | int | float | str):
        raise DatasetError(f"item '{item}' has no label", where=row.where)
    return HumanLabel(
        item=item,
        label=label,
        where=row.where,
        output=output,
        parsed=_spelled(output) if from_csv else None,
        has_output="output" in record,
    )


def _spelled(cell: JSON) -> JSON:
    """The JSON value that a cell spells; None where it is no JSON, and for null."""
    if not isinstance(cell, str):
        return None
    try:
        return parse_json(cell)
    except JsonProblem:
        return None


def _csv_rows(path: Path, contract: Contract) -> Iterator[Row]:
    rows = csv_cells(path, trim_after_commas=True)
    first = next(rows, None)
    if first is None:
        return
    where, names = first
    header = _header(names, where)
    for where, cells in rows:
        if len(cells) != len(header):
            raise DatasetError(f"cells in the row: {len(cells)}, in the header: {len(header)}", where=where)
        yield Row(where, _record(dict(zip(header, cells, strict=True)), contract))


def _header(cells: Sequence[str], where: str) -> list[str]:
    header = [cell.strip() for cell in cells]
    for name in header:
        if header.count(name) > 1:
            raise DatasetError(
                f"there are {header.count(name)} columns '{name}'", where=where, hint="keep one"
            )
    for needed in _NEEDED:
        if needed not in header:
            raise DatasetError(f"there is no column '{needed}'", where=where, hint=_near(needed, header))
    return header


def _near(needed: str, header: Sequence[str]) -> str:
    separator = next((one for one in _OTHER_SEPARATORS if len(header) == 1 and one in header[0]), None)
    if separator is not None:
        return f"the cells are set apart by {_OTHER_SEPARATORS[separator]}, and are to be by commas"
    other = next((name for name in header if name.lower() == needed), None)
    if other is not None:
        return f"the column '{other}' is written '{needed}', in lower case"
    return f"the first line names the columns: {', '.join(_COLUMNS)}; this one has {', '.join(header)}"


def _record(cells: dict[str, str], contract: Contract) -> dict[str, JSON]:
    record: dict[str, JSON] = {
        **cells,
        "item": cells["item"].strip(),
        "label": _typed(cells["label"], contract),
    }
    if not cells.get("output", "").strip():
        record.pop("output", None)
    return record


def _typed(text: str, contract: Contract) -> bool | float | str | None:
    """A cell as the score's type; what cannot be one stays text, which its contract refuses."""
    text = text.strip()
    if not text:
        return None
    if contract.type == "boolean":
        return _BOOLEANS.get(text.lower(), text)
    if contract.type == "numeric" and "_" not in text:  # Python reads 1_0 as 10
        try:
            return float(text)
        except ValueError:
            return text
    return text
