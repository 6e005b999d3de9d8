"""The version under test: its commit, and what of the checkout is not committed.

What running leaves behind, what a gate writes and what other gates of the repository are made of say nothing about
the version of a candidate.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scoregate.git.checkout import printed

STORE_FOLDER = ".scoregate"

_MADE_BY_RUNNING = {STORE_FOLDER, "__pycache__"}
"""Folders that a run itself makes, the second one by importing the candidate."""
_HALF_WRITTEN = re.compile(r"\.[0-9a-f]{16}\.tmp")
"""What a process that was killed leaves of a file that it was writing."""
_WRITTEN_BY_GATES = re.compile(r"\.baseline\.jsonl(\.gz)?\Z|(\A|/)gates/calibrations/[^/]+\.json\Z")
_ABOUT_THE_REPOSITORY = {".gitignore", ".gitattributes", ".gitlab-ci.yml"}
_UNVERSIONED = "unversioned"
_SHORT = 7
_STATE_SECONDS = 30.0
_REPORTS = "reports"
"""Below the store's folder: the paths of reports that were written inside of the project, one a line."""


@dataclass(frozen=True, slots=True)
class Version:
    """A candidate's version. `commit` and `dirty` are None where there is no checkout."""

    label: str
    commit: str | None = None
    dirty: bool | None = None


def version_of(root: Path, *labels: str | None, aside: Callable[[], Collection[Path]] = tuple) -> Version:
    """The version of a candidate in the checkout at `root`, under the first label that is given.

    Without any, the label is the short commit, with `-dirty` for uncommitted changes, else "unversioned". What is
    uncommitted is told by `uncommitted`, which leaves `aside` out.
    """
    commit = printed(root, "rev-parse", "--verify", "--quiet", "HEAD", seconds=_STATE_SECONDS)
    commit = commit.strip() if commit else None
    changed = uncommitted(root, aside)
    dirty = None if changed is None else bool(changed)
    own = next((label for label in labels if label), None)
    if own is None:
        own = f"{commit[:_SHORT]}{'-dirty' if dirty else ''}" if commit else _UNVERSIONED
    return Version(own, commit, dirty)


def uncommitted(root: Path, aside: Callable[[], Collection[Path]] = tuple) -> tuple[str, ...] | None:
    """The files that are changed, new or gone and not committed, relative to the checkout's top, in git's order.

    Left out are ignored files, the store, compiled Python, files that a killed process left half written, baselines
    and calibrations, reports that were written here, workflows of CI, files of other gate projects in the same
    checkout, and the files of `aside`, which is asked only where something is left. None without git or outside a
    checkout.
    """
    status = printed(
        root,
        "status",
        "--porcelain=v1",
        "-z",
        "--untracked-files=all",
        "--no-renames",
        seconds=_STATE_SECONDS,
    )
    if status is None:
        return None
    entries = [entry for entry in status.split("\0") if entry]
    found = [entry[3:] for entry in entries if _counts(entry[3:], tracked=not entry.startswith("?? "))]
    if not found:
        return ()
    top = Path(
        (printed(root, "rev-parse", "--show-toplevel", seconds=_STATE_SECONDS) or str(root)).rstrip("\n")
    )
    left_out = {os.path.realpath(path) for path in [*aside(), *_reports(root)]}
    here, loaded = root.resolve(), _loaded_files()
    return tuple(
        name
        for name in found
        if (path := os.path.realpath(top / name)) not in left_out
        and (path in loaded or not _of_other_project(top, name, here))
    )


def _counts(name: str, *, tracked: bool) -> bool:
    parts = name.split("/")
    if not tracked and (not _MADE_BY_RUNNING.isdisjoint(parts) or _HALF_WRITTEN.fullmatch(parts[-1])):
        return False
    return not (parts[-1] in _ABOUT_THE_REPOSITORY or parts[0] == ".github" or _WRITTEN_BY_GATES.search(name))


def _of_other_project(top: Path, name: str, root: Path) -> bool:
    """Whether the file lies in the folder of another gate project, and not of one around `root`."""
    folders = [top / folder for folder in Path(name).parents if folder.name]
    return any(
        (folder / "gates").is_dir() and not root.is_relative_to(folder.resolve()) for folder in folders
    )


def _loaded_files() -> set[str]:
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return {os.path.realpath(file) for file in files if isinstance(file, str)}


def note_report(root: Path, path: Path) -> None:
    """Keep in mind that a report was written to `path`, so that it is no change of the candidate.

    Where it cannot be kept, the report counts as any other file.
    """
    written = Path(os.path.realpath(path))
    if not written.is_relative_to(root.resolve()) or written in _reports(root):
        return
    with suppress(OSError):
        place = root / STORE_FOLDER / _REPORTS
        place.parent.mkdir(exist_ok=True)
        line = os.fsencode(f"{written.relative_to(root.resolve())}\n")
        descriptor = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)


def _reports(root: Path) -> set[Path]:
    try:
        text = (root / STORE_FOLDER / _REPORTS).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return set()
    return {root.resolve() / line for line in text.splitlines() if line}
