"""A real git repository to write tests in."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

from scoregate.gate_file import CandidateSpec, Gate
from scoregate.gate_file.source import named_version
from scoregate.gate_run.other_version import candidate_at
from scoregate.records import DatasetItem
from scoregate.runner.candidates import Candidate, CandidateError, as_answer

ITEM = DatasetItem("order-1", "Where is it?", "on its way", {"intent": "shipping"})


@dataclass(frozen=True)
class Repository:
    folder: Path

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *identity, "-C", str(self.folder), *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text))

    def commit(self, files: Mapping[str, str] | None = None) -> str:
        """Write the files, commit everything, and give the commit's hash."""
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "a change")
        return self.git("rev-parse", "HEAD")


def gate_of(root: Path, **spec: Any) -> Gate:
    return Gate(
        name="g", rules={}, root=root, candidate=CandidateSpec(**(spec or {"python": "experiment.py"}))
    )


def outputs(candidate: Candidate, *items: DatasetItem) -> list[Any]:
    """What the candidate says, in one event loop, as the engine calls it; of a failed call the reason."""

    async def ask() -> list[Any]:
        if candidate.prepare is not None:
            candidate.prepare(items or (ITEM,))
        said: list[Any] = []
        try:
            for item in items or (ITEM,):
                try:
                    said.append(as_answer(await candidate.call(item, 0)).output)
                except CandidateError as error:
                    said.append(str(error))
        finally:
            if candidate.close is not None:
                await candidate.close()
        return said

    return asyncio.run(ask())


def environment_in(folder: Path) -> tuple[Path, Path]:
    """Make a Python environment without any package. Gives its Python and its folder of packages."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = (folder / "lib").glob("python3*/site-packages")
    return folder / "bin/python", packages


def candidate_named(gate: Gate, text: str, label: str | None = None) -> Candidate:
    """The candidate that `--against TEXT` is run beside."""
    return candidate_at(gate, named_version(text), label=label)


def outputs_seen_by(python: Path, root: Path, *specs: str) -> list[Any]:
    """What `candidate_named(gate, spec)` of each says, in a process of that Python, which is given scoregate."""
    import scoregate

    code = """
        import json, sys
        from pathlib import Path
        sys.path += sys.argv[2:4]
        from tests.git.repository import candidate_named, gate_of, outputs
        gate = gate_of(Path(sys.argv[1]))
        print(json.dumps([outputs(candidate_named(gate, spec))[0] for spec in sys.argv[4:]]))
    """
    ours = [str(Path(scoregate.__file__).parents[1]), str(Path(__file__).parents[2])]
    done = subprocess.run(
        [str(python), "-c", dedent(code), str(root), *ours, *specs], capture_output=True, text=True, cwd=root
    )
    assert done.returncode == 0, done.stderr
    said: list[Any] = json.loads(done.stdout)
    return said
