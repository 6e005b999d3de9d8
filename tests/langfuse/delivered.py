"""Runs on the stand-in server: one of ours as delivery sends it, as a whole or in part."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from scoregate.catalog import Catalog
from scoregate.langfuse.connection import Connection
from scoregate.langfuse.sending import Sender
from scoregate.records import DatasetItem, Run, RunHeader, RunItem, Score, Tokens
from scoregate.store import Store
from tests.langfuse.put_spans import settings_of
from tests.langfuse_server.server import LangfuseServer

Attributes = Mapping[str, str]
"""Attributes of a span, all of them texts."""
NOW = 1_795_214_414.25
"""Unix seconds in November 2026."""


def small_run(run: str = "agent-1", *, trials: int = 2, started_at: float = NOW, **header: object) -> Run:
    """Three items of which one fails, with every kind of cell."""
    items, scores = [], []
    for trial in range(trials):
        for number, name in enumerate(("a", "b", "c")):
            failed = name == "c"
            items.append(
                RunItem(
                    item=name,
                    trial=trial,
                    status="timeout" if failed else "ok",
                    error="no answer in 3 s" if failed else None,
                    output=None if failed else ({"text": "ä", "n": [1, 2.5, None]}, "42", None)[number],
                    latency_seconds=0.1234567 + trial,
                    cost_usd=None if failed else 0.00012,
                    tokens=None if failed else Tokens(10, number),
                    trace_id="0af7651916cd43dd8448eb211c80319c" if name == "b" else None,
                    cluster="first" if name == "a" else None,
                    slices={"intent": "refund"} if name == "a" else {},
                    content=f"digest of {name}",
                    started_at=started_at + number + 10 * trial,
                )
            )
            scores += _scores(name, trial, failed)
    values: dict[str, object] = {
        "dataset": "agent",
        "candidate": "v1",
        "expected_items": 3,
        "dataset_fingerprint": "f1",
        "commit": "abc",
        "scorers": {"correct": "1"},
        "started_at": "2026-11-20T22:40:14+00:00",
        "metadata": {"gate": "agent", "dirty": False, "timeout_seconds": 3.0, "origin": {"branch": "main"}},
        **header,
    }
    return Run(
        RunHeader(run=run, trials=trials, **values),  # type: ignore[arg-type]  # a test's own words
        tuple(sorted(items, key=lambda item: (item.item, item.trial))),
        tuple(sorted(scores, key=lambda score: (score.item, score.trial, score.score))),
    )


def _scores(item: str, trial: int, failed: bool) -> list[Score]:
    if failed:
        return [Score(item, trial, name, None, "error", "the item failed") for name in ("correct", "length")]
    return [
        Score(item, trial, "correct", item == "a", "ok", "exact"),
        Score(item, trial, "length", 7),
        Score(item, trial, "similarity", 1.0, "ok", None),
        Score(item, trial, "tone", "friendly", "ok", "ä"),
        Score(item, trial, "policy", None, "not_applicable", "no document"),
    ]


def deliver(
    server: LangfuseServer,
    run: Run,
    folder: Path,
    *,
    items: Callable[[RunItem], bool] = lambda item: True,
    scores: Callable[[Score], bool] = lambda score: True,
    dataset: Sequence[DatasetItem] = (),
) -> Run:
    """Store a run, send what is wanted of it, and give back what the store holds."""
    with Store.open(folder / "store.sqlite3") as store, Connection(settings_of(server)) as connection:
        store.import_run(run, replace=True, dataset_items=dataset)
        sender = Sender(store, connection, Catalog())
        sender.items(run.id, [item for item in run.items if items(item)])
        sent = [score for score in run.scores if score.status == "ok" and scores(score)]
        if sent:
            sender.scores(run.id, sent)
        return store.load_run(run.id)


def put_experiment(
    connection: Connection, experiment: str, name: str, items: Mapping[str, Attributes]
) -> None:
    """An experiment as anybody's spans make one: a trace with one span for every item; ids as in `trace_of`."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for item, attributes in items.items():
        trace = trace_of(experiment, item)
        span = spans.add(trace_id=bytes.fromhex(trace), span_id=bytes.fromhex(trace[:16]), name="answer")
        span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
        marks = {
            "langfuse.experiment.id": experiment,
            "langfuse.experiment.name": name,
            "langfuse.experiment.item.id": item,
            "langfuse.experiment.item.root_observation_id": trace[:16],
        }
        for key, text in {**marks, **attributes}.items():
            span.attributes.append(KeyValue(key=key, value=AnyValue(string_value=text)))
    headers = {"content-type": "application/x-protobuf", "x-langfuse-ingestion-version": "4"}
    connection.request("POST", "/otel/v1/traces", content=request.SerializeToString(), headers=headers)


def trace_of(experiment: str, item: str) -> str:
    """Id of the trace of an item of `put_experiment`; its span is named by the first half."""
    return hashlib.sha256(f"{experiment} {item}".encode()).hexdigest()[:32]
