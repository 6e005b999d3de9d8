"""Dotted paths into JSON values and dataset items: `metadata.intent`, `tool_calls.0.name`, `messages.-1`.

Each part is a key of an object or an index of a list (negative ones count from the end). The empty path is
the value itself. A key that holds a dot stands in double quotes: `metadata."user.tier"`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from scoregate.records import JSON, DatasetItem

_INDEX = re.compile(r"-?[0-9]+")
_PART = re.compile(r'(?:"((?:[^"\\]|\\.)+)"|([^.]*))(?:\.|\Z)')
_KEYS_SHOWN = 8


class PathError(LookupError):
    """A path that leads nowhere. `str(error)` says how far it led and what is there."""

    def __init__(self, path: str, message: str) -> None:
        self.path = path
        super().__init__(message)


def look_up(value: JSON, path: str) -> JSON:
    """What stands at `path` in a JSON value or a DatasetItem. Raises PathError where there is nothing.

    >>> look_up({"calls": [{"name": "refund"}]}, "calls.0.name")
    'refund'
    """
    if not path:
        return value
    parts = path_parts(path)
    for depth, part in enumerate(parts):
        if isinstance(value, (Mapping, DatasetItem)):
            if part not in value:
                raise PathError(path, f"no '{part}' {_place(parts, depth)} ({_keys(value)})")
            value = value[part]
        elif isinstance(value, (list, tuple)):
            if not _INDEX.fullmatch(part):
                raise PathError(path, f"no '{part}' {_place(parts, depth)}, which is a list: give an index")
            index = int(part) if len(part) < 10 else len(value)
            if not -len(value) <= index < len(value):
                raise PathError(path, f"no '{part}' {_place(parts, depth)}, a list of {len(value)}")
            value = value[index]
        else:
            raise PathError(path, f"no '{part}' {_place(parts, depth)}, which is {json_type(value)}")
    return value


def path_parts(path: str) -> list[str]:
    """The keys and indices of a path, quotes taken off: a part in quotes may hold dots, and `\\"` in it is a quote.

    >>> path_parts('metadata."user.tier".0')
    ['metadata', 'user.tier', '0']
    """
    if '"' not in path:
        return path.split(".")
    parts, at = [], 0
    while True:
        found = _PART.match(path, at)
        assert found is not None  # the second way fits everything up to the next dot
        quoted, plain = found.groups()
        parts.append(plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        at = found.end()
        if not found[0].endswith("."):
            return parts


def json_type(value: JSON) -> str:
    """The kind of a JSON value in words: "null", "a boolean", "a number", "text", "a list", "an object"."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, (Mapping, DatasetItem)):
        return "an object"
    return f"a {type(value).__name__}"


def _place(parts: list[str], depth: int) -> str:
    return f"in '{'.'.join(parts[:depth])}'" if depth else "at the top"


def _keys(value: Mapping[str, JSON] | DatasetItem) -> str:
    keys = sorted(str(key) for key in value.keys())  # noqa: SIM118 - a dataset item has keys() and is no Mapping
    if not keys:
        return "it is empty"
    more = f" and {len(keys) - _KEYS_SHOWN} more" if len(keys) > _KEYS_SHOWN else ""
    return f"keys: {', '.join(keys[:_KEYS_SHOWN])}{more}"
