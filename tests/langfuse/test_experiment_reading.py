"""Experiments read back as runs: those that scoregate delivered, whole or not at all."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from scoregate.errors import BaselineError, ServiceError
from scoregate.langfuse import ids
from scoregate.langfuse.connection import Connection, Patience
from scoregate.langfuse.experiment_runs import read_run
from scoregate.records import Run
from tests.langfuse.delivered import deliver, put_experiment, small_run
from tests.langfuse.put_spans import settings_of
from tests.langfuse_server.faults import EVERY_FAULT
from tests.langfuse_server.server import LangfuseServer


def read(connection: Connection, name: str) -> Run:
    return read_run(connection, name).run


def refused(connection: Connection, name: str) -> str:
    with pytest.raises(BaselineError) as error:
        read_run(connection, name)
    assert error.value.exit_code == 4
    return str(error.value)


def test_a_delivered_run_comes_back_cell_by_cell(
    server: LangfuseServer, connection: Connection, tmp_path: Path
) -> None:
    stored = deliver(server, small_run(), tmp_path)
    found = read_run(connection, "agent-1")
    assert found.run.items == stored.items
    assert found.run.scores == stored.scores
    assert replace(found.run.header, finished_at=None) == stored.header
    assert [one.name for one in found.trials] == ["agent-1", "agent-1 #2"]
    assert found.branch == "main"


def test_values_keep_their_types(server: LangfuseServer, connection: Connection, tmp_path: Path) -> None:
    deliver(server, small_run(), tmp_path)
    types = {
        score.score: type(score.value) for score in read(connection, "agent-1").scores if score.item == "a"
    }
    assert types == {"correct": bool, "length": int, "similarity": float, "tone": str, "policy": type(None)}


def test_an_id_and_a_later_trial_lead_to_the_whole_run(
    server: LangfuseServer, connection: Connection, tmp_path: Path
) -> None:
    stored = deliver(server, small_run(), tmp_path)
    for name in (ids.experiment_id("agent-1", 0), ids.experiment_id("agent-1", 1), "agent-1 #2"):
        assert read(connection, name).items == stored.items


def test_a_name_may_hold_a_comma(server: LangfuseServer, connection: Connection, tmp_path: Path) -> None:
    stored = deliver(server, small_run("agent, the first", trials=1), tmp_path)
    assert read(connection, "agent, the first").items == stored.items


def test_scores_that_were_sent_days_later_are_found(
    server: LangfuseServer, connection: Connection, tmp_path: Path
) -> None:
    three_days_ago = time.time() - 3 * 86_400
    stored = deliver(server, small_run(started_at=three_days_ago), tmp_path)
    assert read(connection, "agent-1").scores == stored.scores
    asked = [request for request in server.received if "/v3/scores?" in request.path]
    assert asked, [request.path for request in server.received]


def test_more_scores_than_the_server_shows_beside_an_item_are_found(
    server: LangfuseServer, connection: Connection, tmp_path: Path
) -> None:
    run = small_run(trials=1)
    first = run.scores[0]
    many = tuple(replace(first, score=f"score_{number:02}") for number in range(60))
    stored = deliver(server, replace(run, scores=many), tmp_path)
    assert read(connection, "agent-1").scores == stored.scores


def test_scores_that_others_gave_are_no_part_of_the_run(
    server: LangfuseServer, connection: Connection, tmp_path: Path
) -> None:
    stored = deliver(server, small_run(), tmp_path)
    body = {"id": "x", "traceId": ids.trace_id("agent-1", "a", 0), "name": "correct", "value": 0}
    connection.post("/scores", {**body, "dataType": "BOOLEAN"})
    assert read(connection, "agent-1").scores == stored.scores


def test_absent_items_are_counted_and_refused(
    server: LangfuseServer, connection: Connection, tmp_path: Path
) -> None:
    deliver(server, small_run(), tmp_path, items=lambda item: (item.item, item.trial) != ("b", 1))
    message = refused(connection, "agent-1")
    assert "the run agent-1 is incomplete in Langfuse: 5 of 6 run items are there" in message
    assert "`scoregate runs push agent-1` delivers what is missing" in message


def test_an_absent_trial_is_said(server: LangfuseServer, connection: Connection, tmp_path: Path) -> None:
    deliver(server, small_run(), tmp_path, items=lambda item: item.trial == 0, scores=lambda s: s.trial == 0)
    assert "3 of 6 run items, 1 of 2 trials are there" in refused(connection, "agent-1")


def test_absent_scores_are_counted_and_named(
    server: LangfuseServer, connection: Connection, tmp_path: Path
) -> None:
    deliver(server, small_run(), tmp_path, scores=lambda score: (score.item, score.score) != ("b", "tone"))
    message = refused(connection, "agent-1")
    assert "6 of 6 run items, 14 of 16 scores (missing: tone of item 'b'" in message


def test_what_is_still_on_its_way_is_incomplete(
    server: LangfuseServer, connection: Connection, tmp_path: Path
) -> None:
    server.behaviour.score_lag = 60.0
    deliver(server, small_run(trials=1), tmp_path)
    assert "0 of 8 scores" in refused(connection, "agent-1")


def test_an_unknown_name_is_refused_with_a_near_one(
    server: LangfuseServer, connection: Connection, tmp_path: Path
) -> None:
    deliver(
        server,
        small_run(
            "agent-2026-11-20",
            trials=1,
        ),
        tmp_path,
    )
    message = refused(connection, "agent-2026-11-21")
    assert "there is no experiment 'agent-2026-11-21' in this Langfuse project" in message
    assert "did you mean 'agent-2026-11-20'?" in message


def test_in_a_project_without_experiments_the_hint_says_so(connection: Connection) -> None:
    assert "it has had no experiments at all in the last 60 days" in refused(connection, "agent")


def test_a_name_that_several_bear_is_refused_with_their_ids(connection: Connection) -> None:
    for number in range(2):
        put_experiment(connection, f"exp-{number}", "nightly", {"a": {}})
    message = refused(connection, "nightly")
    assert "2 experiments bear the name 'nightly'" in message
    assert "exp-0 (20" in message
    assert "exp-1 (20" in message
    assert "give the id of one of them" in message
    assert read(connection, "exp-1").id == "exp-1"


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("{not json", "is no JSON any more"),
        ("[]", "is no JSON object"),
        ('{"schema": 2, "run": "x"}', "newer version of scoregate (format 2; this one reads 1)"),
        ('{"schema": 1, "run": "x"}', "the key 'dataset' is missing"),
    ],
)
def test_a_header_that_cannot_be_read_is_refused(connection: Connection, written: str, reason: str) -> None:
    about = {"langfuse.experiment.metadata": json.dumps({"scoregate": written})}
    put_experiment(connection, "exp", "x", {"a": about})
    message = refused(connection, "exp")
    assert reason in message
    assert "experiment 'x' (exp" in message


def test_faults_on_the_way_change_nothing(server: LangfuseServer, tmp_path: Path) -> None:
    stored = deliver(server, small_run(started_at=time.time() - 3 * 86_400), tmp_path)
    server.faults.plan(*EVERY_FAULT, share=0.4, seed=3)
    with Connection(
        settings_of(server), Patience(request=1.0, first_pause=0.01, longest_pause=0.05)
    ) as connection:
        assert read(connection, "agent-1").scores == stored.scores
    assert server.faults.met


def test_a_trial_of_a_session_is_refused_with_its_own_reason(
    server: LangfuseServer, connection: Connection, tmp_path: Path
) -> None:
    run = small_run(metadata={"session": "agent-1", "arm": "candidate"})
    deliver(server, run, tmp_path, items=lambda item: item.trial == 0 or item.item == "a")
    assert "side-by-side session, which makes trials of some items only" in refused(connection, "agent-1")


def test_a_server_that_is_not_there_is_a_service_error(server: LangfuseServer) -> None:
    server.stop()
    with Connection(settings_of(server), Patience(deadline=0.3)) as connection, pytest.raises(ServiceError):
        read_run(connection, "agent-1")
