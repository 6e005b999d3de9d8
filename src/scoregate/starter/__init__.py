"""The layout that `scoregate init` writes: small, working, and the same as a grown project's."""

from __future__ import annotations

import os
import re
from importlib.resources import files
from pathlib import Path

from scoregate.errors import ConfigError, ScoregateError
from scoregate.files.writing import atomic_file
from scoregate.git.revisions import repository_top

_PLACES = {
    "experiment.py.txt": "experiments/{name}.py",
    "dataset.jsonl.txt": "datasets/{name}.jsonl",
    "gate.toml.txt": "gates/{name}.toml",
    "scores.toml.txt": "gates/scores.toml",
}
"""Shipped text -> where it goes. `@NAME@` in a text stands for the gate's name."""
_SHARED = ("scores.toml.txt",)
"""Written by the first gate of a project, and left to it by the next ones."""
_WORKFLOW = "workflow.yml.txt"
_WORKFLOWS = Path(".github") / "workflows"
_IGNORED = {
    ".env": (".env", "/.env", ".env*"),
    ".scoregate/": (".scoregate/", ".scoregate", "/.scoregate/", "/.scoregate"),
}
"""Line that is wanted -> lines that do the same."""


def write_starter(folder: Path, name: str) -> tuple[list[Path], list[Path]]:
    """Write the starter files; returns the paths that are new and those that were there and stay as they are.

    The workflow goes where GitHub looks for it, at the top of the repository, one for each gate. Only the score catalog
    may be there already. Raises ConfigError, before anything is written, for a name that is no file name or any other
    file that exists.
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
    top, project = _place_in_repository(folder)
    paths[_WORKFLOW] = _new_workflow(top, project, name)
    inside = (
        ""
        if project == Path()
        else f"    defaults:\n      run:\n        working-directory: {_quoted(project)}\n"
    )
    for source, path in paths.items():
        text = (files("scoregate.starter") / "files" / source).read_text(encoding="utf-8")
        text = text.replace("@INSIDE@", inside)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ScoregateError(f"cannot be made: {error.strerror}", where=str(path.parent)) from error
        with atomic_file(path, ScoregateError) as file:
            file.write(text.replace("@NAME@", name).encode())
    return list(paths.values()), kept


def _place_in_repository(folder: Path) -> tuple[Path, Path]:
    """The top of the repository as a person types it from here, and the project's folder from there.

    Outside of a repository the project is taken for its top.
    """
    here = next((place for place in (folder, *folder.absolute().parents) if place.is_dir()), folder)
    try:
        top = repository_top(here)
    except ConfigError:
        return folder, Path()
    project = folder.resolve().relative_to(top)
    return (folder if project == Path() else Path(os.path.relpath(top))), project


def _new_workflow(top: Path, project: Path, name: str) -> Path:
    """`scoregate.yml` for the first gate of a repository, `scoregate-FOLDER-NAME.yml` for the next ones."""
    first = top / _WORKFLOWS / "scoregate.yml"
    if not first.exists():
        return first
    which = "-".join(re.sub(r"[^A-Za-z0-9_-]+", "-", part) for part in (*project.parts, name))
    return top / _WORKFLOWS / f"scoregate-{which}.yml"


def _quoted(path: Path) -> str:
    """A path as a text of YAML, which takes those of JSON."""
    import json

    return json.dumps(path.as_posix(), ensure_ascii=False)


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
