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

from scoregate.starter.workflow import comment_workflow
from tests.action.checkout import Origin
from tests.action.local_runner import Used
from tests.action.stand_ins import PRODUCT, Services
from tests.cli.project import Project
from tests.git.repository import Repository
from tests.github_server.server import TOKEN, GitHubServer

GATES = os.environ.get("GATES", "gates/support-agent.toml")
"""Which gates are run, a line each; the workflow runs all of them."""


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, GitHubServer() as github:
        origin = _origin(Path(folder), github)
        failed = []
        for name, used, expected in _jobs(origin, github):
            _show(name, used, origin.services)
            if used.failed != expected:
                failed.append(f"{name}: it {'failed' if used.failed else 'did not fail'}")
        print("\n===== comments on the pull request")
        print("\n\n".join(comment["body"] for comment in github.repository.comments.values()))
    print("\n".join(["", *failed, f"{len(failed)} of 4 jobs are not as they should be"]))
    return 1 if failed else 0


def _origin(folder: Path, github: GitHubServer) -> Origin:
    """A repository with the files of this one's last commit, and no more of its history."""
    author = Project(folder / "author")
    Repository(PRODUCT).git("clone", "--quiet", "--depth", "1", f"file://{PRODUCT}", str(author.folder))
    Repository(author.folder).git("switch", "--quiet", "--force-create", "main")
    Repository(author.folder).git("remote", "remove", "origin")
    ready = bool(os.environ.get("READY"))
    return Origin.of(author, folder, Services(folder / "github", ready, github.url, TOKEN))


def _jobs(origin: Origin, github: GitHubServer) -> Iterator[tuple[str, Used, bool]]:
    """Event, its job, and whether it should fail."""
    yield "push to main", origin.pushed().use(**_inputs()), False
    origin.author.edit("gates/support-agent.toml", "support_agent.py", "support_agent_v2.py")
    job = origin.pull_request()
    github.repository.open_pull_request(7, origin.head)
    yield "pull_request with a worse agent", job.use(**_inputs()), True
    github.repository.pulls.clear()
    github.repository.open_pull_request(8, origin.head, of="someone/support", of_number=2)
    yield "pull_request of a fork", origin.as_fork(job).use(**_inputs()), True
    workflow: Any = YAML(typ="safe").load(comment_workflow())
    steps = workflow["jobs"]["comment"]["steps"]
    yield "workflow_run behind it", origin.afterwards(job).steps(steps), False


def _inputs() -> dict[str, str]:
    """As .github/workflows/gate.yml has them, but for the gates."""
    workflow: Any = YAML(typ="safe").load(PRODUCT / ".github" / "workflows" / "gate.yml")
    (step,) = (step for step in workflow["jobs"]["gate"]["steps"] if step["uses"].startswith("./"))
    ready = (
        {"requirements": "none"} if os.environ.get("READY") else {}
    )  # nothing is put into this environment
    return {**step["with"], "gates": GATES, **ready}


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
