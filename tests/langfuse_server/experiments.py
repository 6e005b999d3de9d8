"""Experiments and their items, read from the spans that carry experiment attributes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from tests.langfuse_server.answers import Answer, Json, invalid, not_an_option
from tests.langfuse_server.clock import iso
from tests.langfuse_server.request import Request, newest_page
from tests.langfuse_server.score_rows import ScoreRow, newest_of_each_id
from tests.langfuse_server.scores import score_json
from tests.langfuse_server.span_rows import ExperimentMark, SpanRow
from tests.langfuse_server.state import State

EXPERIMENT_FIELDS = ("core", "metadata", "scores")
ITEM_FIELDS = ("core", "dataset", "io", "metadata", "itemMetadata", "experimentMetadata", "scores")
FILTER_COLUMNS = ("id", "name", "datasetId")
SUBJECT = frozenset({"subject"})
# Scores are looked for only this long around the spans they belong to.
SCORE_REACH = timedelta(days=1)


def list_experiments(state: State, request: Request) -> Answer:
    """Experiments with a span in the time asked for, the latest first."""
    limit = request.whole("limit", default=50, maximum=100)
    score_limit = request.whole("scoreLimit", default=50, maximum=50)
    fields = request.fields(EXPERIMENT_FIELDS, default=("core",))
    period, after = _period(request), request.cursor(4)
    groups = [rows for name in _names(state, request, "id") if (rows := _spans(state, name, period))]
    found = [rows for rows in groups if _matches(request, rows, "name")]
    page, more = newest_page(found, limit=limit, after=after, key=_last_place)
    data = [_experiment_json(state, rows, fields, score_limit) for rows in page]
    return Answer(200, {"data": data, "meta": {} if more is None else {"cursor": more}})


def list_items(state: State, request: Request) -> Answer:
    """Items of experiments, by the start of their root observation, the latest first."""
    limit = request.whole("limit", default=50, maximum=100)
    score_limit = request.whole("scoreLimit", default=50, maximum=50)
    fields = request.fields(ITEM_FIELDS, default=("core", "dataset"))
    period, after = _period(request), request.cursor(4)
    items: list[SpanRow] = []
    for name in _names(state, request, "experimentId"):
        rows = _spans(state, name, period)
        if rows and _matches(request, rows, "experimentName"):
            # An item without an item id counts, and is not listed.
            items += [row for row in _items(rows) if row.experiment is not None and row.experiment.item_id]
    page, more = newest_page(items, limit=limit, after=after, key=_place)
    data = [_item_json(state, row, fields, score_limit) for row in page]
    return Answer(200, {"data": data, "meta": {} if more is None else {"cursor": more}})


def _names(state: State, request: Request, parameter: str) -> list[str]:
    """The experiments a query names, or all."""
    wanted = request.words(parameter)
    names = [name for name in state.spans.experiments() if wanted is None or name in wanted]
    for place, condition in enumerate(request.filters()):
        column = condition.get("column")
        if column not in FILTER_COLUMNS:
            raise invalid(not_an_option(["filter", place, "column"], FILTER_COLUMNS))
        value = condition.get("value")
        values = value if isinstance(value, list) else [value]
        names = [name for name in names if _column(state, name, str(column)) in values]
    return names


def _column(state: State, name: str, column: str) -> str | None:
    mark = _newest_mark(state.spans.of_experiment(name))
    return {"id": name, "name": mark.name, "datasetId": mark.dataset_id}[column]


def _period(request: Request) -> tuple[datetime | None, datetime | None]:
    return request.moment("fromStartTime", required=True), request.moment("toStartTime")


def _spans(state: State, name: str, period: tuple[datetime | None, datetime | None]) -> list[SpanRow]:
    """An experiment's spans that start in the time asked for."""
    start, end = period
    return [
        row
        for row in state.spans.of_experiment(name)
        if (start is None or row.start >= start) and (end is None or row.start < end)
    ]


def _matches(request: Request, rows: list[SpanRow], name_parameter: str) -> bool:
    mark = _newest_mark(rows)
    names, datasets = request.words(name_parameter), request.words("datasetId")
    return (names is None or mark.name in names) and (datasets is None or mark.dataset_id in datasets)


def _items(rows: Iterable[SpanRow]) -> list[SpanRow]:
    """The item spans, one for each span id: of several the one with the latest start."""
    newest: dict[str, SpanRow] = {}
    for row in rows:
        if row.is_item and (row.span_id not in newest or row.start > newest[row.span_id].start):
            newest[row.span_id] = row
    return list(newest.values())


def _newest_mark(rows: Iterable[SpanRow]) -> ExperimentMark:
    mark = max(rows, key=lambda row: (row.start, row.span_id)).experiment
    assert mark is not None
    return mark


def _place(row: SpanRow) -> tuple[str, ...]:
    mark = row.experiment
    return (iso(row.start), row.trace_id, row.span_id, "" if mark is None else mark.id)


def _last_place(rows: list[SpanRow]) -> tuple[str, ...]:
    return max(_place(row) for row in rows)


def _experiment_json(
    state: State, rows: list[SpanRow], fields: frozenset[str], score_limit: int
) -> dict[str, Json]:
    mark = _newest_mark(rows)
    start, end = min(row.start for row in rows), max(row.end for row in rows)
    shown: dict[str, Json] = {
        "id": mark.id,
        "name": mark.name,
        "description": mark.description,
        "startTime": iso(start),
        "endTime": iso(end),
        "itemCount": len(_items(rows)),
        "datasetId": mark.dataset_id,
    }
    if "metadata" in fields:
        shown["metadata"] = mark.metadata
    if "scores" in fields:
        scores = [
            row for row in state.scores.of_parent("experiment", mark.id) if row.timestamp <= end + SCORE_REACH
        ]
        shown["scores"] = _scores_json(state, scores, score_limit)
    return shown


def _item_json(state: State, row: SpanRow, fields: frozenset[str], score_limit: int) -> dict[str, Json]:
    mark = row.experiment
    assert mark is not None
    shown: dict[str, Json] = {
        "id": row.span_id,
        "traceId": row.trace_id,
        "startTime": iso(row.start),
        "endTime": iso(row.end),
        "level": row.level,
        "environment": row.environment,
        "experimentId": mark.id,
        "experimentName": mark.name,
        "experimentItemId": mark.item_id,
    }
    if "dataset" in fields:
        shown |= {"experimentDatasetId": mark.dataset_id, "experimentItemVersion": mark.item_version}
    if "io" in fields:
        shown |= {
            "input": row.input or "",
            "output": row.output or "",
            "expectedOutput": mark.expected_output,
        }
    if "metadata" in fields:
        shown["metadata"] = row.metadata
    if "itemMetadata" in fields:
        shown["experimentItemMetadata"] = mark.item_metadata
    if "experimentMetadata" in fields:
        shown |= {"experimentMetadata": mark.metadata, "experimentDescription": mark.description}
    if "scores" in fields:
        found = [
            score
            for score in state.scores.of_parent("trace", row.trace_id)
            if score.timestamp <= row.end + SCORE_REACH and score.parent.id in (row.span_id, row.trace_id)
        ]
        shown["scores"] = _scores_json(state, found, score_limit)
    return shown


def _scores_json(state: State, rows: list[ScoreRow], limit: int) -> list[dict[str, Json]]:
    rows = sorted(newest_of_each_id(rows), key=lambda row: row.id)[:limit]
    return [score_json(state, row, SUBJECT) for row in rows]
