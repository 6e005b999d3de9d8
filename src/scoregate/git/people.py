"""Who is at the keyboard, for the record of an acceptance."""

from __future__ import annotations

import getpass
import subprocess
from pathlib import Path


def whoami(folder: Path) -> str:
    """Git's name and address of the user, else the login name."""
    parts = [_git(folder, key) for key in ("user.name", "user.email")]
    if parts[0]:
        return f"{parts[0]} <{parts[1]}>" if parts[1] else parts[0]
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _git(folder: Path, key: str) -> str:
    try:
        found = subprocess.run(
            ["git", "config", "--get", key],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()
