"""The `[scorers.NAME]` tables: what each scorer of the library takes, from the signature that makes it."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from scoregate.config.keys import Number
from scoregate.config_schema.keys import Schema, bounds_of, schema_of
from scoregate.gate_file.gate import JUDGE
from scoregate.judging.spec import JUDGE as JUDGE_TABLE
from scoregate.scorers.library import LIBRARY, SCHEMA_FILE

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def scorer_schema() -> Schema:
    """What a table of a scorer looks like: `use` says which one it is, and so what else may stand there.

    Conditions rather than alternatives, so that an editor names the argument that is wrong; and every argument of any
    scorer among the properties, which is what an editor offers.
    """
    schemas = {use: _arguments(entry.factory) for use, entry in LIBRARY.items()}
    schemas[JUDGE] = schema_of(JUDGE_TABLE)
    arguments: Schema = {name: {} for schema in schemas.values() for name in schema["properties"]}
    return {
        "type": "object",
        "properties": {"use": {"enum": list(schemas)}, **arguments},
        "required": ["use"],
        "allOf": [_where(use, schema) for use, schema in schemas.items()],
    }


def _where(use: str, arguments: Schema) -> Schema:
    properties = {"use": {"const": use}, **arguments["properties"]}
    return {
        "if": {"properties": {"use": {"const": use}}, "required": ["use"]},
        "then": {"title": use, **arguments, "properties": properties},
    }


def _arguments(factory: Callable[..., Any]) -> Schema:
    parameters = inspect.signature(factory).parameters
    kinds = get_type_hints(factory, include_extras=True)
    about = (inspect.getdoc(factory) or "").partition("\n\n")[0]
    schema: Schema = {
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


def _kind(kind: Any) -> Schema:
    """An argument's type, as `checked_arguments` reads it; None stands for an absent key."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        (bounds,) = (one for one in inner[1:] if isinstance(one, Number))
        return {**_kind(inner[0]), **bounds_of(bounds)}
    if origin in (Union, types.UnionType):
        (given,) = (one for one in inner if one is not type(None))
        return _kind(given)
    if origin is Literal:
        return {"enum": list(inner)}
    if origin is list:
        return {"type": "array", "items": _kind(inner[0])}
    if origin is dict:
        return {"type": "object"}
    return {"type": _TYPES[kind]}
