"""JSON Schemas on their way to a dataset: what the server takes, and what is spelled otherwise for it.

The verdicts on schemas as they are were made by Ajv 8.20 with the options of the server's source (`strict: true`,
`validateFormats: false`).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from scoregate.errors import ConfigError
from scoregate.langfuse.connection import Connection, Refused
from scoregate.langfuse.schema_rules import strict_problem
from scoregate.langfuse.schema_translation import sendable_schema
from scoregate.records import JSON
from tests.langfuse.pushing import numbered, pushed

ROOT = Path(__file__).parents[2]
TEXT: JSON = {"type": "string"}


def of(**properties: JSON) -> dict[str, JSON]:
    return {"type": "object", "properties": properties}


TAKEN: list[JSON] = [
    {},
    of(q=TEXT) | {"required": ["q"]},
    of(q={"type": ["string", "null"], "minLength": 1}),
    {"$schema": "http://json-schema.org/draft-07/schema#", "title": "t", "examples": [1], "$comment": "c"},
    {"$ref": "#/$defs/a", "$defs": {"a": TEXT}},
    {"definitions": {"never referred to": {"properties": {}}}},
    {"type": "array", "items": [TEXT], "minItems": 1, "additionalItems": False},
    of(a=TEXT) | {"if": {"properties": {"a": {"const": "x"}}}, "then": {"properties": {"b": TEXT}}},
    {"type": "object", "dependencies": {"a": ["b"]}, "propertyNames": {"pattern": "^[a-z]"}},
    {"type": "number", "anyOf": [{"type": "integer"}, {"maximum": 3}]},
    {"type": "string", "format": "email", "pattern": r"^[a-z_\-]+\.[a-z]$"},
]
REFUSED: list[tuple[str, JSON]] = [
    ("$schema", {"$schema": "https://json-schema.org/draft/2020-12/schema"}),
    ("maximum", {"maximum": 5}),
    ("properties", {"properties": {"q": {}}}),
    ("required", {"type": "object", "required": ["q"]}),
    ("required", of(q=TEXT) | {"anyOf": [{"required": ["q"]}, {"type": "object"}]}),
    ("type", {"type": ["string", "number"]}),
    ("type", {"type": "object", "anyOf": [TEXT, {"type": "object"}]}),
    ("prefixItems", {"type": "array", "prefixItems": [TEXT]}),
    ("items", {"type": "array", "items": [TEXT]}),
    ("additionalItems", {"type": "array", "items": TEXT, "additionalItems": False}),
    ("if", {"if": TEXT}),
    ("then", {"then": TEXT}),
    ("maxItems", of(a={"type": "array"}) | {"if": {}, "then": {"properties": {"a": {"maxItems": 1}}}}),
    ("minLength", of(a={"$ref": "#/$defs/a"}) | {"$defs": {"a": {"minLength": 1}}}),
    ("$ref", {"$ref": "#/$defs/nowhere"}),
    ("dependentRequired", {"type": "object", "dependentRequired": {"a": ["b"]}}),
    ("unevaluatedProperties", of(a=TEXT) | {"unevaluatedProperties": False}),
    ("minContains", {"type": "array", "contains": TEXT, "minContains": 2}),
    ("discriminator", {"discriminator": {"propertyName": "x"}}),
    ("nullable", {"nullable": True}),
    ("enum", {"enum": []}),
    ("pattern", {"type": "string", "pattern": "(?P<year>[0-9]{4})"}),
    ("pattern", {"type": "string", "pattern": r"^[0-9]{2}\-[0-9]$"}),
    ("patternProperties", of(a=TEXT) | {"patternProperties": {"^a": {"type": "string", "minLength": 1}}}),
    ("schema", {"description": "x" * 10_000}),
]


@pytest.mark.parametrize("schema", TAKEN, ids=str)
def test_what_the_server_takes_is_sent_as_it_is(connection: Connection, schema: JSON) -> None:
    assert sendable_schema(schema, "s.json") is schema
    connection.post("/v2/datasets", {"name": "taken", "inputSchema": schema})


@pytest.mark.parametrize(
    ("keyword", "schema"), REFUSED, ids=[f"{n}-{one[0]}" for n, one in enumerate(REFUSED)]
)
def test_what_the_server_refuses_is_known_by_its_keyword(
    connection: Connection, keyword: str, schema: JSON
) -> None:
    problem = strict_problem(schema)
    assert problem is not None
    assert problem.keyword == keyword
    with pytest.raises(Refused, match="inputSchema: Must be a valid JSON Schema"):
        connection.post("/v2/datasets", {"name": "refused", "inputSchema": schema})


DRAFT_2020 = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
VALUES: list[JSON] = [
    None, 1, 2, 7, 7.5, "", "x", "long", [], ["x"], ["x", 1], [1, "x"], ["x", 1, 2], {}, {"a": 1},
    {"a": "x"}, {"a": "guest"}, {"a": "x", "b": 1}, {"b": "x"}, {"a": ["x"]}, {"a": []}, {"c": None}, True,
]  # fmt: skip


@pytest.mark.parametrize(
    "schema",
    [
        {**DRAFT_2020, **of(a=TEXT)},
        {"maximum": 5},
        {"properties": {"a": TEXT}, "required": ["a"]},
        {"type": "object", "required": ["a"], "additionalProperties": TEXT},
        {"type": "object", "required": ["a", "b"], "additionalProperties": False, "properties": {"a": {}}},
        {"type": ["string", "number"], "minLength": 1, "maximum": 7},
        {"type": ["object", "array", "null"], "required": ["a"], "minItems": 1},
        {"prefixItems": [TEXT, {"type": "integer"}], "minItems": 2, "items": False},
        {"type": "array", "prefixItems": [TEXT, {"maximum": 1}], "minItems": 2, "maxItems": 2},
        {"dependentRequired": {"a": ["b"]}},
        {"type": "object", "dependentRequired": {"a": ["b"]}, "dependentSchemas": {"a": of(b=TEXT)}},
        {
            "if": {"properties": {"a": {"const": "guest"}}},
            "then": {"required": ["b"]},
            "else": {"maxLength": 2},
        },
        {"if": TEXT, "type": "object"},
        {"anyOf": [{"minLength": 2}, {"minProperties": 1}], "not": {"required": ["c"]}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"minLength": 1, "x-note": "ours"}}},
        {"format": "date"},
    ],
    ids=str,
)
def test_what_can_be_said_in_the_servers_way_means_the_same(connection: Connection, schema: JSON) -> None:
    assert strict_problem(schema) is not None
    sent = sendable_schema(schema, "s.json")
    assert strict_problem(sent) is None
    before, after = Draft202012Validator(schema), Draft7Validator(sent)
    assert [before.is_valid(value) for value in VALUES] == [after.is_valid(value) for value in VALUES]
    connection.post("/v2/datasets", {"name": "translated", "inputSchema": sent})


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        (of(a=TEXT) | {"unevaluatedProperties": False}, "unevaluatedProperties at #: an unknown keyword"),
        (of(a={"minimun": 1}), "minimun at #/properties/a: an unknown keyword"),
        (
            {"type": "array", "prefixItems": [TEXT]},
            'items at #: a list needs "minItems": 1 and "additionalItems"',
        ),
        (
            {"type": "string", "pattern": r"\Ax"},
            r"'\Ax' holds the escape '\A', and the server reads JavaScript's",
        ),
        ({"$schema": "http://json-schema.org/draft-04/schema#"}, "is not draft-07"),
        (True, "schema at #: it has to be an object"),
        (of(a={"$ref": "#/properties/b"}, b={"maximum": 1}), "maximum at #/properties/b"),
    ],
)
def test_what_cannot_is_refused_by_its_keyword(schema: JSON, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        sendable_schema(schema, "s.json")
    assert str(refused.value).startswith("s.json: Langfuse would refuse this schema for ")
    assert told in str(refused.value)


def test_a_translated_schema_is_the_same_one_at_the_next_push(connection: Connection) -> None:
    schemas = {"expectedOutputSchema": sendable_schema({**DRAFT_2020, "maximum": 9}, "s.json")}
    assert pushed(connection, numbered(1, 2), schemas=schemas).fields
    assert pushed(connection, numbered(1, 2), schemas=schemas).sends_nothing
