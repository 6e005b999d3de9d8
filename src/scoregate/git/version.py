"""Which version of the candidate this is: its label, and the state of the git checkout that it comes from."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from scoregate.git.command import run_git

STORE_FOLDER = ".scoregate"
UNVERSIONED = "unversioned"
_SHORT = 7
_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Version:
    """A candidate's version. `commit` and `dirty` are None where there is no checkout."""

    label: str
    commit: str | None = None
    dirty: bool | None = None


def version_of(root: Path, *labels: str | None) -> Version:
    """The version of a candidate in the checkout at `root`, under the first label that is given.

    Without any, the label is the short commit, with `-dirty` for uncommitted changes, else "unversioned".
    """
    commit, dirty = git_state(root)
    own = next((label for label in labels if label), None)
    if own is None:
        own = f"{commit[:_SHORT]}{'-dirty' if dirty else ''}" if commit else UNVERSIONED
    return Version(own, commit, dirty)


def git_state(root: Path) -> tuple[str | None, bool | None]:
    """The commit of the checkout that holds `root`, and whether anything in it is not committed.

    Not committed are changes of tracked files and files that are neither tracked nor ignored, except in
    `.scoregate/`. `(None, None)` without git or outside a checkout; no commit before the first one.
    """
    commit = _git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    status = _git(root, "status", "--porcelain=v1", "-z", "--untracked-files=all")
    dirty = None if status is None else any(_counts(entry) for entry in status.split("\0") if entry)
    return commit.strip() if commit else None, dirty


def _counts(entry: str) -> bool:
    return not entry.startswith("?? ") or STORE_FOLDER not in entry[3:].split("/")


def _git(root: Path, *arguments: str) -> str | None:
    """What git prints, or None if it cannot say."""
    try:
        done = run_git(root, *arguments, seconds=_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
