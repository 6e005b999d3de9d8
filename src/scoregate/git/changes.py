"""Which files of a checkout are not as they were at a commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from scoregate.git.revisions import git_error, repository_top, try_git


def changed_files(root: Path, commit: str, patterns: Sequence[str] = ()) -> frozenset[Path]:
    """What was changed, made, moved or removed since the commit, committed or not, in the repository around `root`.

    With `patterns`, which are git's (`src/**`, `requirements*.txt`, a folder) and begin at `root`, only what is among
    these. Ignored files are never told. Raises ConfigError, also for a pattern that leads out of the repository.
    """
    among = [f":(glob){pattern}" for pattern in patterns]
    top = repository_top(root)
    tracked = _names(root, "diff", "--name-only", "-z", "--no-renames", commit, "--", *among)
    new = _names(
        root, "ls-files", "--others", "--exclude-standard", "--full-name", "-z", "--", *(among or [":(top)"])
    )
    return frozenset(top / name for name in (*tracked, *new))


def unknown_files(root: Path, paths: Iterable[Path]) -> tuple[Path, ...]:
    """Those of these files that git knows nothing of: ignored ones, and what lies outside of the repository."""
    top = repository_top(root)
    inside = [path for path in paths if path.is_relative_to(top)]
    names = [f":(literal,top){path.relative_to(top)}" for path in inside]
    known = {
        top / name
        for what in (("--cached",), ("--others", "--exclude-standard"))
        for name in (_names(root, "ls-files", *what, "--full-name", "-z", "--", *names) if names else ())
    }
    return tuple(path for path in paths if path not in known)


def _names(root: Path, *arguments: str) -> list[str]:
    done = try_git(root, *arguments)
    if done.returncode != 0:
        raise git_error("git cannot tell what has changed", done, where=root)
    return [name for name in done.stdout.split("\0") if name]
