"""The items of an experiment and their scores, as the server gives them.

Scores come beside their items, without comments, as long as they were written within a day of them and are not more
than fifty; all of them, with comments, come from the scores' own endpoint, asked by traces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from scoregate.errors import BaselineError
from scoregate.files.reading import JsonProblem, parse_json
from scoregate.langfuse.connection import PAGE, Connection
from scoregate.langfuse.experiments import Experiment, iso, time_of
from scoregate.records import JSON

_FIELDS = "core,dataset,io,metadata,itemMetadata"
_MOST_BESIDE = 50
_TRACES_A_REQUEST = 100
"""33 characters each, so that the address stays within what proxies take."""
_EARLIER = timedelta(seconds=1)
"""The server cuts times to milliseconds, and clips an experiment at the time it is asked for."""
_CLOCKS = timedelta(hours=1)
"""Scores are stamped by the server, items by whoever ran them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundScore:
    """A score of an item."""

    id: str
    name: str
    value: JSON
    """A boolean, a number or a text."""
    data_type: str
    source: str = "API"
    """API, EVAL or ANNOTATION."""
    comment: str | None = None
    observation_id: str | None = None
    """None where it is the trace's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundItem:
    """A row of an experiment: the root observation of one item's trace."""

    id: str
    item: str
    trace_id: str
    started_at: datetime
    ended_at: datetime
    failed: bool
    input: str | None = None
    """Raw text, as are the next two."""
    output: str | None = None
    expected_output: str | None = None
    version: str | None = None
    metadata: Mapping[str, JSON] = field(default_factory=dict)
    item_metadata: Mapping[str, JSON] = field(default_factory=dict)
    scores: tuple[FoundScore, ...] = ()


def items_of(connection: Connection, experiment: Experiment, *, scores: bool) -> list[FoundItem]:
    """All rows of an experiment, in no order; an observation that was sent twice is there once, as last sent.

    With `scores` those that the server shows beside them. Raises BaselineError, Refused, ServiceError.
    """
    query: dict[str, str | int] = {
        "fromStartTime": iso(experiment.started_at - _EARLIER),
        "fields": _FIELDS + ",scores" if scores else _FIELDS,
    }
    if scores:
        query["scoreLimit"] = _MOST_BESIDE
    # The server takes a comma for the end of a first id.
    by = "experimentName" if "," in experiment.id else "experimentId"
    query[by] = experiment.name if "," in experiment.id else experiment.id
    if "," in str(query[by]):
        raise BaselineError(
            f"the items of the experiment {experiment} cannot be asked for: its id and its name have a comma"
        )
    found: dict[tuple[str, str], FoundItem] = {}
    for entry in connection.cursor("/experiment-items", query):
        if entry.get("experimentId") != experiment.id:
            continue
        row = _row(entry)
        before = found.get((row.trace_id, row.id))
        if before is None or before.started_at <= row.started_at:
            found[row.trace_id, row.id] = row
    return list(found.values())


def scores_of(connection: Connection, rows: Iterable[FoundItem]) -> dict[str, list[FoundScore]]:
    """Trace id -> every score of the trace and its observations, with comments, whenever it was written.

    Raises Refused, ServiceError.
    """
    wanted = sorted(rows, key=lambda row: row.trace_id)
    found: dict[str, list[FoundScore]] = {}
    for start in range(0, len(wanted), _TRACES_A_REQUEST):
        some = wanted[start : start + _TRACES_A_REQUEST]
        query = {
            "traceId": ",".join(dict.fromkeys(row.trace_id for row in some)),
            "fields": "subject,details",
            "fromTimestamp": iso(min(row.started_at for row in some) - _CLOCKS),
        }
        for entry in connection.cursor("/v3/scores", query, limit=PAGE):
            subject = entry.get("subject") or {}
            trace = subject.get("traceId") if subject.get("kind") == "observation" else subject.get("id")
            found.setdefault(str(trace), []).append(_score(entry))
    return found


def json_of(text: str | None) -> JSON:
    """The value of a JSON text; a text that is no JSON stands for itself, no text for None."""
    if not text:
        return None
    try:
        return parse_json(text)
    except JsonProblem:
        return text


def _row(entry: Mapping[str, JSON]) -> FoundItem:
    started = time_of(entry.get("startTime"))
    return FoundItem(
        id=str(entry.get("id")),
        item=str(entry.get("experimentItemId")),
        trace_id=str(entry.get("traceId")),
        started_at=started,
        ended_at=time_of(entry["endTime"]) if entry.get("endTime") else started,
        failed=entry.get("level") == "ERROR",
        input=entry.get("input"),
        output=entry.get("output"),
        expected_output=entry.get("expectedOutput"),
        version=entry.get("experimentItemVersion") or None,
        metadata=entry.get("metadata") or {},
        item_metadata=entry.get("experimentItemMetadata") or {},
        scores=tuple(_score(score) for score in entry.get("scores") or ()),
    )


def _score(entry: Mapping[str, JSON]) -> FoundScore:
    subject = entry.get("subject") or {}
    return FoundScore(
        id=str(entry.get("id")),
        name=str(entry.get("name")),
        value=entry.get("value"),
        data_type=str(entry.get("dataType")),
        source=str(entry.get("source") or "API"),
        comment=entry.get("comment"),
        observation_id=str(subject.get("id")) if subject.get("kind") == "observation" else None,
    )
