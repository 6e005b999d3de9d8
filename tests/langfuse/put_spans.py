"""Spans on the stand-in server, so that scores have something to be about."""

from __future__ import annotations

import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from scoregate.langfuse.connection import Connection, Patience
from scoregate.langfuse.settings import Settings
from tests.langfuse_server.server import LangfuseServer

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "00f067aa0ba902b7"
QUICK = Patience(deadline=20.0, first_pause=0.01, longest_pause=0.05)


def settings_of(server: LangfuseServer, environment: str = "development") -> Settings:
    return Settings(server.public_key, server.secret_key, server.url, environment)


def put_span(
    server: LangfuseServer,
    trace: str = TRACE,
    span: str = SPAN,
    *,
    parent: str | None = None,
    name: str = "answer",
    **attributes: str,
) -> None:
    """One span; `langfuse_environment="ci"` is the attribute `langfuse.environment`, `__` stands for `_`."""
    request = ExportTraceServiceRequest()
    made = request.resource_spans.add().scope_spans.add().spans.add()
    made.trace_id, made.span_id, made.name = bytes.fromhex(trace), bytes.fromhex(span), name
    if parent is not None:
        made.parent_span_id = bytes.fromhex(parent)
    made.start_time_unix_nano = made.end_time_unix_nano = time.time_ns()
    for name, text in attributes.items():
        key = name.replace("__", "\0").replace("_", ".").replace("\0", "_")
        made.attributes.append(KeyValue(key=key, value=AnyValue(string_value=text)))
    with Connection(settings_of(server)) as connection:
        connection.request(
            "POST",
            "/otel/v1/traces",
            content=request.SerializeToString(),
            headers={"content-type": "application/x-protobuf", "x-langfuse-ingestion-version": "4"},
        )


def put_run_item(
    server: LangfuseServer, experiment: str, name: str, item: str, trace: str = TRACE, span: str = SPAN
) -> None:
    """A run item of an experiment: one trace with one span, its root."""
    put_span(
        server,
        trace,
        span,
        langfuse_experiment_id=experiment,
        langfuse_experiment_name=name,
        langfuse_experiment_item_id=item,
        langfuse_experiment_item_root__observation__id=span,
    )
