"""Scores that a run gets in Langfuse after its delivery: those of evaluators there, read as cells, and annotations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from scoregate.catalog import Catalog
from scoregate.langfuse import ids
from scoregate.langfuse.connection import Connection
from scoregate.langfuse.experiment_items import FoundItem, FoundScore, scores_of
from scoregate.langfuse.experiments import SINCE, time_of
from scoregate.records import DatasetItem, RunHeader, RunItem, Score, ScoreValue
from scoregate.scorers.scorer import Scorer, score_item


def awaited_scores(
    connection: Connection,
    header: RunHeader,
    items: Sequence[RunItem],
    names: Collection[str],
    catalog: Catalog,
) -> list[Score]:
    """The cells of these run items that the server has, of source "judge"; what is not there yet is left out.

    A score counts on the run item's root observation and on its trace. A value that breaks its contract, and two that
    differ, are error cells. Raises Refused, ServiceError.
    """
    rows = [_row(header, item) for item in items]
    found = scores_of(connection, rows)
    cells = []
    for item, row in zip(items, rows, strict=True):
        for name in names:
            theirs = [one for one in found.get(row.trace_id, ()) if one.name == name and _counts(one, row)]
            if theirs:
                cells.append(_cell(item, name, theirs, catalog))
    return cells


def _row(header: RunHeader, item: RunItem) -> FoundItem:
    began = datetime.fromtimestamp(item.started_at, UTC) if item.started_at is not None else SINCE
    if item.started_at is None and header.started_at is not None:
        began = time_of(header.started_at)
    return FoundItem(
        id=ids.root_span_id(header.run, item.item, item.trial),
        item=item.item,
        trace_id=ids.trace_id(header.run, item.item, item.trial),
        started_at=began,
        ended_at=began,
        failed=item.status != "ok",
    )


def _counts(score: FoundScore, row: FoundItem) -> bool:
    return score.observation_id in (None, row.id)


def _cell(item: RunItem, name: str, theirs: Iterable[FoundScore], catalog: Catalog) -> Score:
    """Read and checked as what an evaluator returns here."""
    values = {repr(one.value): one for one in theirs}
    first = next(iter(values.values()))
    returned: dict[str, object] = {
        "name": name,
        "value": first.value,
        "comment": first.comment,
        "data_type": first.data_type,
    }
    if len(values) > 1:
        shown = ", ".join(sorted(values))
        returned = {"name": name, "status": "error", "comment": f"Langfuse has several values of it: {shown}"}
    reader = Scorer(name=name, version="", call=lambda **_: returned, scores=(name,))
    [cell] = score_item(reader, DatasetItem(item.item, None), item, catalog=catalog)
    return replace(cell, source="judge")


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
