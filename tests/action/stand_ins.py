"""The actions of others that ours uses, as far as it sees them: GitHub's services are folders here."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TypeAlias

from tests.fork_server.process import PROGRAMS, programs, usual_environment

Inputs: TypeAlias = Mapping[str, str]
Outputs: TypeAlias = dict[str, str]
PRODUCT = Path(__file__).parents[2]


class StepFailed(Exception):
    """What the log of the step says."""


@dataclass(frozen=True)
class Services:
    """Caches and artifacts of a repository, in a folder, and whether an environment is ready before it is made."""

    folder: Path
    ready: bool = True
    """Whether the cache has an environment already: `programs`, with the scoregate of this checkout."""

    api_url: str = "http://127.0.0.1:9"
    token: str = "ghs_of_nobody"
    programs: Path = PROGRAMS
    machine: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    """Environment variables of a runner's machine."""

    def warm(self) -> Services:
        """The same on a machine whose `scoregate` is forked from a process that has imported everything."""
        return replace(self, programs=programs(), machine=usual_environment())

    def cold(self) -> Services:
        """The same on a machine where it starts as it does for users."""
        return replace(self, programs=PROGRAMS, machine=dict(os.environ))

    def use(self, action: str, inputs: Inputs, workspace: Path) -> Outputs:
        """Paths are seen from the workspace. Raises StepFailed, and KeyError for an action that has no stand-in."""
        if "path" in inputs:
            inputs = {**inputs, "path": str(workspace / inputs["path"])}
        known: dict[str, Callable[[Inputs], Outputs]] = {
            "actions/setup-python": self._set_up_python,
            "actions/cache/restore": self._restore,
            "actions/cache/save": self._save,
            "actions/upload-artifact": self._upload,
            "actions/download-artifact": self._download,
        }
        return known[action.partition("@")[0]](inputs)

    @property
    def caches(self) -> list[str]:
        """Keys, the newest first."""
        kept = (self.folder / "caches").glob("*")
        return [path.name for path in sorted(kept, key=lambda path: path.stat().st_mtime_ns, reverse=True)]

    @property
    def artifacts(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "artifacts").glob("*"))

    def artifact(self, name: str) -> Path:
        return self.folder / "artifacts" / name

    def _set_up_python(self, inputs: Inputs) -> Outputs:
        """Of this environment, which is in the path already."""
        return {"python-version": platform.python_version(), "python-path": sys.executable}

    def _restore(self, inputs: Inputs) -> Outputs:
        key, path = inputs["key"], Path(inputs["path"])
        if self.ready and key.startswith("scoregate-environment-"):
            _make_ready(path, self.programs)
            return {"cache-hit": "true", "cache-primary-key": key, "cache-matched-key": key}
        prefixes = inputs.get("restore-keys", "").split()
        same = [kept for kept in self.caches if kept == key]
        like = [kept for kept in self.caches if kept.startswith(tuple(prefixes))] if prefixes else []
        found = (same + like)[:1]
        for kept in found:
            shutil.rmtree(path, ignore_errors=True)
            shutil.copytree(self.folder / "caches" / kept, path, symlinks=True)
        return {
            "cache-hit": "true" if same else "",
            "cache-primary-key": key,
            "cache-matched-key": found[0] if found else "",
        }

    def _save(self, inputs: Inputs) -> Outputs:
        kept = self.folder / "caches" / inputs["key"]
        if not kept.exists():  # GitHub never changes what it keeps
            shutil.copytree(inputs["path"], kept, symlinks=True)
            kept.touch()
        return {}

    def _upload(self, inputs: Inputs) -> Outputs:
        kept = self.artifact(inputs["name"])
        if kept.exists() and inputs.get("overwrite") != "true":
            raise StepFailed(f"an artifact of the name {kept.name} exists already")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(inputs["path"], kept)
        return {"artifact-id": "1"}

    def _download(self, inputs: Inputs) -> Outputs:
        for name in self.artifacts:
            if fnmatchcase(name, inputs["pattern"]):
                folder = "" if inputs.get("merge-multiple") == "true" else name
                shutil.copytree(self.artifact(name), Path(inputs["path"]) / folder, dirs_exist_ok=True)
        return {}


def _make_ready(environment: Path, programs: Path) -> None:
    """The programs, and the note that they include the scoregate of this checkout."""
    environment.mkdir(parents=True, exist_ok=True)
    if not (environment / "bin").exists():
        (environment / "bin").symlink_to(programs)
    (environment / ".scoregate").write_text(_digest())


@cache
def _digest() -> str:
    """What the action's own script says of the scoregate of this checkout."""
    script = PRODUCT / ".github" / "actions" / "gate" / "product.sh"
    return subprocess.run(["bash", script, PRODUCT], check=True, capture_output=True, text=True).stdout
