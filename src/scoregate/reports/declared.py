"""Frozen dataclasses as JSON and back, and the JSON Schema of what comes of them: all three from their type hints.

A field's name is its key, or what gate files and catalogs call it. Of the tables of those, only what is not as by
default is written, so that a key of a later version changes nothing where nobody uses it; where a table was read stays
out. Numbers that JSON does not have (NaN, infinity) are null.
"""

from __future__ import annotations

import math
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from scoregate.calibration.requirement import Requirement
from scoregate.catalog import Contract
from scoregate.gate_file.candidate import Limits, Rounds
from scoregate.gate_file.rule import Rule
from scoregate.records import JSON

_TABLES = (Contract, Limits, Requirement, Rounds, Rule)
"""Beside them, a dataclass of reports that says `sparse = True` of itself."""
_KEYS = {"passing": "pass"}
_LEFT_OUT = ("where",)
_EXACT = 2**53
_BOUNDS: Mapping[type, Mapping[str, JSON]] = {
    int: {"minimum": 0, "maximum": _EXACT},
    float: {"minimum": -sys.float_info.max, "maximum": sys.float_info.max},
}
"""Beyond them a reader that counts in floats sees other numbers, or none."""
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
_PLAIN = frozenset(_TYPES.values())


def as_json(value: Any) -> JSON:
    """The value of a dataclass, mapping, sequence or JSON value."""
    if is_dataclass(value):
        sparse = _is_sparse(type(value))
        return {
            key: as_json(getattr(value, one.name))
            for key, one in _members(type(value))
            if not (sparse and getattr(value, one.name) == _default(one))
        }
    if isinstance(value, Mapping):
        return {key: as_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return list(map(as_json, value))
    return None if isinstance(value, float) and not math.isfinite(value) else value


def from_json(kind: Any, value: JSON) -> Any:
    """The value of this type that `as_json` made the JSON of, which obeys the type's schema."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return from_json(_alternative(inner, value), value)
    if origin is tuple:
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(from_json(each, one) for each, one in zip(kinds, value, strict=True))
    if origin is Mapping:
        return {key: from_json(inner[1], one) for key, one in value.items()}
    if kind is float and isinstance(value, int) and abs(value) > _EXACT:
        return float(value)  # as what counts with it takes it for one
    if not _is_declared(kind):
        return value
    hints = _hints(kind)
    given = ((key, one.name) for key, one in _members(kind) if key in value)
    return kind(**{name: from_json(hints[name], value[key]) for key, name in given})


def schema_of(kind: Any) -> dict[str, JSON]:
    """What the JSON of a value of this type looks like."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return {}
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in (Union, types.UnionType):
        return _any_of(list(map(schema_of, inner)))
    if origin is tuple and inner[-1] is not Ellipsis:
        items = list(map(schema_of, inner))
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if origin in (tuple, Sequence):
        return {"type": "array", "items": schema_of(inner[0])}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": schema_of(inner[1])}
    if _is_declared(kind):
        hints, members = _hints(kind), dict(_members(kind))
        sparse = _is_sparse(kind)
        needed = [key for key, one in members.items() if not sparse or _default(one) is MISSING]
        return object_of({key: schema_of(hints[one.name]) for key, one in members.items()}, needed)
    return {"type": _TYPES[kind], **_BOUNDS.get(kind, {})}


def object_of(properties: Mapping[str, JSON], needed: Sequence[str]) -> dict[str, JSON]:
    """The schema of an object of these members and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(needed),
        "additionalProperties": False,
    }


def _any_of(schemas: Sequence[Mapping[str, JSON]]) -> dict[str, JSON]:
    """Plain types in one schema: the bounds of a number say nothing of a text."""
    if not all(isinstance(schema.get("type"), str) and schema["type"] in _PLAIN for schema in schemas):
        return {"anyOf": list(schemas)}
    bounds = {key: bound for schema in schemas for key, bound in schema.items() if key != "type"}
    return {"type": [schema["type"] for schema in schemas], **bounds}


def _alternative(kinds: Sequence[Any], value: JSON) -> Any:
    """The one of several types that the value is of; of texts and the like it does not matter."""
    if value is None:
        return type(None)
    given = [kind for kind in kinds if kind is not type(None)]
    if len(given) == 1:
        return given[0]
    if isinstance(value, int) and float in given:
        return float
    fitting = (kind for kind in given if _is_declared(kind) and set(value) == set(dict(_members(kind))))
    return next(fitting, Any)


def _is_sparse(kind: Any) -> bool:
    return kind in _TABLES or getattr(kind, "sparse", False)


def _is_declared(kind: Any) -> bool:
    return is_dataclass(kind)


def _members(kind: Any) -> Iterator[tuple[str, Field[Any]]]:
    """Key and field of all that is kept."""
    left_out = _LEFT_OUT if kind in _TABLES else ()
    return ((_KEYS.get(one.name, one.name), one) for one in fields(kind) if one.name not in left_out)


def _default(one: Field[Any]) -> Any:
    return one.default if one.default_factory is MISSING else one.default_factory()


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
