"""The house stands as CONTRIBUTING draws it: rooms in one order, no two files that import each other."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
PUBLIC_FACES = ("scoregate", "scoregate.langfuse")
"""Addresses of names that stand right of them: they import these where they are asked for, or for a type checker."""


def modules() -> dict[str, Path]:
    """Full name -> file, of every module of the package."""
    found = {}
    for path in (SOURCE / "scoregate").rglob("*.py"):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement below a node. An import is one, and no expression holds any."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield child
            yield from statements(child)


def imports(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Every module of ours that a file imports, wherever in it, also for a type checker alone."""
    for node in statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@cache
def graph() -> dict[str, set[str]]:
    known = modules()
    return {
        name: {other for other in imports(path, known) if other in known and other != name}
        for name, path in known.items()
    }


def layers() -> list[list[str]]:
    """The rooms as import-linter holds them, from top to bottom; those of one layer do not import each other."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (one for one in config["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    assert "ignore_imports" not in contract
    return [layer.split(" | ") for layer in contract["layers"]]


def room_of(module: str) -> str:
    return module.removeprefix("scoregate.").partition(".")[0]


def test_no_files_import_each_other_in_a_circle() -> None:
    arrows = {name: set() if name in PUBLIC_FACES else others for name, others in graph().items()}
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as circle:
        raise AssertionError(" imports ".join(reversed(circle.args[1]))) from None


def test_no_import_goes_up_or_aside_not_even_for_a_type_checker() -> None:
    height = {room: number for number, layer in enumerate(reversed(layers())) for room in layer}
    wrong = [
        f"{name} imports {other}"
        for name, others in graph().items()
        for other in others
        if name not in PUBLIC_FACES
        and other != "scoregate"
        and room_of(name) != room_of(other)
        and height[room_of(other)] >= height[room_of(name)]
    ]
    assert wrong == []


def test_contributing_names_every_room_in_the_same_order() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text[text.index("| room") :].partition("\n\n")[0]
    named = [re.findall(r"`([a-z_]+)/?`", line.split("|")[1]) for line in table.splitlines()[2:]]
    assert list(chain(*named)) == [room for layer in layers() for room in layer if room != "__main__"]
