"""What a server shows of a run: the only proof that something arrived.

A server answers 200 to scores that it drops later, and shows a run seconds after it took it. So every run item and
score that was accepted is looked for under its id, until all are there or time is up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from scoregate.langfuse import ids
from scoregate.langfuse.connection import PAGE, Connection
from scoregate.records import JSON, RunHeader

MOST_SCORES = 50
"""Most scores of an item that the server shows beside it."""
SCORE_WINDOW = timedelta(hours=20)
"""Scores that were written longer after their item are not shown beside it (the server's own limit is a day)."""
_EARLIER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Shown:
    """A part of what the server shows of one experiment."""

    roots: frozenset[str]
    """Ids of root observations."""
    scores: frozenset[str]
    """Ids of scores."""


def shown(
    connection: Connection, header: RunHeader, trial: int, *, scores: Iterable[str] = ()
) -> Iterator[Shown]:
    """Everything that the server shows of one trial of a run, page by page.

    `scores` are the names that are looked for apart where the server would not show them beside their items: in runs
    that are old, or that have very many scores an item. Raises Refused, ServiceError, between two pages.
    """
    began = _time_of(header)
    query: dict[str, str | int] = {
        "experimentId": ids.experiment_id(header.run, trial),
        "fromStartTime": _iso(began - _EARLIER),
        "fields": "core,scores",
        "scoreLimit": MOST_SCORES,
    }
    crowded = False
    for items in _pages(connection.cursor("/experiment-items", query)):
        beside = [item.get("scores") or [] for item in items]
        crowded = crowded or any(len(some) >= MOST_SCORES for some in beside)
        found = frozenset(score["id"] for some in beside for score in some)
        yield Shown(frozenset(item["id"] for item in items), found)
    if crowded or datetime.now(UTC) - began > SCORE_WINDOW:
        for name in scores:
            query = {"name": name, "fromTimestamp": _iso(began - _EARLIER)}
            for page in _pages(connection.cursor("/v3/scores", query)):
                yield Shown(frozenset(), frozenset(score["id"] for score in page))


def item_count(connection: Connection, header: RunHeader, trial: int) -> int:
    """How many items the server counts in one trial of a run: one small request."""
    query: dict[str, str | int] = {
        "id": ids.experiment_id(header.run, trial),
        "fromStartTime": _iso(_time_of(header) - _EARLIER),
        "limit": 10,
    }
    found = connection.get("/experiments", query)["data"]
    return int(found[0]["itemCount"]) if found else 0


def _pages(entries: Iterable[JSON]) -> Iterator[list[JSON]]:
    """The entries as they come, a page at a time."""
    page: list[JSON] = []
    for entry in entries:
        page.append(entry)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page


def _time_of(header: RunHeader) -> datetime:
    try:
        return datetime.fromisoformat(header.started_at or "").astimezone(UTC)
    except ValueError:
        return datetime(2020, 1, 1, tzinfo=UTC)


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
