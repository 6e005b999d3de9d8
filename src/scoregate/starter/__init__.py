"""The layout that `scoregate init` writes: small, working, and the same as a grown project's."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from scoregate.errors import ConfigError, ScoregateError
from scoregate.files.reading import decode_utf8, reading
from scoregate.files.writing import atomic_file
from scoregate.git.revisions import repository_top
from scoregate.starter.workflow import (
    COMMENT,
    WORKFLOW,
    Place,
    comment_workflow,
    new_workflow,
    shipped,
    with_gate,
)

_PLACES = {
    "experiment.py.txt": "experiments/{name}.py",
    "dataset.jsonl.txt": "datasets/{name}.jsonl",
    "gate.toml.txt": "gates/{name}.toml",
    "scores.toml.txt": "gates/scores.toml",
}
"""Shipped text -> where it goes. `@NAME@` in a text stands for the gate's name."""
_SHARED = ("scores.toml.txt",)
"""Written by the first gate of a project, and left to it by the next ones."""
_WORKFLOWS = Path(".github") / "workflows"
_IGNORED = {
    ".env": (".env", "/.env", ".env*"),
    ".scoregate/": (".scoregate/", ".scoregate", "/.scoregate/", "/.scoregate"),
}
"""Line that is wanted -> lines that do the same."""


@dataclass(frozen=True, slots=True)
class Starter:
    """What `init` did, by path."""

    new: tuple[Path, ...]
    kept: tuple[Path, ...]
    """Was there already, and stays as it is."""
    extended: tuple[Path, ...]
    """Was there already, and has the gate now."""


def write_starter(folder: Path, name: str, *, forks: bool = False) -> Starter:
    """Write the starter files.

    The workflow goes where GitHub looks for it, at the top of the repository: one, which runs all gates. With `forks`
    another one comments for it, and it has no rights itself. The score catalog and the workflows may be there already.
    Raises ConfigError, before anything is written, for a name that is no file name, any other file that exists, or a
    workflow that cannot be extended.
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
    texts = {path: shipped(source).replace("@NAME@", name) for source, path in paths.items()}
    extended: list[Path] = []
    for path, text in _workflows(folder, name, forks=forks).items():
        if not path.exists():
            texts[path] = text
        elif text == _read(path):
            kept.append(path)
        else:
            extended.append(path)
            texts[path] = text
    for path, text in texts.items():
        _write(path, text)
    return Starter(tuple(path for path in texts if path not in extended), tuple(kept), tuple(extended))


def _workflows(folder: Path, name: str, *, forks: bool) -> dict[Path, str]:
    """The workflows as they are to be."""
    top, project = _place_in_repository(folder)
    path, comment = (top / _WORKFLOWS / file for file in (WORKFLOW, COMMENT))
    place = Place(project.as_posix(), f"gates/{name}.toml")
    there = _read(path) if path.exists() else None
    if forks and there is not None and "pull-requests: write" in there:
        raise ConfigError(
            "its jobs comment themselves, which those of a pull request from a fork may not",
            where=str(path),
            hint='take `pull-requests: write` and `checks: write` out of it, and give the action `comment: "false"`, '
            "then call init again",
        )
    apart = forks or comment.exists()
    if there is None:
        texts = {path: new_workflow(place, rights=not apart)}
    else:
        texts = {path: with_gate(there, place, str(path), rights=not apart)}
    if apart:
        texts[comment] = _read(comment) if comment.exists() else comment_workflow()
    return texts


def _read(path: Path) -> str:
    try:
        with reading(path, ConfigError):
            return decode_utf8(path.read_bytes())
    except UnicodeDecodeError:
        raise ConfigError("is no text in UTF-8", where=str(path)) from None


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScoregateError(f"cannot be made: {error.strerror}", where=str(path.parent)) from error
    with atomic_file(path, ScoregateError) as file:
        file.write(text.encode())


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
