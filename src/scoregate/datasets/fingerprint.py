"""The fingerprint of a dataset: one SHA-256 over what the items say, not over how a file spells it.

Canonical form of an item: the JSON object `{"expected_output", "id", "input", "metadata"}`, all four members
always there (null and `{}` for what is absent), keys sorted by code point at every level, no white space,
UTF-8 without escapes that JSON does not demand. A float without a fraction is written as the integer that it
equals (1.0, 1e0 and 1 are one number, -0.0 is 0), any other float as its shortest spelling that reads back the
same; integers keep every digit. Strings are not normalised, and `true` is not 1.

Fingerprint: the SHA-256 of each item's canonical form, these digests sorted, and the SHA-256 of their
concatenation, in hexadecimal. So neither the order of the items nor the kind of file matters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from scoregate.errors import DatasetError
from scoregate.own import json_codec
from scoregate.records import JSON, DatasetItem

_CONTENT_DIGITS = 16
"""Of the 64 that the digest of an item has."""


def fingerprint(items: Iterable[DatasetItem]) -> str:
    """64 hexadecimal digits. Raises DatasetError, naming the item, for content that is no JSON."""
    return combined(item_digest(canonical(item)) for item in items)


def canonical(item: DatasetItem) -> bytes:
    """The canonical form of one item. Raises DatasetError, naming the item, for content that is no JSON."""
    try:
        content = {
            "expected_output": _canonical_value(item.expected_output),
            "id": item.id,
            "input": _canonical_value(item.input),
            "metadata": _canonical_value(dict(item.metadata)),
        }
        text = json_codec.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return text.encode("utf-8")
    except RecursionError:
        raise DatasetError("is nested too deeply", where=f"item {item.id!r}") from None
    except UnicodeEncodeError:
        raise DatasetError(
            "holds half of a surrogate pair, which is no text",
            where=f"item {item.id!r}",
            hint="a character outside the basic plane was cut in two",
        ) from None
    except ValueError as error:
        raise DatasetError(str(error), where=f"item {item.id!r}") from None


def item_digest(canonical_item: bytes) -> bytes:
    """32 bytes that stand for one item in `combined`."""
    import hashlib

    return hashlib.sha256(canonical_item).digest()


def content_digest(item: DatasetItem) -> str:
    """16 hexadecimal digits that tell whether an item says the same in two datasets: it goes with every run item.

    An item is only ever compared with the one of its own id, so that a part of the digest is enough.
    Raises DatasetError as `canonical` does.
    """
    return item_digest(canonical(item)).hex()[:_CONTENT_DIGITS]


def combined(digests: Iterable[bytes]) -> str:
    """The fingerprint of a dataset from the digests of its items, in any order."""
    import hashlib

    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def _canonical_value(value: JSON) -> JSON:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("holds NaN or Infinity, which are no JSON numbers")
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"holds an object with the key {key!r}; the keys of JSON objects are text")
        return {key: _canonical_value(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical_value(element) for element in value]
    raise ValueError(f"holds a value of type {type(value).__name__}, which is no JSON")
