"""Run items as the root spans of a Langfuse experiment, in OTLP's wire format.

A span is a pure function of what the store holds: sent again, after a crash or by another process, it is the same
span with the same ids and times, which the server counts once. The attributes are those that Langfuse documents for
experiments; what it has no field for stands as JSON text under the key `scoregate` of the observation's metadata, so
that a run can be read back whole (see `experiments`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from scoregate.judging.asking import ModelCall
from scoregate.langfuse import ids
from scoregate.langfuse.sdk import sdk_version
from scoregate.own import json_codec
from scoregate.records import JSON, DatasetItem, RunHeader, RunItem, Score, Tokens

if TYPE_CHECKING:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span


SCHEMA = 1
"""Version of what stands under KEY."""
KEY = "scoregate"
"""Where our own fields stand in the metadata of an experiment and of a root observation."""
_ROOT_NAME = "experiment-item-task"
"""Name of the root spans; the SDK's own runs have the same."""
TRACES = "/otel/v1/traces"
UNKNOWN_START = datetime(2020, 1, 1, tzinfo=UTC)
"""Stands for the start of a run that says neither when it nor when any of its calls began."""
_NS = 1_000_000_000


@dataclass(frozen=True)
class SpanWriter:
    """Writes the root spans of one run."""

    header: RunHeader
    items: Mapping[str, DatasetItem]
    """Dataset item id -> item, as far as they are known."""
    environment: str
    public_key: str = ""
    _shared: dict[int, list[KeyValue]] = field(default_factory=dict, repr=False)

    def request(
        self, cells: Iterable[tuple[RunItem, Sequence[Score]]], spending: Collection[str] = ()
    ) -> bytes:
        """An OTLP export request with one root span a run item; `cells` are all scores of each.

        `spending` are traces whose other spans say tokens and cost, so that the root does not.
        """
        message, spans = _export_request(self.public_key)
        theirs = frozenset(self.header.awaited)  # what evaluators in Langfuse have written is there already
        for run_item, scores in cells:
            own = [score for score in scores if score.score not in theirs]
            trace = ids.trace_id(self.header.run, run_item.item, run_item.trial)
            self._write(spans.add(), run_item, own, trace, spent=trace not in spending)
        return bytes(message.SerializeToString())

    def _write(
        self, span: Span, run_item: RunItem, scores: Sequence[Score], trace: str, *, spent: bool
    ) -> None:
        run = self.header.run
        from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanKind
        from opentelemetry.proto.trace.v1.trace_pb2 import Status

        root = ids.root_span_id(run, run_item.item, run_item.trial)
        span.trace_id = bytes.fromhex(trace)
        span.span_id = bytes.fromhex(root)
        span.name = _ROOT_NAME
        span.kind = SpanKind.SPAN_KIND_INTERNAL
        started = run_item.started_at if run_item.started_at is not None else self._began
        span.start_time_unix_nano = int(started * _NS)
        span.end_time_unix_nano = int((started + (run_item.latency_seconds or 0.0)) * _NS)
        span.attributes.extend(self._of_trial(run_item.trial))
        values: dict[str, Any] = {
            "langfuse.experiment.item.id": run_item.item,
            "langfuse.experiment.item.root_observation_id": root,
            f"langfuse.observation.metadata.{KEY}": _text(_own_fields(run_item, scores)),
        }
        if spent:
            values |= _spending(run_item.tokens, run_item.cost_usd)
        item = self.items.get(run_item.item)
        if item is not None:
            values["langfuse.observation.input"] = _text(item.input)
            values["langfuse.experiment.item.expected_output"] = _text(item.expected_output)
            values["langfuse.experiment.item.metadata"] = _text(dict(item.metadata))
        if run_item.has_output:
            values["langfuse.observation.output"] = _text(run_item.output)
        elif run_item.status != "ok":
            why = run_item.error or run_item.status
            values["langfuse.observation.level"] = "ERROR"
            values["langfuse.observation.status_message"] = why
            values["langfuse.observation.output"] = f"Error: {why}"
            span.status.code = Status.STATUS_CODE_ERROR
            span.status.message = why
        _put_attributes(span.attributes, values)

    def _of_trial(self, trial: int) -> list[KeyValue]:
        """The attributes that all root spans of a trial share, made once."""
        shared = self._shared.get(trial)
        if shared is None:
            from opentelemetry.proto.trace.v1.trace_pb2 import Span

            holder, gate = Span(), self.header.facts.gate
            _put_attributes(holder.attributes, self.experiment_attributes(trial))
            _put_attributes(
                holder.attributes,
                {
                    "langfuse.observation.type": "span",
                    "langfuse.internal.is_app_root": True,
                    "langfuse.trace.name": gate or self.header.dataset,
                    "langfuse.trace.tags": ["scoregate", gate or ""],
                    "langfuse.version": self.header.candidate,
                    "langfuse.release": self.header.commit or self.header.candidate,
                },
            )
            shared = self._shared[trial] = list(holder.attributes)
        return shared

    def experiment_attributes(self, trial: int) -> dict[str, str]:
        """What says which experiment a span belongs to; the candidate's own spans carry it as well."""
        attributes = {
            "langfuse.environment": self.environment,
            "langfuse.experiment.id": ids.experiment_id(self.header.run, trial),
            "langfuse.experiment.name": ids.experiment_name(self.header.run, trial),
            "langfuse.experiment.description": self._description,
            "langfuse.experiment.metadata": _text(self.experiment_metadata(trial)),
        }
        dataset = self.header.facts.langfuse_dataset_id
        if dataset is not None:
            attributes["langfuse.experiment.dataset.id"] = dataset
        if self.header.dataset_version:
            attributes["langfuse.experiment.item.version"] = self.header.dataset_version
        return attributes

    def experiment_metadata(self, trial: int) -> dict[str, str]:
        """What a reader sees of the experiment, and the run's header for reading it back. All values are text."""
        header, facts = self.header, self.header.facts
        known: dict[str, JSON] = {
            "gate": facts.gate,
            "candidate": header.candidate,
            "commit": header.commit,
            **facts.origin,
            "run": header.run,
            "trial": trial,
        }
        return {
            **{name: str(value) for name, value in known.items() if value is not None},
            KEY: _text(_header_fields(header, trial)),
        }

    @property
    def _description(self) -> str:
        gate = self.header.facts.gate
        return f"{self.header.candidate} on {self.header.dataset}" + (f", gate {gate}" if gate else "")

    @cached_property
    def _began(self) -> float:
        """Unix seconds of the run's start, for items that do not say their own (imported runs)."""
        try:
            return datetime.fromisoformat(self.header.started_at or "").timestamp()
        except ValueError:
            return UNKNOWN_START.timestamp()


def _header_fields(header: RunHeader, trial: int) -> dict[str, JSON]:
    """A run's header as JSON values, as it stands in the metadata of each of its experiments."""
    return {
        "schema": SCHEMA,
        "run": header.run,
        "trial": trial,
        "trials": header.trials,
        "expected_items": header.expected_items,
        "dataset": header.dataset,
        "dataset_fingerprint": header.dataset_fingerprint,
        "dataset_version": header.dataset_version,
        "candidate": header.candidate,
        "commit": header.commit,
        "scorers": dict(header.scorers),
        "started_at": header.started_at,
        "metadata": header.facts.without("selected_items", "origin").to_metadata(),
    }


def _export_request(public_key: str = "") -> tuple[ExportTraceServiceRequest, Any]:
    """An empty OTLP export request, and the list that its spans are added to."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    _put_attributes(resource.resource.attributes, {"service.name": "scoregate"})
    scope = resource.scope_spans.add()
    # The server copies every attribute of other scopes into the metadata that a reader sees.
    scope.scope.name, scope.scope.version = "langfuse-sdk", sdk_version()
    _put_attributes(scope.scope.attributes, {"public_key": public_key})
    return message, scope.spans


def trace_headers(public_key: str) -> dict[str, str]:
    """Headers of an export. Without them some servers show the run minutes late and stripped, or never."""
    return {
        "content-type": "application/x-protobuf",
        "content-encoding": "gzip",
        "x-langfuse-sdk-name": "python",
        "x-langfuse-sdk-version": sdk_version(),
        "x-langfuse-public-key": public_key,
        "x-langfuse-ingestion-version": "4",
    }


def _own_fields(run_item: RunItem, scores: Sequence[Score]) -> dict[str, JSON]:
    tokens = run_item.tokens
    return {
        "status": run_item.status,
        "error": run_item.error,
        "latency_seconds": run_item.latency_seconds,
        "cost_usd": run_item.cost_usd,
        "tokens": {"input": tokens.input, "output": tokens.output} if tokens else None,
        "cluster": run_item.cluster,
        "slices": dict(run_item.slices),
        "content": run_item.content,
        "started_at": run_item.started_at,
        "trace_id": run_item.trace_id,
        "attempts": [asdict(attempt) for attempt in run_item.attempts],
        **({"output_left_out": True} if run_item.output_left_out else {}),
        "cells": {
            score.score: {"status": score.status, "comment": score.comment, "source": score.source}
            for score in scores
            if score.status != "ok" or score.comment is not None or score.source != "code"
        },
        "types": {score.score: _type_of(score) for score in scores if score.status == "ok"},
    }


def _spending(tokens: Tokens | None, cost_usd: float | None) -> dict[str, str]:
    """Tokens and cost as Langfuse sums them up."""
    said = {}
    if tokens is not None:
        usage = {"input": tokens.input, "output": tokens.output, "total": tokens.total}
        said["langfuse.observation.usage_details"] = _text(usage)
    if cost_usd is not None:
        said["langfuse.observation.cost_details"] = _text({"total": cost_usd})
    return said


def _type_of(score: Score) -> str:
    value = score.value
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "text"


def _text(value: JSON) -> str:
    return json_codec.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _put_attributes(attributes: Any, values: Mapping[str, str | bool | Sequence[str]]) -> None:
    """Append key-value pairs to a repeated field of OTLP attributes."""
    for key, value in values.items():
        entry = attributes.add()
        entry.key = key
        if isinstance(value, bool):
            entry.value.bool_value = value
        elif isinstance(value, str):
            entry.value.string_value = value
        else:
            for text in value:
                entry.value.array_value.values.add().string_value = text


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
    message, spans = _export_request()
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
    attributes |= _spending(call.tokens, call.cost_usd)
    if call.error is not None:
        attributes["langfuse.observation.level"] = "ERROR"
        attributes["langfuse.observation.status_message"] = call.error
        span.status.code = Status.STATUS_CODE_ERROR
        span.status.message = _encodable(call.error)
    _put_attributes(span.attributes, {key: _encodable(value) for key, value in attributes.items()})
    return bytes(message.SerializeToString())


def _encodable(text: str) -> str:
    """Half a surrogate pair, which a span cannot hold, spelled out."""
    return text.encode("utf-8", "backslashreplace").decode()
