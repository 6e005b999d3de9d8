"""The check of a score's body, as it is made before the server answers; configs are not part of it."""

from __future__ import annotations

import uuid
from datetime import datetime

from tests.langfuse_server.answers import (
    Issue,
    Json,
    custom,
    javascript_type,
    no_such_variant,
    not_an_option,
    too_big,
    too_small,
    wrong_type,
)
from tests.langfuse_server.environments import environment
from tests.langfuse_server.score_rows import TEXT_LIMIT, Parent, ScoreEvent

DATA_TYPES = ("NUMERIC", "CATEGORICAL", "BOOLEAN", "CORRECTION", "TEXT")
SOURCES = ("API", "ANNOTATION")
PARENTS = ["traceId", "sessionId", "datasetRunId", "observationId"]
ONE_PARENT = (
    "Provide exactly one of the following: traceId (with optional observationId), sessionId or datasetRunId. "
    "ObservationId requires traceId."
)


def issues_of(body: dict[str, Json]) -> list[Issue]:
    """What is wrong with a score's shape; empty where it is accepted."""
    data_type = body.get("dataType")
    if data_type is not None and data_type not in DATA_TYPES:
        return [no_such_variant(["dataType"])]
    issues = _name_issues(body) + _value_issues(body, data_type)
    if body.get("source") not in (None, *SOURCES):
        issues.append(not_an_option(["source"], SOURCES))
    if issues:
        return issues
    if data_type == "BOOLEAN" and body["value"] not in (0, 1):
        issues.append(
            custom(["value"], "Value must be a number equal to either 0 or 1 for data type BOOLEAN")
        )
    if parent_of(body) is None:
        issues.append(custom(PARENTS, ONE_PARENT))
    if body.get("source") == "ANNOTATION" and not body.get("configId") and data_type != "CORRECTION":
        message = "configId is required when source is ANNOTATION (except for CORRECTION scores)."
        issues.append(custom(["configId"], message))
    return issues


def parent_of(body: dict[str, Json]) -> Parent | None:
    """The one parent a body names, None where it names none or several."""
    trace, observation = body.get("traceId"), body.get("observationId")
    session, experiment = body.get("sessionId"), body.get("datasetRunId")
    if sum(1 for name in (trace, session, experiment) if name) != 1 or (observation and not trace):
        return None
    if session:
        return Parent(kind="session", id=session)
    if experiment:
        return Parent(kind="experiment", id=experiment)
    if observation:
        return Parent(kind="observation", id=observation, trace_id=trace)
    return Parent(kind="trace", id=str(trace))


def event_of(
    body: dict[str, Json], *, received: datetime, timestamp: datetime, ordered_by: datetime | None = None
) -> ScoreEvent:
    """The event of a body without issues; `ordered_by` is the time of receipt unless given."""
    parent = parent_of(body)
    assert parent is not None
    return ScoreEvent(
        id=body.get("id") or str(uuid.uuid4()),
        name=body["name"],
        value=_stored(body["value"]),
        data_type=body.get("dataType"),
        parent=parent,
        environment=environment(body.get("environment")),
        timestamp=timestamp,
        received=received,
        ordered_by=ordered_by or received,
        comment=body.get("comment"),
        metadata=body.get("metadata"),
        config_id=body.get("configId"),
        source=body.get("source") or "API",
    )


def _stored(value: float | str) -> float | str:
    """A number as the real server keeps it: with the precision of a float."""
    return int(float(value)) if isinstance(value, int) else value


def _name_issues(body: dict[str, Json]) -> list[Issue]:
    name = body.get("name")
    if not isinstance(name, str):
        return [wrong_type(["name"], "string", name, given="name" in body)]
    return [] if name else [too_small("string", ["name"], 1)]


def _value_issues(body: dict[str, Json], data_type: str | None) -> list[Issue]:
    value: Json = body.get("value")
    given = "value" in body
    kind = javascript_type(value)
    if data_type is None:
        if kind in ("string", "number"):
            return []
        unions = [[wrong_type([], expected, value, given=given)] for expected in ("string", "number")]
        return [{"code": "invalid_union", "errors": unions, "path": ["value"], "message": "Invalid input"}]
    expected = "number" if data_type in ("NUMERIC", "BOOLEAN") else "string"
    if kind != expected:
        return [wrong_type(["value"], expected, value, given=given)]
    if data_type == "TEXT" and not value:
        return [too_small("string", ["value"], 1)]
    if data_type == "TEXT" and len(value) > TEXT_LIMIT:
        return [too_big("string", ["value"], TEXT_LIMIT)]
    return []
