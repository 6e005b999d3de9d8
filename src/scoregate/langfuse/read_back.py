"""What a server shows of a run: the only proof that something arrived.

A server answers 200 to scores that it drops later, and shows a run seconds after it took it. So every run item and
score that was accepted is looked for under its id, until all are there or time is up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from scoregate.langfuse import ids
from scoregate.langfuse.connection import PAGE, Connection
from scoregate.langfuse.spans import UNKNOWN_START
from scoregate.records import JSON, RunHeader

_MOST_SCORES = 50
"""Most scores of an item that the server shows beside it."""
_SCORE_WINDOW = timedelta(hours=20)
"""Scores that were written longer after their item are not shown beside it (the server's own limit is a day)."""
_EARLIER = timedelta(hours=1)
_TRACES_OF_A_REQUEST = 100


@dataclass(frozen=True, slots=True)
class Shown:
    """A part of what the server shows of one experiment."""

    roots: frozenset[str]
    """Ids of root observations."""
    scores: frozenset[str]
    """Ids of scores."""


def shown(
    connection: Connection, run: str, trial: int, *, since: datetime, traces: Sequence[str] = ()
) -> Iterator[Shown]:
    """Everything that the server shows of one trial of a run that began at `since`, page by page.

    `traces` are those whose scores are looked for apart where the server would not show them beside their items: in
    runs that are old, or that have very many scores an item. Raises Refused, ServiceError, between two pages.
    """
    query: dict[str, str | int] = {
        "experimentId": ids.experiment_id(run, trial),
        "fromStartTime": _iso(since - _EARLIER),
        "fields": "core,scores",
        "scoreLimit": _MOST_SCORES,
    }
    crowded = False
    for items in _pages(connection.cursor("/experiment-items", query)):
        beside = [item.get("scores") or [] for item in items]
        crowded = crowded or any(len(some) >= _MOST_SCORES for some in beside)
        found = frozenset(score["id"] for some in beside for score in some)
        yield Shown(frozenset(item["id"] for item in items), found)
    if crowded or datetime.now(UTC) - since > _SCORE_WINDOW:
        for start in range(0, len(traces), _TRACES_OF_A_REQUEST):
            some = ",".join(traces[start : start + _TRACES_OF_A_REQUEST])
            query = {"traceId": some, "fromTimestamp": _iso(since - _EARLIER)}
            yield from _scores(connection, query)


def run_scores_shown(connection: Connection, run: str, trial: int) -> Iterator[Shown]:
    """The scores of one trial as a whole. Raises Refused, ServiceError."""
    yield from _scores(connection, {"experimentId": ids.experiment_id(run, trial)})


def began(header: RunHeader, first_call: float | None) -> datetime:
    """When a run began, as far as its header and its first call (Unix seconds) say; the earlier of the two."""
    times = [] if first_call is None else [datetime.fromtimestamp(first_call, UTC)]
    with suppress(ValueError):
        times.append(datetime.fromisoformat(header.started_at or "").astimezone(UTC))
    return min(times, default=UNKNOWN_START)


def item_count(connection: Connection, run: str, trial: int, *, since: datetime) -> int:
    """How many items the server counts in one trial of a run: one small request."""
    query: dict[str, str | int] = {
        "id": ids.experiment_id(run, trial),
        "fromStartTime": _iso(since - _EARLIER),
        "limit": 10,
    }
    return max((int(found["itemCount"]) for found in connection.cursor("/experiments", query)), default=0)


def _scores(connection: Connection, query: dict[str, str | int]) -> Iterator[Shown]:
    for page in _pages(connection.cursor("/v3/scores", query)):
        yield Shown(frozenset(), frozenset(score["id"] for score in page))


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


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
