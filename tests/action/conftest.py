"""A project in a repository with an origin, and a pull request to it, as a job of GitHub's checks it out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.action.checkout import Origin
from tests.cli.project import Project


@pytest.fixture(scope="session")
def _with_baseline(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.small(tmp_path_factory.mktemp("base") / "project", number=64).with_baseline()


@pytest.fixture
def origin(_with_baseline: Project, tmp_path: Path) -> Origin:
    """Its main branch has a gate of 64 items with an accepted baseline."""
    project = _with_baseline.copied_to(tmp_path / "author")
    project.write(".gitignore", ".scoregate/\n")
    return Origin.of(project, tmp_path)
