"""Where a run comes from: the branch, the pull request and the CI job, as far as they can be told."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

_GIT_SECONDS = 5.0


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
        found = {"branch": _branch(root), "ci_job": environ.get("BUILD_URL", "")}
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


def _branch(root: Path) -> str:
    command = ["git", "symbolic-ref", "--quiet", "--short", "HEAD"]
    try:
        told = subprocess.run(
            command, cwd=root, capture_output=True, text=True, timeout=_GIT_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""  # no git, or no checkout: there is no branch to name
    return told.stdout.strip()
