"""Where on the server a score's parent is: experiments by id or name, run items, the environment of a trace."""

from __future__ import annotations

from dataclasses import dataclass

from scoregate.errors import BaselineError, ConfigError
from scoregate.langfuse.connection import Connection
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


def trace_environment(connection: Connection, trace_id: str) -> str | None:
    """The environment that a trace is in, or None where the server does not show the trace. Raises Refused,
    ServiceError."""
    body = connection.get("/v2/observations", {"traceId": trace_id, "limit": 1, "fields": "core,basic"})
    rows = body["data"]
    return str(rows[0]["environment"]) if rows else None


def find_observation(connection: Connection, trace_id: str, observation_id: str) -> FoundObservation | None:
    """An observation of a trace, or None where the server does not show it. Raises Refused, ServiceError."""
    query = {"traceId": trace_id, "fields": "core,basic"}
    rows = connection.cursor("/v2/observations", query, limit=_OBSERVATIONS)
    row = next((row for row in rows if row["id"] == observation_id), None)
    if row is None:
        return None
    return FoundObservation(is_root=not row.get("parentObservationId") or row.get("name") == _SDK_ROOT)


def _is_of(row: JSON, run: ScoreParent, item: str) -> bool:
    # An id with a comma is read as two by the server.
    return bool(row["experimentId"] == run.id and row["experimentItemId"] == item)
