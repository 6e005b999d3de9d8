"""`run --rescore-baseline` is one command: one announcement, one sum, one cap on cost."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest

from tests.cli.judged import judged_project
from tests.cli.project import Ended, Project
from tests.model_server.answers import Answer, judged
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer

A_DOLLAR = {"prompt_tokens": 0, "completion_tokens": 100_000}


def dear(_: ModelRequest) -> Answer:
    return judged(5, usage=A_DOLLAR)


@pytest.fixture(scope="module")
def _server() -> Iterator[ModelServer]:
    with ModelServer(script=dear) as server:
        yield server


@pytest.fixture(scope="module")
def _stale(_server: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """8 answers of the baseline and as many others of a release; then the prompt and the answers change again."""
    project = judged_project(tmp_path_factory.mktemp("stale") / "project", _server, number=8)
    project.edit("experiments/agent.py", "answer {item", "release {item")
    project.write("release", project.run().started)
    project.edit("experiments/agent.py", "release {item", "answer {item")
    project.with_baseline()
    project.edit("experiments/agent.py", "answer {item", "again {item")
    project.edit("prompts/relevance.md", "good answer", "fine answer")
    return project


@pytest.fixture
def server(_server: ModelServer) -> ModelServer:
    """A reply costs a dollar; nothing has been asked since the prompt changed."""
    _server.begin_again(script=dear)
    return _server


@pytest.fixture
def stale(_stale: Project, server: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return _stale.copied_to(tmp_path_factory.mktemp("copy") / "project")


def anchored(project: Project, run: str) -> None:
    project.write("gates/agent.toml", f'anchor = "run:{run}"\n' + project.read("gates/agent.toml"))


def printed(stopped: Ended) -> list[str]:
    """The words of the command that goes on."""
    found = re.search(r"go on with: scoregate ([^)]*)\)", stopped.err)
    assert found, stopped.err
    return shlex.split(found[1])


def test_one_cap_holds_for_the_rescoring_and_the_run_together(stale: Project, server: ModelServer) -> None:
    stopped = stale.run("--rescore-baseline", "--max-cost", "9")
    assert stopped.code == 5
    assert "reached max_cost_usd = 9 after 1 of 8 run items" in stopped.err
    assert len(server.requests) == 9

    done = stale.scoregate(*printed(stopped))
    assert done.outcome(0) == "PASS"
    assert len(server.requests) == 16


def test_the_sum_is_announced_before_the_first_paid_request(stale: Project, server: ModelServer) -> None:
    stopped = stale.run("--rescore-baseline", "--max-cost", "3")
    assert stopped.code == 5
    assert "8 scorings, up to 8 new judge replies, up to about $8.00; no candidate is called" in stopped.err
    assert (
        f"scoregate: run {stopped.started}: v1 on 8 items, behind 1 stored run scored again: 8 calls, "
        "up to 16 judge replies, about $16.00, of it $16.00 for judges"
    ) in stopped.err
    assert "; max_cost_usd will probably be reached\n" in stopped.err
    assert "reached max_cost_usd = 3 after 3 of 8 stored outputs, whose scores are kept" in stopped.err
    assert len(server.requests) == 3


def test_the_command_that_goes_on_after_the_rescoring_was_stopped_needs_no_other(
    stale: Project, server: ModelServer
) -> None:
    stopped = stale.run("--rescore-baseline", "--max-cost", "3")
    words = printed(stopped)
    assert float(words[words.index("--max-cost") + 1]) >= 16
    assert stale.scoregate(*words).outcome(0) == "PASS"
    assert len(server.requests) == 16
    runs = stale.scoregate("runs", "list", "--json").json()
    assert all(run["finished_at"] for run in runs)


def test_a_resumed_run_still_counts_what_the_rescoring_cost(stale: Project, server: ModelServer) -> None:
    stopped = stale.run("--rescore-baseline", "--max-cost", "9")
    again = stale.run("--resume", stopped.started, "--rescore-baseline", "--max-cost", "11")
    assert again.code == 5
    assert "reached max_cost_usd = 11 after 3 of 8 run items" in again.err
    assert len(server.requests) == 11
    without = stale.run("--resume", stopped.started, "--max-cost", "12")
    assert without.code == 5
    assert len(server.requests) == 12


def test_the_anchor_is_under_the_same_cap(stale: Project, server: ModelServer) -> None:
    anchored(stale, stale.read("release"))
    stopped = stale.run("--rescore-baseline", "--max-cost", "10")
    assert stopped.code == 5
    assert "behind 2 stored runs scored again: 8 calls, up to 24 judge replies, about $24.00" in stopped.err
    assert "reached max_cost_usd = 10 after 2 of 8 stored outputs" in stopped.err
    assert len(server.requests) == 10
    assert stale.scoregate(*printed(stopped)).outcome(0) == "PASS"
    assert len(server.requests) == 24


def test_a_baseline_that_is_the_anchor_too_is_scored_again_once(stale: Project, server: ModelServer) -> None:
    anchored(stale, stale.baseline_run)
    done = stale.run("--rescore-baseline")
    assert done.outcome(0) == "PASS"
    assert "behind 1 stored run scored again: 8 calls, up to 16 judge replies" in done.err
    assert len(server.requests) == 16


def test_judges_that_cost_nothing_are_under_a_cap_like_any(
    server: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    free = {"prompt_tokens": 0, "completion_tokens": 0}
    server.begin_again(script=lambda _: judged(5, usage=free))
    project = judged_project(tmp_path_factory.mktemp("free") / "project", server, number=8).with_baseline()
    project.edit("prompts/relevance.md", "good answer", "fine answer")
    assert project.run("--rescore-baseline", "--max-cost", "1").outcome(0) == "PASS"
