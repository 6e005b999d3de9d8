"""Where a score goes, as the server shows it: its parent, the environment that this is in, and what it replaces.

The server keeps the environment and the trace of a score's first writing for ever, whatever is written under its id
later. So both are looked for before, and a score that must stand elsewhere gets another id.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from scoregate.errors import BaselineError, ConfigError
from scoregate.langfuse.connection import Connection, Query
from scoregate.langfuse.experiments import SINCE, find_experiment, iso
from scoregate.langfuse.score_body import ScoreParent
from scoregate.records import JSON

_MOST_NAMED = 3
_OBSERVATIONS = 1000
"""Most of a page."""
_SDK_ROOT = "experiment-item-task"
"""What the SDK's runner has as the root observation of its run items, though it stands below another one."""


@dataclass(frozen=True, slots=True)
class FoundObservation:
    """An observation that is there."""

    is_root: bool
    """It is the root of its trace, or of a run item of the SDK's."""


@dataclass(frozen=True, slots=True)
class StandingScore:
    """A score that a new one takes the place of."""

    id: str
    environment: str
    written_at: datetime


def find_run(connection: Connection, experiment: str) -> ScoreParent:
    """An experiment by its id, or by its name where that is one experiment's only.

    Raises ConfigError where there is none or there are several; Refused, ServiceError.
    """
    try:
        return ScoreParent.run(find_experiment(connection, experiment).id)
    except BaselineError as problem:  # found as a baseline would be; here it is a word on the command line
        raise ConfigError(problem.message, hint=problem.hint) from problem


def find_run_item(connection: Connection, run: ScoreParent, item: str) -> ScoreParent:
    """The run item of an experiment by its dataset item's id.

    Raises ConfigError where there is none or there are several; Refused, ServiceError.
    """
    query = {"fromStartTime": iso(SINCE), "experimentId": run.id, "experimentItemId": item, "fields": "core"}
    rows = [row for row in connection.cursor("/experiment-items", query) if _is_of(row, run, item)]
    places = {(row["traceId"], row["id"]) for row in rows}
    if not places:
        raise ConfigError(f"experiment {run.id} has no run item of the dataset item '{item}'")
    if len(places) > 1:
        named = [
            f"--trace-id {trace} --observation-id {root}" for trace, root in sorted(places)[:_MOST_NAMED]
        ]
        raise ConfigError(
            f"experiment {run.id} ran the dataset item '{item}' {len(places)} times",
            hint=f"give one of them: {' or '.join(named)}{', …' if len(places) > len(named) else ''}",
        )
    return ScoreParent.run_item(*places.pop())


def find_observation(connection: Connection, trace_id: str, observation_id: str) -> FoundObservation | None:
    """An observation of a trace, or None where the server does not show it. Raises Refused, ServiceError."""
    query = {"traceId": trace_id, "fields": "core,basic"}
    rows = connection.cursor("/v2/observations", query, limit=_OBSERVATIONS)
    row = next((row for row in rows if row["id"] == observation_id), None)
    if row is None:
        return None
    return FoundObservation(is_root=not row.get("parentObservationId") or row.get("name") == _SDK_ROOT)


def environment_of(connection: Connection, parent: ScoreParent) -> str | None:
    """The environment that a score's parent is in; None where the server does not show it. Raises Refused,
    ServiceError."""
    if parent.kind == "run":
        return environment_of_run(connection, parent.id)
    of = {"sessionId": parent.id} if parent.kind == "session" else {"traceId": parent.trace_id}
    return _first(connection, "/v2/observations", {**of, "fields": "core,basic"})


def environment_of_run(connection: Connection, experiment: str) -> str | None:
    """The same of an experiment, by its id: where its items are."""
    query = {"fromStartTime": iso(SINCE), "experimentId": experiment, "fields": "core"}
    return _first(connection, "/experiment-items", query)


def standing_scores(
    connection: Connection, parent: ScoreParent, name: str, ids: Collection[str]
) -> list[StandingScore]:
    """The scores that one of this name and parent takes the place of, the last written one first.

    Those under one of `ids`; of a run and a run item every one of the name, as its own runner has written it under an
    id of its own. What people and evaluators in Langfuse say is left as it is. Raises Refused, ServiceError.
    """
    queries: list[Query] = [{"id": ",".join(one for one in ids if "," not in one)}]
    if parent.kind == "run":
        queries = [{"experimentId": parent.id, "name": name}]
    elif parent.kind == "run_item":
        queries.append({"traceId": parent.trace_id, "observationId": parent.id, "name": name})
    found = {
        str(row["id"]): StandingScore(str(row["id"]), str(row["environment"]), _moment(row))
        for query in queries
        if query.get("id") != ""
        for row in connection.cursor("/v3/scores", query)
        if row.get("name") == name and row.get("source") == "API"
    }
    return sorted(found.values(), key=lambda one: one.written_at, reverse=True)


def delete_score(connection: Connection, score_id: str) -> None:
    """Have a score deleted; the server does it within minutes. Raises Refused, ServiceError."""
    connection.request("DELETE", f"/scores/{quote(score_id, safe='')}", wanted=(404,))


def _first(connection: Connection, path: str, query: Query) -> str | None:
    rows = connection.get(path, {**query, "limit": 1})["data"]
    return str(rows[0]["environment"]) if rows else None


def _moment(row: JSON) -> datetime:
    try:
        return datetime.fromisoformat(row["updatedAt"])
    except (KeyError, TypeError, ValueError):
        return datetime.min.replace(tzinfo=UTC)


def _is_of(row: JSON, run: ScoreParent, item: str) -> bool:
    # An id with a comma is read as two by the server.
    return bool(row["experimentId"] == run.id and row["experimentItemId"] == item)
