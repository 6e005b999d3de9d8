"""Where the candidate's finished spans go: completed, in OTLP's wire format, to the sink that delivers them."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

SpanSink = Callable[[bytes, int], None]
"""Takes an OTLP export request (protobuf, not compressed) and how many spans it holds, once it keeps them safely."""
TraceAttributes = Callable[[bytes], Mapping[str, str]]
"""Trace id (16 bytes) -> attributes that all spans of that trace carry; none for a trace that is not a run item's."""

_SPENT = (
    "langfuse.observation.usage_details",
    "langfuse.observation.cost_details",
    "gen_ai.usage.",
    "llm.token_count.",
)
"""Beginnings of the attributes by which a span says what tokens it took or what it cost."""
MAX_BYTES = 3_000_000
"""Largest request, so that servers take it; a single span may be larger."""
_log = logging.getLogger(__name__)


class SinkExporter(SpanExporter):
    """Stands where a client's own exporter stood. What the sink does not take is kept and offered again.

    It is called by the threads of the SDK, never by the candidate's, so it neither slows a call nor fails one.
    """

    def __init__(
        self,
        sink: SpanSink,
        completion: TraceAttributes,
        replaced: SpanExporter,
        spent: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        """`spent` hears the id of every trace that has a span with tokens or a cost."""
        self._sink = sink
        self._spent = spent
        self._completion = completion
        self.replaced = replaced
        self._process = os.getpid()
        self._waiting: list[tuple[bytes, int]] = []
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """Spans that the sink has not taken yet."""
        with self._lock:
            return sum(spans for _, spans in self._waiting)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if os.getpid() != self._process:
            return self.replaced.export(spans)  # A fork of the candidate's: the sink is the parent's alone.
        with self._lock:
            self._waiting += self._requests(spans)
        return SpanExportResult.SUCCESS if self.offer() else SpanExportResult.FAILURE

    def offer(self) -> bool:
        """Offer the sink what it has not taken yet; whether nothing is left."""
        with self._lock:
            while self._waiting:
                try:
                    self._sink(*self._waiting[0])
                except Exception as error:  # noqa: BLE001  a full disk, say: nothing may reach the SDK's thread
                    _log.warning("spans of the candidate are not stored yet: %s", error)
                    return False
                del self._waiting[0]
            return True

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002  the exporter's own signature
        return self.offer()

    def shutdown(self) -> None:
        self.offer()
        self.replaced.shutdown()

    def _requests(self, spans: Sequence[ReadableSpan]) -> list[tuple[bytes, int]]:
        request = encode_spans(spans)
        for resource_spans in request.resource_spans:
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    self._complete(span)
        data: bytes = request.SerializeToString()
        if len(data) <= MAX_BYTES or len(spans) == 1:
            return [(data, len(spans))]
        half = len(spans) // 2
        return self._requests(spans[:half]) + self._requests(spans[half:])

    def _complete(self, span: Span) -> None:
        if any(attribute.key.startswith(_SPENT) for attribute in span.attributes):
            self._spent(span.trace_id)
        try:
            added = self._completion(span.trace_id)
        except Exception as error:  # noqa: BLE001  a store that cannot be read, say: the span is worth more
            _log.warning("a span of the candidate does not say of which experiment it is: %s", error)
            return
        if not added:
            return
        kept = [attribute for attribute in span.attributes if attribute.key not in added]
        if len(kept) < len(span.attributes):
            del span.attributes[:]
            span.attributes.extend(kept)
        for key, value in added.items():
            attribute = span.attributes.add()
            attribute.key = key
            attribute.value.string_value = value
