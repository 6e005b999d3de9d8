"""Score configs over HTTP."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace

from tests.langfuse_server.answers import (
    Answer,
    Issue,
    Json,
    custom,
    invalid,
    no_such_variant,
    refused,
    too_big,
    too_small,
    wrong_type,
)
from tests.langfuse_server.clock import iso
from tests.langfuse_server.datasets import paged
from tests.langfuse_server.request import Request, string
from tests.langfuse_server.score_rows import ConfigRow
from tests.langfuse_server.state import State

BODY_LIMIT = 1.0
NAME_LENGTH = 35
NAME = re.compile(r"[\w .()-]+")
DATA_TYPES = ("NUMERIC", "CATEGORICAL", "BOOLEAN", "TEXT")
CHANGEABLE = ("name", "isArchived", "description", "minValue", "maxValue", "categories")


def create_config(state: State, request: Request) -> Answer:
    """Create a config; a second one of the same name is a config of its own."""
    body = request.record(limit=BODY_LIMIT)
    data_type = body.get("dataType")
    if data_type not in DATA_TYPES:
        raise invalid(no_such_variant(["dataType"]))
    name = string(body, "name")
    if not name:
        pattern = {"origin": "string", "code": "invalid_format", "format": "regex", "pattern": NAME.pattern}
        raise invalid(
            too_small("string", ["name"], 1),
            pattern | {"path": ["name"], "message": "Name contains invalid characters"},
        )
    if len(name) > NAME_LENGTH:
        raise invalid(too_big("string", ["name"], NAME_LENGTH))
    numeric = data_type == "NUMERIC"
    minimum, maximum = (body.get("minValue"), body.get("maxValue")) if numeric else (None, None)
    if not _in_order(minimum, maximum):
        raise invalid(custom([], "Maximum value must be greater than Minimum value"))
    now = state.clock.now()
    row = ConfigRow(
        id=str(uuid.uuid4()),
        name=name,
        data_type=data_type,
        minimum=minimum,
        maximum=maximum,
        categories=_new_categories(data_type, body),
        description=body.get("description"),
        archived=False,
        created=now,
        updated=now,
    )
    state.configs[row.id] = row
    return Answer(200, _config_json(state, row))


def list_configs(state: State, request: Request) -> Answer:
    """All configs, archived ones too, newest first."""
    limit, page = request.whole("limit", default=50, maximum=100), request.page()
    rows = list(reversed(state.configs.values()))
    return Answer(200, paged(rows, lambda row: _config_json(state, row), limit, page))


def get_config(state: State, request: Request) -> Answer:
    return Answer(200, _config_json(state, _config(state, request.names[0])))


def update_config(state: State, request: Request) -> Answer:
    """Change fields of a config; the data type is no field of it."""
    body = request.record(limit=BODY_LIMIT)
    changes = {name: body[name] for name in CHANGEABLE if name in body}
    if not changes:
        message = "Request body cannot be empty. At least one field must be provided for update."
        raise invalid(custom([], message))
    before = _config(state, request.names[0])
    row = replace(
        before,
        name=changes.get("name", before.name),
        archived=changes.get("isArchived", before.archived),
        description=changes.get("description", before.description),
        minimum=changes.get("minValue", before.minimum),
        maximum=changes.get("maxValue", before.maximum),
        categories=_categories(changes["categories"]) if changes.get("categories") else before.categories,
        updated=state.clock.now(),
    )
    if not _in_order(row.minimum, row.maximum):
        raise refused(400, "Maximum value must be greater than Minimum value", "InvalidRequestError")
    state.configs[row.id] = row
    return Answer(200, _config_json(state, row))


def _config(state: State, config_id: str) -> ConfigRow:
    row = state.configs.get(config_id)
    if row is None:
        raise refused(404, "Score config not found within authorized project", "LangfuseNotFoundError")
    return row


def _in_order(minimum: float | None, maximum: float | None) -> bool:
    return minimum is None or maximum is None or minimum < maximum


def _new_categories(data_type: str, body: dict[str, Json]) -> tuple[tuple[str, float], ...] | None:
    given = body.get("categories")
    if data_type == "CATEGORICAL":
        if not isinstance(given, list):
            raise invalid(_no_categories(given, given="categories" in body))
        return _categories(given)
    if given is not None:
        raise invalid(wrong_type(["categories"], "undefined", given))
    return (("True", 1), ("False", 0)) if data_type == "BOOLEAN" else None


def _no_categories(value: Json, *, given: bool) -> Issue:
    """The real server names every form a JSON value may have; the first is the one it wants."""
    scalars = [[wrong_type([], kind, value, given=given)] for kind in ("string", "number", "boolean")]
    forms = [[wrong_type([], kind, value, given=given)] for kind in ("array", "record")]
    forms.append([{"code": "invalid_union", "errors": scalars, "path": [], "message": "Invalid input"}])
    return {"code": "invalid_union", "errors": forms, "path": ["categories"], "message": "Invalid input"}


def _categories(given: list[dict[str, Json]]) -> tuple[tuple[str, float], ...]:
    pairs = tuple((category["label"], category["value"]) for category in given)
    for place, title in enumerate(("label", "value")):
        seen = set()
        for pair in pairs:
            if pair[place] in seen:
                message = f"Duplicate category {title}: {pair[place]}, category {title}s must be unique"
                raise invalid(custom(["categories"], message))
            seen.add(pair[place])
    return pairs


def _config_json(state: State, row: ConfigRow) -> dict[str, Json]:
    categories = row.categories
    return {
        "id": row.id,
        "name": row.name,
        "isArchived": row.archived,
        "description": row.description,
        "createdAt": iso(row.created),
        "updatedAt": iso(row.updated),
        "projectId": state.project,
        "dataType": row.data_type,
        "minValue": row.minimum,
        "maxValue": row.maximum,
        "categories": None
        if categories is None
        else [{"label": label, "value": value} for label, value in categories],
    }
