"""The layout that `scoregate init` writes: small, working, and the same as a grown project's."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from scoregate.errors import ConfigError, ScoregateError
from scoregate.files.writing import atomic_file

_PLACES = {
    "experiment.py.txt": "experiments/{name}.py",
    "dataset.jsonl.txt": "datasets/{name}.jsonl",
    "gate.toml.txt": "gates/{name}.toml",
    "scores.toml.txt": "gates/scores.toml",
    "workflow.yml.txt": ".github/workflows/scoregate.yml",
}
"""Shipped text -> where it goes. `@NAME@` in a text stands for the gate's name."""
_SHARED = ("scores.toml.txt", "workflow.yml.txt")
"""Written by the first gate of a repository, and left to it by the next ones."""


def write_starter(folder: Path, name: str) -> tuple[list[Path], list[Path]]:
    """Write the starter files; returns the paths that are new and those that were there and stay as they are.

    Only the score catalog and the workflow may be there already. Raises ConfigError, before anything is
    written, for a name that is no file name or any other file that exists.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name) or name == "scores":
        raise ConfigError(
            f"'{name}' cannot name a gate",
            where="--name",
            hint="use letters, digits, - and _, such as support-agent",
        )
    paths = {source: folder / place.format(name=name) for source, place in _PLACES.items()}
    kept = [paths.pop(source) for source in _SHARED if paths[source].exists()]
    taken = [path for path in paths.values() if path.exists()]
    if taken:
        raise ConfigError(
            f"{taken[0]} exists already, so nothing was written",
            hint="choose another folder or --name, or move the file away",
        )
    for source, path in paths.items():
        text = (files("scoregate.project") / "starter_files" / source).read_text(encoding="utf-8")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ScoregateError(f"cannot be made: {error.strerror}", where=str(path.parent)) from error
        with atomic_file(path, ScoregateError) as file:
            file.write(text.replace("@NAME@", name).encode())
    return list(paths.values()), kept
