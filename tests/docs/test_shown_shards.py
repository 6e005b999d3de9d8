"""The matrix of shards that docs/how-to/ci.md shows, its commands run as GitHub would put them together."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.cli.project import Project
from tests.docs.pages import REPOSITORY, Page

JOBS = 8


@pytest.fixture(scope="module")
def commands() -> tuple[str, str]:
    """What a job of the matrix and the one behind them call."""
    page = Page(REPOSITORY / "docs/how-to/ci.md")
    (workflow,) = (block for block in page.blocks("yaml") if "matrix" in block)
    assert f"shard: {list(range(1, JOBS + 1))}" in workflow
    shard, merge = re.findall(r"run: scoregate (.+)", workflow)
    return shard, merge


def job(project: Project, command: str, number: int) -> int:
    """The exit code of a job's command: expressions are replaced, then a shell takes it apart."""
    values = {"matrix.shard": number, "strategy.job-total": JOBS}
    text = re.sub(r"\$\{\{ (\S+) \}\}", lambda found: str(values[found[1]]), command)
    return project.scoregate(*shlex.split(text)).code


def test_the_matrix_decides_as_one_job_would_and_misses_a_job(
    commands: tuple[str, str], tmp_path: Path
) -> None:
    shard, merge = commands
    project = Project.small(tmp_path / "project", number=64).with_baseline()
    artifacts = project.path("shards")
    artifacts.mkdir()
    for number in range(1, JOBS + 1):
        assert job(project, shard, number) == 0
        shutil.move(project.path(f"shard-{number}.jsonl.gz"), artifacts)

    def merged() -> int:
        files = " ".join(f"shards/{file.name}" for file in sorted(artifacts.glob("*.jsonl.gz")))
        return job(project, merge.replace("shards/*.jsonl.gz", files), 0)

    assert merged() == 0
    assert "**PASS**" in project.read("verdict.md")
    (artifacts / "shard-3.jsonl.gz").unlink()
    assert merged() == 4
    assert "shard 3/8 is missing" in project.read("verdict.md")
