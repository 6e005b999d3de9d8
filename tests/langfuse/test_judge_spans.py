"""Calls of a judge's model as observations."""

from __future__ import annotations

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from scoregate.judging.asking import ModelCall
from scoregate.judging.cache import Draw
from scoregate.langfuse.spans import judge_span
from scoregate.records import Tokens


def test_half_a_surrogate_pair_is_spelled_out() -> None:
    call = ModelCall(
        run="run-1",
        item="q0",
        draw=Draw(),
        repair=0,
        messages=({"role": "user", "content": "a\ud800b"},),
        content="c\ud800d",
        error="e\ud800f",
        tokens=Tokens(1, 2),
        cost_usd=None,
        started_at=1.0,
        ended_at=2.0,
    )
    payload = judge_span(call, "run-1", score="relevance", model="m", version="judge 0", experiment={})
    span = ExportTraceServiceRequest.FromString(payload).resource_spans[0].scope_spans[0].spans[0]
    texts = {one.key: one.value.string_value for one in span.attributes}
    assert texts["langfuse.observation.output"] == "c\\ud800d"
    assert "a\\ud800b" in texts["langfuse.observation.input"]
    assert span.status.message == "e\\ud800f"
