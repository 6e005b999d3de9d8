"""Recorded requests under other names, ids and times, so that a server that keeps its rows can be asked again."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.langfuse_server.answers import Json

NAME = re.compile(r"(eo|dual)-(stock|patched)")  # what all names and most ids of the recordings hold
# Hexadecimal ids and UUIDs; what has no letter is a number.
ID = re.compile(
    r"\b(?=[0-9-]*[a-f])([0-9a-f]{32}|[0-9a-f]{16}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b"
)
TIME = re.compile(r"2026-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Names and ids follow from the salt, and keep their lengths; times are moved. Without salt, as recorded."""

    salt: str = ""
    shift: timedelta = timedelta()

    def text(self, recorded: str) -> str:
        """A text with everything in it rewritten."""
        if self.salt:
            recorded = NAME.sub(lambda found: f"{found[1]}-{self._digits(found[2])}", recorded)
            recorded = ID.sub(lambda found: self._id(found[1]), recorded)
        if self.shift:
            recorded = TIME.sub(self._moved, recorded)
        return recorded

    def body(self, recorded: Json) -> Json:
        """A JSON value with everything in it rewritten."""
        return json.loads(self.text(json.dumps(recorded)))

    def span(self, span: Span) -> None:
        """A span's ids and times, in place."""
        if self.salt:
            span.trace_id = bytes.fromhex(self._id(span.trace_id.hex()))
            span.span_id = bytes.fromhex(self._id(span.span_id.hex()))
            span.parent_span_id = bytes.fromhex(self._id(span.parent_span_id.hex()))
        nanoseconds = self.shift // timedelta(microseconds=1) * 1000
        span.start_time_unix_nano += nanoseconds
        span.end_time_unix_nano += nanoseconds

    def _digits(self, text: str) -> str:
        return hashlib.sha256(f"{self.salt}{text}".encode()).hexdigest()[: len(text)]

    def _id(self, text: str) -> str:
        digits = iter(self._digits(text))
        return "".join("-" if character == "-" else next(digits) for character in text)

    def _moved(self, found: re.Match[str]) -> str:
        moved = datetime.fromisoformat(found[0]) + self.shift
        precision = "microseconds" if len(found[1] or "") > len(".123") else "milliseconds"
        return moved.isoformat(timespec=precision).replace("+00:00", found[2])


def spans_of(export: ExportTraceServiceRequest) -> list[Span]:
    """All spans of an export."""
    return [
        span for resource in export.resource_spans for scope in resource.scope_spans for span in scope.spans
    ]
