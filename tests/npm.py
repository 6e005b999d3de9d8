"""A package of the npm registry at a pinned version: what a test is held to and what is not ours to keep a copy of."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "scoregate-tests"
_SECONDS = 240


def file_of_package(name: str, version: str, member: str) -> Path:
    """One file of a package, fetched once and kept in the user's cache.

    Where there is no npm, or it does not get the package, the test is skipped; in CI it fails.
    """
    folder = _CACHE / f"{name.replace('/', '+')}-{version}"
    kept = folder / member
    if kept.is_file():
        return kept
    npm = shutil.which("npm")
    if npm is None:
        _without(f"there is no npm to fetch {name} with")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as own:
        try:
            done = subprocess.run(
                [npm, "pack", f"{name}@{version}", "--silent", "--ignore-scripts"],
                cwd=own,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            _without(f"npm has not fetched {name} in {_SECONDS} s")
        if done.returncode != 0:
            _without(f"npm does not fetch {name}@{version}: {done.stderr.strip()[:300]}")
        (packed,) = Path(own).glob("*.tgz")
        with tarfile.open(packed) as archive:
            content = archive.extractfile(f"package/{member}")
            assert content is not None
            whole = Path(own) / "whole"
            whole.write_bytes(content.read())
        kept.parent.mkdir(parents=True, exist_ok=True)
        whole.replace(kept)  # other tests may be at it
    return kept


def _without(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
