"""What a Langfuse server cannot keep of a dataset item, found before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

from scoregate.errors import DatasetError
from scoregate.records import JSON, DatasetItem

LONGEST_ID = 255
"""In UTF-16 units, as the server counts."""
MOST_BYTES = 4_718_592
"""Largest body of a request that makes an item: 4.5 MiB."""
_LONGEST_DIGITS = 1e21
"""From here on the server writes whole numbers with an exponent, and so exactly."""


def item_body(dataset: str, item: DatasetItem) -> dict[str, JSON]:
    """The request that makes this item, or makes it like this. Nothing is left out: the server keeps what is."""
    return {
        "datasetName": dataset,
        "id": item.id,
        "input": item.input,
        "expectedOutput": item.expected_output,
        "metadata": dict(item.metadata),
        "status": "ACTIVE",
    }


def check_sendable(dataset: str, items: Sequence[DatasetItem], where: str) -> None:
    """Raise DatasetError for the first item that the server would refuse or not keep as it is; `where` is the file."""
    for item in items:
        units = len(item.id.encode("utf-16-le", "surrogatepass")) // 2
        if units > LONGEST_ID:
            raise DatasetError(
                f"the id '{item.id[:40]}…' has {units:,} characters, and Langfuse takes {LONGEST_ID}",
                where=where,
            )
        if "\0" in item.id:
            raise DatasetError(
                f"the id {item.id!r} holds the character U+0000, which Langfuse refuses", where=where
            )
        for value in (item.input, item.expected_output, dict(item.metadata)):
            problem = _problem(value)
            if problem is not None:
                raise DatasetError(f"item '{item.id}' holds {problem}", where=where, hint="write it as text")
        size = len(json.dumps(item_body(dataset, item), ensure_ascii=False).encode("utf-8", "surrogatepass"))
        if size > MOST_BYTES:
            raise DatasetError(
                f"item '{item.id}' takes {size / 2**20:.1f} MiB, and Langfuse takes 4.5 MiB an item",
                where=where,
            )


def _problem(value: JSON) -> str | None:
    """What in a value the server refuses or changes."""
    stack: list[JSON] = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            stack += [*part.keys(), *part.values()]
        elif isinstance(part, list | tuple):
            stack += part
        elif isinstance(part, str) and "\0" in part:
            return "a text with the character U+0000, which Langfuse refuses"
        elif isinstance(part, int | float) and not isinstance(part, bool) and not _kept(part):
            return f"the number {str(part)[:40]}, which Langfuse rounds"
    return None


def _kept(number: int | float) -> bool:
    """Whether a number comes back as it is from a server that has floats only, and writes their shortest digits."""
    if isinstance(number, float) and not number.is_integer():
        return True
    try:
        as_float = float(number)
    except OverflowError:
        return False
    back = int(Decimal(repr(as_float))) if abs(as_float) < _LONGEST_DIGITS else int(as_float)
    return back == int(number)
