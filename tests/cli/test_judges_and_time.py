"""Judged runs that end before their answers are judged: the time is over, or no reply can be kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.judged import judged_project
from tests.model_server.answers import Answer, judged, slow
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer

NUMBER = 12


def test_when_the_time_is_over_no_judge_is_asked_any_more(tmp_path: Path) -> None:
    def script(request: ModelRequest) -> Answer:
        return slow(1.5, judged(3)) if hanging else judged(3)

    hanging = True
    with ModelServer(script=script) as server:
        # So few that the candidate has answered them all long before the time is over.
        project = judged_project(tmp_path / "p", server, number=4)
        stopped = project.run("--concurrency", "1", "--max-seconds", "2")
        assert stopped.code == 5
        assert "reached max_seconds = 2" in stopped.err
        asked = len(server.requests)
        assert asked < 4

        hanging = False
        assert project.run("--resume", "--max-seconds", "600").code == 4  # no baseline
        assert len(server.requests) == 4
    with closing(sqlite3.connect(project.path(".scoregate/store.sqlite3"))) as store:
        cells = store.execute("SELECT item, status FROM scores WHERE score = 'relevance'").fetchall()
    assert sorted(cells) == [(f"q{n:03}", "ok") for n in range(4)]


def test_a_reply_that_cannot_be_kept_is_no_fault_of_the_candidate(tmp_path: Path) -> None:
    def script(request: ModelRequest) -> Answer:
        if request.number == 4:
            with closing(sqlite3.connect(project.path(".scoregate/store.sqlite3"))) as store:
                store.execute("DROP TABLE judge_replies")
        return judged(3)

    with ModelServer(script=script) as server:
        project = judged_project(tmp_path / "p", server, number=NUMBER)
        stopped = project.run("--concurrency", "1")
    assert stopped.code == 5
    assert "no such table: judge_replies" in stopped.err
    with closing(sqlite3.connect(project.path(".scoregate/store.sqlite3"))) as store:
        assert store.execute("SELECT DISTINCT status FROM scores").fetchall() == [("ok",)]
        assert store.execute("SELECT count(*) FROM run_items").fetchone()[0] < NUMBER
