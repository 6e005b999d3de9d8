"""The arguments of a `[scorers.NAME]` table, checked against the signature of the scorer that they are for."""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from scoregate.errors import ConfigError, did_you_mean
from scoregate.paths import json_type
from scoregate.records import JSON


def checked_arguments(factory: Callable[..., Any], given: Mapping[str, JSON]) -> dict[str, JSON]:
    """The given arguments that differ from their defaults, in the order of the signature.

    Raises ConfigError for one that the factory does not take, one that is missing or one of a wrong type.
    """
    parameters = inspect.signature(factory).parameters
    kinds = get_type_hints(factory)
    for name in given:
        if name not in parameters:
            raise ConfigError(f"unknown argument '{name}'", hint=did_you_mean(name, parameters))
    arguments = {}
    for name, parameter in parameters.items():
        if name in given:
            if not _fits(given[name], kinds[name]):
                raise ConfigError(f"'{name}' must be {_words(kinds[name])}, not {_shown(given[name])}")
            if given[name] != parameter.default:
                arguments[name] = given[name]
        elif parameter.default is parameter.empty:
            raise ConfigError(f"'{name}' is missing: it must be {_words(kinds[name])}")
    return arguments


def _fits(value: JSON, kind: Any) -> bool:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is Literal:
        return isinstance(value, str) and value in inner
    if origin is list:
        return isinstance(value, list) and all(_fits(one, inner[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict)
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def _words(kind: Any) -> str:
    """The type as the writer of a gate file would say it."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(_words(one) for one in inner if one is not type(None))
    if origin is Literal:
        return "one of " + ", ".join(repr(one) for one in inner)
    if origin is list:
        return "a list of texts"
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}.get(
        kind, "a table"
    )


def _shown(value: JSON) -> str:
    is_brief = isinstance(value, (str, bool, int, float)) and len(str(value)) <= 40
    return repr(value) if is_brief and not isinstance(value, bool) else json_type(value)
