"""A run that stops before its end: what is done is kept, and the printed command goes on with it."""

from __future__ import annotations

import os
import re
import shlex
import signal
from collections.abc import Callable

import pytest

from tests.cli.project import NOTE_CALL, Ended, Project, agent, ended

Small = Callable[..., Project]

HELD = agent(
    f"{NOTE_CALL}\nwhile len(open('calls').readlines()) > 10 and os.path.exists('hold'): time.sleep(0.01)\nreturn n",
    before="import os, time",
)
"""After ten calls it answers no more as long as there is a file `hold`."""


def resume_command(stopped: Ended, told: str) -> list[str]:
    """The words of the command that it printed."""
    line = stopped.error(5)
    found = re.search(rf"^{told}, which are kept \(go on with: scoregate (.*)\)$", line)
    assert found, line
    return shlex.split(found[1])


DEAF = agent(
    "for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, signal.SIG_IGN)\n"
    f"{NOTE_CALL}\nwhile os.path.exists('hold'): await asyncio.sleep(0.01)\nreturn n",
    before="import asyncio, os, signal",
).replace("def task", "async def task")
"""Takes the signals for itself, and answers nothing as long as there is a file `hold`."""


def test_a_candidate_that_ignores_ctrl_c_does_not_keep_the_run_from_ending(accepted: Project) -> None:
    accepted.write("experiments/agent.py", DEAF)
    accepted.write("hold", "")
    process = accepted.start("run", "gates/agent.toml", "--concurrency", "2")
    accepted.wait_for_calls(2)
    process.send_signal(signal.SIGINT)
    resume_command(ended(process), r"stopped after 0 of 64 run items")


def test_ctrl_c_stops_at_once_and_the_printed_command_finishes_the_run(accepted: Project) -> None:
    accepted.write("experiments/agent.py", HELD)
    accepted.write("hold", "")
    process = accepted.start(
        *("run", "gates/agent.toml", "--concurrency", "2", "-o", "json=the verdict.json"), cold=True
    )
    accepted.wait_for_calls(11)
    process.send_signal(signal.SIGINT)
    stopped = ended(process)
    assert stopped.out == ""
    command = resume_command(stopped, r"stopped after \d+ of 64 run items")
    assert command == [
        *("run", "gates/agent.toml", "--resume", stopped.started),
        *("--concurrency", "2", "-o", "json=the verdict.json"),
    ]
    before = len(accepted.calls())
    accepted.path("hold").unlink()

    resumed = accepted.scoregate(*command)
    assert resumed.outcome(0) == "PASS"
    assert resumed.started == stopped.started
    assert "64/64" in resumed.out
    assert accepted.path("the verdict.json").exists()
    assert set(accepted.calls()) == set(range(64))
    # Twice is called only what was in flight when the signal came.
    assert len(accepted.calls()) - 64 <= 2 < before < 64


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_candidate_that_hangs(small: Small, number: signal.Signals) -> None:
    project = small(experiment=agent(f"{NOTE_CALL}\ntime.sleep(600)", before="import time"))
    process = project.start("run", "gates/agent.toml")
    project.wait_for_calls(1)
    process.send_signal(number)
    resume_command(ended(process), "stopped after 0 of 8 run items")


def test_a_killed_run_is_resumed_without_its_id(small: Small) -> None:
    project = small(number=40, experiment=HELD)
    project.write("hold", "")
    process = project.start("run", "gates/agent.toml", "--concurrency", "2")
    project.wait_for_calls(11)
    os.kill(process.pid, signal.SIGKILL)
    ended(process)
    project.path("hold").unlink()
    listed = project.scoregate("runs", "list").out
    assert listed.splitlines()[-1].endswith("unfinished")
    resumed = project.run("--resume")
    assert "40 ok of 40 expected" in resumed.out


def test_max_calls_ends_with_the_command_that_does_the_rest(accepted: Project) -> None:
    stopped = accepted.run("--max-calls", "10", "--concurrency", "2")
    assert "64 calls; max_calls will probably be reached\n" in stopped.err.replace(", about 1 s", "")
    command = resume_command(stopped, "reached max_calls = 10 after 10 of 64 run items")
    assert command[4:] == ["--concurrency", "2", "--max-calls", "64"]
    resumed = accepted.scoregate(*command)
    assert f"run {stopped.started}: v1 on 64 items (10 are there already): 54 calls" in resumed.err
    assert resumed.outcome(0) == "PASS"


def test_max_cost_ends_with_the_command_that_does_the_rest(small: Small) -> None:
    project = small(
        number=20, experiment=agent("return Answer(n, cost_usd=0.01)", before="from scoregate import Answer")
    )
    stopped = project.run("--max-cost", "0.07", "--concurrency", "2")
    command = resume_command(stopped, "reached max_cost_usd = 0.07 after 7 of 20 run items")
    assert command[-2:] == ["--max-cost", "0.21"]
    assert "20 ok of 20 expected" in project.scoregate(*command).out


def test_a_cost_cap_on_a_candidate_that_names_no_cost_is_said_to_be_none(accepted: Project) -> None:
    assert "max_cost_usd limited nothing" in accepted.run("--max-cost", "1").err


def test_a_cap_of_the_gate_can_be_raised_on_the_command_line(small: Small) -> None:
    project = small()
    project.write(
        "gates/agent.toml", project.read("gates/agent.toml") + "\n[limits]\nmax_calls = 3\nconcurrency = 1\n"
    )
    command = resume_command(project.run(), "reached max_calls = 3 after 3 of 8 run items")
    assert command[4:] == ["--max-calls", "8"]
    assert "8 ok of 8 expected" in project.scoregate(*command).out


def test_a_partial_run_stays_partial_when_it_is_resumed(accepted: Project) -> None:
    stopped = accepted.run("--limit", "40", "--max-calls", "10")
    command = resume_command(stopped, "reached max_calls = 10 after 10 of 40 run items")
    resumed = accepted.scoregate(*command)
    assert "PARTIAL: the first 40: 40 of 64 items" in resumed.err
    assert resumed.outcome(3) == "INCONCLUSIVE"


@pytest.fixture(scope="module")
def _begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    project = Project.small(tmp_path_factory.mktemp("begun") / "project")
    return project, project.run("--max-calls", "3", "--concurrency", "1").started


@pytest.fixture
def begun(_begun: tuple[Project, str], small: Small) -> tuple[Project, str]:
    """A project with an unfinished run (3 of 8 items), and the run's id."""
    project = small()
    project.path(".scoregate").mkdir()
    project.write(".scoregate/store.sqlite3", _begun[0].path(".scoregate/store.sqlite3").read_bytes())
    return project, _begun[1]


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("datasets/agent.jsonl", '"n": 7', '"n": 70', "the dataset changed since it started"),
        ("experiments/agent.py", '"v1"', '"v2"', "the candidate changed since it started (v1 then, v2 now)"),
        ("experiments/agent.py", "output ==", "output >=", "the scorers changed since it started"),
    ],
)
def test_a_run_is_not_resumed_with_other_parts(
    begun: tuple[Project, str], name: str, old: str, new: str, told: str
) -> None:
    project, run = begun
    project.edit(name, old, new)
    line = project.run("--resume").error(2)
    assert line == f"run {run} cannot be resumed: {told} (go back to what it was, or start a new run)"


@pytest.mark.parametrize("more", [("--limit", "3"), ("--trials", "2")])
def test_a_resumed_run_is_not_cut_down(begun: tuple[Project, str], more: tuple[str, ...]) -> None:
    told = begun[0].run("--resume", *more).error(2)
    assert told == "--resume goes on with the run as it was started (leave out --trials and the selection)"


def test_what_cannot_be_resumed_is_told(begun: tuple[Project, str]) -> None:
    project, run = begun
    assert f"there is no run 'nope' (the latest are: {run})" in project.run("--resume", "nope").error(2)
    assert project.run("--resume", run[:-2]).code == 4  # no baseline
    finished = project.run("--resume", run).error(2)
    assert finished.startswith(
        f"run {run} is finished, there is nothing to resume (start a new run, or decide it"
    )
    none_left = project.run("--resume").error(2)
    assert none_left == "no unfinished run of the gate 'agent' (start one without --resume)"


def test_resume_takes_no_gate_for_a_run(begun: tuple[Project, str]) -> None:
    told = begun[0].scoregate("run", "--resume", "gates/agent.toml").error(2)
    assert "'gates/agent.toml' is a gate, not a run; put GATE before --resume" in told
