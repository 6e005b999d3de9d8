"""Calls of a judge's model as evaluator observations under the run item that they judge, with tokens and cost."""

from __future__ import annotations

import json
from collections.abc import Mapping

from scoregate.judging.asking import ModelCall
from scoregate.langfuse import ids
from scoregate.langfuse.spans import export_request, put_attributes
from scoregate.records import JSON

_NS = 1_000_000_000


def judge_span(
    call: ModelCall, run: str, *, score: str, model: str, version: str, experiment: Mapping[str, str]
) -> bytes:
    """An OTLP export request with the one span of a call.

    `experiment` are the attributes of the run's trial (see `SpanWriter.experiment_attributes`), `version` the judge's.
    A call that is made again, such as after a kill, is another observation: it was paid for again.
    """
    from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

    trial = call.draw.trial
    root = ids.root_span_id(run, call.item, trial)
    message, spans = export_request()
    span = spans.add()
    span.trace_id = bytes.fromhex(ids.trace_id(run, call.item, trial))
    span.parent_span_id = bytes.fromhex(root)
    span.span_id = bytes.fromhex(
        ids.judge_span_id(run, call.item, trial, score, call.draw.vote, call.repair, call.started_at)
    )
    span.name = f"judge {score}"
    span.kind = Span.SPAN_KIND_INTERNAL
    span.start_time_unix_nano = int(call.started_at * _NS)
    span.end_time_unix_nano = int(call.ended_at * _NS)
    attributes = {
        **experiment,
        "langfuse.experiment.item.id": call.item,
        "langfuse.experiment.item.root_observation_id": root,
        "langfuse.observation.type": "evaluator",
        "langfuse.observation.model.name": model,
        "langfuse.version": version,
        "langfuse.observation.input": _text([dict(message) for message in call.messages]),
        "langfuse.observation.output": call.content or "",
        "langfuse.observation.metadata.vote": str(call.draw.vote),
        "langfuse.observation.metadata.repair": str(call.repair),
    }
    if call.tokens is not None:
        usage = {"input": call.tokens.input, "output": call.tokens.output, "total": call.tokens.total}
        attributes["langfuse.observation.usage_details"] = _text(usage)
    if call.cost_usd is not None:
        attributes["langfuse.observation.cost_details"] = _text({"total": call.cost_usd})
    if call.error is not None:
        attributes["langfuse.observation.level"] = "ERROR"
        attributes["langfuse.observation.status_message"] = call.error
        span.status.code = Status.STATUS_CODE_ERROR
        span.status.message = _encodable(call.error)
    put_attributes(span.attributes, {key: _encodable(value) for key, value in attributes.items()})
    return bytes(message.SerializeToString())


def _encodable(text: str) -> str:
    """Half a surrogate pair, which a span cannot hold, spelled out."""
    return text.encode("utf-8", "backslashreplace").decode()


def _text(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
