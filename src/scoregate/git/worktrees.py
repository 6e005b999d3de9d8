"""Another commit's files, in a worktree of its own below `.scoregate/`, kept for the next time."""

from __future__ import annotations

import shutil
from pathlib import Path

from scoregate.errors import ConfigError
from scoregate.files.file_lock import file_lock
from scoregate.git.revisions import Revision, git, git_error, repository_top
from scoregate.git.version import STORE_FOLDER

_FOLDER = "worktrees"
_NAME_DIGITS = 12
_REPAIRS = (("reset", "--hard", "--quiet"), ("clean", "-ffdq", "--exclude=__pycache__"))


def worktree_of(root: Path, revision: Revision) -> Path:
    """The project's folder in a checkout of the revision, which is made or repaired where it has to be.

    The checkout is `.scoregate/worktrees/<commit>` below `root`; the path returned is the subfolder of it that
    `root` is of its repository. Tracked files are as they were committed; what a run has left beside them and git
    ignores stays. Processes that ask at once wait for each other. Raises ConfigError.
    """
    root = root.resolve()
    inner = root.relative_to(repository_top(root))
    folder = own_folder(root, _FOLDER) / revision.commit[:_NAME_DIGITS]
    with file_lock(folder.parent / "lock"):
        if not (_is_at(folder, revision.commit) and _is_restored(folder)):
            _make_anew(root, folder, revision)
    project = folder / inner
    if not project.is_dir():
        raise ConfigError(f"the project's folder '{inner}' does not exist at {revision.label}")
    return project


def own_folder(root: Path, name: str) -> Path:
    """The folder `.scoregate/NAME`, which git passes over. Raises ConfigError where it cannot be made."""
    place = root / STORE_FOLDER
    try:
        (place / name).mkdir(parents=True, exist_ok=True)
        ignore = place / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be made: {error.strerror}", where=str(place / name)) from error
    return place / name


def _is_at(folder: Path, commit: str) -> bool:
    """Whether the folder is a worktree at the commit, and not just a folder inside the project's checkout."""
    if not (folder / ".git").is_file():
        return False
    done = git(folder, "rev-parse", "--show-toplevel", "HEAD")
    return done.returncode == 0 and done.stdout.splitlines() == [str(folder.resolve()), commit]


def _is_restored(folder: Path) -> bool:
    """Put back what was committed, if a run has changed files of it or left new ones. False if it cannot be."""
    done = git(folder, "status", "--porcelain=v1", "-z", "--untracked-files=all")
    if done.returncode != 0:
        return False
    if all(_is_bytecode(entry) for entry in done.stdout.split("\0") if entry):
        return True
    return all(git(folder, *repair).returncode == 0 for repair in _REPAIRS)


def _is_bytecode(entry: str) -> bool:
    return entry.startswith("?? ") and "__pycache__" in entry[3:].split("/")


def _make_anew(root: Path, folder: Path, revision: Revision) -> None:
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise ConfigError(
            f"a broken checkout cannot be removed: {error.strerror}", where=str(folder), hint="remove it"
        ) from error
    # Twice --force: git may know the folder as a worktree that is missing, or as one that is being made.
    # `git worktree prune` would do it too, but also forget others of the user's that are only out of reach.
    done = git(root, "worktree", "add", "--force", "--force", "--detach", str(folder), revision.commit)
    if done.returncode != 0:
        raise git_error(f"git cannot check out {revision.label}", done, where=folder)
