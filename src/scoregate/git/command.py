"""Git, asked about a folder, whatever hook or other git command this process was started by."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

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
