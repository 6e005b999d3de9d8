"""What judges took of a run, and answers that nobody has scored yet."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from scoregate.records import Attempt, RunHeader, RunItem, Score, Tokens
from scoregate.store import Store
from scoregate.store.database import migrate
from scoregate.store.judging import RunUsage
from scoregate.store.schema import MIGRATIONS


def header(run: str = "run-1") -> RunHeader:
    return RunHeader(run=run, dataset="d", candidate="c", expected_items=3, trials=1)


def store_in(folder: Path) -> Store:
    store = Store.open(folder / "store.sqlite3")
    store.create_run(header())
    return store


ANSWER = RunItem(
    item="q1",
    trial=0,
    status="ok",
    output={"text": "ok \U0001f600"},
    latency_seconds=0.5,
    cost_usd=0.25,
    tokens=Tokens(10, 20),
    trace_id="t1",
    cluster="c1",
    slices={"intent": "refund"},
    attempts=(Attempt(1, "error", "busy", 0.1), Attempt(2, "ok", None, 0.5)),
    content="abc",
    started_at=1.5,
)


def test_what_a_judge_took_adds_up_over_trials_and_sessions(tmp_path: Path) -> None:
    with store_in(tmp_path) as store:
        usage = store.judge_usage
        usage.add("run-1", 0, "relevance", calls=1, cost_usd=0.5)
        usage.add("run-1", 0, "relevance", calls=1)
        usage.add("run-1", 0, "relevance", replies=1, from_cache=1)
        usage.add("run-1", 0, "relevance", replies=2, from_cache=1)
        usage.add("run-1", 1, "relevance", calls=1, cost_usd=0.25)
        usage.add("run-1", 0, "tone", replies=1, from_cache=1)
        assert usage.of_runs("run-1") == [
            RunUsage(score="relevance", replies=3, from_cache=2, calls=3, cost_usd=0.75),
            RunUsage(score="tone", replies=1, from_cache=1),
        ]
        assert store.totals("run-1").cost_usd == store.totals("run-1").services_usd == 0.75
        assert store.totals("run-1", [1]).cost_usd == 0.25
        assert store.list_runs()[0].cost_usd == 0.75


def test_an_unscored_answer_comes_back_as_it_was(tmp_path: Path) -> None:
    with store_in(tmp_path) as store:
        store.unscored.keep("run-1", [ANSWER])
        assert store.unscored.of_run("run-1") == {("q1", 0): ANSWER}
        assert store.done_cells("run-1") == set()


def test_an_answer_that_was_scored_is_unscored_no_more(tmp_path: Path) -> None:
    with store_in(tmp_path) as store:
        store.unscored.keep("run-1", [ANSWER])
        store.record("run-1", [(ANSWER, [Score("q1", 0, "relevance", 3)])])
        assert store.unscored.of_run("run-1") == {}


def test_a_finished_run_has_no_unscored_answers(tmp_path: Path) -> None:
    with store_in(tmp_path) as store:
        store.unscored.keep("run-1", [ANSWER])
        store.finish_run("run-1", "2026-01-01T00:00:00Z")
        assert store.unscored.of_run("run-1") == {}


def test_an_answer_that_cannot_be_stored_is_left_out(tmp_path: Path) -> None:
    odd = RunItem(item="q2", trial=0, status="ok", output={"set": {1, 2}})
    with store_in(tmp_path) as store:
        store.unscored.keep("run-1", [odd, ANSWER])
        assert list(store.unscored.of_run("run-1")) == [("q1", 0)]


def test_a_store_from_before_keeps_what_its_judges_cost(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, MIGRATIONS[:4])
    connection.execute(
        "INSERT INTO runs (run, dataset, candidate, expected_items, trials, scorers, metadata) "
        "VALUES ('run-1', 'd', 'c', 1, 1, '{}', '{}')"
    )
    for vote in range(2):
        connection.execute(
            "INSERT INTO judge_replies "
            "VALUES (?, 'relevance', 'h', 'm', '', 0, ?, ?, 'r', NULL, 2, 1, 1, 0.5, 'run-1', 0)",
            (f"{vote:064}", vote, json.dumps(3)),
        )
    connection.close()
    with Store.open(path) as store:
        assert store.judge_usage.of_runs("run-1") == [
            RunUsage(score="relevance", replies=2, from_cache=0, calls=4, cost_usd=1.0)
        ]
