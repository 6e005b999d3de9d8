"""Experiments that scoregate did not make: the SDK's own `run_experiment`, and spans of anybody."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from scoregate.errors import BaselineError
from scoregate.langfuse.connection import Connection
from scoregate.langfuse.experiment_runs import FoundRun, read_run
from scoregate.records import Run, RunItem, Score
from tests.langfuse.put_spans import put_span, settings_of
from tests.langfuse_server.server import LangfuseServer

KEY = "pk-lf-sdk-runs"
"""Of its own: the SDK keeps one client for each public key of a process."""
DATASET = "support/answers"


@pytest.fixture(scope="module")
def server() -> Iterator[LangfuseServer]:
    with LangfuseServer(public_key=KEY) as started:
        yield started


@pytest.fixture(scope="module")
def connection(server: LangfuseServer) -> Iterator[Connection]:
    with Connection(settings_of(server)) as opened:
        yield opened


def task(*, item: Any, **_: Any) -> Any:
    if item.id == "broken":
        raise ValueError("no such order")
    return {"sum": item.input["a"] + 1} if item.id != "text" else "plain text"


def evaluate(*, output: Any, **_: Any) -> list[Any]:
    from langfuse.experiment import Evaluation

    return [
        Evaluation(name="accuracy", value=0.5, comment="half"),
        Evaluation(name="passed", value=True, data_type="BOOLEAN"),
        Evaluation(name="verdict", value="good", data_type="CATEGORICAL"),
    ]


@pytest.fixture(scope="module")
def found(server: LangfuseServer, connection: Connection) -> FoundRun:
    """A run of the SDK over four items, one of which it could not answer; a fifth came later, a sixth is archived."""
    from langfuse import Langfuse

    connection.post("/v2/datasets", {"name": DATASET})

    def add(item: str, status: str = "ACTIVE") -> None:
        body = {"datasetName": DATASET, "id": item, "input": {"a": 1}, "expectedOutput": {"sum": 2}}
        connection.post("/dataset-items", {**body, "metadata": {"case": {"kind": item}}, "status": status})

    for item in ("one", "two", "text", "broken"):
        add(item)
    client = Langfuse(public_key=KEY, secret_key=server.secret_key, base_url=server.url)
    client.get_dataset(DATASET).run_experiment(
        name="nightly",
        run_name="nightly 1",
        task=task,
        evaluators=[evaluate],
        metadata={"commit": "abc", "selection": "a word of the user's"},
    )
    client.shutdown()
    add("later")
    add("archived", "ARCHIVED")
    return read_run(connection, "nightly 1")


def item(run: Run, name: str) -> RunItem:
    return next(one for one in run.items if one.item == name)


def cells(run: Run, name: str) -> dict[str, Score]:
    return {score.score: score for score in run.scores if score.item == name}


def test_items_come_under_their_dataset_ids_with_parsed_outputs(found: FoundRun) -> None:
    assert [one.item for one in found.run.items] == ["broken", "one", "text", "two"]
    assert item(found.run, "one").output == {"sum": 2}
    assert item(found.run, "text").output == "plain text"
    assert item(found.run, "one").status == "ok"
    latency = item(found.run, "one").latency_seconds
    assert latency is not None
    assert latency >= 0


def test_a_crashed_item_is_an_error_and_has_no_output(found: FoundRun) -> None:
    broken = item(found.run, "broken")
    assert (broken.status, broken.error, broken.output) == ("error", "no such order", None)
    assert cells(found.run, "broken") == {}


def test_scores_have_their_types_and_comments(found: FoundRun) -> None:
    scores = cells(found.run, "one")
    assert {name: score.value for name, score in scores.items()} == {
        "accuracy": 0.5,
        "passed": True,
        "verdict": "good",
    }
    assert type(scores["accuracy"].value) is float
    assert scores["accuracy"].comment == "half"


def test_absent_items_of_the_dataset_are_expected(found: FoundRun) -> None:
    header = found.run.header
    assert (header.dataset, header.expected_items, len(found.run.items)) == (DATASET, 5, 4)


def test_what_it_does_not_say_is_not_made_up(found: FoundRun) -> None:
    header = found.run.header
    assert (header.dataset_fingerprint, dict(header.scorers), header.trials) == (None, {}, 1)
    assert (header.candidate, header.commit) == ("nightly 1", "abc")
    assert not header.partial, "the user's metadata are no words of ours"


def test_its_items_are_shown_with_nested_metadata(found: FoundRun) -> None:
    shown = {one.id: one for one in found.shown_items}
    assert shown["two"].metadata == {"case": {"kind": "two"}}
    assert (shown["two"].input, shown["two"].expected_output) == ({"a": 1}, {"sum": 2})


def test_an_item_with_two_traces_is_refused(server: LangfuseServer, connection: Connection) -> None:
    for trace in ("a" * 32, "b" * 32):
        put_span_of(server, trace, "twice", "run twice", "q1")
    with pytest.raises(BaselineError, match=r"1 item with more than one trace \('q1'\)"):
        read_run(connection, "twice")


def put_span_of(server: LangfuseServer, trace: str, experiment: str, name: str, item_id: str) -> None:
    put_span(
        server,
        trace,
        trace[:16],
        langfuse_experiment_id=experiment,
        langfuse_experiment_name=name,
        langfuse_experiment_item_id=item_id,
        langfuse_experiment_item_root__observation__id=trace[:16],
    )


def scored(
    server: LangfuseServer, connection: Connection, experiment: str, *scores: dict[str, object]
) -> dict[str, Score]:
    """Cells of a run of one item with these scores."""
    trace = hashlib.md5(experiment.encode()).hexdigest()
    put_span_of(server, trace, experiment, experiment, "q1")
    for number, score in enumerate(scores):
        connection.post("/scores", {"id": f"{experiment}-{number}", "traceId": trace, **score})
    return cells(read_run(connection, experiment).run, "q1")


def test_a_score_of_the_trace_counts_where_the_root_has_none(
    server: LangfuseServer, connection: Connection
) -> None:
    found = scored(server, connection, "trace-only", {"name": "tone", "value": 1, "dataType": "BOOLEAN"})
    assert found["tone"].value is True


def test_two_values_of_one_name_are_an_error_and_not_a_choice(
    server: LangfuseServer, connection: Connection
) -> None:
    score = {"name": "tone", "dataType": "NUMERIC"}
    found = scored(server, connection, "two-values", {**score, "value": 1}, {**score, "value": 0.5})
    assert (found["tone"].status, found["tone"].value) == ("error", None)
    assert found["tone"].comment == "it has several values in Langfuse: 0.5, 1.0"


def test_the_same_value_twice_is_one(server: LangfuseServer, connection: Connection) -> None:
    score = {"name": "tone", "dataType": "NUMERIC", "value": 1}
    assert scored(server, connection, "one-value", score, score)["tone"].value == 1.0


def test_an_experiment_without_a_dataset_expects_what_it_has(
    server: LangfuseServer, connection: Connection
) -> None:
    put_span_of(server, "c" * 32, "no-dataset", "no dataset", "q1")
    header = read_run(connection, "no dataset").run.header
    assert (header.dataset, header.expected_items) == ("(no dataset in Langfuse)", 1)
