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
_IGNORED = {
    ".env": (".env", "/.env", ".env*"),
    ".scoregate/": (".scoregate/", ".scoregate", "/.scoregate/", "/.scoregate"),
}
"""Line that is wanted -> lines that do the same."""


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
        text = (files("scoregate.starter") / "files" / source).read_text(encoding="utf-8")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ScoregateError(f"cannot be made: {error.strerror}", where=str(path.parent)) from error
        with atomic_file(path, ScoregateError) as file:
            file.write(text.replace("@NAME@", name).encode())
    return list(paths.values()), kept


def ignore_in_git(folder: Path) -> tuple[Path, tuple[str, ...]]:
    """Have git ignore `.env` and `.scoregate/` in a folder: the ignore file, and the lines that it lacked.

    They are written behind what is there, which stays. Raises ScoregateError.
    """
    path = folder / ".gitignore"
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
        there = {line.strip() for line in text.splitlines()}
        added = tuple(line for line, same in _IGNORED.items() if there.isdisjoint(same))
        if added:
            with path.open("a", encoding="utf-8") as file:
                file.write(
                    "".join(
                        ["\n" if text and not text.endswith("\n") else "", *(f"{line}\n" for line in added)]
                    )
                )
    except OSError as error:
        raise ScoregateError(f"cannot be written: {error.strerror}", where=str(path)) from error
    return path, added
