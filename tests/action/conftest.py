"""A project in a repository with an origin, and a pull request to it, as a job of GitHub's checks it out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.action.checkout import Origin
from tests.action.stand_ins import Services
from tests.cli.project import Project
from tests.github_server.server import TOKEN, GitHubServer


@pytest.fixture(scope="session")
def _with_baseline(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.small(tmp_path_factory.mktemp("base") / "project", number=64).with_baseline()


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    with GitHubServer() as server:
        yield server


@pytest.fixture
def origin(_with_baseline: Project, tmp_path: Path, github: GitHubServer) -> Origin:
    """Its main branch has a gate of 64 items with an accepted baseline; GitHub knows of its pull request."""
    project = _with_baseline.copied_to(tmp_path / "author")
    project.write(".gitignore", ".scoregate/\n")
    services = Services(tmp_path / "github", api_url=github.url, token=TOKEN).warm()
    return Origin.of(project, tmp_path, services)
