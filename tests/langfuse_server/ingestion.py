"""The endpoint of older SDKs: events in a batch, each accepted or refused. Of these only scores have an effect."""

from __future__ import annotations

import json

from tests.langfuse_server.answers import (
    Answer,
    Issue,
    Json,
    Refused,
    javascript_type,
    no_such_variant,
    wrong_type,
)
from tests.langfuse_server.request import DATETIME, Request, no_datetime, parse_moment
from tests.langfuse_server.score_bodies import event_of, issues_of
from tests.langfuse_server.state import State

BODY_LIMIT = 4.5
SCORE = "score-create"
LOG = "sdk-log"
TRACING = (
    "trace-create",
    "span-create",
    "span-update",
    "generation-create",
    "generation-update",
    "event-create",
)


def ingest(state: State, request: Request) -> Answer:
    """Take over a batch; 207 in every case. In events_only mode events that are no scores are refused."""
    body = request.json(limit=BODY_LIMIT)
    for expected, value in (
        ("object", body),
        ("array", body.get("batch") if isinstance(body, dict) else None),
    ):
        if javascript_type(value) != expected:
            received = "undefined" if value is None else javascript_type(value)
            errors = [f"Invalid input: expected {expected}, received {received}"]
            raise Refused(Answer(400, {"message": "Invalid request data", "errors": errors}))
    successes: list[Json] = []
    errors_found: list[Json] = []
    for event in body["batch"]:
        issues = _issues(event)
        if issues:
            errors_found.append(_error(event, "Invalid request data", json.dumps(issues)))
        elif event["type"] in TRACING and state.behaviour.mode == "events_only":
            message = f'Event type "{event["type"]}" is not accepted in events_only mode.'
            errors_found.append(_error(event, "Event type not accepted", message))
        elif event["type"] != LOG:
            successes.append({"id": event["id"], "status": 201})
            if event["type"] == SCORE:
                _accept(state, event)
    return Answer(207, {"successes": successes, "errors": errors_found})


def _accept(state: State, event: dict[str, Json]) -> None:
    sent = parse_moment(event["timestamp"])
    state.accept_score(event_of(event["body"], received=state.clock.now(), timestamp=sent, ordered_by=sent))


def _issues(event: dict[str, Json]) -> list[Issue]:
    if not isinstance(event.get("id"), str):
        return [wrong_type(["id"], "string", event.get("id"), given="id" in event)]
    if event.get("type") not in (SCORE, LOG, *TRACING):
        return [no_such_variant(["type"])]
    if not DATETIME.fullmatch(str(event.get("timestamp"))):
        return [no_datetime("timestamp")]
    issues = issues_of(event["body"]) if event["type"] == SCORE else []
    return [issue | {"path": ["body", *issue["path"]]} for issue in issues]


def _error(event: dict[str, Json], message: str, error: str) -> Json:
    return {"id": event.get("id", "unknown"), "status": 400, "message": message, "error": error}
