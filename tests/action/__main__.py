"""`make action`: the jobs of this repository's own gate workflow, for every event that the action knows, run here.

Everything is real but GitHub's own services: a clone of the last commit, an environment that pip makes, the steps of
the action, its scripts. What the page of each job would show is printed.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.action.checkout import Origin
from tests.action.local_runner import LocalRunner, Used
from tests.action.stand_ins import PRODUCT, Services
from tests.cli.project import Project
from tests.git.repository import Repository

GATES = os.environ.get("GATES", "gates/support-agent.toml")
"""Which gates are run, a line each; the workflow runs all of them."""


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        origin = _origin(Path(folder))
        failed = []
        for name, job, expected in _jobs(origin):
            used = job.use(**_inputs())
            _show(name, used, origin.services)
            if used.outputs["exit-code"] != expected:
                failed.append(f"{name}: exit code {used.outputs['exit-code']!r}, not {expected}")
    print("\n".join(["", *failed, f"{len(failed)} of 3 jobs are not as they should be"]))
    return 1 if failed else 0


def _origin(folder: Path) -> Origin:
    """A repository with the files of this one's last commit, and no more of its history."""
    author = Project(folder / "author")
    Repository(PRODUCT).git("clone", "--quiet", "--depth", "1", f"file://{PRODUCT}", str(author.folder))
    Repository(author.folder).git("switch", "--quiet", "--force-create", "main")
    Repository(author.folder).git("remote", "remove", "origin")
    services = Services(folder / "github", ready=bool(os.environ.get("READY")))
    return Origin.of(author, folder, services)


def _jobs(origin: Origin) -> Iterator[tuple[str, LocalRunner, str]]:
    """Event, its job, and the exit code that it should have."""
    yield "push to main", origin.pushed(), "0"
    origin.author.edit("gates/support-agent.toml", "support_agent.py", "support_agent_v2.py")
    job = origin.pull_request()
    yield "pull_request with a worse agent", job, "1"
    yield "the same from a fork", origin.as_fork(job), "1"


def _inputs() -> dict[str, str]:
    """As .github/workflows/gate.yml has them, but for the gates."""
    workflow: Any = YAML(typ="safe").load(PRODUCT / ".github" / "workflows" / "gate.yml")
    (step,) = (step for step in workflow["jobs"]["gate"]["steps"] if step["uses"].startswith("./"))
    return {**step["with"], "gates": GATES}


def _show(name: str, used: Used, services: Services) -> None:
    print(f"\n===== {name}")
    for step in used.steps:
        print(f"--- {step.name}: {step.outcome}")
        print(step.log, end="")
    print("--- outputs")
    for output, value in used.outputs.items():
        print(f"{output}={value}")
    print("--- annotations")
    for found in used.annotations:
        place = ",".join(f"{key}={value}" for key, value in found.properties.items())
        print(f"{found.name} ({place}): {found.message}")
    print("--- summary")
    print(used.summary)
    print("--- artifacts and caches")
    for kept in (*services.artifacts, *services.caches):
        print(kept)


if __name__ == "__main__":
    sys.exit(main())
