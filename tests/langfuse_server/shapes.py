"""Where two JSON bodies differ: in shape, and in values."""

from __future__ import annotations

from collections.abc import Iterator

from tests.langfuse_server.answers import Json, javascript_type

# Lists of rows: here the number of elements belongs to the shape.
ROWS = frozenset({"data", "items", "scores", "successes", "errors", "error"})


def differences(recorded: Json, actual: Json, path: str = "", *, ordered: bool = True) -> Iterator[str]:
    """Where the shapes differ: keys, JSON types, the number of rows, the shapes of a list's elements.

    Without `ordered` rows may come in any order, and another row may be on a page: a score's value then has the type
    that its own `dataType` says.
    """
    kinds = javascript_type(recorded), javascript_type(actual)
    if kinds[0] != kinds[1]:
        yield f"{path or 'body'}: {kinds[0]} recorded, {kinds[1]} here"
    elif isinstance(recorded, dict):
        other_type = not ordered and recorded.get("dataType") != actual.get("dataType")
        for key in sorted((recorded.keys() | actual.keys()) - ({"value"} if other_type else set())):
            if key not in actual:
                yield f"{path}.{key}: missing here"
            elif key not in recorded:
                yield f"{path}.{key}: not in the recording"
            else:
                yield from differences(recorded[key], actual[key], f"{path}.{key}", ordered=ordered)
    elif isinstance(recorded, list):
        name = path.rpartition(".")[2]
        if name in ROWS and len(recorded) != len(actual):
            yield f"{path}: {len(recorded)} elements recorded, {len(actual)} here"
        if not ordered and name in ROWS:
            recorded, actual = (sorted(rows, key=_shape) for rows in (recorded, actual))
        for place, (before, now) in enumerate(_pairs(recorded, actual, name)):
            yield from differences(before, now, f"{path}[{place}]", ordered=ordered)


def unequal_values(recorded: Json, actual: Json, ignored: frozenset[str], path: str = "") -> Iterator[str]:
    """Where values differ, leaving out the `ignored` keys; the shapes are taken to be alike."""
    if isinstance(recorded, dict) and isinstance(actual, dict):
        for key in recorded.keys() & actual.keys() - ignored:
            yield from unequal_values(recorded[key], actual[key], ignored, f"{path}.{key}")
    elif isinstance(recorded, list) and isinstance(actual, list):
        for place, (before, now) in enumerate(_pairs(recorded, actual, path.rpartition(".")[2])):
            yield from unequal_values(before, now, ignored, f"{path}[{place}]")
    elif recorded != actual and not _is_cut(recorded):
        yield f"{path or 'body'}: {str(recorded)[:80]!r} recorded, {str(actual)[:80]!r} here"


def _pairs(recorded: list[Json], actual: list[Json], name: str) -> Iterator[tuple[Json, Json]]:
    """Elements that stand for one another; the scores inside a row come in no set order, so by their names."""
    if name == "scores":
        recorded, actual = (sorted(rows, key=lambda row: str(row.get("name"))) for rows in (recorded, actual))
    return zip(recorded, actual, strict=False)


def _shape(value: Json) -> str:
    """A text that is the same for values of one shape."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_shape(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(sorted(map(_shape, value))) + "]"
    return javascript_type(value)


def _is_cut(recorded: Json) -> bool:
    return isinstance(recorded, str) and "...<" in recorded
