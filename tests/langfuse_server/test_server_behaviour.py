"""What the recordings leave out, or show only in part."""

from __future__ import annotations

import gzip
import time

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.langfuse_server.client import client_of, score, trusted, wait_until
from tests.langfuse_server.server import LangfuseServer

TRACES = "/api/public/otel/v1/traces"
PROTOBUF = {"content-type": "application/x-protobuf"}
VERSION_4 = {"x-langfuse-ingestion-version": "4"}


def export(experiment: str, *items: str, text: str = "out") -> bytes:
    """One trace for each item, whose span is the item's root."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number, item in enumerate(items, start=1):
        span = spans.add(name="item", trace_id=number.to_bytes(16, "big"), span_id=number.to_bytes(8, "big"))
        span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns() + number * 1_000_000
        for name, value in (
            ("langfuse.experiment.id", experiment),
            ("langfuse.experiment.item.id", item),
            ("langfuse.experiment.item.root_observation_id", span.span_id.hex()),
            ("langfuse.observation.output", text),
        ):
            attribute = span.attributes.add(key=name)
            attribute.value.string_value = value
    return bytes(request.SerializeToString())


def items_of(client: httpx.Client, experiment: str) -> list[str]:
    query = {"fromStartTime": "2020-01-01T00:00:00Z", "experimentId": experiment, "limit": "2"}
    found = []
    while True:
        body = client.get("/api/public/experiment-items", params=query).json()
        found += [row["experimentItemId"] for row in body["data"]]
        if "cursor" not in body["meta"]:
            return found
        query["cursor"] = body["meta"]["cursor"]


def test_garbage_is_no_export(client: httpx.Client) -> None:
    answer = client.post(TRACES, content=b"\xff garbage", headers=PROTOBUF)
    assert (answer.status_code, answer.json()) == (400, {"error": "Failed to parse OTel Protobuf Trace"})


def test_an_export_of_six_mebibytes_is_taken(client: httpx.Client) -> None:
    body = gzip.compress(export("big", "a", text="x" * 6 * 1024 * 1024))
    assert (
        client.post(TRACES, content=body, headers=PROTOBUF | {"content-encoding": "gzip"}).status_code == 200
    )
    assert items_of(client, "big") == ["a"]


def test_pages_chained_by_cursors_hold_every_item_once(client: httpx.Client) -> None:
    client.post(TRACES, content=export("e", *"abcde"), headers=PROTOBUF)
    assert items_of(client, "e") == list("edcba")


@pytest.mark.parametrize(
    ("headers", "shown"), [({}, []), (VERSION_4, ["a"]), ({"x-langfuse-sdk-name": "p"}, ["a"])]
)
def test_dual_mode_shows_no_run_without_the_headers(headers: dict[str, str], shown: list[str]) -> None:
    with LangfuseServer(mode="dual") as server, client_of(server) as client:
        assert client.post(TRACES, content=export("e", "a"), headers=PROTOBUF | headers).status_code == 200
        assert items_of(client, "e") == shown


def test_spans_and_scores_lag_apart(server: LangfuseServer, client: httpx.Client) -> None:
    server.behaviour.span_lag = 600
    client.post(TRACES, content=export("e", "a"), headers=PROTOBUF)
    client.post("/api/public/scores", json=score("s"))

    assert items_of(client, "e") == []
    assert len(client.get("/api/public/v3/scores").json()["data"]) == 1

    server.behaviour.span_lag = 0.1
    client.post(TRACES, content=export("e2", "b"), headers=PROTOBUF)
    wait_until(lambda: items_of(client, "e2") == ["b"])
    assert items_of(client, "e") == []


def test_a_deleted_score_stays_until_the_lag_is_over(server: LangfuseServer, client: httpx.Client) -> None:
    def shown() -> list[str]:
        return sorted(row["id"] for row in client.get("/api/public/v3/scores").json()["data"])

    for score_id, lag in (("s", 600), ("t", 0.1)):
        server.behaviour.delete_lag = lag
        client.post("/api/public/scores", json=score(score_id))
        assert client.delete(f"/api/public/scores/{score_id}").status_code == 202

    wait_until(lambda: shown() == ["s"])


def test_what_is_sent_twice_is_counted_twice_and_kept_once(
    server: LangfuseServer, client: httpx.Client
) -> None:
    for _ in range(2):
        client.post(TRACES, content=export("e", "a"), headers=PROTOBUF)
        client.post("/api/public/scores", json=[score("s"), score("t")])

    assert (server.state.accepted.spans, server.state.accepted.scores) == (2, 4)
    assert sorted(server.state.kept_scores()) == ["s", "t"]


def test_a_server_on_the_same_port_with_the_same_state_goes_on(server: LangfuseServer) -> None:
    with client_of(server) as client:
        client.post("/api/public/scores", json=score("s"))
    server.stop()
    again = LangfuseServer(
        port=server.port, state=server.state, public_key=server.public_key, secret_key=server.secret_key
    )
    with again, client_of(again) as client:
        assert [row["id"] for row in client.get("/api/public/v3/scores").json()["data"]] == ["s"]


def test_after_a_413_nothing_is_served_on_that_connection(server: LangfuseServer) -> None:
    with httpx.Client(
        base_url=server.url,
        auth=(server.public_key, server.secret_key),
        verify=trusted(),
        trust_env=False,
        timeout=0.5,
    ) as client:
        assert (
            client.post("/api/public/scores", json=score("s", comment="x" * 1024 * 1024)).status_code == 413
        )
        with pytest.raises(httpx.ReadTimeout):
            client.get("/api/public/projects")
        # The client has closed that one.
        assert client.get("/api/public/projects").status_code == 200


def test_a_score_never_leaves_the_environment_and_the_trace_of_its_first_writing(
    server: LangfuseServer, client: httpx.Client
) -> None:
    for moved in (
        {"environment": "production"},
        {"traceId": "t2"},
        {"traceId": "t2", "observationId": "o2"},
        {"traceId": "t1", "observationId": "o1"},
    ):
        again = {"environment": "ci", **moved}
        client.post("/api/public/scores", json=score("s", environment="ci"))
        assert client.post("/api/public/scores", json=score("s", 2.0, **again)).status_code == 200
        (row,) = server.state.kept_scores().values()
        assert (row.value, row.environment) == (2.0, "ci")
        assert (row.parent.trace_id or row.parent.id) == "t1"
    assert row.parent.id == "o1"  # within its trace it may move
