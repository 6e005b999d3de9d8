"""The version that a baseline such as `git:main` means: its commit, and a worktree that has its files."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from scoregate.errors import ConfigError, did_you_mean
from scoregate.files.lock import file_lock
from scoregate.git.checkout import run_git
from scoregate.git.version import STORE_FOLDER

_MERGE_BASE = "merge-base"
_BASE_BRANCH = "GITHUB_BASE_REF"
"""In a pull request's workflow, the branch that it is to be merged into."""
_FETCH_ALL = "the clone is shallow: `git fetch --unshallow`, or `fetch-depth: 0` for actions/checkout"
_SHORT = 8
_WORKTREES = "worktrees"
_NAME_DIGITS = 12
_REPAIRS = (("reset", "--hard", "--quiet"), ("clean", "-ffdq", "--exclude=__pycache__"))


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit, and how it was asked for."""

    commit: str
    """Its full hash."""
    label: str
    """`<ref>@<first 8 digits>`, or the digits alone where the hash itself was asked for."""
    ref: str
    """What stood behind `git:`."""


def resolve_ref(root: Path, ref: str) -> Revision:
    """The commit that `REF`, `merge-base` or `merge-base:REF` means in the repository around `root`.

    REF is what git takes for a commit; a branch that only `origin` has is found too. The merge base is that of
    HEAD and REF, by default the branch that GITHUB_BASE_REF names, else origin's default branch, else `main` or
    `master`. Raises ConfigError.
    """
    if not ref:
        raise ConfigError("'git:' names no git ref", hint="such as git:main or git:merge-base")
    repository_top(root)
    if ref == _MERGE_BASE or ref.startswith(f"{_MERGE_BASE}:"):
        other = ref.removeprefix(_MERGE_BASE).removeprefix(":") or _default_branch(root)
        commit = _merge_base(root, other)
    else:
        commit = _commit_of(root, ref)
    short = commit[:_SHORT]
    return Revision(commit, short if commit.startswith(ref.lower()) else f"{ref}@{short}", ref)


def worktree_of(root: Path, revision: Revision) -> Path:
    """The project's folder in a checkout of the revision, which is made or repaired where it has to be.

    The checkout is `.scoregate/worktrees/<commit>` below `root`; the path returned is the subfolder of it that
    `root` is of its repository. Tracked files are as they were committed; what a run has left beside them and git
    ignores stays. Processes that ask at once wait for each other. Raises ConfigError.
    """
    root = root.resolve()
    inner = root.relative_to(repository_top(root))
    folder = own_folder(root, _WORKTREES) / revision.commit[:_NAME_DIGITS]
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


def repository_top(folder: Path) -> Path:
    """Top folder of the checkout that holds `folder`. Raises ConfigError where there is none."""
    done = try_git(folder, "rev-parse", "--show-toplevel")
    if done.returncode != 0:
        if "not a git repository" in done.stderr:
            raise ConfigError(
                "is in no git repository",
                where=str(folder),
                hint="a `git:` baseline needs one; a stored run or a results file does not",
            )
        raise git_error("cannot read the git repository", done, where=folder)
    return Path(done.stdout.rstrip("\n")).resolve()


def try_git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git in a folder. Raises ConfigError where there is no git."""
    try:
        return run_git(folder, *arguments)
    except OSError as error:
        raise ConfigError(
            f"git cannot be started: {error.strerror or error}",
            hint="install it, or take a stored run or a results file as the baseline",
        ) from error


def git_error(message: str, done: subprocess.CompletedProcess[str], *, where: Path) -> ConfigError:
    """An error with the line in which git says why."""
    said = [line for line in done.stderr.splitlines() if line.startswith(("fatal:", "error:"))]
    reason = said[-1].partition(":")[2].strip() if said else f"exit code {done.returncode}"
    return ConfigError(f"{message}: {reason}", where=str(where))


def _commit_of(root: Path, ref: str) -> str:
    commit = _find(root, ref) or _find(root, f"origin/{ref}")
    if commit is None:
        raise _unknown(root, ref)
    return commit


def _find(root: Path, ref: str) -> str | None:
    if ref.startswith("-"):
        return None  # would be an option
    done = try_git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    return done.stdout.strip() if done.returncode == 0 else None


def _unknown(root: Path, ref: str) -> ConfigError:
    if ref == "HEAD":
        return ConfigError("the git repository has no commit yet", where=str(root), hint="commit first")
    listed = try_git(
        root, "for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads", "refs/tags", "refs/remotes"
    )
    near = did_you_mean(ref, listed.stdout.split())
    if near is None or not near.startswith("did"):
        near = "`git branch --all` and `git tag` list what there is"
    advice = _FETCH_ALL if _is_shallow(root) else f"or get it first: `git fetch origin {ref}`"
    return ConfigError(f"git knows no '{ref}'", where=str(root), hint=f"{near}; {advice}")


def _default_branch(root: Path) -> str:
    base = os.environ.get(_BASE_BRANCH)
    candidates = (
        [f"origin/{base}", base]
        if base
        else ["origin/HEAD", "main", "master", "origin/main", "origin/master"]
    )
    for ref in candidates:
        if _find(root, ref) is not None:
            return ref
    if base:
        raise _unknown(root, base)
    raise ConfigError(
        "cannot tell the default branch: there is no origin/HEAD, main or master",
        where=str(root),
        hint=_FETCH_ALL if _is_shallow(root) else "name it: git:merge-base:BRANCH",
    )


def _merge_base(root: Path, other: str) -> str:
    head, theirs = _commit_of(root, "HEAD"), _commit_of(root, other)
    done = try_git(root, "merge-base", head, theirs)
    if done.returncode == 0:
        return done.stdout.split()[0]
    if done.returncode == 1:
        raise ConfigError(
            f"HEAD and '{other}' have no common commit here",
            where=str(root),
            hint=_FETCH_ALL if _is_shallow(root) else "name another branch: git:merge-base:BRANCH",
        )
    raise git_error(f"git finds no merge base of HEAD and '{other}'", done, where=root)


def _is_shallow(root: Path) -> bool:
    return try_git(root, "rev-parse", "--is-shallow-repository").stdout.strip() == "true"


def _is_at(folder: Path, commit: str) -> bool:
    """Whether the folder is a worktree at the commit, and not just a folder inside the project's checkout."""
    if not (folder / ".git").is_file():
        return False
    done = try_git(folder, "rev-parse", "--show-toplevel", "HEAD")
    return done.returncode == 0 and done.stdout.splitlines() == [str(folder.resolve()), commit]


def _is_restored(folder: Path) -> bool:
    """Put back what was committed, if a run has changed files of it or left new ones. False if it cannot be."""
    done = try_git(folder, "status", "--porcelain=v1", "-z", "--untracked-files=all")
    if done.returncode != 0:
        return False
    if all(_is_bytecode(entry) for entry in done.stdout.split("\0") if entry):
        return True
    return all(try_git(folder, *repair).returncode == 0 for repair in _REPAIRS)


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
    done = try_git(root, "worktree", "add", "--force", "--force", "--detach", str(folder), revision.commit)
    if done.returncode != 0:
        raise git_error(f"git cannot check out {revision.label}", done, where=folder)
