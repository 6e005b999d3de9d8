"""The jobs of shards that docs/how-to/ci.md shows, its commands run as it shows them."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from tests.cli.project import Project
from tests.docs.pages import REPOSITORY, Page

JOBS = 8


@pytest.fixture(scope="module")
def commands() -> tuple[str, str]:
    """What the second of the jobs calls, and the one behind them."""
    page = Page(REPOSITORY / "docs/how-to/ci.md")
    (block,) = (block for block in page.blocks("") if "--shard" in block)
    shard, merge = (line.removeprefix("scoregate ") for line in block.splitlines())
    assert f"2/{JOBS}" in shard
    return shard, merge


def job(project: Project, command: str, number: int) -> int:
    """The exit code of a job's command, in which 2 is the job's number."""
    text = command.replace(f"2/{JOBS}", f"{number}/{JOBS}").replace("shard-2.", f"shard-{number}.")
    return project.scoregate(*shlex.split(text)).code


def test_the_jobs_decide_as_one_job_would_and_miss_a_job(commands: tuple[str, str], tmp_path: Path) -> None:
    shard, merge = commands
    project = Project.small(tmp_path / "project", number=64).with_baseline()
    artifacts = project.path("shards")
    artifacts.mkdir()
    for number in range(1, JOBS + 1):
        assert job(project, shard, number) == 0
        shutil.move(project.path(f"shard-{number}.jsonl.gz"), artifacts)

    def merged() -> int:
        files = " ".join(f"shards/{file.name}" for file in sorted(artifacts.glob("*.jsonl.gz")))
        return project.scoregate(*shlex.split(merge.replace("shards/*.jsonl.gz", files))).code

    assert merged() == 0
    assert "**PASS**" in project.read("verdict.md")
    (artifacts / "shard-3.jsonl.gz").unlink()
    assert merged() == 4
    assert "shard 3/8 is missing" in project.read("verdict.md")
