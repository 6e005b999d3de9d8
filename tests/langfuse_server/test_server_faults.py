"""Each fault does what it says, and says rightly whether the write was applied."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.langfuse_server.client import client_of, score, wait_until
from tests.langfuse_server.faults import EVERY_FAULT, Fault
from tests.langfuse_server.server import LangfuseServer

SCORES = "/api/public/scores"


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 502])
def test_an_error_status_applies_nothing(server: LangfuseServer, client: httpx.Client, status: int) -> None:
    server.faults.plan(Fault(status=status), next_requests=1)

    assert client.post(SCORES, json=score("a")).status_code == status
    assert server.state.kept_scores() == {}
    assert client.post(SCORES, json=score("a")).status_code == 200
    assert list(server.state.kept_scores()) == ["a"]


def test_429_has_the_retry_after_that_was_asked_for(server: LangfuseServer, client: httpx.Client) -> None:
    server.faults.plan(Fault(status=429, retry_after=5), next_requests=1)
    server.faults.plan(Fault(status=429), next_requests=1)

    assert client.get("/api/public/projects").headers["retry-after"] == "5"
    assert "retry-after" not in client.get("/api/public/projects").headers


def test_a_slow_answer_is_the_right_one_late(server: LangfuseServer, client: httpx.Client) -> None:
    server.faults.plan(Fault(kind="slow", seconds=0.3), next_requests=1)

    start = time.monotonic()
    assert client.post(SCORES, json=score("a")).status_code == 200
    assert time.monotonic() - start >= 0.3
    assert list(server.state.kept_scores()) == ["a"]


def test_a_truncated_answer_breaks_off_after_the_write(server: LangfuseServer, client: httpx.Client) -> None:
    server.faults.plan(Fault(kind="truncated"), next_requests=1)

    with pytest.raises(httpx.RemoteProtocolError):
        client.post(SCORES, json=score("a"))
    assert list(server.state.kept_scores()) == ["a"]


@pytest.mark.parametrize(("kind", "kept"), [("reset_before", []), ("reset_after", ["a"])])
def test_a_reset_comes_before_or_after_the_write(server: LangfuseServer, kind: str, kept: list[str]) -> None:
    server.faults.plan(
        Fault(kind="reset_before" if kind == "reset_before" else "reset_after"), next_requests=1
    )

    with client_of(server) as client, pytest.raises(httpx.ReadError, match="reset"):
        client.post(SCORES, json=score("a"))
    assert list(server.state.kept_scores()) == kept
    assert [request.status for request in server.received] == [None]


def test_rejections_leave_the_other_scores_of_an_array(server: LangfuseServer, client: httpx.Client) -> None:
    server.faults.plan(Fault(kind="rejects", every=2), next_requests=1)

    answer = client.post(SCORES, json=[score(name) for name in "abcd"])

    assert answer.status_code == 207
    assert {key: answer.json()[key] for key in ("accepted", "rejected")} == {"accepted": 2, "rejected": 2}
    assert [error["message"].partition(":")[0] for error in answer.json()["errors"]] == [
        "Score at index 1",
        "Score at index 3",
    ]
    assert sorted(server.state.kept_scores()) == ["a", "c"]


def test_every_third_request_fails(server: LangfuseServer, client: httpx.Client) -> None:
    server.faults.plan(Fault(status=500), every=3)

    statuses = [client.get("/api/public/projects").status_code for _ in range(7)]

    assert statuses == [200, 200, 500, 200, 200, 500, 200]


def test_a_share_of_all_answers_is_drawn_from_the_seed(server: LangfuseServer, client: httpx.Client) -> None:
    statuses = []
    for _ in range(2):
        server.faults.clear()
        server.faults.plan(Fault(status=500), share=0.3, seed=7)
        statuses.append([client.get("/api/public/health").status_code for _ in range(60)])

    assert statuses[0] == statuses[1]
    assert 8 <= statuses[0].count(500) <= 28


def test_a_plan_keeps_to_its_path_and_method(server: LangfuseServer, client: httpx.Client) -> None:
    server.faults.plan(Fault(status=500), path=SCORES, method="POST")

    assert client.get("/api/public/projects").status_code == 200
    assert client.get(SCORES).status_code == 404
    assert client.post(SCORES, json=score("a")).status_code == 500


def test_a_plan_without_faults_draws_from_all_kinds(server: LangfuseServer) -> None:
    server.faults.plan(share=1.0, seed=1)

    drawn = {fault.name for _ in range(500) if (fault := server.faults.draw("POST", SCORES))}

    assert drawn == {fault.name for fault in EVERY_FAULT}


def test_a_server_that_is_down_refuses_and_comes_back_with_its_state(server: LangfuseServer) -> None:
    with client_of(server) as client:
        client.post(SCORES, json=score("a"))
        outage = server.down_for(600)
        wait_until(lambda: not server.running)
        with pytest.raises(httpx.ConnectError):
            client.get("/api/public/health")
        outage.end()
        assert client.get("/api/public/health").status_code == 200
        server.down_for(0.01).join()  # comes back by itself as well
        assert client.get("/api/public/health").status_code == 200
        assert list(server.state.kept_scores()) == ["a"]


def test_a_server_that_begins_again_has_what_it_is_given_and_no_faults(server: LangfuseServer) -> None:
    with client_of(server) as client:
        client.post(SCORES, json=score("a"))
        kept = server.state.copied()
        client.post(SCORES, json=score("b"))
        server.faults.plan(Fault(status=500), every=1)
        server.begin_again(kept.copied())
        assert client.get("/api/public/health").status_code == 200
        assert list(server.state.kept_scores()) == ["a"]
        assert len(server.received) == 1
        server.begin_again()
        assert list(server.state.kept_scores()) == []


def test_latency_delays_every_answer(server: LangfuseServer, client: httpx.Client) -> None:
    server.behaviour.latency = 0.2

    start = time.monotonic()
    client.get("/api/public/health")
    assert time.monotonic() - start >= 0.2


def test_reads_lag_behind_writes(server: LangfuseServer, client: httpx.Client) -> None:
    def shown() -> list[str]:
        return [row["id"] for row in client.get("/api/public/v3/scores").json()["data"]]

    server.behaviour.score_lag = 600
    client.post(SCORES, json=score("a"))
    assert shown() == []

    server.behaviour.score_lag = 0.1
    client.post(SCORES, json=score("b"))
    wait_until(lambda: shown() == ["b"])
