"""JSON Schemas for inputs and expected outputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scoregate.datasets import read_dataset
from scoregate.errors import ConfigError, ScoregateError
from scoregate.records import JSON


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "items.jsonl"
    path.write_text(
        '{"id": "a", "input": {"question": "why?"}, "expected_output": "so"}\n'
        '{"id": "b", "input": {"question": 3}}\n'
    )
    return path


def schema_file(folder: Path, schema: JSON) -> Path:
    path = folder / "schema.json"
    path.write_text(schema if isinstance(schema, str) else json.dumps(schema))
    return path


def question_is(kind: str) -> JSON:
    return {"properties": {"question": {"type": kind}}, "required": ["question"]}


def test_items_that_obey_both_schemas_are_read(dataset: Path) -> None:
    inputs = schema_file(dataset.parent, {"type": "object"})
    outputs = dataset.parent / "out.json"
    outputs.write_text('{"type": ["string", "null"]}')
    assert len(read_dataset(dataset, input_schema=inputs, expected_output_schema=outputs)) == 2


def test_an_input_that_breaks_its_schema_is_named_with_line_item_and_path(dataset: Path) -> None:
    schema = schema_file(dataset.parent, question_is("string"))
    with pytest.raises(ScoregateError) as caught:
        read_dataset(dataset, input_schema=schema)
    assert str(caught.value) == (
        f"{dataset}:2: item 'b': input.question: 3 is not of type 'string' (schema {schema})"
    )


def test_an_absent_expected_output_is_checked_as_null(dataset: Path) -> None:
    schema = schema_file(dataset.parent, {"type": "string"})
    with pytest.raises(ScoregateError) as caught:
        read_dataset(dataset, expected_output_schema=schema)
    assert f"{dataset}:2: item 'b': expected_output: None is not of type 'string'" in str(caught.value)


def test_a_long_complaint_is_cut(dataset: Path) -> None:
    dataset.write_text(json.dumps({"id": "a", "input": "x" * 10_000}))
    with pytest.raises(ScoregateError) as caught:
        read_dataset(dataset, input_schema=schema_file(dataset.parent, {"type": "object"}))
    assert len(str(caught.value)) < 500 + len(str(dataset)) * 2


def test_the_draft_that_the_schema_names_is_used(dataset: Path) -> None:
    # In draft 4 `exclusiveMinimum` is a boolean, in the default draft a number.
    schema: JSON = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "properties": {"question": {"minimum": 3, "exclusiveMinimum": True}},
    }
    with pytest.raises(ScoregateError, match=r"input\.question: 3 is less than or equal to the minimum of 3"):
        read_dataset(dataset, input_schema=schema_file(dataset.parent, schema))


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "objekt"}, "no valid JSON Schema: 'objekt' is not valid under any of the given schemas"),
        ("{", "broken JSON at column 2"),
        ("[]", "a JSON Schema is an object"),
        ({"$ref": "http://127.0.0.1:9/other.json"}, "a $ref leads nowhere: http://127.0.0.1:9/other.json"),
    ],
)
def test_a_broken_schema_file_is_a_configuration_error(dataset: Path, schema: JSON, message: str) -> None:
    path = schema_file(dataset.parent, schema)
    with pytest.raises(ConfigError) as caught:
        read_dataset(dataset, input_schema=path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_a_reference_inside_the_schema_file_is_followed(dataset: Path) -> None:
    schema: JSON = {"$ref": "#/$defs/q", "$defs": {"q": question_is("number")}}
    with pytest.raises(
        ScoregateError, match=r":1: item 'a': input.question: 'why\?' is not of type 'number'"
    ):
        read_dataset(dataset, input_schema=schema_file(dataset.parent, schema))


def test_an_absent_schema_file_is_a_configuration_error(dataset: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_dataset(dataset, input_schema=dataset.parent / "nothing.json")
