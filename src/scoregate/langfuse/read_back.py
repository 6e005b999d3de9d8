"""What a server shows of a run: the only proof that something arrived.

A server answers 200 to scores that it drops later, and shows a run seconds after it took it. So every run item and
score that was accepted is looked for under its id, until all are there or time is up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from scoregate.langfuse import ids
from scoregate.langfuse.connection import Connection
from scoregate.records import RunHeader

MOST_SCORES = 50
"""Most scores of an item that the server shows beside it."""
SCORE_WINDOW = timedelta(hours=20)
"""Scores that were written longer after their item are not shown beside it (the server's own limit is a day)."""
_EARLIER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the server shows of one experiment."""

    roots: frozenset[str]
    """Ids of root observations."""
    scores: frozenset[str]
    """Ids of scores."""


def shown(connection: Connection, header: RunHeader, trial: int, *, scores: Iterable[str] = ()) -> Shown:
    """Everything that the server shows of one trial of a run.

    `scores` are the names that are looked for apart where the server would not show them beside their items: in runs
    that are old, or that have very many scores an item. Raises Refused, ServiceError.
    """
    began = _time_of(header)
    query: dict[str, str | int] = {
        "experimentId": ids.experiment_id(header.run, trial),
        "fromStartTime": _iso(began - _EARLIER),
        "fields": "core,scores",
        "scoreLimit": MOST_SCORES,
    }
    roots: set[str] = set()
    found: set[str] = set()
    crowded = False
    for item in connection.cursor("/experiment-items", query):
        beside = item.get("scores") or []
        roots.add(item["id"])
        found.update(score["id"] for score in beside)
        crowded = crowded or len(beside) >= MOST_SCORES
    if crowded or datetime.now(UTC) - began > SCORE_WINDOW:
        for name in scores:
            found.update(_ids_by_name(connection, name, began - _EARLIER))
    return Shown(frozenset(roots), frozenset(found))


def item_count(connection: Connection, header: RunHeader, trial: int) -> int:
    """How many items the server counts in one trial of a run: one small request."""
    query: dict[str, str | int] = {
        "id": ids.experiment_id(header.run, trial),
        "fromStartTime": _iso(_time_of(header) - _EARLIER),
        "limit": 10,
    }
    found = connection.get("/experiments", query)["data"]
    return int(found[0]["itemCount"]) if found else 0


def _ids_by_name(connection: Connection, name: str, since: datetime) -> set[str]:
    query = {"name": name, "fromTimestamp": _iso(since)}
    return {score["id"] for score in connection.cursor("/v3/scores", query)}


def _time_of(header: RunHeader) -> datetime:
    try:
        return datetime.fromisoformat(header.started_at or "").astimezone(UTC)
    except ValueError:
        return datetime(2020, 1, 1, tzinfo=UTC)


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
