"""What people have annotated in Langfuse of a run that was delivered: values of source ANNOTATION on its items."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from scoregate.langfuse import ids
from scoregate.langfuse.connection import Connection
from scoregate.langfuse.experiment_items import FoundItem, scores_of
from scoregate.langfuse.experiments import SINCE, time_of
from scoregate.records import RunHeader, RunItem, ScoreValue


def annotations_of(
    connection: Connection, header: RunHeader, items: Sequence[RunItem], name: str
) -> list[tuple[RunItem, ScoreValue]]:
    """The annotations of one score, each with its run item, as the items come; several of one item stay several.

    An annotation counts on the run item's root observation and on its trace. Raises Refused, ServiceError.
    """
    rows = [_row(header, item) for item in items]
    found = scores_of(connection, rows)
    return [
        (item, score.value)
        for item, row in zip(items, rows, strict=True)
        for score in found.get(row.trace_id, ())
        if score.name == name and score.source == "ANNOTATION" and score.observation_id in (None, row.id)
    ]


def _row(header: RunHeader, item: RunItem) -> FoundItem:
    began = SINCE
    if item.started_at is not None:
        began = datetime.fromtimestamp(item.started_at, UTC)
    elif header.started_at is not None:
        began = time_of(header.started_at)
    return FoundItem(
        id=ids.root_span_id(header.run, item.item, item.trial),
        item=item.item,
        trace_id=ids.trace_id(header.run, item.item, item.trial),
        started_at=began,
        ended_at=began,
        failed=item.status != "ok",
    )
