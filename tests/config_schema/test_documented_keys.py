"""The documentation names every key of the schemas, and its tables of keys name no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoregate.config_schema import catalog_schema, gate_schema

DOCS = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parents[2] / "docs").rglob("*.md"))
)
GATE = gate_schema()["properties"]
TABLES = {"candidate", "limits", "rounds", "scores", "scorers", "slices"}
RULE = GATE["scores"]["additionalProperties"]["properties"]
KEYS: dict[str, set[str]] = {
    "top": set(GATE) - TABLES,
    **{name: set(GATE[name]["properties"]) for name in ("candidate", "limits", "rounds")},
    "scores": set(RULE),
    "require_calibration": set(RULE["require_calibration"]["properties"]),
    "catalog": set(catalog_schema()["additionalProperties"]["properties"]),
}
SCORERS: dict[str, set[str]] = {
    condition["if"]["properties"]["use"]["const"]: set(condition["then"]["properties"]) - {"use"}
    for condition in GATE["scorers"]["additionalProperties"]["allOf"]
}
OF_ALL = {"output_path", "expected_path", "optional"}
"""Told once for all scorers, above their table."""
MEASURED = {"latency_seconds", "cost_usd", "tokens_input", "tokens_output", "tokens_total"}
"""Scorers that need no table, and are told of apart."""


def rows(head: str) -> Iterator[list[list[str]]]:
    """The tables whose first column has this head: for each row the cells."""
    for table in re.findall(rf"^\| {re.escape(head)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", DOCS, re.MULTILINE):
        yield [line.split("|")[1:-1] for line in table.splitlines()]


def names(cell: str) -> set[str]:
    """The names in a text that stand in code, tables in their brackets left out."""
    return set(re.findall(r"`([a-z_]+)`", cell))


def tables_of_keys() -> list[set[str]]:
    return [{name for row in table for name in names(row[0])} for table in rows("key")]


def told_of(keys: set[str]) -> str:
    """The part whose keys a table names."""
    return max(KEYS, key=lambda part: (len(keys & KEYS[part]), -len(KEYS[part])))


def test_a_table_of_keys_names_no_key_that_is_not_there() -> None:
    tables = tables_of_keys()

    assert {told_of(table) for table in tables} >= {"top", "candidate", "scores", "catalog"}
    for table in tables:
        assert table - KEYS[told_of(table)] - TABLES == set()


@pytest.mark.parametrize("part", KEYS)
def test_every_key_is_documented(part: str) -> None:
    in_tables = set().union(*(table for table in tables_of_keys() if told_of(table) == part))
    in_code = set(re.findall(r"[a-z_0-9]+", " ".join(re.findall(r"`[^`\n]+`", DOCS))))

    assert KEYS[part] - in_tables - in_code == set()
    if part in ("top", "candidate", "scores"):
        assert KEYS[part] - in_tables == set()


@pytest.mark.parametrize("table", sorted(TABLES))
def test_every_table_of_a_gate_is_documented(table: str) -> None:
    assert re.search(rf"`\[{table}(\.NAME)?\]`", DOCS)


def test_the_table_of_scorers_names_them_all_and_no_other() -> None:
    (table,) = rows("`use`")
    listed = set().union(*(names(row[0]) for row in table))

    assert listed - set(SCORERS) == set()
    assert set(SCORERS) - MEASURED - {"measured"} <= listed
    assert set(re.findall(r"[a-z_]+", DOCS.partition("| `use` |")[0].rpartition("#")[2])) >= OF_ALL


@pytest.mark.parametrize("use", sorted(set(SCORERS) - MEASURED - {"judge", "measured"}))
def test_the_row_of_a_scorer_names_its_arguments_and_no_other(use: str) -> None:
    (table,) = rows("`use`")
    (row,) = (row for row in table if use in names(row[0]))
    of_the_row = set().union(*(SCORERS[name] for name in names(row[0])))

    assert SCORERS[use] - OF_ALL <= names(row[1])
    assert names(row[1]) <= of_the_row


def test_the_examples_of_a_judge_show_every_key_and_no_other() -> None:
    examples = [part.partition("\n\n")[0] for part in DOCS.split("[scorers.relevance]\n")[1:]]
    shown = [set(re.findall(r"^([a-z_]+) *=", example, re.MULTILINE)) - {"use"} for example in examples]

    assert max(shown, key=len) == SCORERS["judge"]
    assert set().union(*shown) == SCORERS["judge"]
