"""The scorers that a gate file can name: `[scorers.answer]`, `use = "numeric_match"`, and its arguments."""

from __future__ import annotations

import hashlib
import inspect
import math
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from scoregate.errors import ConfigError, did_you_mean
from scoregate.gate_file import ScorerSpec
from scoregate.gate_file.gate import JUDGE
from scoregate.own import json_codec
from scoregate.paths import json_type
from scoregate.records import JSON
from scoregate.scorers import (
    contains,
    documents,
    forbidden_content,
    json_fields,
    json_output,
    limits,
    numeric_match,
    patterns,
    text_match,
    tool_calls,
)
from scoregate.scorers.outcome import Scored
from scoregate.scorers.reading import ScoringCall, scored, unscored
from scoregate.scorers.scorer import Scorer

_DIGITS = 8
_MEASURED_VERSION = "1"
_Quantity = Literal["latency_seconds", "cost_usd", "tokens_input", "tokens_output", "tokens_total"]
SCHEMA_FILE = "schema_file"
"""Argument of `json_schema` in a gate file alone: the path of the schema, in place of the schema itself."""


@dataclass(frozen=True, slots=True)
class _LibraryScorer:
    """A scorer of the library: the factory's signature says which arguments it takes."""

    factory: Callable[..., ScoringCall]
    version: str
    """Goes up when the same arguments would score the same run item differently."""


_QUANTITIES: Mapping[_Quantity, ScoringCall] = MappingProxyType(
    {
        "latency_seconds": lambda *, latency_seconds: _given("latency", latency_seconds),
        "cost_usd": lambda *, cost_usd: _given("cost", cost_usd),
        "tokens_input": lambda *, tokens: _given("tokens", tokens and tokens.input),
        "tokens_output": lambda *, tokens: _given("tokens", tokens and tokens.output),
        "tokens_total": lambda *, tokens: _given("tokens", tokens and tokens.total),
    }
)


def _given(what: str, measurement: float | None) -> Scored:
    if measurement is None:
        return unscored(f"the {what} of this run item was not measured")
    return scored(measurement)


def _quantity_of_item(*, quantity: _Quantity) -> ScoringCall:
    """A quantity that was measured of the run item, as a number."""
    return _QUANTITIES[quantity]


LIBRARY: Mapping[str, _LibraryScorer] = MappingProxyType(
    {
        "exact_match": _LibraryScorer(text_match.exact_match, text_match.EXACT_MATCH_VERSION),
        "normalized_match": _LibraryScorer(text_match.normalized_match, text_match.NORMALIZED_MATCH_VERSION),
        "fuzzy_match": _LibraryScorer(text_match.fuzzy_match, text_match.FUZZY_MATCH_VERSION),
        "regex_match": _LibraryScorer(patterns.regex_match, patterns.REGEX_MATCH_VERSION),
        "numeric_match": _LibraryScorer(numeric_match.numeric_match, numeric_match.NUMERIC_MATCH_VERSION),
        "json_valid": _LibraryScorer(json_output.json_valid, json_output.JSON_VALID_VERSION),
        "json_schema": _LibraryScorer(json_output.json_schema, json_output.JSON_SCHEMA_VERSION),
        "tool_calls": _LibraryScorer(tool_calls.tool_calls, tool_calls.TOOL_CALLS_VERSION),
        "allowed_documents": _LibraryScorer(documents.allowed_documents, documents.ALLOWED_DOCUMENTS_VERSION),
        "required_documents": _LibraryScorer(
            documents.required_documents, documents.REQUIRED_DOCUMENTS_VERSION
        ),
        "forbidden_documents": _LibraryScorer(
            documents.forbidden_documents, documents.FORBIDDEN_DOCUMENTS_VERSION
        ),
        "forbidden_content": _LibraryScorer(
            forbidden_content.forbidden_content, forbidden_content.FORBIDDEN_CONTENT_VERSION
        ),
        "contains": _LibraryScorer(contains.contains, contains.CONTAINS_VERSION),
        "json_path": _LibraryScorer(json_fields.json_path, json_fields.JSON_PATH_VERSION),
        "json_fields": _LibraryScorer(json_fields.json_fields, json_fields.JSON_FIELDS_VERSION),
        "length_limit": _LibraryScorer(limits.length_limit, limits.LENGTH_LIMIT_VERSION),
        "budget": _LibraryScorer(limits.budget, limits.BUDGET_VERSION),
        "measured": _LibraryScorer(_quantity_of_item, _MEASURED_VERSION),
        "latency_seconds": _LibraryScorer(lambda: _QUANTITIES["latency_seconds"], _MEASURED_VERSION),
        "cost_usd": _LibraryScorer(lambda: _QUANTITIES["cost_usd"], _MEASURED_VERSION),
        "tokens_input": _LibraryScorer(lambda: _QUANTITIES["tokens_input"], _MEASURED_VERSION),
        "tokens_output": _LibraryScorer(lambda: _QUANTITIES["tokens_output"], _MEASURED_VERSION),
        "tokens_total": _LibraryScorer(lambda: _QUANTITIES["tokens_total"], _MEASURED_VERSION),
    }
)
"""Name in `use` -> scorer."""


def build(spec: ScorerSpec, *, root: Path | None = None) -> Scorer:
    """The scorer of a `[scorers.NAME]` table. It makes one score, NAME.

    `root` is what a relative `schema_file` starts from (else the working directory). The version is
    `use/version`, and a hash of the arguments if there are any: other arguments are another scorer. Raises
    ConfigError with the table's place for an unknown `use`, and an unknown, missing or wrong argument.
    """
    place = spec.where or f"scorer '{spec.name}'"
    entry = LIBRARY.get(spec.use)
    if entry is None:
        raise ConfigError(
            f"unknown scorer '{spec.use}'", where=place, hint=did_you_mean(spec.use, [*LIBRARY, JUDGE])
        )
    try:
        given = _with_schema(spec, root or Path()) if spec.use == "json_schema" else dict(spec.arguments)
        arguments = checked_arguments(entry.factory, given)
        call = entry.factory(**arguments)
    except ConfigError as error:
        raise ConfigError(f"{spec.use}: {error.message}", where=place, hint=error.hint) from error
    return Scorer(
        name=spec.name,
        version=f"{spec.use}/{entry.version}{_digest(arguments)}",
        call=call,
        scores=(spec.name,),
        accepts=frozenset(inspect.signature(call).parameters),
    )


def measured(name: str) -> Scorer | None:
    """The scorer that returns a measured quantity under its own name; None if nothing of that name is measured.

    `latency_seconds` (seconds around the candidate's call), `cost_usd`, `tokens_input`, `tokens_output` and
    `tokens_total`, all numeric. A quantity that the candidate did not give is an error cell.
    """
    for quantity, check in _QUANTITIES.items():
        if quantity == name:
            accepts = frozenset(inspect.signature(check).parameters)
            version = f"{name}/{_MEASURED_VERSION}"
            return Scorer(name=name, version=version, call=check, scores=(name,), accepts=accepts)
    return None


def _digest(arguments: Mapping[str, JSON]) -> str:
    if not arguments:
        return ""
    text = json_codec.dumps(arguments, sort_keys=True, ensure_ascii=False, default=str)
    return f"+{hashlib.sha256(text.encode('utf-8', 'backslashreplace')).hexdigest()[:_DIGITS]}"


def _with_schema(spec: ScorerSpec, root: Path) -> dict[str, JSON]:
    """The arguments of `json_schema` with the schema itself for its file, so that its content is hashed too."""
    given = dict(spec.arguments)
    if SCHEMA_FILE not in given:
        if "schema" not in given:
            raise ConfigError("needs 'schema' (a table) or 'schema_file' (a path)")
        return given
    if "schema" in given:
        raise ConfigError("takes 'schema' or 'schema_file', not both")
    name = given.pop(SCHEMA_FILE)
    if not isinstance(name, str):
        raise ConfigError("'schema_file' must be a text: the path of a JSON Schema")
    try:
        schema = json_codec.loads((root / name).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the schema file {name} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"the schema file {name} is no JSON: {error}") from None
    if not isinstance(schema, dict):
        raise ConfigError(f"the schema file {name} must hold a JSON object")
    return {**given, "schema": schema}


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
    if kind is Any:
        return True
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
        return "a list of texts" if inner[0] is str else "a list"
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}.get(
        kind, "a table"
    )


def _shown(value: JSON) -> str:
    is_brief = isinstance(value, (str, bool, int, float)) and len(str(value)) <= 40
    return repr(value) if is_brief and not isinstance(value, bool) else json_type(value)
