"""A job of GitHub Actions as a command in it sees it: environment, event, and the files that the runner reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scoregate.github.client import Patience
from scoregate.github.job import Job
from scoregate.github.publishing import Timing
from scoregate.github.writing import Pace
from tests.github_server.description import described_server
from tests.github_server.server import NAME, TOKEN, GitHubServer

FAST = Timing(
    patience=Patience(first_pause=0.01, rate_limit=1.0, request=5),
    pace=Pace(pause=0.02, jitter=0.02, first=0.02),
)
HEAD = "4f3c2b1a" * 5
"""The commit under review."""


@contextmanager
def in_pull_request(folder: Path) -> Iterator[Workflow]:
    """A job in the build of pull request 7.

    Whatever is said to GitHub and by it is held to its description.
    """
    with described_server() as github:
        github.repository.open_pull_request(7, HEAD)
        yield Workflow(github, folder, pull_request=7, head=HEAD)


@dataclass
class Workflow:
    """One job; `run` counts up with each push."""

    github: GitHubServer
    folder: Path
    head: str
    pull_request: int | None = None
    run: int = 100
    token: str | None = TOKEN
    event: dict[str, Any] | None = None
    event_name: str = "pull_request"
    told: list[str] = field(default_factory=list)
    """Workflow commands."""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def environ(self) -> dict[str, str]:
        event = self.event or {
            "pull_request": {
                "number": self.pull_request,
                "head": {"sha": self.head},
                "base": {"ref": "main"},
            },
        }
        payload = self.folder / "event.json"
        payload.write_text(json.dumps(event if self.pull_request or self.event else {}))
        found = {
            "GITHUB_API_URL": self.github.url,
            "GITHUB_REPOSITORY": NAME,
            "GITHUB_EVENT_NAME": self.event_name,
            "GITHUB_EVENT_PATH": str(payload),
            "GITHUB_SHA": "0" * 40,
            "GITHUB_RUN_ID": str(self.run),
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "GITHUB_OUTPUT": str(self.folder / "outputs"),
        }
        return {**found, **({"GITHUB_TOKEN": self.token} if self.token else {})}

    @property
    def job(self) -> Job:
        return Job.of(self.environ())

    @property
    def comment(self) -> str:
        """The one comment of programs on the pull request."""
        (found,) = (one for one in self.github.repository.comments.values() if one["user"]["type"] == "Bot")
        return str(found["body"])

    @property
    def summary(self) -> str:
        return (self.folder / "summary.md").read_text(encoding="utf-8")

    @property
    def outputs(self) -> dict[str, str]:
        """What the runner reads out of the file."""
        lines = iter((self.folder / "outputs").read_text(encoding="utf-8").splitlines())
        found = {}
        for line in lines:
            name, _, delimiter = line.partition("<<")
            value = []
            for inner in lines:
                if inner == delimiter:
                    break
                value.append(inner)
            found[name] = "\n".join(value)
        return found
