"""Scores over HTTP: single and in arrays, deleting, and reading."""

from __future__ import annotations

import json
from datetime import datetime

from tests.langfuse_server.answers import Answer, Json, custom, invalid, wrong_type
from tests.langfuse_server.clock import iso
from tests.langfuse_server.request import Request, newest_page, parse_moment
from tests.langfuse_server.score_bodies import DATA_TYPES, event_of, issues_of
from tests.langfuse_server.score_rows import ScoreRow, newest_of_each_id
from tests.langfuse_server.state import State

BODY_LIMIT = 1.0
FIELDS = ("core", "details", "subject", "annotation")
PARENTS = ("traceId", "sessionId", "experimentId")
KEYS = frozenset(
    (
        *("limit", "cursor", "fields", "id", "name", "value", "valueMin", "valueMax", "dataType"),
        *("traceId", "observationId", "sessionId", "experimentId", "environment", "source"),
        *("configId", "queueId", "authorUserId", "userId", "fromTimestamp", "toTimestamp"),
    )
)


def create_scores(state: State, request: Request) -> Answer:
    """Take one score, or an array where the server knows arrays."""
    body = request.json(limit=BODY_LIMIT)
    if isinstance(body, list) and state.behaviour.batches:
        return _create_batch(state, body, request.reject_every)
    if not isinstance(body, dict):
        issue = wrong_type([], "object", body)
        raise invalid(issue, issue)
    issues = issues_of(body)
    if issues:
        raise invalid(*issues)
    # A single score's own timestamp is ignored: the time of receipt counts.
    now = state.clock.now()
    event = event_of(body, received=now, timestamp=now)
    state.accept_score(event)
    return Answer(200, {"id": event.id})


def delete_score(state: State, request: Request) -> Answer:
    """Queue a deletion; the score stays readable for a while, as the real server deletes every two minutes."""
    state.delete_score(request.names[0])
    return Answer(202, {"message": "Score deletion queued successfully"})


def list_scores(state: State, request: Request) -> Answer:
    """Scores, newest first, by the conditions of the query."""
    for key in request.query:
        if key not in KEYS:
            message = f'Unrecognized key: "{key}"'
            raise invalid({"code": "unrecognized_keys", "keys": [key], "path": [], "message": message})
    limit = request.whole("limit", default=50, maximum=100)
    fields = request.fields(FIELDS, default=("core",))
    _check_query(request)
    after = request.cursor(2)
    page, more = newest_page(_found(state, request), limit=limit, after=after, key=_place)
    meta: dict[str, Json] = {"limit": limit}
    if more is not None:
        meta["cursor"] = more
    return Answer(200, {"data": [score_json(state, row, fields) for row in page], "meta": meta})


def score_json(state: State, row: ScoreRow, fields: frozenset[str]) -> dict[str, Json]:
    """A score as reads show it, with the field groups asked for."""
    shown: dict[str, Json] = {
        "id": row.id,
        "projectId": state.project,
        "name": row.name,
        "source": row.source,
        "timestamp": iso(row.timestamp),
        "environment": row.environment,
        "createdAt": iso(row.created),
        "updatedAt": iso(row.updated),
        "dataType": row.data_type,
        "value": bool(row.value) if row.data_type == "BOOLEAN" else row.value,
    }
    if "details" in fields:
        shown |= {"comment": row.comment, "configId": row.config_id, "metadata": row.metadata}
    if "annotation" in fields:
        shown |= {"authorUserId": None, "queueId": None}
    if "subject" in fields:
        subject = {"kind": row.parent.kind, "id": row.parent.id}
        shown["subject"] = subject | ({"traceId": row.parent.trace_id} if row.parent.trace_id else {})
    return shown


def _create_batch(state: State, bodies: list[Json], reject_every: int) -> Answer:
    now = state.clock.now()
    errors = []
    for place, body in enumerate(bodies):
        issues = issues_of(body) if isinstance(body, dict) else [wrong_type([], "object", body)]
        if not issues and reject_every and (place + 1) % reject_every == 0:
            issues = [custom([], "rejected on request")]
        if issues:
            errors.append({"message": f"Score at index {place}: {json.dumps(issues)}"})
            continue
        state.accept_score(event_of(body, received=now, timestamp=_timestamp(body, now)))
    if not errors:
        return Answer(202, {"message": "Accepted"})
    accepted = len(bodies) - len(errors)
    return Answer(207, {"accepted": accepted, "rejected": len(errors), "errors": errors})


def _timestamp(body: dict[str, Json], now: datetime) -> datetime:
    try:
        return parse_moment(body["timestamp"]) if body.get("timestamp") else now
    except ValueError:
        return now


def _check_query(request: Request) -> None:
    query = request.query
    if "userId" in query:
        message = (
            "userId filter requires a trace JOIN and is not supported in v3 - use v2 or omit this filter"
        )
        raise invalid(custom(["userId"], message) | {"path": []})
    if "observationId" in query and "traceId" not in query:
        raise invalid(
            custom([], "observationId filter requires traceId - observation IDs are scoped to a trace")
        )
    if sum(1 for name in PARENTS if name in query) > 1:
        raise invalid(custom([], f"At most one of {', '.join(PARENTS)} may be specified"))
    types = [name.upper() for name in query.get("dataType", "").split(",") if name]
    for name in types:
        if name not in DATA_TYPES:
            allowed = ", ".join(DATA_TYPES)
            raise invalid(custom(["dataType"], f'Invalid dataType value: "{name}". Allowed: {allowed}'))
    if "value" in query:
        if len(types) != 1 or types[0] not in ("NUMERIC", "BOOLEAN", "CATEGORICAL"):
            message = "value filter requires a single dataType from: NUMERIC, BOOLEAN, CATEGORICAL"
            raise invalid(custom([], message))
        for value in query["value"].split(","):
            if types[0] == "BOOLEAN" and value not in ("true", "false"):
                message = 'value filter with dataType=BOOLEAN requires each value to be "true" or "false"'
                raise invalid(custom([], f'{message} (got "{value}")'))


def _found(state: State, request: Request) -> list[ScoreRow]:
    query = request.query
    rows = _under_parent(state, request)
    ids, names = request.words("id"), request.words("name")
    if rows is None and ids is not None:
        rows = [row for score_id in ids if (row := state.scores.by_id(score_id)) is not None]
    elif rows is None:
        rows = state.scores.all()
    environments, configs = request.words("environment"), request.words("configId")
    types = {name.upper() for name in query["dataType"].split(",")} if "dataType" in query else None
    sources = {name.upper() for name in query["source"].split(",")} if "source" in query else None
    values, start, end = (
        request.words("value"),
        request.moment("fromTimestamp"),
        request.moment("toTimestamp"),
    )
    low, high = _number(request, "valueMin"), _number(request, "valueMax")
    return newest_of_each_id(
        row
        for row in rows
        if (ids is None or row.id in ids)
        and (names is None or row.name in names)
        and (environments is None or row.environment in environments)
        and (configs is None or row.config_id in configs)
        and (types is None or row.data_type in types)
        and (sources is None or row.source in sources)
        and (values is None or _is_one_of(row, values))
        and (low is None or (not isinstance(row.value, str) and row.value >= low))
        and (high is None or (not isinstance(row.value, str) and row.value <= high))
        and (start is None or row.timestamp >= start)
        and (end is None or row.timestamp < end)
    )


def _under_parent(state: State, request: Request) -> list[ScoreRow] | None:
    for parameter, kind in (("traceId", "trace"), ("sessionId", "session"), ("experimentId", "experiment")):
        names = request.words(parameter)
        if names is not None:
            rows = [row for name in names for row in state.scores.of_parent(kind, name)]
            observations = request.words("observationId")
            if observations is None:
                return rows
            return [row for row in rows if row.parent.kind == "observation" and row.parent.id in observations]
    return None


def _is_one_of(row: ScoreRow, values: frozenset[str]) -> bool:
    if row.data_type == "BOOLEAN":
        return str(bool(row.value)).lower() in values
    if isinstance(row.value, str):
        return row.value in values
    return any(row.value == float(value) for value in values)


def _number(request: Request, name: str) -> float | None:
    text = request.query.get(name)
    try:
        return None if text is None else float(text)
    except ValueError:
        raise invalid(wrong_type([name], "number", text)) from None


def _place(row: ScoreRow) -> tuple[str, ...]:
    return (iso(row.timestamp), row.id)
