"""What git says of a checkout: the branch, the person, whatever git command started this."""

from __future__ import annotations

import getpass
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

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


def printed(folder: Path, *arguments: str, seconds: float) -> str | None:
    """What git prints, or None if it cannot say."""
    try:
        done = run_git(folder, *arguments, seconds=seconds)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


def _line(folder: Path, *arguments: str, seconds: float) -> str:
    """The one line that git prints, as text that can be stored; empty if it cannot say."""
    line = printed(folder, *arguments, seconds=seconds) or ""
    return line.encode("utf-8", "surrogateescape").decode("utf-8", "replace").strip()
