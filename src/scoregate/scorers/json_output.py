"""Whether the output is JSON, and whether it adheres to a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scoregate.errors import ConfigError
from scoregate.files.reading import JsonProblem, parse_json
from scoregate.paths import json_type
from scoregate.records import JSON
from scoregate.scorers.outcome import Scored, shortened
from scoregate.scorers.reading import ScoringCall, of_output, scored

JSON_VALID_VERSION = "1"
JSON_SCHEMA_VERSION = "1"

_LONGEST_MESSAGE = 200


def json_valid(*, output_path: str | None = None) -> ScoringCall:
    """True if the output is a text that parses as JSON, or is an object or a list already.

    NaN and Infinity are no JSON, nor is an object with two members of one name.
    """

    def judge(actual: JSON) -> Scored:
        if isinstance(actual, str):
            problem = _parse(actual)[1]
            return scored(problem is None, problem)
        valid = isinstance(actual, (Mapping, list))
        return scored(valid, None if valid else f"the output is {json_type(actual)}, not JSON text")

    return of_output(judge, output_path)


def json_schema(*, schema: dict[str, Any], output_path: str | None = None) -> ScoringCall:
    """True if the output, parsed first where it is a text, is valid under the schema.

    Without `$schema`, draft 2020-12 is meant. References to other documents are not fetched: they are errors.
    """
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry

    validator_class = validator_for(schema, default=Draft202012Validator)
    try:
        validator_class.check_schema(schema)
    except SchemaError as error:
        place = error.json_path.removeprefix("$").lstrip(".") or "its top"
        raise ConfigError(f"the schema is no JSON Schema: {error.message} (at {place})") from None
    # An empty registry: nothing is fetched from the network while scoring.
    validator = validator_class(schema, registry=Registry())

    def judge(actual: JSON) -> Scored:
        if isinstance(actual, str):
            actual, problem = _parse(actual)
            if problem is not None:
                return scored(False, problem)
        first = next(iter(validator.iter_errors(actual)), None)
        if first is None:
            return scored(True)
        return scored(False, f"{first.json_path}: {shortened(first.message, _LONGEST_MESSAGE)}")

    return of_output(judge, output_path)


def _parse(text: str) -> tuple[JSON, str | None]:
    """The value and None, or None and why the text is no JSON."""
    if not text.strip():
        return None, "not JSON: the text is empty"
    try:
        return parse_json(text), None
    except JsonProblem as problem:
        return None, f"not JSON: {shortened(str(problem), _LONGEST_MESSAGE)}"
