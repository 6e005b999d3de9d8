"""The OTLP endpoint: protobuf or JSON, plain or gzipped, into span rows."""

from __future__ import annotations

import base64
import gzip
import json
import secrets
import uuid
import zlib
from itertools import count

from google.protobuf.json_format import ParseDict, ParseError  # type: ignore[import-untyped]  # ships no types
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # ships no types
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.langfuse_server.answers import Answer, Json, Refused
from tests.langfuse_server.clock import iso
from tests.langfuse_server.request import Request
from tests.langfuse_server.spans import rows_of
from tests.langfuse_server.state import State

HIGHEST_VERSION = 4
_jobs = count(1)


def export_traces(state: State, request: Request) -> Answer:
    """Take over an export; the answer is the queue's job, given before any span is looked at."""
    version = request.headers.get("x-langfuse-ingestion-version")
    if version is not None and not (version.isdigit() and int(version) <= HIGHEST_VERSION):
        raise _refused(f'Unsupported x-langfuse-ingestion-version: "{version}". Maximum supported: "4".')
    export = _export(request)
    spans = [span for each in export.resource_spans for scope in each.scope_spans for span in scope.spans]
    if not export.resource_spans:
        return Answer(200, {})
    broken = sum(1 for span in spans if not span.trace_id or not span.span_id)
    if broken:
        raise _refused(f"Invalid OTLP trace export: {broken} of {len(spans)} span(s) cannot be processed.")
    if _shows(state, request):
        now = state.clock.now()
        rows = [row for each in export.resource_spans for row in rows_of(each, received=now)]
        state.accept_spans(rows)
    return Answer(200, _job(state, request, version))


def _shows(state: State, request: Request) -> bool:
    """Whether reads will see the spans. In dual mode they go astray without the version or the SDK's headers.

    The real server shows such spans about eleven minutes late and stripped of their experiment; here they
    never show.
    """
    if state.behaviour.mode == "events_only" or "x-langfuse-sdk-name" in request.headers:
        return True
    return request.headers.get("x-langfuse-ingestion-version") == "4"


def _export(request: Request) -> ExportTraceServiceRequest:
    body = request.body
    if request.headers.get("content-encoding") == "gzip":
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error):
            raise _refused("Failed to decompress request body") from None
    kind = request.headers.get("content-type", "").partition(";")[0]
    export = ExportTraceServiceRequest()
    if kind == "application/x-protobuf":
        try:
            export.ParseFromString(body)
        except DecodeError:
            raise _refused("Failed to parse OTel Protobuf Trace") from None
    elif kind == "application/json":
        try:
            ParseDict(_with_binary_ids(json.loads(body or b"{}")), export, ignore_unknown_fields=True)
        except (ValueError, ParseError):
            raise _refused("Failed to parse OTel JSON Trace") from None
    else:
        raise _refused("Invalid content type")
    return export


def _with_binary_ids(export: Json) -> Json:
    """OTLP writes ids as hex where protobuf's JSON form has base64."""
    for resource in export.get("resourceSpans", []):
        for scope in resource.get("scopeSpans", []):
            for span in scope.get("spans", []):
                for name in ("traceId", "spanId", "parentSpanId"):
                    if name in span:
                        span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
    return export


def _refused(message: str) -> Refused:
    return Refused(Answer(400, {"error": message}))


def _job(state: State, request: Request, version: str | None) -> dict[str, Json]:
    now = state.clock.now()
    data = {
        "data": {"fileKey": f"events/otel/{state.project}/{uuid.uuid4()}.json", "publicKey": "pk"},
        "authCheck": {
            "validKey": True,
            "scope": {"projectId": state.project, "accessLevel": "project", "orgId": "lf-org"},
        },
        "sdkName": request.headers.get("x-langfuse-sdk-name", "unknown"),
        "sdkVersion": request.headers.get("x-langfuse-sdk-version", "unknown"),
        "ingestionVersion": version or "",
    }
    milliseconds = int(now.timestamp() * 1000)
    return {
        "name": "otel-ingestion-job",
        "data": {
            "id": str(uuid.uuid4()),
            "timestamp": iso(now),
            "name": "otel-ingestion-job",
            "payload": data,
        },
        "opts": {
            "attempts": 6,
            "removeOnComplete": True,
            "removeOnFail": 100000,
            "backoff": {"type": "exponential", "delay": 5000},
            "traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01",
            "baggage": f"langfuse.project.id={state.project}",
        },
        "id": str(next(_jobs)),
        "progress": 0,
        "returnvalue": None,
        "stacktrace": None,
        "priority": 0,
        "attemptsStarted": 0,
        "attemptsMade": 0,
        "stalledCounter": 0,
        "timestamp": milliseconds,
        "queueQualifiedName": "bull:otel-ingestion-queue",
    }
