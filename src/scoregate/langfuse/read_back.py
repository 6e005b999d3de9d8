"""What a server shows of a run: the only proof that something arrived.

A server answers 200 to scores that it drops later, and shows a run seconds after it took it. So every run item and
score that was accepted is looked for, until all are there or time is up: run items by their number first, scores under
their ids, and of both only what was not seen before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from scoregate.langfuse import ids
from scoregate.langfuse.at_once import at_once
from scoregate.langfuse.connection import PAGE, Connection
from scoregate.langfuse.spans import UNKNOWN_START
from scoregate.records import JSON, RunHeader

_EARLIER = timedelta(hours=1)
_AT_ONCE = 10
"""Pages of scores that are asked for together."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A part of what the server shows of one experiment."""

    roots: frozenset[str]
    """Ids of root observations."""
    scores: frozenset[str]
    """Ids of scores."""


def roots_shown(connection: Connection, run: str, trial: int, *, since: datetime) -> Iterator[Shown]:
    """The run items that the server shows of one trial of a run that began at `since`, page by page.

    Raises Refused, ServiceError, between two pages.
    """
    query = {
        "experimentId": ids.experiment_id(run, trial),
        "fromStartTime": _iso(since - _EARLIER),
        "fields": "core",
    }
    for items in _pages(connection.cursor("/experiment-items", query)):
        yield Shown(frozenset(item["id"] for item in items), frozenset())


def scores_shown(
    connection: Connection, scores: Sequence[str], *, since: datetime, sampled: bool
) -> Iterator[Shown]:
    """Those of these scores (ids) that the server shows.

    A page of them from all over comes first; `sampled`, the others are not asked for yet where less than half of it is
    to be seen. Raises Refused, ServiceError, between two answers.
    """
    step = max(1, -(-len(scores) // PAGE))
    sample = scores[::step]
    seen = _among(connection, sample, since)
    yield Shown(frozenset(), seen)
    if sampled and 2 * len(seen) < len(sample):
        return
    asked = frozenset(sample)
    rest = [one for one in scores if one not in asked]
    pages = [rest[start : start + PAGE] for start in range(0, len(rest), PAGE)]
    for start in range(0, len(pages), _AT_ONCE):
        some = [partial(_among, connection, page, since) for page in pages[start : start + _AT_ONCE]]
        for found in at_once(some, _AT_ONCE):
            yield Shown(frozenset(), found)


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


def _among(connection: Connection, scores: Sequence[str], since: datetime) -> frozenset[str]:
    query = {"id": ",".join(scores), "fromTimestamp": _iso(since - _EARLIER)}
    return frozenset(score["id"] for score in connection.cursor("/v3/scores", query))


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
