from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.github.workflow import Workflow, in_pull_request
from tests.github_server.server import GitHubServer


@pytest.fixture
def _job(tmp_path: Path) -> Iterator[Workflow]:
    with in_pull_request(tmp_path / "runner") as job:
        yield job


@pytest.fixture
def workflow(_job: Workflow) -> Workflow:
    return _job


@pytest.fixture
def github(_job: Workflow) -> GitHubServer:
    """Where the pull request is that the job is of."""
    return _job.github
