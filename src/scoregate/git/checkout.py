"""What git says of a checkout: the version under test, the branch, the person, whatever git command started this."""

from __future__ import annotations

import getpass
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STORE_FOLDER = ".scoregate"
_MADE_BY_RUNNING = {STORE_FOLDER, "__pycache__"}
"""Folders that a run itself makes, the second one by importing the candidate."""
_UNVERSIONED = "unversioned"
_SHORT = 7
_STATE_SECONDS = 30.0
_BRANCH_SECONDS = 5.0
_PERSON_SECONDS = 10.0
_LOCATIONS = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
"""A hook is given these. They say which repository git works on, whatever folder it is sent to."""


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
        own = f"{commit[:_SHORT]}{'-dirty' if dirty else ''}" if commit else _UNVERSIONED
    return Version(own, commit, dirty)


def git_state(root: Path) -> tuple[str | None, bool | None]:
    """The commit of the checkout that holds `root`, and whether anything in it is not committed.

    Not committed are changes of tracked files and files that are neither tracked nor ignored, except in
    `.scoregate/` and `__pycache__/`. `(None, None)` without git or outside a checkout; no commit before the first one.
    """
    commit = _printed(root, "rev-parse", "--verify", "--quiet", "HEAD", seconds=_STATE_SECONDS)
    status = _printed(root, "status", "--porcelain=v1", "-z", "--untracked-files=all", seconds=_STATE_SECONDS)
    dirty = None if status is None else any(_counts(entry) for entry in status.split("\0") if entry)
    return commit.strip() if commit else None, dirty


def _counts(entry: str) -> bool:
    return not entry.startswith("?? ") or _MADE_BY_RUNNING.isdisjoint(entry[3:].split("/"))


def origin_of(root: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """`branch`, `pull_request` and `ci_job` (a web address, or a name); what is not known is left out.

    GitHub Actions and GitLab say it in variables, and there the checkout names no branch; elsewhere git is asked.
    """
    if environ.get("GITHUB_ACTIONS") == "true":
        found = _github(environ)
    elif environ.get("GITLAB_CI") == "true":
        found = {
            "branch": environ.get("CI_COMMIT_BRANCH")
            or environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", ""),
            "pull_request": environ.get("CI_MERGE_REQUEST_IID", ""),
            "ci_job": environ.get("CI_JOB_URL", ""),
        }
    else:
        branch = _line(root, "symbolic-ref", "--quiet", "--short", "HEAD", seconds=_BRANCH_SECONDS)
        found = {"branch": branch, "ci_job": environ.get("BUILD_URL", "")}
    return {name: value for name, value in found.items() if value}


def _github(environ: Mapping[str, str]) -> dict[str, str]:
    pull = re.fullmatch(r"refs/pull/(\d+)/\w+", environ.get("GITHUB_REF", ""))
    place = [environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    run = f"{place[0]}/{place[1]}/actions/runs/{place[2]}" if all(place) else ""
    return {
        "branch": environ.get("GITHUB_HEAD_REF") or environ.get("GITHUB_REF_NAME", ""),
        "pull_request": pull.group(1) if pull else "",
        "ci_job": " ".join(filter(None, (environ.get("GITHUB_JOB", ""), run))),
    }


def whoami(folder: Path) -> str:
    """Git's name and address of the user, else the login name."""
    name = _line(folder, "config", "--get", "user.name", seconds=_PERSON_SECONDS)
    address = _line(folder, "config", "--get", "user.email", seconds=_PERSON_SECONDS)
    if name:
        return f"{name} <{address}>" if address else name
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def run_git(folder: Path, *arguments: str, seconds: float | None = None) -> subprocess.CompletedProcess[str]:
    """Run git in `folder`, in English and without its locations of elsewhere, hooks or questions.

    Raises OSError where there is no git, and subprocess.TimeoutExpired after `seconds`.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _LOCATIONS}
    return subprocess.run(
        ["git", "--no-optional-locks", "-c", f"core.hooksPath={os.devnull}", "-C", str(folder), *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=seconds,
        check=False,
        env={**environment, "LC_ALL": "C.UTF-8", "LANGUAGE": "C", "GIT_TERMINAL_PROMPT": "0"},
    )


def _printed(folder: Path, *arguments: str, seconds: float) -> str | None:
    """What git prints, or None if it cannot say."""
    try:
        done = run_git(folder, *arguments, seconds=seconds)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


def _line(folder: Path, *arguments: str, seconds: float) -> str:
    """The one line that git prints, as text that can be stored; empty if it cannot say."""
    printed = _printed(folder, *arguments, seconds=seconds) or ""
    return printed.encode("utf-8", "surrogateescape").decode("utf-8", "replace").strip()
