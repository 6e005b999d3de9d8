"""The real SDK against the stand-in: what a user's own run leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langfuse import Evaluation, Langfuse

from scoregate.langfuse.sdk import sdk_version
from tests.langfuse_server.answers import Json
from tests.langfuse_server.server import LangfuseServer

LONG_AGO = "2020-01-01T00:00:00Z"


@pytest.fixture
def langfuse(server: LangfuseServer) -> Iterator[Langfuse]:
    client = Langfuse(public_key=server.public_key, secret_key=server.secret_key, base_url=server.url)
    yield client
    client.shutdown()


def double(*, item: Any, **_: Any) -> int:
    if item.input["n"] == 3:
        raise ValueError("the candidate crashed")
    return int(item.input["n"]) * 2


def accuracy(*, output: int, expected_output: int, **_: Any) -> Evaluation:
    return Evaluation(name="accuracy", value=float(output == expected_output))


def test_keys_are_checked(langfuse: Langfuse) -> None:
    assert langfuse.auth_check()


def test_a_dataset_is_read_back_with_its_items(langfuse: Langfuse) -> None:
    _make_dataset(langfuse, "numbers")

    dataset = langfuse.get_dataset("numbers", fetch_items_page_size=2)

    assert sorted(item.id for item in dataset.items) == [f"item-{n}" for n in range(5)]


def test_a_run_of_the_sdk_is_an_experiment_with_a_failed_item(
    server: LangfuseServer, client: httpx.Client, langfuse: Langfuse
) -> None:
    _make_dataset(langfuse, "numbers")
    dataset = langfuse.get_dataset("numbers")
    result = dataset.run_experiment(name="doubling", run_name="first", task=double, evaluators=[accuracy])
    langfuse.flush()

    experiments = _read(client, "experiments", id=result.experiment_id)
    items = _read(client, "experiment-items", experimentId=result.experiment_id, fields="core,io,scores")

    assert [(run["name"], run["itemCount"], run["datasetId"]) for run in experiments] == [
        ("first", 5, dataset.id)
    ]
    shown = {
        item["experimentItemId"]: (item["level"], [row["value"] for row in item["scores"]]) for item in items
    }
    assert shown == {f"item-{n}": ("ERROR", []) if n == 3 else ("DEFAULT", [1.0]) for n in range(5)}
    assert len(server.state.kept_items(result.experiment_id)) == 5


def test_a_score_of_the_sdk_arrives(client: httpx.Client, langfuse: Langfuse) -> None:
    langfuse.create_score(
        name="resolved", value=1, data_type="BOOLEAN", session_id="s1", score_id="s1:resolution"
    )
    langfuse.flush()

    rows = client.get("/api/public/v3/scores", params={"sessionId": "s1"}).json()["data"]

    assert [(row["id"], row["value"]) for row in rows] == [("s1:resolution", True)]


@pytest.mark.skipif(sdk_version() < "5", reason="SDK 4 sends its scores by another endpoint, and loses none")
def test_a_server_without_arrays_loses_the_scores_of_the_sdk(
    server: LangfuseServer, langfuse: Langfuse
) -> None:
    server.behaviour.batches = False
    langfuse.create_score(name="resolved", value=1, session_id="s1")
    langfuse.flush()

    assert server.state.kept_scores() == {}
    assert [request.status for request in server.received if request.path.endswith("/scores")] == [400]


def _make_dataset(langfuse: Langfuse, name: str) -> None:
    langfuse.create_dataset(name=name)
    for n in range(5):
        langfuse.create_dataset_item(dataset_name=name, id=f"item-{n}", input={"n": n}, expected_output=n * 2)


def _read(client: httpx.Client, endpoint: str, **conditions: str) -> list[dict[str, Json]]:
    answer = client.get(f"/api/public/{endpoint}", params={"fromStartTime": LONG_AGO, **conditions})
    rows: list[dict[str, Json]] = answer.raise_for_status().json()["data"]
    return rows
