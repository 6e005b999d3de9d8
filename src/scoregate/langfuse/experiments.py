"""Experiments of a Langfuse project: found by id or by name, or not at all.

Everything is asked for by the JSON `filter`: the plain `id` and `name` take a comma for the end of a first value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from scoregate.errors import BaselineError, ServiceError, did_you_mean
from scoregate.langfuse.connection import Connection
from scoregate.own import json_codec
from scoregate.records import JSON

SINCE = datetime(2023, 1, 1, tzinfo=UTC)
"""Before the first experiment that anybody can have. The server wants a time with every question."""
_NEAR_DAYS = 60
_MOST_NEAR = 300
_MOST_LISTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """An experiment as the server lists it."""

    id: str
    name: str
    started_at: datetime
    ended_at: datetime
    item_count: int
    dataset_id: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"'{self.name}' ({self.id}, {iso(self.started_at)})"


def find_experiment(connection: Connection, wanted: str) -> Experiment:
    """The one experiment of this id, else of this name.

    Raises BaselineError where there is none, with near names, and where several bear the name; Refused, ServiceError.
    """
    found = experiment_of_id(connection, wanted)
    if found is not None:
        return found
    named = _listed(connection, "name", wanted)
    if len(named) == 1:
        return named[0]
    if not named:
        raise BaselineError(
            f"there is no experiment '{wanted}' in this Langfuse project",
            hint=_near(connection, wanted),
        )
    newest = sorted(named, key=lambda one: one.started_at, reverse=True)
    listed = ", ".join(f"{one.id} ({iso(one.started_at)})" for one in newest[:_MOST_LISTED])
    more = f" and {len(named) - _MOST_LISTED} more" if len(named) > _MOST_LISTED else ""
    raise BaselineError(
        f"{len(named)} experiments bear the name '{wanted}': {listed}{more}",
        hint="give the id of one of them",
    )


def experiment_of_id(connection: Connection, wanted: str) -> Experiment | None:
    """The experiment of this id, None where there is none. Raises Refused, ServiceError."""
    found = _listed(connection, "id", wanted)
    return found[0] if found else None


def iso(time: datetime) -> str:
    """The time as the server takes and gives it: UTC, milliseconds, Z."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def time_of(value: JSON) -> datetime:
    """A time that the server gave. Raises ServiceError for what is none."""
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ServiceError(f"Langfuse gives {value!r:.60} for a time") from None


def _listed(connection: Connection, column: str, value: str) -> list[Experiment]:
    rule = {"type": "string", "column": column, "operator": "=", "value": value}
    query = {
        "fromStartTime": iso(SINCE),
        "fields": "core,metadata",
        "filter": json_codec.dumps([rule], ensure_ascii=False),
    }
    found = (_experiment(entry) for entry in connection.cursor("/experiments", query))
    # The server's word for equality may be laxer than ours.
    return [one for one in found if (one.id if column == "id" else one.name) == value]


def _near(connection: Connection, wanted: str) -> str:
    recent = {"fromStartTime": iso(datetime.now(UTC) - timedelta(days=_NEAR_DAYS)), "fields": "core"}
    names = [entry["name"] for entry in islice(connection.cursor("/experiments", recent), _MOST_NEAR)]
    near = did_you_mean(wanted, [name for name in names if name])
    if near is None or near.startswith("did you mean"):
        return near or f"it has had no experiments at all in the last {_NEAR_DAYS} days"
    newest = ", ".join(name for name in names[:_MOST_LISTED] if name)
    return f"the newest are: {newest}"


def _experiment(entry: Mapping[str, JSON]) -> Experiment:
    metadata = entry.get("metadata") or {}
    started = time_of(entry.get("startTime"))
    return Experiment(
        id=str(entry.get("id") or ""),
        name=str(entry.get("name") or ""),
        started_at=started,
        ended_at=time_of(entry["endTime"]) if entry.get("endTime") else started,
        item_count=int(entry.get("itemCount") or 0),
        dataset_id=entry.get("datasetId") or None,
        metadata={
            key: value if isinstance(value, str) else json_codec.dumps(value)
            for key, value in metadata.items()
        },
    )
