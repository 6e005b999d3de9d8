"""The exporter that stands in a client's: what it adds, splits, keeps, and leaves to the one it replaced."""

from __future__ import annotations

import os
from collections.abc import Sequence

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from scoregate.langfuse.span_export import MAX_BYTES, SinkExporter


class Sink:
    """Keeps requests; refuses the first `refusals` of them."""

    def __init__(self, refusals: int = 0) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.sizes: list[int] = []
        self.refusals = refusals

    def __call__(self, payload: bytes, spans: int) -> None:
        if self.refusals > 0:
            self.refusals -= 1
            raise OSError("no space left on device")
        request = ExportTraceServiceRequest.FromString(payload)
        self.requests.append(request)
        self.sizes.append(len(payload))
        assert spans == sum(len(s.spans) for r in request.resource_spans for s in r.scope_spans)

    @property
    def names(self) -> list[str]:
        return [
            span.name
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


def spans(*names: str, **attributes: str) -> Sequence[ReadableSpan]:
    tracer = TracerProvider().get_tracer("test")
    made = []
    for name in names:
        span = tracer.start_span(name, attributes=attributes)
        span.end()
        assert isinstance(span, ReadableSpan)
        made.append(span)
    return made


def exporter(
    sink: Sink, replaced: InMemorySpanExporter | None = None, added: dict[str, str] | None = None
) -> SinkExporter:
    return SinkExporter(sink, lambda _trace: added or {}, replaced or InMemorySpanExporter())


def test_what_is_added_stands_in_place_of_what_the_span_said() -> None:
    sink = Sink()
    exporter(sink, added={"langfuse.environment": "ci"}).export(
        spans("a", **{"langfuse.environment": "mine", "other": "kept"})
    )
    attributes = sink.requests[0].resource_spans[0].scope_spans[0].spans[0].attributes
    assert [(a.key, a.value.string_value) for a in attributes] == [
        ("other", "kept"),
        ("langfuse.environment", "ci"),
    ]


def test_a_span_that_cannot_be_completed_is_handed_over_as_it_is() -> None:
    sink = Sink()

    def unreadable(trace: bytes) -> dict[str, str]:
        raise OSError("the store is locked")

    SinkExporter(sink, unreadable, InMemorySpanExporter()).export(spans("a", "b"))
    assert sink.names == ["a", "b"]


def test_a_large_batch_is_split_into_requests_that_servers_take() -> None:
    sink = Sink()
    names = [f"span-{number}" for number in range(10)]
    assert exporter(sink).export(spans(*names, text="x" * 1_000_000)) is SpanExportResult.SUCCESS
    assert sink.names == names
    assert len(sink.requests) > 1
    assert max(sink.sizes) <= MAX_BYTES


def test_a_single_span_that_is_larger_is_handed_over_alone() -> None:
    sink = Sink()
    exporter(sink).export([*spans("small"), *spans("large", text="x" * (MAX_BYTES + 1))])
    assert sink.names == ["small", "large"]
    assert len(sink.requests) == 2


def test_what_the_sink_refuses_waits_and_keeps_its_order() -> None:
    sink = Sink(refusals=2)
    held = exporter(sink)
    assert held.export(spans("a", "b")) is SpanExportResult.FAILURE
    assert held.waiting == 2
    assert held.export(spans("c")) is SpanExportResult.FAILURE
    assert held.offer()
    assert held.waiting == 0
    assert sink.names == ["a", "b", "c"]


def test_a_fork_of_the_candidates_exports_by_itself() -> None:
    sink, replaced = Sink(), InMemorySpanExporter()
    held = exporter(sink, replaced)
    child = os.fork()
    if child == 0:
        held.export(spans("in the fork"))
        os._exit(len(replaced.get_finished_spans()) if not sink.requests else 99)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 1
