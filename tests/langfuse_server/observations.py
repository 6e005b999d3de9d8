"""Observations, read from all spans."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.langfuse_server.answers import Answer, Json, custom, invalid, refused
from tests.langfuse_server.clock import iso
from tests.langfuse_server.request import Request, newest_page
from tests.langfuse_server.span_rows import SpanRow
from tests.langfuse_server.state import State

COLUMNS = ("id", "traceId", "name", "type", "level", "environment", "userId", "sessionId", "version")
WORDS = ("name", "type", "level", "environment", "userId", "sessionId", "version")
EXPERIMENT_COLUMNS = ("experimentId", "experimentName", "experimentDatasetId")


def list_observations(state: State, request: Request) -> Answer:
    """Observations by the conditions of the query, the latest start first. Unknown field groups are ignored."""
    limit = request.whole("limit", default=50, maximum=1000)
    if request.query.get("parseIoAsJson") == "true":
        message = "parseIoAsJson=true is no longer supported on the v2 observations endpoint."
        raise invalid(custom(["parseIoAsJson"], message))
    after = request.cursor(3)
    fields = request.words("fields") or frozenset({"core", "basic"})
    matches = _conditions(request)
    rows = (row for row in _candidates(state, request) if matches(row))
    page, more = newest_page(rows, limit=limit, after=after, key=_place)
    data = [_observation_json(state, row, fields) for row in page]
    return Answer(200, {"data": data, "meta": {} if more is None else {"cursor": more}})


def _candidates(state: State, request: Request) -> list[SpanRow]:
    traces = request.words("traceId")
    if traces is None:
        return list(state.spans)
    return [row for trace in traces for row in state.spans.of_trace(trace)]


def _conditions(request: Request) -> Callable[[SpanRow], bool]:
    """The query's conditions, checked once, as a test of a row."""
    start, end = request.moment("fromStartTime"), request.moment("toStartTime")
    wanted = {name: values for name in WORDS if (values := request.words(name)) is not None}
    parent, root = request.query.get("parentObservationId"), request.query.get("isRootObservation")
    filters = [_filter(condition) for condition in request.filters()]

    def matches(row: SpanRow) -> bool:
        return (
            (start is None or row.start >= start)
            and (end is None or row.start < end)
            and all(_column(row, name) in values for name, values in wanted.items())
            and (parent is None or (row.parent_id or "") == parent)
            and (root is None or row.is_root == (root == "true"))
            and all((_column(row, column) in values) == positive for column, values, positive in filters)
        )

    return matches


def _filter(condition: dict[str, Json]) -> tuple[str, list[Json], bool]:
    """Column, values, and whether the column must be among them."""
    column = condition.get("column")
    if column not in COLUMNS + EXPERIMENT_COLUMNS:
        message = f"Column {column} does not match a UI / CH table mapping."
        raise refused(400, message, "InvalidRequestError")
    value = condition.get("value")
    values = value if isinstance(value, list) else [value]
    return str(column), values, condition.get("operator") not in ("<>", "none of")


def _column(row: SpanRow, name: str) -> str | None:
    mark = row.experiment
    return {
        "id": row.span_id,
        "traceId": row.trace_id,
        "name": row.name,
        "type": row.type,
        "level": row.level,
        "environment": row.environment,
        "userId": row.user_id,
        "sessionId": row.session_id,
        "version": row.version,
        "experimentId": None if mark is None else mark.id,
        "experimentName": None if mark is None else mark.name,
        "experimentDatasetId": None if mark is None else mark.dataset_id,
    }[name]


def _place(row: SpanRow) -> tuple[str, ...]:
    return (iso(row.start), row.trace_id, row.span_id)


def _observation_json(state: State, row: SpanRow, fields: frozenset[str]) -> dict[str, Json]:
    shown: dict[str, Json] = {
        "id": row.span_id,
        "traceId": row.trace_id,
        "startTime": iso(row.start),
        "endTime": iso(row.end),
        "projectId": state.project,
        "parentObservationId": row.parent_id,
        "type": row.type,
        "latency": (row.end - row.start).total_seconds(),
        "timeToFirstToken": None,
        "modelId": None,
        "inputPrice": None,
        "outputPrice": None,
        "totalPrice": None,
    }
    if "metrics" in fields and row.end == row.start:
        shown["latency"] = None
    if "basic" in fields:
        shown |= _basic(row)
    if "time" in fields:
        first = row.completion_start
        shown |= {"completionStartTime": None if first is None else iso(first)}
        shown |= {"createdAt": iso(row.received), "updatedAt": iso(row.received)}
    if "io" in fields:
        shown |= {"input": row.input, "output": row.output}
    if "metadata" in fields:
        shown["metadata"] = {name: _parsed(value) for name, value in row.metadata.items()}
    if "model" in fields:
        shown |= {"model": row.model, "internalModelId": "", "modelParameters": row.model_parameters}
    if "usage" in fields:
        shown |= _usage(row)
    if "prompt" in fields:
        shown |= {"promptId": "", "promptName": "", "promptVersion": None}
    if "trace_context" in fields:
        shown |= {"traceName": row.trace_name, "release": row.release, "tags": list(row.tags)}
    return shown


def _basic(row: SpanRow) -> dict[str, Json]:
    return {
        "name": row.name,
        "level": row.level,
        "statusMessage": row.status_message,
        "version": row.version,
        "environment": row.environment,
        "userId": row.user_id,
        "sessionId": row.session_id,
        "isRootObservation": row.is_root,
        "bookmarked": False,
        "public": False,
    }


def _usage(row: SpanRow) -> dict[str, Json]:
    return {
        "usageDetails": row.usage,
        "inputUsage": row.usage.get("input", 0),
        "outputUsage": row.usage.get("output", 0),
        "totalUsage": row.usage.get("total", 0),
        "costDetails": row.cost,
        "inputCost": row.cost.get("input"),
        "outputCost": row.cost.get("output"),
        "totalCost": row.cost.get("total", 0),
        "usagePricingTierId": None,
        "usagePricingTierName": None,
    }


def _parsed(text: str) -> Json:
    """A metadata value as this endpoint shows it: parsed where it is JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text
