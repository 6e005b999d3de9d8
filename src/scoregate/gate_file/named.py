"""The gates that a command line means: gate files, and folders of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from scoregate.errors import ConfigError
from scoregate.files.reading import shown_path
from scoregate.gate_file.project import GATES_FOLDER, NO_GATES, gates_below


def named_gates(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Every gate that is named, or lies in a folder that is, once and in this order.

    A folder's gates are its TOML files but those that are something else by their name, such as `scores.toml`, which
    are passed over where a shell's `gates/*.toml` names them too. Whether the others are gates, their reader says.

    Raises ConfigError where there is none.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        for file in _gates_in(path) if path.is_dir() else [path]:
            if len(paths) == 1 or file.name not in NO_GATES:
                found.setdefault(file.resolve(), file)
    if not found:
        raise ConfigError("none of these files is a gate", where=_listed(paths))
    return tuple(found.values())


def not_named(paths: Sequence[Path]) -> list[Path]:
    """Gates in folders of the folders that are named, which do not stand for them, unless they are named as well."""
    named = {file.resolve() for file in named_gates(paths)}
    folders = [path.resolve() for path in paths if path.is_dir()]
    below = (gate for one in folders if one.name == GATES_FOLDER for gate in gates_below(one.parent))
    return [gate for gate in dict.fromkeys(below) if gate.resolve() not in named]


def _gates_in(folder: Path) -> list[Path]:
    gates = sorted(path for path in folder.glob("*.toml") if path.name not in NO_GATES and not path.is_dir())
    if not gates:
        inner = folder / GATES_FOLDER
        hint = f"did you mean '{shown_path(inner)}'?" if inner.is_dir() else "a gate is a TOML file"
        raise ConfigError("there is no gate in this folder", where=str(folder), hint=hint)
    return gates


def _listed(paths: Iterable[Path]) -> str:
    return ", ".join(map(str, paths))
