"""A judged run whose process is killed: what the candidate has answered is paid for once."""

from __future__ import annotations

import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from tests.cli.judged import judged_project
from tests.cli.project import Project, ended
from tests.model_server.answers import Answer, judged, slow
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer

NUMBER = 8
AGENT = """\
import os

version = "v1"


def task(*, item, **kwargs):
    with open(os.environ["CALLS"], "a") as log:
        log.write(item.id + "\\n")
    return f"answer {item.input['n']}"
"""


def rows(project: Project, table: str) -> list[tuple[object, ...]]:
    """Item and trial of every row; none as long as the store is being made."""
    path = project.path(".scoregate/store.sqlite3")
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
            return store.execute(f"SELECT item, trial FROM {table}").fetchall()
    except sqlite3.OperationalError:
        return []


def test_answers_that_waited_for_a_judge_are_not_asked_for_again(tmp_path: Path) -> None:
    def script(request: ModelRequest) -> Answer:
        return slow(60, judged(3)) if hanging else judged(3)

    hanging = True
    with ModelServer(script=script) as server:
        calls = tmp_path / "calls"
        project = judged_project(tmp_path / "p", server, number=NUMBER, environment={"CALLS": str(calls)})
        project.write("experiments/agent.py", AGENT)
        process = project.start("run", "gates/agent.toml", "--concurrency", str(NUMBER))
        deadline = time.monotonic() + 60
        while len(rows(project, "unscored_answers")) < NUMBER:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        assert ended(process).code == -signal.SIGKILL
        assert rows(project, "run_items") == []

        hanging = False
        resumed = project.run("--resume")

    assert "8 answers to score that are there already" in resumed.err
    assert sorted(calls.read_text().split()) == [f"q{n:03}" for n in range(NUMBER)]
    assert sorted(rows(project, "run_items")) == [(f"q{n:03}", 0) for n in range(NUMBER)]
    assert rows(project, "unscored_answers") == []
