"""The gates, catalogs, results and programs that the documentation shows are read as they stand."""

from __future__ import annotations

import ast
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from scoregate.catalog import read_catalog
from scoregate.gate_file import read_gate
from scoregate.gate_file.project import PROJECT_FILE, PYPROJECT, project_table, shared_alpha
from scoregate.results_file import read_results
from tests.docs.pages import PAGES, Page

_WITH_TOML = [page for page in PAGES if any(page.blocks("toml"))]
_WITH_PYTHON = [
    page for page in PAGES if any(page.blocks("python")) and page.name != "docs/reference/python.md"
]


@pytest.mark.parametrize("page", _WITH_TOML, ids=lambda page: page.name)
def test_every_gate_and_catalog_is_read(page: Page, tmp_path: Path) -> None:
    for number, block in enumerate(page.blocks("toml")):
        parsed = tomllib.loads(block)
        gates = tmp_path / str(number) / "gates"
        gates.mkdir(parents=True)
        if set(parsed) in ({"tool"}, {"project"}):
            file = PYPROJECT if "tool" in parsed else f"gates/{PROJECT_FILE}"
            (gates.parent / file).write_text(block, encoding="utf-8")
            assert project_table(gates.parent, gates.parent) or shared_alpha(gates.parent)
            continue
        if all(isinstance(table, dict) and "type" in table for table in parsed.values()):
            (gates / "scores.toml").write_text(block, encoding="utf-8")
            assert set(read_catalog(gates / "scores.toml").contracts) == set(parsed)
        else:
            read_gate(_completed(block, parsed, gates / "shown.toml"))


def _completed(block: str, parsed: dict[str, Any], path: Path) -> Path:
    """A part of a gate made whole: a rule, the judge that a rule asks for, and what its score may be."""
    rules, scorers = parsed.get("scores", {}), parsed.get("scorers", {})
    judged = {name for name, table in scorers.items() if table["use"] == "judge"}
    lacking = {name for name, table in rules.items() if "require_calibration" in table} - judged
    parts = [block] if rules else [block, "[scores.correct]\nmax_drop = 0.05\n"]
    parts += [f'[scorers.{name}]\nuse = "judge"\nprompt = "p.md"\nmodel = "m"\n' for name in lacking]
    path.write_text("\n".join(parts), encoding="utf-8")
    if judged | lacking:
        contracts = (
            f'[{name}]\ntype = "numeric"\nmin = 0\nmax = 10\ndirection = "higher"\n'
            for name in sorted(judged | lacking)
        )
        (path.parent / "scores.toml").write_text("".join(contracts), encoding="utf-8")
    return path


@pytest.mark.parametrize("page", _WITH_PYTHON, ids=lambda page: page.name)
def test_every_program_is_python(page: Page) -> None:
    for block in page.blocks("python"):
        compile(block, page.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_the_results_file_that_is_shown_is_one(tmp_path: Path) -> None:
    page = next(page for page in PAGES if page.name == "docs/reference/results-file.md")
    [shown] = [block for block in page.blocks("") if block.startswith('{"kind": "run"')]
    path = tmp_path / "shown.jsonl"
    path.write_text(shown, encoding="utf-8")
    run = read_results(path)
    assert [item.item for item in run.items] == ["q-1"]
    assert json.loads(shown.splitlines()[0])["expected_items"] == run.header.expected_items


def test_some_gates_are_looked_at() -> None:
    assert sum(1 for page in PAGES for _ in page.blocks("toml")) > 10
