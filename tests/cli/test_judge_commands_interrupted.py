"""Ctrl-C and SIGTERM in `judge calibrate`, `test` and `compare`: exit code 5, and the same command again goes on."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.judged import judged_project
from tests.cli.project import Ended, Project, ended
from tests.model_server.answers import Answer, judged, slow
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer

CALIBRATE = ("judge", "calibrate", "gates/agent.toml", "--labels", "labels.jsonl")
TEST = ("judge", "test", "gates/agent.toml", "--limit", "6", "--output", "an answer")
COMPARE = ("judge", "compare", "gates/agent.toml", "a.jsonl", "b.jsonl")
FAST = 3
"""Replies that come at once, before the endpoint takes its time."""


def fast_then_slow(request: ModelRequest) -> Answer:
    answer = judged("tie" if "Which" in request.prompt else 3)
    return answer if request.number < FAST else slow(60, answer)


def fast(request: ModelRequest) -> Answer:
    return judged("tie" if "Which" in request.prompt else 3)


@pytest.fixture(scope="module")
def _server() -> Iterator[ModelServer]:
    with ModelServer(script=fast_then_slow) as server:
        yield server


@pytest.fixture
def server(_server: ModelServer) -> ModelServer:
    _server.begin_again(script=fast_then_slow)
    return _server


@pytest.fixture
def project(server: ModelServer, tmp_path: Path) -> Project:
    """6 labelled answers, and two results files to compare; one call at a time."""
    project = judged_project(tmp_path / "project", server, number=6, more='pairwise = "prompts/which.md"')
    project.write("prompts/which.md", "Which is better?\n1: {{first}}\n2: {{second}}\n")
    project.edit("gates/agent.toml", "timeout_seconds = 20", "timeout_seconds = 90\nconcurrency = 1")
    labels = [{"item": f"q{n:03}", "label": 5, "output": f"answer {n}"} for n in range(6)]
    project.write_lines("labels.jsonl", labels)
    for name in ("a", "b"):
        header = {"kind": "run", "schema": 1, "run": name, "dataset": "agent", "candidate": name}
        about = {"kind": "item", "trial": 0, "status": "ok"}
        rows = [{**about, "item": f"q{n:03}", "output": f"{name}{n}"} for n in range(6)]
        project.write_lines(f"{name}.jsonl", [{**header, "trials": 1, "expected_items": 6}, *rows])
    # `judge test` uses a store that is there, and makes none.
    assert project.scoregate("judge", "cache", "import", project.write("none.jsonl", "")).code == 0
    return project


def interrupted(project: Project, server: ModelServer, number: signal.Signals, *words: str) -> Ended:
    """The command, ended by the signal while it waits for the reply behind the fast ones."""
    process = project.start(*words)
    deadline = time.monotonic() + 60
    while len(server.requests) <= FAST:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    return ended(process)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("words", "asked"), [(CALIBRATE, 6), (TEST, 6), (COMPARE, 12)])
def test_a_signal_ends_it_with_what_to_do_next(
    project: Project, server: ModelServer, number: signal.Signals, words: tuple[str, ...], asked: int
) -> None:
    stopped = interrupted(project, server, number, *words)
    assert "Traceback" not in stopped.err
    assert (stopped.code, stopped.out) == (5, "")
    judged_already = FAST // 2 if words is COMPARE else FAST
    assert stopped.err.splitlines()[-1] == (
        f"scoregate: stopped after {judged_already} of 6 answers were judged; the replies that came are kept "
        "(the same command again asks only for the rest)"
    )

    server.begin_again(script=fast)
    assert project.scoregate(*words).code == 0
    assert len(server.requests) == asked - FAST


def test_without_the_cache_the_same_command_would_ask_for_all_anew(
    project: Project, server: ModelServer
) -> None:
    stopped = interrupted(project, server, signal.SIGTERM, *CALIBRATE, "--no-cache")
    assert stopped.err.endswith("(the same command without --no-cache asks only for the rest)\n")
    server.begin_again(script=fast)
    assert project.scoregate(*CALIBRATE).code == 0
    assert len(server.requests) == 6 - FAST


def test_where_no_store_keeps_the_replies_nothing_is_promised(server: ModelServer, tmp_path: Path) -> None:
    project = judged_project(tmp_path / "bare", server, number=6)
    project.edit("gates/agent.toml", "timeout_seconds = 20", "timeout_seconds = 90\nconcurrency = 1")
    stopped = interrupted(project, server, signal.SIGTERM, *TEST)
    assert stopped.code == 5
    assert stopped.err.splitlines()[-1] == "scoregate: stopped after 3 of 6 answers were judged"
