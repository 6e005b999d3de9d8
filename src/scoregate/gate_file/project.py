"""What is said once for all gates of a project: `[project]` of `gates/project.toml`, or `[tool.scoregate]` of the
nearest `pyproject.toml` that has such a table, up to the top of the repository.

`alpha` is shared in equal parts by all gates that it is said for, whichever of them a command names or leaves out: so
all of them together fail an unchanged repository no more often, also where each is run by a job of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scoregate.catalog import CATALOG_FILE
from scoregate.config.table import Choice, ConfigTable, Keys, Number, Table
from scoregate.config.toml_lines import read_toml

POLICIES: tuple[Literal["head", "base"], ...] = ("head", "base")
PROJECT_FILE = "project.toml"
PYPROJECT = "pyproject.toml"
NO_GATES = (CATALOG_FILE, PROJECT_FILE, "waivers.toml", PYPROJECT)
"""TOML files beside gates that are none."""
GATES_FOLDER = "gates"
ALPHA = Number(at_least=1e-9, below=0.5)
"""Shares of less could not be told from none where they are subtracted from 1."""
PROJECT = Table(keys={"project": Table(keys={"alpha": ALPHA})})
"""What may stand in `gates/project.toml`."""
TOOL_KEYS: Keys = {"policy": Choice(POLICIES), "alpha": ALPHA}
_NO_PROJECTS = ("node_modules", "site-packages", "__pycache__")


@dataclass(frozen=True, slots=True)
class SharedAlpha:
    """The false-alarm level of a build, and between how many gates it is shared."""

    alpha: float
    gates: int
    place: Path
    """The file that says so."""

    @property
    def share(self) -> float:
        """What each of them gets."""
        return self.alpha / self.gates


def shared_alpha(root: Path) -> SharedAlpha | None:
    """What the gates of the project at `root` share; None where nothing says that they do. Raises ConfigError."""
    found = _stated(root)
    if found is None:
        return None
    place, alpha = found
    gates = sum(_place_of(gate) == place for gate in _gates_below(place.parent))
    return SharedAlpha(alpha, max(1, gates), place)


def project_table(root: Path, top: Path) -> tuple[ConfigTable, Path] | None:
    """`[tool.scoregate]` of the nearest `pyproject.toml` from `root` up to the folder `top`, and its file."""
    for folder in (root, *root.parents):
        place = folder / PYPROJECT
        if place.is_file():
            tool = ConfigTable.top_of(read_toml(place, "project")).table("tool")
            said = tool.table("scoregate") if tool is not None else None
            if said is not None:
                return said.declared(TOOL_KEYS), place
        if folder == top:
            break
    return None


def gates_below(root: Path) -> list[Path]:
    """The gates of the project at `root`, also of folders in its folder of gates."""
    return sorted(_gates_below(root / GATES_FOLDER))


def _stated(root: Path) -> tuple[Path, float] | None:
    """The file that states alpha for the project at `root`, and what it states."""
    own = root / GATES_FOLDER / PROJECT_FILE
    if own.is_file():
        table = ConfigTable.top_of(read_toml(own, "project")).declared(PROJECT.keys).table("project")
        alpha = table.declared({"alpha": ALPHA}).number("alpha") if table is not None else None
        if alpha is not None:
            return own, alpha
    found = project_table(root, _top(root))
    alpha = found[0].number("alpha") if found is not None else None
    return None if found is None or alpha is None else (found[1], alpha)


def _place_of(gate: Path) -> Path | None:
    folder = next((folder for folder in gate.parents if folder.name == GATES_FOLDER), gate.parent)
    found = _stated(folder.parent)
    return found[0] if found is not None else None


def _gates_below(top: Path) -> Iterator[Path]:
    """Every gate file in a folder `gates/` below, in no hidden folder and no environment of packages."""
    for name, folders, files in os.walk(top):
        folder = Path(name)
        folders[:] = [
            inner
            for inner in folders
            if not inner.startswith(".")
            and inner not in _NO_PROJECTS
            and not (folder / inner / "pyvenv.cfg").exists()
        ]
        if top.name == GATES_FOLDER or GATES_FOLDER in folder.relative_to(top).parts:
            yield from (folder / file for file in files if file.endswith(".toml") and file not in NO_GATES)


def _top(root: Path) -> Path:
    """The top folder of the repository around `root`, or `root` where there is none."""
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
