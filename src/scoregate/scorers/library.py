"""The scorers that a gate file can name: `[scorers.answer]`, `use = "numeric_match"`, and its arguments."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from scoregate.errors import ConfigError, did_you_mean
from scoregate.gate_file import ScorerSpec
from scoregate.gate_file.gate import JUDGE
from scoregate.records import JSON
from scoregate.scorers import (
    documents,
    forbidden_content,
    json_output,
    limits,
    measured,
    numeric_match,
    patterns,
    text_match,
    tool_calls,
)
from scoregate.scorers.arguments import checked_arguments
from scoregate.scorers.reading import Check
from scoregate.scorers.scorer import Scorer

_DIGITS = 8


@dataclass(frozen=True, slots=True)
class LibraryScorer:
    """A scorer of the library: the factory's signature says which arguments it takes."""

    factory: Callable[..., Check]
    version: str
    """Goes up when the same arguments would score the same run item differently."""


def _measured(name: str) -> LibraryScorer:
    scorer = measured.measured(name)
    assert scorer is not None
    return LibraryScorer(lambda: scorer.call, measured.MEASURED_VERSION)


LIBRARY: Mapping[str, LibraryScorer] = MappingProxyType(
    {
        "exact_match": LibraryScorer(text_match.exact_match, text_match.EXACT_MATCH_VERSION),
        "normalized_match": LibraryScorer(text_match.normalized_match, text_match.NORMALIZED_MATCH_VERSION),
        "fuzzy_match": LibraryScorer(text_match.fuzzy_match, text_match.FUZZY_MATCH_VERSION),
        "regex_match": LibraryScorer(patterns.regex_match, patterns.REGEX_MATCH_VERSION),
        "numeric_match": LibraryScorer(numeric_match.numeric_match, numeric_match.NUMERIC_MATCH_VERSION),
        "json_valid": LibraryScorer(json_output.json_valid, json_output.JSON_VALID_VERSION),
        "json_schema": LibraryScorer(json_output.json_schema, json_output.JSON_SCHEMA_VERSION),
        "tool_calls": LibraryScorer(tool_calls.tool_calls, tool_calls.TOOL_CALLS_VERSION),
        "allowed_documents": LibraryScorer(documents.allowed_documents, documents.ALLOWED_DOCUMENTS_VERSION),
        "required_documents": LibraryScorer(
            documents.required_documents, documents.REQUIRED_DOCUMENTS_VERSION
        ),
        "forbidden_documents": LibraryScorer(
            documents.forbidden_documents, documents.FORBIDDEN_DOCUMENTS_VERSION
        ),
        "forbidden_content": LibraryScorer(
            forbidden_content.forbidden_content, forbidden_content.FORBIDDEN_CONTENT_VERSION
        ),
        "length_limit": LibraryScorer(limits.length_limit, limits.LENGTH_LIMIT_VERSION),
        "budget": LibraryScorer(limits.budget, limits.BUDGET_VERSION),
        "measured": LibraryScorer(measured.quantity_of_item, measured.MEASURED_VERSION),
        **{name: _measured(name) for name in measured.QUANTITIES},
    }
)
"""Name in `use` -> scorer."""
SCHEMA_FILE = "schema_file"
"""Argument of `json_schema` in a gate file alone: the path of the schema, in place of the schema itself."""


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


def _digest(arguments: Mapping[str, JSON]) -> str:
    if not arguments:
        return ""
    text = json.dumps(arguments, sort_keys=True, ensure_ascii=False, default=str)
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
        schema = json.loads((root / name).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the schema file {name} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"the schema file {name} is no JSON: {error}") from None
    if not isinstance(schema, dict):
        raise ConfigError(f"the schema file {name} must hold a JSON object")
    return {**given, "schema": schema}
