"""Datasets and dataset items over HTTP."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256

from scoregate.langfuse.schema_rules import strict_problem
from tests.langfuse_server.answers import Answer, Json, custom, invalid, not_an_option, refused, wrong_type
from tests.langfuse_server.clock import iso
from tests.langfuse_server.dataset_rows import DatasetRow, ItemRow
from tests.langfuse_server.request import Request, Row, parse_moment, string
from tests.langfuse_server.state import State

BODY_LIMIT = 4.5
STATUSES = ("ACTIVE", "ARCHIVED")


def create_dataset(state: State, request: Request) -> Answer:
    """Create a dataset, or change the fields that are given of the one with this name."""
    body = request.record(limit=BODY_LIMIT)
    name = string(body, "name")
    for field in ("inputSchema", "expectedOutputSchema"):
        if body.get(field) is not None and not _is_schema(body[field]):
            raise invalid(custom([field], "Must be a valid JSON Schema"))
    if not name or name.startswith("/") or name.endswith("/"):
        raise refused(400, "Dataset name not valid.", "InvalidRequestError")
    now = state.clock.now()
    before = state.datasets.by_name.get(name)
    row = before or DatasetRow(
        id=f"c{secrets.token_hex(12)}",
        name=name,
        description=None,
        metadata=None,
        input_schema=None,
        expected_output_schema=None,
        created=now,
        updated=now,
    )
    row = replace(
        row,
        description=body.get("description", row.description),
        metadata=body.get("metadata", row.metadata),
        input_schema=body.get("inputSchema", row.input_schema),
        expected_output_schema=body.get("expectedOutputSchema", row.expected_output_schema),
    )
    if before is not None:
        _check_items(state, row)
        if row != before:
            row = replace(row, updated=now)
    state.datasets.by_name[name] = row
    return Answer(200, _dataset_json(state, row))


def list_datasets(state: State, request: Request) -> Answer:
    limit, page = request.whole("limit", default=50, maximum=100), request.page()
    rows = sorted(state.datasets.by_name.values(), key=lambda row: row.created, reverse=True)
    return Answer(200, paged(rows, lambda row: _dataset_json(state, row), limit, page))


def get_dataset(state: State, request: Request) -> Answer:
    return Answer(200, _dataset_json(state, _dataset(state, request.names[0])))


def get_dataset_with_items(state: State, request: Request) -> Answer:
    """The older route, which carries the items along."""
    row = _dataset(state, request.names[0])
    items = [_item_json(state, item) for item in state.datasets.items(row.id)]
    return Answer(200, _dataset_json(state, row) | {"items": items, "runs": []})


def create_item(state: State, request: Request) -> Answer:
    """Create an item, or a new version of the item with this id; omitted fields keep their value."""
    body = request.record(limit=BODY_LIMIT)
    name = string(body, "datasetName")
    if body.get("status") not in (None, *STATUSES):
        raise invalid(not_an_option(["status"], STATUSES))
    dataset = state.datasets.by_name.get(name)
    if dataset is None:
        raise refused(404, f"Dataset {name} not found for project {state.project}", "LangfuseNotFoundError")
    item_id = body.get("id") or str(uuid.uuid4())
    before = state.datasets.item(item_id)
    if before is not None and before.dataset_id != dataset.id:
        raise refused(
            409,
            f"Dataset item id {item_id} already exists in another dataset (id {before.dataset_id}) in this project",
            "LangfuseConflictError",
        )
    now = state.clock.now()
    row = before or ItemRow(
        id=item_id,
        dataset_id=dataset.id,
        input=None,
        expected_output=None,
        metadata=None,
        status="ACTIVE",
        source_trace_id=None,
        source_observation_id=None,
        created=now,
        updated=now,
    )
    row = replace(
        row,
        input=body.get("input", row.input),
        expected_output=body.get("expectedOutput", row.expected_output),
        metadata=body.get("metadata", row.metadata),
        status=body.get("status") or row.status,
        source_trace_id=body.get("sourceTraceId", row.source_trace_id),
        source_observation_id=body.get("sourceObservationId", row.source_observation_id),
        created=now,
        updated=now,
    )
    broken = _broken_schemas(dataset, row)
    if broken:
        raise refused(400, f"Dataset item validation failed: {'; '.join(broken)}", "InvalidRequestError")
    state.datasets.put(row)
    return Answer(200, _item_json(state, row))


def list_items(state: State, request: Request) -> Answer:
    """The active items of a dataset, newest first; with `version=` those that were active then."""
    limit, page = request.whole("limit", default=50, maximum=100), request.page()
    version = request.query.get("version")
    name = request.query.get("datasetName")
    at = None
    if version is not None:
        try:
            at = parse_moment(version)
        except ValueError:
            raise invalid(wrong_type(["version"], "date", {}) | {"received": "Invalid Date"}) from None
        if name is None:
            message = "datasetName is required when version parameter is provided"
            raise invalid(custom(["datasetName"], message))
    rows = state.datasets.items(None if name is None else _dataset(state, name).id, at=at)
    return Answer(200, paged(rows, lambda row: _item_json(state, row), limit, page))


def get_item(state: State, request: Request) -> Answer:
    row = state.datasets.item(request.names[0])
    if row is None:
        raise refused(404, "Dataset item not found", "LangfuseNotFoundError")
    return Answer(200, _item_json(state, row))


def delete_item(state: State, request: Request) -> Answer:
    """Delete an item; reads with an earlier `version=` still show it."""
    item_id = request.names[0]
    if state.datasets.item(item_id) is None:
        message = f"Dataset item with id {item_id} not found for project {state.project}"
        raise refused(404, message, "LangfuseNotFoundError")
    state.datasets.end(item_id, state.clock.now())
    return Answer(200, {"message": "Dataset item successfully deleted"})


def link_run_item(state: State, request: Request) -> Answer:
    """The older way to tie a trace to an item; accepted, and of no effect on experiments."""
    body = request.record(limit=BODY_LIMIT)
    now = iso(state.clock.now())
    return Answer(
        200,
        {
            "id": str(uuid.uuid4()),
            # The same for all items of a run, which its name stands for.
            "datasetRunId": sha256(f"{state.project} {string(body, 'runName')}".encode()).hexdigest()[:16],
            "datasetRunName": string(body, "runName"),
            "datasetItemId": string(body, "datasetItemId"),
            "traceId": body.get("traceId"),
            "observationId": body.get("observationId"),
            "createdAt": now,
            "updatedAt": now,
        },
    )


def paged(
    rows: Sequence[Row], shown: Callable[[Row], dict[str, Json]], limit: int, page: int
) -> dict[str, Json]:
    """One numbered page of what is shown of the rows, and its meta."""
    pages = -(-len(rows) // limit)
    data = list(map(shown, rows[(page - 1) * limit : page * limit]))
    return {
        "data": data,
        "meta": {"page": page, "limit": limit, "totalItems": len(rows), "totalPages": pages},
    }


def _dataset(state: State, name: str) -> DatasetRow:
    row = state.datasets.by_name.get(name)
    if row is None:
        raise refused(404, "Dataset not found", "LangfuseNotFoundError")
    return row


def _is_schema(schema: Json) -> bool:
    """As Ajv's strict mode says, by the rules that `test_schema_rules.py` holds to what it said."""
    return strict_problem(schema) is None


def _broken_schemas(dataset: DatasetRow, row: ItemRow) -> list[str]:
    broken = []
    for title, schema, value in (
        ("Input", dataset.input_schema, row.input),
        ("Expected output", dataset.expected_output_schema, row.expected_output),
    ):
        message = _first_error(schema, value)
        if message is not None:
            broken.append(f"{title} validation failed: {message}")
    return broken


def _first_error(schema: Json, value: Json) -> str | None:
    if schema is None:
        return None
    from jsonschema import Draft7Validator

    errors = sorted(Draft7Validator(schema).iter_errors(value), key=lambda error: error.json_path)
    return errors[0].message if errors else None


def _check_items(state: State, dataset: DatasetRow) -> None:
    details = [
        {"datasetItemId": row.id, "field": field, "errors": [{"path": "/", "message": message}]}
        for row in state.datasets.items(dataset.id)
        for field, schema, value in (
            ("input", dataset.input_schema, row.input),
            ("expectedOutput", dataset.expected_output_schema, row.expected_output),
        )
        if (message := _first_error(schema, value)) is not None
    ]
    if details:
        count = len({detail["datasetItemId"] for detail in details})
        message = f"Schema validation failed for {count} item(s). Details: {json.dumps(details)}"
        raise refused(400, message, "InvalidRequestError")


def _dataset_json(state: State, row: DatasetRow) -> dict[str, Json]:
    return {
        "id": row.id,
        "projectId": state.project,
        "name": row.name,
        "description": row.description,
        "metadata": row.metadata,
        "inputSchema": row.input_schema,
        "expectedOutputSchema": row.expected_output_schema,
        "createdAt": iso(row.created),
        "updatedAt": iso(row.updated),
    }


def _item_json(state: State, row: ItemRow) -> dict[str, Json]:
    name = next(dataset.name for dataset in state.datasets.by_name.values() if dataset.id == row.dataset_id)
    return {
        "id": row.id,
        "datasetId": row.dataset_id,
        "datasetName": name,
        "status": row.status,
        "sourceTraceId": row.source_trace_id,
        "sourceObservationId": row.source_observation_id,
        "createdAt": iso(row.created),
        "updatedAt": iso(row.updated),
        "input": row.input,
        "expectedOutput": row.expected_output,
        "metadata": row.metadata,
        "mediaReferences": [],
    }
