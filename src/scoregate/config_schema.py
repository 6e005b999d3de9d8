"""JSON Schemas of gate files and score catalogs, made from the tables that their readers go by.

Editors complete and check a file with them. They say what a file may look like; whether its parts fit together (a score
that the catalog knows, a margin within its range) only the reader can tell, and it stays the judge.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from scoregate.catalog import CATALOG, KEYS_OF_TYPE, NEEDED_OF_TYPE, SCORE_TYPES, ScoreType
from scoregate.config.table import Anything, Choice, Flag, Integer, Key, Number, Table, Text, Texts
from scoregate.gate_file.gate import GATE, JUDGE
from scoregate.judging.spec import JUDGE as JUDGE_TABLE
from scoregate.records import JSON
from scoregate.scorers.library import LIBRARY, SCHEMA_FILE

_Schema = dict[str, JSON]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NOT_BLANK = r"\S"
_BOUNDS = {
    "at_least": "minimum",
    "above": "exclusiveMinimum",
    "at_most": "maximum",
    "below": "exclusiveMaximum",
}
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def gate_schema() -> _Schema:
    """JSON Schema of a gate file as its TOML parses to, `gates/NAME.toml`."""
    gate = _schema_of(GATE)
    gate["properties"]["scorers"]["additionalProperties"] = _scorer_schema()
    return {"$schema": _DIALECT, "title": "scoregate: a gate", **gate}


def catalog_schema() -> _Schema:
    """JSON Schema of a score catalog, `gates/scores.toml`."""
    catalog = _schema_of(CATALOG)
    catalog["additionalProperties"]["allOf"] = [_of_type(kind) for kind in SCORE_TYPES]
    return {"$schema": _DIALECT, "title": "scoregate: the score catalog", **catalog}


def _of_type(kind: ScoreType) -> _Schema:
    """What holds for contracts of one type: the keys of the others are unknown to it."""
    foreign: _Schema = dict.fromkeys(
        (key for other, keys in KEYS_OF_TYPE.items() if other != kind for key in keys), False
    )
    if kind != "categorical":
        foreign["ordered"] = {"const": False}
    needed = NEEDED_OF_TYPE.get(kind)
    return {
        "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
        "then": {
            "properties": foreign,
            **({"required": [needed]} if needed else {}),
        },
    }


def _schema_of(key: Key) -> _Schema:
    """What a value of the key looks like."""
    match key:
        case Text():
            return {"type": "string", "pattern": whole(key.pattern) if key.pattern else _NOT_BLANK}
        case Choice():
            return {"enum": list(key.words)}
        case Flag():
            return {"type": "boolean"}
        case Number():
            return {"type": "number", **_bounds_of(key), **({} if key.zero else {"not": {"const": 0}})}
        case Integer():
            return {"type": "integer", "minimum": key.at_least}
        case Texts():
            text = _schema_of(Text())
            texts = {"type": "array", "items": text, **({} if key.may_be_empty else {"minItems": 1})}
            return {"anyOf": [text, texts]} if key.or_text else texts
        case Table():
            return _table(key)
        case Anything():
            return {}


def _bounds_of(number: Number) -> _Schema:
    """Its bounds, under their names in JSON Schema."""
    given = {word: getattr(number, name) for name, word in _BOUNDS.items()}
    return {word: bound for word, bound in given.items() if bound is not None}


def whole(pattern: str) -> str:
    """A pattern that fits a whole text, as one of JSON Schema, which may fit anywhere."""
    return f"^(?:{pattern})$"


def _table(table: Table) -> _Schema:
    names: _Schema = {}
    if table.names:
        names["pattern"] = whole(table.names)
    if table.longest_name is not None:
        names["maxLength"] = table.longest_name
    if table.never:
        names["not"] = {"enum": sorted(table.never)}
    return {
        "type": "object",
        **({"properties": {name: _schema_of(key) for name, key in table.keys.items()}} if table.keys else {}),
        **({"required": list(table.required)} if table.required else {}),
        "additionalProperties": False if table.others is None else _schema_of(table.others),
        **({"propertyNames": names} if names else {}),
        **({"minProperties": table.fewest} if table.fewest else {}),
    }


def _scorer_schema() -> _Schema:
    """What a table of a scorer looks like: `use` says which one it is, and so what else may stand there.

    Conditions rather than alternatives, so that an editor names the argument that is wrong; and every argument of any
    scorer among the properties, which is what an editor offers.
    """
    schemas = {use: _arguments(entry.factory) for use, entry in LIBRARY.items()}
    schemas[JUDGE] = _schema_of(JUDGE_TABLE)
    arguments: _Schema = {name: {} for schema in schemas.values() for name in schema["properties"]}
    return {
        "type": "object",
        "properties": {"use": {"enum": list(schemas)}, **arguments},
        "required": ["use"],
        "allOf": [_where(use, schema) for use, schema in schemas.items()],
    }


def _where(use: str, arguments: _Schema) -> _Schema:
    properties = {"use": {"const": use}, **arguments["properties"]}
    return {
        "if": {"properties": {"use": {"const": use}}, "required": ["use"]},
        "then": {"title": use, **arguments, "properties": properties},
    }


def _arguments(factory: Callable[..., Any]) -> _Schema:
    parameters = inspect.signature(factory).parameters
    kinds = get_type_hints(factory, include_extras=True)
    about = (inspect.getdoc(factory) or "").partition("\n\n")[0]
    schema: _Schema = {
        **({"description": " ".join(about.split())} if about else {}),
        "type": "object",
        "properties": {name: _kind(kinds[name]) for name in parameters},
        "required": [name for name, given in parameters.items() if given.default is given.empty],
        "additionalProperties": False,
    }
    if "schema" in parameters:  # which a file may hold as well
        schema["required"].remove("schema")
        schema["properties"][SCHEMA_FILE] = {"type": "string"}
        schema["oneOf"] = [{"required": ["schema"]}, {"required": [SCHEMA_FILE]}]
    return schema


def _kind(kind: Any) -> _Schema:
    """An argument's type, as `checked_arguments` reads it; None stands for an absent key."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        (bounds,) = (one for one in inner[1:] if isinstance(one, Number))
        return {**_kind(inner[0]), **_bounds_of(bounds)}
    if origin in (Union, types.UnionType):
        (given,) = (one for one in inner if one is not type(None))
        return _kind(given)
    if kind is Any:
        return {}
    if origin is Literal:
        return {"enum": list(inner)}
    if origin is list:
        return {"type": "array", "items": _kind(inner[0])}
    if origin is dict:
        return {"type": "object"}
    return {"type": _TYPES[kind]}
