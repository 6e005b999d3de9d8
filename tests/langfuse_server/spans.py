"""OTLP spans into observations: which attribute becomes which field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status

from tests.langfuse_server.answers import Json
from tests.langfuse_server.clock import iso
from tests.langfuse_server.environments import environment
from tests.langfuse_server.request import parse_moment
from tests.langfuse_server.span_rows import ExperimentMark, SpanRow

SDK_SCOPE = "langfuse-sdk"
OBSERVATION = "langfuse.observation."
EXPERIMENT = "langfuse.experiment."
METADATA = (OBSERVATION + "metadata", "langfuse.trace.metadata")
NOT_COPIED = (OBSERVATION + "input", OBSERVATION + "output", *METADATA)
LEVELS = ("DEBUG", "DEFAULT", "WARNING", "ERROR")


def rows_of(resource_spans: ResourceSpans, *, received: datetime) -> Iterator[SpanRow]:
    """The rows of one resource's spans."""
    resource = {key.key: _text(key.value) for key in resource_spans.resource.attributes}
    for scope_spans in resource_spans.scope_spans:
        scope = scope_spans.scope
        origin = {f"resourceAttributes.{name}": value for name, value in resource.items()}
        origin |= {"scope.name": scope.name, "scope.version": scope.version}
        origin |= {f"scope.attributes.{key.key}": _text(key.value) for key in scope.attributes}
        for span in scope_spans.spans:
            attributes = {key.key: _value(key.value) for key in span.attributes}
            metadata = _metadata(attributes) | origin
            if scope.name != SDK_SCOPE:
                metadata |= {
                    f"attributes.{name}": _as_text(value)
                    for name, value in attributes.items()
                    if not name.startswith(NOT_COPIED)
                }
            yield _row(span, attributes, resource, {k: v for k, v in metadata.items() if v != ""}, received)


def _row(
    span: Span,
    attributes: Mapping[str, Json],
    resource: Mapping[str, str],
    metadata: dict[str, str],
    received: datetime,
) -> SpanRow:
    def text(*names: str) -> str:
        return next((_as_text(attributes[name]) for name in names if name in attributes), "")

    failed = span.status.code == Status.STATUS_CODE_ERROR
    level = text(OBSERVATION + "level").upper()
    kind = text(OBSERVATION + "type").upper() or "SPAN"
    trace_name = text("langfuse.trace.name") or (None if span.parent_span_id else span.name)
    tags = attributes.get("langfuse.trace.tags", [])
    stated = text("langfuse.environment", "deployment.environment") or resource.get(
        "deployment.environment.name", ""
    )
    return SpanRow(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() or None,
        name=span.name,
        type=kind,
        start=_moment(span.start_time_unix_nano),
        end=_moment(span.end_time_unix_nano),
        level=level if level in LEVELS else ("ERROR" if failed else "DEFAULT"),
        status_message=text(OBSERVATION + "status_message") or (span.status.message if failed else ""),
        environment=environment(stated),
        version=text("langfuse.version"),
        release=text("langfuse.release"),
        user_id=text("user.id", "langfuse.user.id"),
        session_id=text("session.id", "langfuse.session.id"),
        trace_name=trace_name,
        tags=tuple(tags) if isinstance(tags, list) else (),
        input=text(OBSERVATION + "input", "langfuse.trace.input") or None,
        output=text(OBSERVATION + "output", "langfuse.trace.output") or None,
        metadata=metadata,
        model=text(OBSERVATION + "model.name", "gen_ai.request.model"),
        model_parameters=_object(attributes.get(OBSERVATION + "model.parameters")),
        usage=_with_total(_object(attributes.get(OBSERVATION + "usage_details"))),
        cost=_object(attributes.get(OBSERVATION + "cost_details")),
        completion_start=_date(text(OBSERVATION + "completion_start_time").strip('"')),
        received=received,
        experiment=_mark(attributes, text(EXPERIMENT + "id")),
    )


def _mark(attributes: Mapping[str, Json], experiment_id: str) -> ExperimentMark | None:
    if not experiment_id:
        return None

    def text(name: str) -> str:
        return _as_text(attributes.get(EXPERIMENT + name, ""))

    version = _date(text("item.version"))
    return ExperimentMark(
        id=experiment_id,
        name=text("name"),
        description=text("description"),
        dataset_id=text("dataset.id") or None,
        metadata=_flattened(attributes, EXPERIMENT + "metadata"),
        item_id=text("item.id"),
        item_version=iso(version) if version else None,
        item_metadata=_flattened(attributes, EXPERIMENT + "item.metadata"),
        expected_output=text("item.expected_output"),
        root_observation_id=text("item.root_observation_id"),
    )


def _flattened(attributes: Mapping[str, Json], name: str) -> dict[str, str]:
    """An attribute's JSON object, or the attributes below its name, as texts under keys joined by dots."""
    flat = {
        key.removeprefix(name + "."): _as_text(value)
        for key, value in attributes.items()
        if key.startswith(name + ".")
    }
    for key, value in _object(attributes.get(name)).items():
        flat |= dict(_leaves(key, value))
    return flat


def _leaves(key: str, value: Json) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for inner, deeper in value.items():
            yield from _leaves(f"{key}.{inner}", deeper)
    else:
        yield key, _as_text(value)


def _metadata(attributes: Mapping[str, Json]) -> dict[str, str]:
    metadata: dict[str, str] = {}
    for name in METADATA:
        whole = attributes.get(name)
        metadata |= {key: _as_text(value) for key, value in _object(whole).items()}
        metadata |= {
            key.removeprefix(name + "."): _as_text(value)
            for key, value in attributes.items()
            if key.startswith(name + ".")
        }
    return metadata


def _with_total(usage: dict[str, Json]) -> dict[str, Json]:
    return usage | {"total": usage.get("total", sum(usage.values()))} if usage else usage


def _object(value: Json) -> dict[str, Json]:
    """The object a text holds as JSON; empty for anything else."""
    try:
        found = json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: AnyValue) -> str:
    return _as_text(_value(value))


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _value(value: AnyValue) -> Json:
    kind = value.WhichOneof("value")
    if kind is None:
        return ""
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return {each.key: _value(each.value) for each in _pairs(value)}
    if kind == "bytes_value":
        return value.bytes_value.hex()
    return getattr(value, kind)


def _pairs(value: AnyValue) -> list[KeyValue]:
    return list(value.kvlist_value.values)


def _moment(nanoseconds: int) -> datetime:
    milliseconds = nanoseconds // 1_000_000
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return moment.replace(microsecond=milliseconds % 1000 * 1000)


def _date(text: str) -> datetime | None:
    try:
        return parse_moment(text) if text else None
    except ValueError:
        return None
