"""Accepted baselines as run scores: written on every trial, found by branch, gate and dataset."""

from __future__ import annotations

from pathlib import Path

from scoregate.langfuse import ids
from scoregate.langfuse.accepted import marks, write_marks
from scoregate.langfuse.connection import Connection
from scoregate.langfuse.experiment_runs import newest_accepted, read_run
from tests.langfuse.delivered import deliver, small_run
from tests.langfuse_server.server import LangfuseServer


def accept(
    connection: Connection, run: str, *, when: str, gate: str = "agent", seen_within: float = 5.0
) -> bool:
    accepted = {"who": "A <a@b.c>", "when": when, "why": "good", "forced": ["it is partial"], "best_of": 3}
    trials = read_run(connection, run).trials
    return write_marks(
        connection, run, trials, accepted, gate=gate, branch="main", commit="abc", seen_within=seen_within
    )


def newest(connection: Connection, *, gate: str = "agent", dataset: str | None = "agent") -> str | None:
    found = newest_accepted(connection, "main", gate=gate, dataset=dataset)
    return None if found is None else found[0].name.partition(" #")[0]


def test_what_was_accepted_comes_back_as_it_was_said(
    server: LangfuseServer, connection: Connection, tmp_path: Path
) -> None:
    deliver(server, small_run(), tmp_path)
    assert accept(connection, "agent-1", when="2026-11-20T12:00:00+00:00")
    first, second = marks(connection)
    assert {first.experiment, second.experiment} == {ids.experiment_id("agent-1", trial) for trial in (0, 1)}
    assert first.acceptance.to_json() == {
        "who": "A <a@b.c>",
        "when": "2026-11-20T12:00:00+00:00",
        "why": "good",
        "forced": ["it is partial"],
        "best_of": 3,
    }
    assert (first.gate, first.branch, first.commit) == ("agent", "main", "abc")


def test_the_last_acceptance_counts_whatever_is_newer(
    server: LangfuseServer, connection: Connection, tmp_path: Path
) -> None:
    deliver(server, small_run("older", trials=1), tmp_path)
    deliver(server, small_run("newer", trials=1), tmp_path)
    accept(connection, "newer", when="2026-11-20T12:00:00+00:00")
    accept(connection, "older", when="2026-11-20T13:00:00+00:00")
    assert newest(connection) == "older"
    accept(connection, "newer", when="2026-11-20T14:00:00+00:00")
    assert newest(connection) == "newer", "the same score again, with a new time"


def test_other_gates_datasets_and_branches_do_not_count(
    server: LangfuseServer, connection: Connection, tmp_path: Path
) -> None:
    elsewhere = {"gate": "agent", "origin": {"branch": "feature"}}
    deliver(server, small_run("mine", trials=1), tmp_path)
    deliver(server, small_run("of-a-branch", trials=1, metadata=elsewhere), tmp_path)
    deliver(server, small_run("of-a-dataset", trials=1, dataset="other"), tmp_path)
    accept(connection, "mine", when="2026-11-20T10:00:00+00:00")
    accept(connection, "of-a-branch", when="2026-11-20T11:00:00+00:00")
    accept(connection, "of-a-dataset", when="2026-11-20T12:00:00+00:00")
    accept(connection, "of-a-dataset", when="2026-11-20T13:00:00+00:00", gate="other")
    assert newest(connection) == "mine"
    assert newest(connection, gate="other", dataset="other") == "of-a-dataset"
    assert newest(connection, gate="other") is None


def test_a_score_that_was_set_by_hand_is_an_acceptance(
    server: LangfuseServer, connection: Connection, tmp_path: Path
) -> None:
    deliver(server, small_run(trials=1), tmp_path)
    body = {"id": "x", "name": "accepted_baseline", "value": 1, "dataType": "BOOLEAN"}
    connection.post("/scores", {**body, "datasetRunId": ids.experiment_id("agent-1", 0)})
    assert newest(connection) == "agent-1"
    (mark,) = marks(connection)
    assert (mark.who, mark.why) == ("somebody", "no reason was given")


def test_a_mark_that_is_not_shown_yet_is_said(
    server: LangfuseServer, connection: Connection, tmp_path: Path
) -> None:
    deliver(server, small_run(trials=1), tmp_path)
    server.behaviour.score_lag = 60.0
    assert not accept(connection, "agent-1", when="2026-11-20T12:00:00+00:00", seen_within=0.0)
