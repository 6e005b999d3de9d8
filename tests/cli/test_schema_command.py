"""`scoregate schema`: the JSON Schemas of gate files and catalogs, printed or written."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from scoregate.config_schema import catalog_schema, gate_schema
from scoregate.records import JSON
from tests.cli.project import Project
from tests.documents import PUBLISHED

Small = Callable[..., Project]
SCHEMAS: dict[str, Callable[[], JSON]] = {"gate": gate_schema, "scores": catalog_schema}


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_schema_is_all_of_stdout(kind: str, small: Small) -> None:
    printed = small().scoregate("schema", kind)

    assert printed.code == 0
    assert printed.err == ""
    assert printed.json() == SCHEMAS[kind]()


def test_the_schema_of_the_result_document_is_the_published_one(small: Small) -> None:
    assert small().scoregate("schema", "verdict").json() == json.loads(PUBLISHED.read_text(encoding="utf-8"))


def test_a_schema_that_is_written_finds_what_is_wrong_with_a_gate(small: Small) -> None:
    project = small()
    assert project.scoregate("schema", "gate", "-o", "gate.schema.json").out == "wrote gate.schema.json\n"
    check = Draft202012Validator(json.loads(project.read("gate.schema.json")))
    gate = tomllib.loads(project.read("gates/agent.toml"))

    assert check.is_valid(gate)
    assert [error.message for error in check.iter_errors({**gate, "trails": 3})] == [
        "Additional properties are not allowed ('trails' was unexpected)"
    ]


def test_the_argument_of_a_scorer_that_is_wrong_is_named() -> None:
    gate = {"scores": {"x": {}}, "scorers": {"x": {"use": "fuzzy_match", "threshold": 1.5}}}
    (error,) = Draft202012Validator(gate_schema()).iter_errors(gate)

    assert (error.json_path, error.message) == (
        "$.scorers.x.threshold",
        "1.5 is greater than the maximum of 1",
    )


def test_a_place_that_cannot_be_written_is_one_line(small: Small) -> None:
    project = small()

    assert "cannot be written" in project.scoregate("schema", "gate", "-o", "no/such/folder.json").error(2)
    assert "'monitor' is not one of" in project.scoregate("schema", "monitor").error(2)


def test_the_page_about_editors_shows_what_taplo_reads() -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/editors.md").read_text(encoding="utf-8")
    rules = tomllib.loads("[[rule]]" + page.partition("[[rule]]")[2].partition("```")[0])["rule"]

    assert [rule["schema"]["path"] for rule in rules] == [
        "./gates/gate.schema.json",
        "./gates/scores.schema.json",
    ]
    for kind in SCHEMAS:
        assert f"-o gates/{kind}.schema.json" in page
