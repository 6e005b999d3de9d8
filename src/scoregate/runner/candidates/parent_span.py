"""The root observation of a run item as the parent of whatever is traced in the present context."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_CLAIM = "langfuse_trace_id"
"""Baggage by which the SDK knows that a trace has its root already, and makes no second one of a child."""


def traceparent(trace_id: str, span_id: str) -> str:
    """A sampled parent in the form of W3C trace context."""
    return f"00-{trace_id}-{span_id}-01"


def load() -> bool:
    """Import OpenTelemetry's interface now, so that it is no part of a call's latency; whether it is installed."""
    try:
        from opentelemetry import baggage, context, trace  # noqa: F401  what `under` uses
    except ImportError:
        return False
    return True


@contextmanager
def under(trace_id: str, span_id: str) -> Iterator[None]:
    """Make a span that is written elsewhere the parent in the present context, for as long as this is entered.

    Ids are hexadecimal. Sets what OpenTelemetry keeps in context variables, so tasks that are made inside take it
    on, and so do threads that are given a copy of the context.
    """
    from opentelemetry import baggage, context, trace

    parent = trace.SpanContext(
        trace_id=int(trace_id, 16),
        span_id=int(span_id, 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
    )
    inside = trace.set_span_in_context(trace.NonRecordingSpan(parent))
    token = context.attach(baggage.set_baggage(_CLAIM, trace_id, inside))
    try:
        yield
    finally:
        context.detach(token)


@contextmanager
def under_traceparent(value: str | None) -> Iterator[None]:
    """The same for a process that was told its parent as text. Does nothing without OpenTelemetry, or a parent."""
    found = _TRACEPARENT.fullmatch(value or "")
    if found is None or not load():
        yield
        return
    with under(found[1], found[2]):
        yield
