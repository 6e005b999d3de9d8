"""Typed members of a JSON object. Each raises ResultsError without a place; the reader knows the line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

from scoregate.errors import ResultsError, did_you_mean
from scoregate.paths import json_type
from scoregate.records import JSON

Record = dict[str, JSON]
Word = TypeVar("Word", bound=str)


def text(record: Record, key: str) -> str:
    """A text that must be there and must not be empty."""
    value = record.get(key)
    if isinstance(value, str) and value:
        return value
    if key not in record:
        raise ResultsError(f"the key '{key}' is missing")
    raise ResultsError(f"'{key}' is a text, not {'empty' if value == '' else json_type(value)}")


def optional_text(record: Record, key: str) -> str | None:
    """A text, or None where it is null or absent."""
    value = record.get(key)
    if value is None or isinstance(value, str):
        return value
    raise ResultsError(f"'{key}' is a text or null, not {json_type(value)}")


def item_id(record: Record) -> str:
    """The id of a dataset item; an integer stands for its decimal text, as in a dataset."""
    value = record.get("item")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(record, "item")


def count(record: Record, key: str, least: int) -> int:
    """An integer that must be there, of at least `least`."""
    value = record.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return value
    if key not in record:
        raise ResultsError(f"the key '{key}' is missing")
    raise ResultsError(f"'{key}' is an integer of at least {least}, not {value!r:.60}")


def optional_amount(record: Record, key: str) -> float | None:
    """A number that is not negative, or None where it is null or absent."""
    return None if record.get(key) is None else amount(record, key)


def amount(record: Record, key: str) -> float:
    """A number that is not negative."""
    value = record.get(key)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        try:
            return float(value)
        except OverflowError:
            pass
    raise ResultsError(f"'{key}' is a number that is not negative, not {value!r:.60}")


def one_of(record: Record, key: str, words: Sequence[Word]) -> Word:
    """One of the known words; it must be there."""
    value = record.get(key)
    for word in words:
        if word == value:
            return word
    if key not in record:
        raise ResultsError(f"the key '{key}' is missing")
    hint = did_you_mean(value, words) if isinstance(value, str) else f"known: {', '.join(words)}"
    raise ResultsError(f"'{key}' is {value!r:.60}", hint=hint)


def members(record: Record, key: str) -> Record:
    """An object; empty where it is null or absent."""
    value = record.get(key)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise ResultsError(f"'{key}' is an object, not {json_type(value)}")


def texts(record: Record, key: str) -> Mapping[str, str]:
    """An object of texts; empty where it is null or absent."""
    values = members(record, key)
    for name, value in values.items():
        if not isinstance(value, str):
            raise ResultsError(f"'{key}.{name}' is a text, not {json_type(value)}")
    return values


def check_value(status: str, value: JSON) -> None:
    """A score is a value exactly when its status is ok. Raises ResultsError for anything else."""
    if status != "ok":
        if value is not None:
            raise ResultsError(f"a score of status '{status}' has no value, but this has {value!r:.60}")
    elif value is None:
        raise ResultsError(
            "a score of status 'ok' has no value", hint="a score that could not be made has status 'error'"
        )
    elif not isinstance(value, (bool, int, float, str)):
        raise ResultsError(f"a score's value is a boolean, a number or a text, not {json_type(value)}")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ResultsError(f"a score's value is finite, not {value}")
