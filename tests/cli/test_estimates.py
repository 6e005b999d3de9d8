"""What a run will take is told before it, from what is known: the gate's newest run, else its baseline."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.cli.project import GATE, Project, agent


@pytest.fixture(scope="module")
def _slow(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """8 items of 0.3 s each, with an accepted baseline, which holds the latencies as the gate has a rule on them."""
    slow = agent("import time\ntime.sleep(0.3)\nreturn n")
    gate = f"{GATE}\n[scores.latency_seconds]\nmax_increase = 0.5\n"
    folder = tmp_path_factory.mktemp("slow") / "project"
    return Project.small(folder, experiment=slow, gate=gate).with_baseline()


@pytest.fixture
def checked_out(_slow: Project, tmp_path: Path) -> Project:
    """The project as a fresh clone of it is: with the baseline's lock file, without a stored run."""
    project = _slow.copied_to(tmp_path / "project")
    shutil.rmtree(project.path(".scoregate"))
    return project


def test_the_seconds_of_a_first_run_are_those_of_the_baseline(checked_out: Project) -> None:
    # 8 calls one after the other, which a busy machine does not make shorter.
    told = re.search(r"8 calls, about (\d+) s", checked_out.run("--concurrency", "1").err)
    assert told is not None
    assert int(told[1]) >= 2


def test_a_cap_on_seconds_that_the_baseline_exceeds_is_told(checked_out: Project) -> None:
    told = checked_out.run("--concurrency", "1", "--max-seconds", "1").err
    assert re.search(r"about \d+ s; max_seconds will probably be reached", told)


def test_where_nothing_says_how_long_calls_take_no_seconds_are_told(checked_out: Project) -> None:
    checked_out.path("gates/agent.baseline.jsonl").unlink()
    assert "8 calls\n" in checked_out.run().err


def test_a_plan_tells_the_seconds_of_the_baseline(checked_out: Project) -> None:
    planned = checked_out.scoregate("plan", "gates/agent.toml")
    assert "known after a first run" not in planned.out
