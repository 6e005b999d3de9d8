"""Every gate and every catalog that the reader takes is valid under its schema."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from scoregate.catalog import read_catalog
from scoregate.config_schema import catalog_schema, gate_schema
from scoregate.errors import ConfigError
from scoregate.gate_file import Gate, read_gate
from scoregate.gate_file.gate import JUDGE
from scoregate.records import JSON
from scoregate.scorers import build

ROOT = Path(__file__).parents[2]
GATE, CATALOG = Draft202012Validator(gate_schema()), Draft202012Validator(catalog_schema())
BEGINS = re.compile(r"\s*(\[|[\w.-]+ *=|#)")
"""How TOML begins, and hardly any prose."""
FENCE = re.compile(r"```toml\n(.*?)```", re.DOTALL)


def faults(validator: Draft202012Validator, document: JSON) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def written() -> Iterator[str]:
    """TOML that stands in the repository: in files, in the documentation, and in the texts of tests."""
    for path in (*ROOT.glob("gates/*.toml"), *ROOT.glob("src/scoregate/starter/files/*.toml.txt")):
        yield path.read_text(encoding="utf-8").replace("@NAME@", "agent")
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")):
        yield from FENCE.findall(path.read_text(encoding="utf-8"))
    for path in ROOT.glob("tests/**/*.py"):
        source = path.read_text(encoding="utf-8")
        if not re.search(r"\[scores|\btype *= *.?[\"']", source):
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and BEGINS.match(node.value):
                yield node.value


def documents() -> list[tuple[str, dict[str, JSON]]]:
    """Those that are TOML at all, with what they parse to."""
    found = {}
    for part in written():
        for text in (
            part,
            f"{part}\n[scores.any]\n",
        ):  # many tests write the part of a gate that they are about
            try:
                found[text] = tomllib.loads(text)
            except (tomllib.TOMLDecodeError, RecursionError):
                continue
    return list(found.items())


def taken_gate(path: Path) -> Gate | None:
    """The gate if its reader takes it, and its scorers those who make them."""
    try:
        gate = read_gate(path)
        for spec in gate.scorers:
            if spec.use != JUDGE:
                build(spec, root=path.parent)
    except ConfigError:
        return None
    return gate


def taken_catalog(path: Path) -> bool:
    try:
        read_catalog(path)
    except ConfigError:
        return False
    return True


def test_the_schemas_are_valid_themselves() -> None:
    for schema in (gate_schema(), catalog_schema()):
        Draft202012Validator.check_schema(schema)


@pytest.fixture(scope="module")
def found() -> list[tuple[str, dict[str, JSON]]]:
    return documents()


def test_every_gate_that_is_taken_is_valid(found: list[tuple[str, dict[str, JSON]]], tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text('{"type": "object"}')
    taken = 0
    for text, document in found:
        if "scores" not in document:
            continue
        path = tmp_path / "gate.toml"
        path.write_text(text, encoding="utf-8")
        if taken_gate(path) is not None:
            taken += 1
            assert faults(GATE, document) == [], text
    assert taken >= 100


def test_every_catalog_that_is_taken_is_valid(
    found: list[tuple[str, dict[str, JSON]]], tmp_path: Path
) -> None:
    taken = 0
    for text, document in found:
        if not all(isinstance(table, dict) and "type" in table for table in document.values()):
            continue
        path = tmp_path / "scores.toml"
        path.write_text(text, encoding="utf-8")
        if taken_catalog(path):
            taken += 1
            assert faults(CATALOG, document) == [], text
    assert taken >= 14


@pytest.mark.parametrize("name", ["support-agent", "support-agent-side-by-side"])
def test_the_examples_of_this_repository_are_valid(name: str) -> None:
    path = ROOT / "gates" / f"{name}.toml"

    assert taken_gate(path) is not None
    assert faults(GATE, tomllib.loads(path.read_text(encoding="utf-8"))) == []


def test_a_gate_is_no_catalog_and_a_catalog_is_no_gate() -> None:
    gate = tomllib.loads((ROOT / "gates/support-agent.toml").read_text(encoding="utf-8"))
    catalog = tomllib.loads((ROOT / "gates/scores.toml").read_text(encoding="utf-8"))

    assert faults(CATALOG, gate)
    assert faults(GATE, catalog)
