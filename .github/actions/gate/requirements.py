"""What pip is to install for a project, each argument behind the other, ended by NUL.

Usage: requirements.py FOLDER TOP, with the action's input in INPUT_REQUIREMENTS.
"""

from __future__ import annotations

import os
import shlex
import sys
import tomllib
from pathlib import Path


def asked_for(text: str) -> list[str]:
    """The arguments of the input's lines; a folder is installed so that its code stays where it is."""
    found: list[str] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.endswith(".txt") and not line.startswith("-"):
            found += ["-r", line]
        elif line.startswith((".", "/")):
            found += ["-e", line]
        else:
            found += shlex.split(line) if line.startswith("-") else [line]
    return found


def found_in(folder: Path) -> list[str]:
    """What the files of a project ask for; a pyproject.toml that builds no package, for its dependencies."""
    found: list[str] = []
    if (folder / "requirements.txt").is_file():
        found += ["-r", str(folder / "requirements.txt")]
    if (folder / "pyproject.toml").is_file():
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        if "build-system" in project:
            found += ["-e", str(folder)]
        else:
            found += project.get("project", {}).get("dependencies", [])
    return found


def main(folder: Path, top: Path) -> None:
    asked = os.environ.get("INPUT_REQUIREMENTS", "").strip()
    if asked == "none":
        return
    for argument in asked_for(asked) if asked else found_in(folder) or found_in(top):
        sys.stdout.write(f"{argument}\0")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
