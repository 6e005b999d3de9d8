"""Exchanges with the stand-in, written down as those with a real server are.

They say nothing of a real server. What reads, sends again and compares recordings is tested on them where the real ones
do not lie beside the checkout.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.langfuse_server.answers import Json
from tests.langfuse_server.client import trusted
from tests.langfuse_server.recordings import FOLDER
from tests.langfuse_server.server import RECORDED, LangfuseServer
from tests.langfuse_server.state import WriteMode

BOTH = ("recorded", "made-up")
BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
JSON_BODY = {"content-type": "application/json"}
KEYS = {"authorization": "Basic <key pair>"}
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SCORES = "/api/public/scores"
CONFIGS = "/api/public/score-configs"


def recordings(which: str, folder: Path, *runs: str) -> Path:
    """The folder with the recordings of BOTH that are named; made-up ones, of these runs, are written to `folder`."""
    if which == "recorded":
        if not FOLDER.is_dir():
            pytest.skip(f"the recorded exchanges are not beside this checkout (looked in {FOLDER})")
        return FOLDER
    for run in runs:
        record(folder, run)
    return folder


def record(folder: Path, run: str) -> None:
    """Write the files of a run, which names write mode and build (`events_only.stock`), one an area."""
    mode, build = run.split(".")
    short = f"{'eo' if mode == 'events_only' else mode}-{build}"
    write_mode: WriteMode = "dual" if mode == "dual" else "events_only"
    with LangfuseServer(mode=write_mode, batches=build == "patched", version=RECORDED) as server:
        recorder = _Recorder(server)
        _basics(recorder)
        _dataset(recorder, f"made-up-{short}")
        _spans(recorder, f"made-up-{short}")
        _scores(recorder, short)
        recorder.client.close()
    for area, rows in recorder.rows.items():
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
        (folder / f"{run}.{area}.jsonl").write_text(text, encoding="utf-8")


@dataclass(slots=True)
class _Recorder:
    """Sends requests, a second apart by the server's clock, and keeps what came back."""

    server: LangfuseServer
    rows: dict[str, list[dict[str, Json]]] = field(default_factory=dict)
    client: httpx.Client = field(init=False)
    sequence: int = 0

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.server.url, verify=trusted(), trust_env=False, timeout=60)

    def send(
        self,
        area: str,
        scenario: str,
        method: str,
        path: str,
        body: Json = None,
        *,
        query: dict[str, str] | None = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Json:
        """The answer's body. `content` is what is sent, where `body` only stands for it."""
        self.sequence += 1
        at = BEGAN + timedelta(seconds=self.sequence)
        self.server.state.clock.set(at)
        told = {**KEYS, **(JSON_BODY if body is not None else {}), **(headers or {})}
        pair = f"{self.server.public_key}:{self.server.secret_key}"
        secret = f"Basic {base64.b64encode(pair.encode()).decode()}"
        sent = told | {
            "authorization": secret if told["authorization"] == KEYS["authorization"] else "Basic eA=="
        }
        if content is None and body is not None:
            content = json.dumps(body).encode()
        answer = self.client.request(method, path, params=query, headers=sent, content=content)
        kind = answer.headers.get("content-type")
        answered = answer.json() if (kind or "").startswith("application/json") else answer.text
        self.rows.setdefault(area, []).append(
            {
                "scenario": scenario,
                "seq": self.sequence,
                "at": at.isoformat(),
                "request": {
                    "method": method,
                    "path": path,
                    "query": query or {},
                    "headers": told,
                    "body": body,
                },
                "response": {
                    "status": answer.status_code,
                    "headers": {"content-type": kind},
                    "body": answered,
                },
            }
        )
        return answered


def _basics(recorder: _Recorder) -> None:
    recorder.send("basics", "1.health", "GET", "/api/public/health")
    recorder.send("basics", "1.projects", "GET", "/api/public/projects")
    recorder.send("basics", "1.no-such-path", "GET", "/api/public/no-such-path")
    wrong = {"authorization": "Basic <wrong pair>"}
    recorder.send("basics", "1.wrong-keys", "GET", "/api/public/projects", headers=wrong)


def _dataset(recorder: _Recorder, name: str) -> None:
    recorder.send(
        "datasets", "2.create", "POST", "/api/public/v2/datasets", {"name": name, "metadata": {"a": 1}}
    )
    for number in range(3):
        item = {
            "id": f"{name}-{number}",
            "datasetName": name,
            "input": {"n": number},
            "expectedOutput": number,
        }
        recorder.send("datasets", f"2.item.{number}", "POST", "/api/public/dataset-items", item)
    items = {"datasetName": name, "limit": "2", "page": "2"}
    recorder.send("datasets", "2.item.list", "GET", "/api/public/dataset-items", query=items)
    recorder.send("datasets", "2.item.delete", "DELETE", f"/api/public/dataset-items/{name}-0")
    recorder.send("datasets", "2.item.gone", "GET", f"/api/public/dataset-items/{name}-0")
    nowhere = {"datasetName": f"no-{name}", "input": 1}
    recorder.send("datasets", "2.item.no-dataset", "POST", "/api/public/dataset-items", nowhere)


def _spans(recorder: _Recorder, experiment: str) -> None:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.name, span.trace_id, span.span_id = "item", bytes.fromhex(TRACE), bytes.fromhex(SPAN)
    span.start_time_unix_nano = span.end_time_unix_nano = int(BEGAN.timestamp()) * 10**9
    for name, value in (
        ("langfuse.experiment.id", experiment),
        ("langfuse.experiment.name", experiment),
        ("langfuse.experiment.item.id", "item-1"),
        ("langfuse.experiment.item.root_observation_id", SPAN),
        ("langfuse.observation.output", "an answer"),
    ):
        span.attributes.add(key=name).value.string_value = value
    content = bytes(request.SerializeToString())
    recorder.send(
        "otel-experiment",
        "4.send",
        "POST",
        "/api/public/otel/v1/traces",
        {"otlp_base64": base64.b64encode(content).decode()},
        content=content,
        headers={"content-type": "application/x-protobuf", "x-langfuse-ingestion-version": "4"},
    )
    since = {"fromStartTime": (BEGAN - timedelta(days=1)).isoformat(), "experimentId": experiment}
    recorder.send("otel-experiment", "4.items", "GET", "/api/public/experiment-items", query=since)


def _scores(recorder: _Recorder, short: str) -> None:
    configs = {}
    for name, fields in (
        ("accuracy", {"dataType": "NUMERIC", "minValue": 0, "maxValue": 1}),
        ("right", {"dataType": "BOOLEAN"}),
        ("tone", {"dataType": "CATEGORICAL", "categories": [{"label": "kind", "value": 0}]}),
        ("remark", {"dataType": "TEXT"}),
    ):
        made = recorder.send("score-configs", f"6.create.{name}", "POST", CONFIGS, {"name": name, **fields})
        configs[name] = made["id"]
    recorder.send(
        "score-configs", "6.archive", "PATCH", f"{CONFIGS}/{configs['remark']}", {"isArchived": True}
    )
    recorder.send("score-configs", "6.list.after-archive", "GET", CONFIGS, query={"limit": "50"})
    for name, body in _score_bodies(configs):
        score = {"id": f"{short}-{name}", **({"traceId": TRACE} if "sessionId" not in body else {}), **body}
        recorder.send("scores", f"5.post.{name}", "POST", SCORES, score)
        shown = {"id": score["id"], "fields": "details,subject"}
        recorder.send("scores", f"5.read.post.{name}", "GET", "/api/public/v3/scores", query=shown)
    several = [{"id": f"{short}-many-{n}", "traceId": TRACE, "name": "many", "value": n} for n in range(3)]
    recorder.send("scores", "5.post.array", "POST", SCORES, several)


def _score_bodies(configs: dict[str, str]) -> Iterator[tuple[str, dict[str, Json]]]:
    yield "number", {"name": "accuracy", "value": 0.5, "dataType": "NUMERIC"}
    yield "boolean", {"name": "right", "value": 1, "dataType": "BOOLEAN"}
    yield "category", {"name": "tone", "value": "kind", "dataType": "CATEGORICAL"}
    yield "text", {"name": "remark", "value": "well said", "dataType": "TEXT", "comment": "why"}
    yield "untyped", {"name": "accuracy", "value": 0.25}
    yield "of-session", {"name": "accuracy", "value": 1, "sessionId": "a session", "environment": "ci"}
    yield "no-name", {"name": "", "value": 1, "dataType": "NUMERIC"}
    yield "text-as-number", {"name": "accuracy", "value": "half", "dataType": "NUMERIC"}
    yield "two-as-boolean", {"name": "right", "value": 2, "dataType": "BOOLEAN"}
    yield "empty-text", {"name": "remark", "value": "", "dataType": "TEXT"}
    yield (
        "in-config",
        {"name": "accuracy", "value": 1, "dataType": "NUMERIC", "configId": configs["accuracy"]},
    )
    yield (
        "out-of-config",
        {"name": "accuracy", "value": 2, "dataType": "NUMERIC", "configId": configs["accuracy"]},
    )
    yield "known-category", {"name": "tone", "value": "kind", "configId": configs["tone"]}
    yield "unknown-category", {"name": "tone", "value": "rude", "configId": configs["tone"]}
    yield (
        "archived-config",
        {"name": "remark", "value": "late", "dataType": "TEXT", "configId": configs["remark"]},
    )
