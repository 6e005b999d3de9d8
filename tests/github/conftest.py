from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.github.workflow import Workflow
from tests.github_server.description import described_server
from tests.github_server.server import GitHubServer


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    """GitHub with pull request 7 of its own repository; whatever is said to it and by it is held to its description."""
    with described_server() as server:
        server.repository.open_pull_request(7, HEAD)
        yield server


@pytest.fixture
def workflow(github: GitHubServer, tmp_path: Path) -> Workflow:
    """A job in the build of pull request 7."""
    return Workflow(github, tmp_path / "runner", pull_request=7, head=HEAD)


HEAD = "4f3c2b1a" * 5
