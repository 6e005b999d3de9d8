"""Scores sent together or one by one, and what is told of each."""

from __future__ import annotations

import pytest

from scoregate.langfuse.connection import Connection, Patience, Refused
from scoregate.langfuse.score_body import ScoreParent, score_body
from scoregate.langfuse.score_sending import MOST_IN_A_BATCH, send_scores
from scoregate.langfuse.settings import Settings
from scoregate.records import JSON
from tests.langfuse.put_spans import QUICK, settings_of
from tests.langfuse_server.faults import EVERY_FAULT, Fault
from tests.langfuse_server.server import LangfuseServer

HASTY = Patience(first_pause=0.01, longest_pause=0.02, deadline=1.0)
WRONG: dict[str, JSON] = {"id": "wrong", "name": "x", "value": 2, "dataType": "BOOLEAN", "traceId": "t"}


def bodies(number: int, *, comment: str | None = None) -> list[dict[str, JSON]]:
    return [
        score_body(
            "correct",
            n % 2 == 0,
            contract=None,
            parent=ScoreParent.trace(f"t{n}"),
            score_id=f"s{n}",
            environment="ci",
            comment=comment,
        )
        for n in range(number)
    ]


def posts(server: LangfuseServer) -> int:
    return sum(request.method == "POST" for request in server.received)


def test_many_scores_take_few_requests(server: LangfuseServer, connection: Connection) -> None:
    sent = send_scores(connection, bodies(MOST_IN_A_BATCH + 1))
    assert [one.state for one in sent] == ["accepted"] * (MOST_IN_A_BATCH + 1)
    assert [one.id for one in sent] == [f"s{n}" for n in range(MOST_IN_A_BATCH + 1)]
    assert len(server.state.kept_scores()) == MOST_IN_A_BATCH + 1
    assert posts(server) == 2


def test_large_scores_are_parted_by_their_size(server: LangfuseServer, connection: Connection) -> None:
    sent = send_scores(connection, bodies(5, comment="x" * 400_000))
    assert {one.state for one in sent} == {"accepted"}
    assert posts(server) == 3


def test_no_scores_take_no_request(server: LangfuseServer, connection: Connection) -> None:
    assert send_scores(connection, []) == []
    assert posts(server) == 0


def test_a_server_without_batches_gets_them_one_by_one_and_is_remembered(
    server: LangfuseServer, connection: Connection
) -> None:
    server.behaviour.batches = False
    assert {one.state for one in send_scores(connection, bodies(5))} == {"accepted"}
    assert len(server.state.kept_scores()) == 5
    before = posts(server)
    send_scores(connection, bodies(5))
    assert posts(server) - before == 5


def test_of_a_batch_only_what_is_wrong_is_rejected_with_the_servers_reason(
    server: LangfuseServer, connection: Connection
) -> None:
    sent = send_scores(connection, [*bodies(3), WRONG, {**WRONG, "id": "too", "value": 3}])
    assert [one.state for one in sent] == ["accepted"] * 3 + ["rejected"] * 2
    assert sent[3].reason is not None
    assert "0 or 1" in sent[3].reason
    assert isinstance(sent[3].error, Refused)


def test_a_rejection_that_is_not_repeated_is_not_believed(
    server: LangfuseServer, connection: Connection
) -> None:
    server.faults.plan(Fault(kind="rejects"), next_requests=1, path="/api/public/scores", method="POST")
    assert {one.state for one in send_scores(connection, bodies(10))} == {"accepted"}
    assert len(server.state.kept_scores()) == 10


def test_one_score_that_is_wrong_is_rejected(connection: Connection) -> None:
    (sent,) = send_scores(connection, [WRONG])
    assert (sent.id, sent.name, sent.state) == ("wrong", "x", "rejected")


def test_what_cannot_be_written_as_json_is_rejected_and_the_rest_is_sent(
    server: LangfuseServer, connection: Connection
) -> None:
    broken: dict[str, JSON] = {"id": "b", "name": "x", "value": float("nan"), "traceId": "t"}
    sent = send_scores(connection, [*bodies(1), broken])
    assert [one.state for one in sent] == ["accepted", "rejected"]


def test_what_the_server_could_not_take_failed_and_may_be_sent_again(server: LangfuseServer) -> None:
    with Connection(settings_of(server), HASTY) as connection:
        server.faults.plan(Fault(status=500), share=1.0)
        sent = send_scores(connection, bodies(3))
        assert {one.state for one in sent} == {"failed"}
        assert all("500" in (one.reason or "") for one in sent)
        server.faults.clear()
        assert {one.state for one in send_scores(connection, bodies(3))} == {"accepted"}


def test_after_two_failures_nothing_more_is_sent(server: LangfuseServer) -> None:
    server.behaviour.batches = False
    with Connection(settings_of(server), HASTY) as connection:
        send_scores(connection, bodies(2))
        server.stop()
        sent = send_scores(connection, bodies(100))
        server.start()
    assert {one.state for one in sent} == {"failed"}


def test_wrong_keys_fail_every_score_and_reject_none(server: LangfuseServer) -> None:
    wrong = Settings("pk-lf-wrong", "sk-lf-wrong", server.url)
    with Connection(wrong, QUICK) as connection:
        sent = send_scores(connection, bodies(500))
        assert {one.state for one in sent} == {"failed"}
        assert isinstance(sent[0].error, Refused)
        assert sent[0].error.status == 401
    assert posts(server) <= 3


@pytest.mark.parametrize("batches", [True, False])
def test_with_every_fault_at_hand_all_scores_arrive_once(server: LangfuseServer, batches: bool) -> None:
    server.behaviour.batches = batches
    patience = Patience(first_pause=0.01, longest_pause=0.05, deadline=20, request=5)
    faults = [fault for fault in EVERY_FAULT if fault.retry_after is None and fault.kind != "slow"]
    server.faults.plan(*faults, share=0.3, seed=4)
    with Connection(settings_of(server), patience) as connection:
        waiting = bodies(60)
        for _ in range(20):
            sent = send_scores(connection, waiting)
            assert "rejected" not in {one.state for one in sent}
            waiting = [body for body, one in zip(waiting, sent, strict=True) if one.state == "failed"]
            if not waiting:
                break
    assert not waiting
    assert set(server.state.kept_scores()) == {f"s{n}" for n in range(60)}
