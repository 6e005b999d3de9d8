"""JSON Schemas for the inputs and expected outputs of a dataset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scoregate.errors import ConfigError, DatasetError
from scoregate.files.reading import JsonProblem, check_input_file, decode_utf8, parse_json, reading
from scoregate.records import JSON, DatasetItem

_LONGEST_MESSAGE = 200

ItemCheck = Callable[[DatasetItem], None]
"""Raises DatasetError, without a place, for an item that breaks the schema."""


def schema_check(path: Path, field: str) -> ItemCheck:
    """A check of every item's `field` ("input" or "expected_output") against the schema file at `path`.

    The schema is of the draft that its `$schema` names, else of Draft 2020-12. An absent expected output is
    checked as null, so a schema that allows items without one allows null. `$ref` stays inside the file:
    nothing is fetched. Raises ConfigError for a file that is no such schema.
    """
    return check_against(read_schema(path), field, str(path))


def check_against(schema: JSON, field: str, where: str) -> ItemCheck:
    """The same for a schema that was read; `where` is its place for messages. Raises ConfigError."""
    import jsonschema
    import referencing
    from referencing.exceptions import Unresolvable

    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        place = "/".join(str(part) for part in error.path) or "its top level"
        raise ConfigError(f"no valid JSON Schema: {_short(error.message)} at {place}", where=where) from None
    validator = kind(schema, registry=referencing.Registry())

    def check(item: DatasetItem) -> None:
        try:
            error = jsonschema.exceptions.best_match(validator.iter_errors(item[field]))
        except Unresolvable as unresolved:
            raise ConfigError(
                f"a $ref leads nowhere: {unresolved.ref}",
                where=where,
                hint="put what it refers to into the same file",
            ) from None
        if error is not None:
            place = ".".join([field, *(str(part) for part in error.absolute_path)])
            raise DatasetError(f"item '{item.id}': {place}: {_short(error.message)}", hint=f"schema {where}")

    return check


def read_schema(path: Path) -> JSON:
    """The JSON of a schema file; whether it is a schema is not checked. Raises ConfigError."""
    check_input_file(path, (".json",), ConfigError)
    with reading(path, ConfigError):
        data = path.read_bytes()
    try:
        schema = parse_json(decode_utf8(data))
    except UnicodeDecodeError as error:
        raise ConfigError(f"not UTF-8 at byte {error.start}", where=str(path)) from None
    except JsonProblem as problem:
        raise ConfigError(f"{problem}", where=str(path)) from None
    if not isinstance(schema, (dict, bool)):
        raise ConfigError("a JSON Schema is an object", where=str(path))
    return schema


def _short(message: str) -> str:
    return message if len(message) <= _LONGEST_MESSAGE else message[:_LONGEST_MESSAGE] + " ..."
