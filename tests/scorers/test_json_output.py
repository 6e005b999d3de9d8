"""JSON validity and JSON Schema adherence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scoregate.errors import ConfigError
from scoregate.gate_file import ScorerSpec
from scoregate.records import JSON, DatasetItem, RunItem, Score
from scoregate.scorers import build, score_item

ScoreOutput = Callable[..., Score]
SCHEMA = {
    "type": "object",
    "required": ["answer"],
    "properties": {"answer": {"type": "string"}, "sources": {"type": "array", "items": {"type": "integer"}}},
}


@pytest.mark.parametrize(
    "output", ['{"a": 1}', "[1, 2]", "3", '"text"', "null", {"a": 1}, [], {}, ' {"a": "é"}\n']
)
def test_json_text_objects_and_lists_are_valid(score: ScoreOutput, output: JSON) -> None:
    assert score("json_valid", output).value is True


@pytest.mark.parametrize(
    ("output", "comment"),
    [
        ("", "not JSON: the text is empty"),
        ("{'a': 1}", "not JSON: broken JSON at column 2"),
        ('{"a": NaN}', "not JSON: NaN is no JSON number"),
        ('{"a": 1, "a": 2}', "not JSON: the key 'a' appears twice"),
        ("```json\n{}\n```", "not JSON: broken JSON at column 1"),
        ("[" * 200_000, "not JSON"),
        (None, "the output is null, not JSON text"),
        (5, "the output is a number, not JSON text"),
    ],
)
def test_anything_else_is_not_valid_and_says_why(score: ScoreOutput, output: JSON, comment: str) -> None:
    cell = score("json_valid", output)
    assert cell.value is False
    assert (cell.comment or "").startswith(comment)


@pytest.mark.parametrize("output", [{"answer": "x"}, '{"answer": "x", "sources": [1]}'])
def test_an_output_that_adheres_to_the_schema_passes(score: ScoreOutput, output: JSON) -> None:
    assert score("json_schema", output, schema=SCHEMA).value is True


@pytest.mark.parametrize(
    ("output", "comment"),
    [
        ({}, "$: 'answer' is a required property"),
        ({"answer": "x", "sources": [1, "b"]}, "$.sources[1]: 'b' is not of type 'integer'"),
        (None, "$: None is not of type 'object'"),
        ("x", "not JSON: broken JSON at column 1"),
        ({"answer": ["x" * 10_000]}, "$.answer: ['xxxx"),
    ],
)
def test_the_first_breach_is_named_with_its_place(score: ScoreOutput, output: JSON, comment: str) -> None:
    cell = score("json_schema", output, schema=SCHEMA)
    assert cell.value is False
    assert (cell.comment or "").startswith(comment)
    assert len(cell.comment or "") < 300


def scored_with_file(root: Path, output: JSON, **arguments: JSON) -> Score:
    scorer = build(
        ScorerSpec(name="shape", use="json_schema", arguments=arguments, where="g.toml:4"), root=root
    )
    (cell,) = score_item(scorer, DatasetItem("a", "?"), RunItem("a", 0, "ok", output=output))
    return cell


def test_a_schema_may_stand_in_a_file_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "reply.json").write_text('{"type": "array"}', encoding="utf-8")
    assert scored_with_file(tmp_path, [], schema_file="reply.json").value is True
    assert scored_with_file(tmp_path, {}, schema_file="reply.json").value is False


def test_the_content_of_a_schema_file_is_part_of_the_version(tmp_path: Path) -> None:
    def version(content: str) -> str:
        (tmp_path / "reply.json").write_text(content, encoding="utf-8")
        spec = ScorerSpec(name="shape", use="json_schema", arguments={"schema_file": "reply.json"})
        return build(spec, root=tmp_path).version

    inline = ScorerSpec(name="shape", use="json_schema", arguments={"schema": {"type": "array"}})
    assert version('{"type": "array"}') == version('{ "type":"array" }') == build(inline).version
    assert version('{"type": "array"}') != version('{"type": "object"}')


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "the schema file reply.json cannot be read: No such file"),
        ("{", "the schema file reply.json is no JSON"),
        ("[]", "the schema file reply.json must hold a JSON object"),
        ("\ud800", "the schema file reply.json is no JSON"),
        ('{"type": "aray"}', r"the schema is no JSON Schema: 'aray' is not valid .*\(at type\)"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "reply.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(ConfigError, match=message) as caught:
        scored_with_file(tmp_path, {}, schema_file="reply.json")
    assert caught.value.where == "g.toml:4"


def test_a_schema_is_given_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"needs 'schema' .* or 'schema_file'"):
        scored_with_file(tmp_path, {})
    with pytest.raises(ConfigError, match="not both"):
        scored_with_file(tmp_path, {}, schema={}, schema_file="reply.json")
    with pytest.raises(ConfigError, match="'schema_file' must be a text"):
        scored_with_file(tmp_path, {}, schema_file=3)


def test_a_reference_to_another_document_is_not_fetched(score: ScoreOutput) -> None:
    cell = score("json_schema", {}, schema={"$ref": "https://example.com/reply.json"})
    assert cell.status == "error"
    assert "example.com/reply.json" in (cell.comment or "")
