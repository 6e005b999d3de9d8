"""Datasets of Langfuse, read as they were at one moment.

What is read is always a version, also if none is asked for: a list of pages that somebody writes to would be mixed
of two states, and no later run could read it again. The moment for an unpinned read is the newest of

* the server's clock at the first request, which has whole seconds and so lies up to a second in the past, and
* a millisecond after the newest change of the items that the server shows at that moment.

It is read a moment later, when it is past and the writes that carry its time are through, so that no change gets into
it afterwards. What was added or changed before the read began is in it. Only an item that was archived or deleted
within the second before the read may still be there; `push` waits that second out after it archived something.

Langfuse keeps no order of items, and an update moves an item to the front, so they come sorted by id.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from scoregate.datasets.fingerprint import canonical, combined, item_digest
from scoregate.datasets.rows import item_from
from scoregate.datasets.schemas import ItemCheck, check_against, schema_check
from scoregate.errors import DatasetError, ServiceError, did_you_mean
from scoregate.gate_file.source import LangfuseDataset, version_text
from scoregate.langfuse.connection import PAGE, Connection, Refused
from scoregate.langfuse.schema_rules import DRAFT_07
from scoregate.records import JSON, Dataset, DatasetItem

_TRIES = 3
_SETTLING = 0.04
"""Seconds that the server has to finish a write that it gave its time already."""
_SCHEMAS = (("inputSchema", "input"), ("expectedOutputSchema", "expected_output"))
"""The server's name of a schema, and the member of an item that it is about."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A dataset at one moment, as the server tells it."""

    source: LangfuseDataset
    """As asked for."""
    about: JSON
    """The dataset itself: `id`, `name`, `description`, `inputSchema`, `expectedOutputSchema`."""
    items: tuple[JSON, ...]
    """The active items, sorted by id."""
    version: str
    """The moment, as ISO time in UTC."""


def read_dataset(
    connection: Connection,
    source: LangfuseDataset,
    *,
    input_schema: Path | None = None,
    expected_output_schema: Path | None = None,
) -> Dataset:
    """The active items as a dataset, checked, with our own fingerprint and the version that was read.

    Where no schema file is given, the schemas of the dataset in Langfuse hold; not for a pinned read, as Langfuse
    keeps no versions of them. Raises DatasetError for a dataset that is not there or holds an item that is none of
    ours, ConfigError for a schema that is none, Refused, ServiceError.
    """
    given = (input_schema, expected_output_schema)
    snapshot = read_snapshot(connection, source)
    checks = [
        schema_check(path, member)
        for path, (_, member) in zip(given, _SCHEMAS, strict=True)
        if path is not None
    ]
    if source.version is None:
        there = [name for path, (name, _) in zip(given, _SCHEMAS, strict=True) if path is not None]
        checks += own_checks(snapshot, without=there)
    return _to_dataset(snapshot, checks)


def read_snapshot(connection: Connection, source: LangfuseDataset) -> _Snapshot:
    """The dataset and its active items, of one moment. Raises DatasetError, Refused, ServiceError."""
    snapshot = find_snapshot(connection, source)
    if snapshot is None:
        names = [entry["name"] for entry in connection.pages("/v2/datasets")]
        raise DatasetError(
            "there is no such dataset in this Langfuse project",
            where=str(source),
            hint=did_you_mean(source.name, names) or "there is none yet; `scoregate dataset push` makes one",
        )
    return snapshot


def find_snapshot(connection: Connection, source: LangfuseDataset) -> _Snapshot | None:
    """The same; None where the project has no such dataset."""
    about, clock = _about(connection, source.name)
    if about is None:
        return None
    at = source.version or _newest(connection, source, clock)
    if source.version is not None and clock is not None and at > clock + timedelta(seconds=1):
        raise DatasetError(
            f"is pinned to the future: the server's clock says {version_text(clock)}",
            where=str(source),
            hint="a version is a time at which the dataset was what you want",
        )
    for _ in range(_TRIES):
        items = _items_at(connection, source, at)
        if items is not None:
            return _Snapshot(source, about, items, version_text(at))
    raise ServiceError(
        "the pages of its items do not fit together",
        where=str(source),
        hint="is somebody writing to it? Try again in a moment",
    )


def _about(connection: Connection, name: str) -> tuple[JSON, datetime | None]:
    """The dataset of this name (None where there is none), and the server's clock.

    A slash in a name is `%2F` in a path, which many a proxy and server refuses or takes for a slash: then the list of
    datasets is looked through.
    """
    try:
        reply = connection.request("GET", f"/v2/datasets/{quote(name, safe='')}")
        if reply.body.get("name") == name:
            return reply.body, reply.date
    except Refused as refusal:
        if "/" not in name:
            if refusal.status == 404:
                return None, None
            raise
    return next((entry for entry in connection.pages("/v2/datasets") if entry["name"] == name), None), None


def _to_dataset(snapshot: _Snapshot, checks: Sequence[ItemCheck] = ()) -> Dataset:
    """The snapshot as our records; every item is held to our rules and to `checks`. Raises DatasetError."""
    where = str(snapshot.source)
    items: list[DatasetItem] = []
    digests: list[bytes] = []
    problems: list[DatasetError] = []
    for row in snapshot.items:
        try:
            item = item_of(row)
            digests.append(item_digest(canonical(item)))
            for check in checks:
                check(item)
        except DatasetError as problem:
            problems.append(problem)
        else:
            items.append(item)
    if problems:
        first, further = problems[0], len(problems) - 1
        inside = f"{first.where}: " if first.where else ""
        more = f", and {further:,} more" if further else ""
        raise DatasetError(f"{inside}{first.message}{more}", where=where, hint=first.hint)
    if not items:
        when = " at that time" if snapshot.source.version else ""
        raise DatasetError(f"holds no active items{when}", where=where)
    return Dataset(
        snapshot.source.name,
        tuple(items),
        combined(digests),
        version=snapshot.version,
        source=where,
        langfuse_id=snapshot.about["id"],
    )


def item_of(row: JSON) -> DatasetItem:
    """An item of the server as our record. Raises DatasetError where our rules refuse it."""
    metadata = row.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise DatasetError(
            f"the metadata of item '{row['id']}' is no JSON object",
            hint="Langfuse takes any, a gate needs an object",
        )
    return item_from(
        {
            "id": row["id"],
            "input": row.get("input"),
            "expected_output": row.get("expectedOutput"),
            "metadata": metadata,
        }
    )


def own_checks(snapshot: _Snapshot, *, without: Collection[str] = ()) -> list[ItemCheck]:
    """Checks by the dataset's own schemas, `without` those of these names. Raises ConfigError for one that is none."""
    return [
        check_against(_as_read_there(schema), member, f"{name} of {snapshot.source}")
        for name, member in _SCHEMAS
        if name not in without and (schema := snapshot.about.get(name)) is not None
    ]


def _as_read_there(schema: JSON) -> JSON:
    """The schema with the draft that the server reads one of no draft as."""
    return {"$schema": DRAFT_07, **schema} if isinstance(schema, dict) else schema


def _newest(connection: Connection, source: LangfuseDataset, server_time: datetime | None) -> datetime:
    """The moment of an unpinned read; see the top of this file."""
    first = connection.request("GET", "/dataset-items", query={"datasetName": source.name, "limit": PAGE})
    changes = [
        datetime.fromisoformat(item["updatedAt"]) + timedelta(milliseconds=1) for item in first.body["data"]
    ]
    clock = server_time or first.date
    if clock is not None:
        changes.append(clock)
    if not changes:
        raise ServiceError(
            "its answers have no Date, so that there is no telling which version was read",
            where=str(source),
            hint="pin the dataset to a time",
        )
    time.sleep(_SETTLING)
    return max(changes).astimezone(UTC)


def _items_at(connection: Connection, source: LangfuseDataset, at: datetime) -> tuple[JSON, ...] | None:
    """The active items of a version; None where two pages hold the same item, and so another is on none."""
    query = {"datasetName": source.name, "version": version_text(at)}
    found: dict[str, JSON] = {}
    for item in connection.pages("/dataset-items", query):
        if found.setdefault(item["id"], item) is not item:
            return None
    return tuple(found[name] for name in sorted(found) if found[name].get("status", "ACTIVE") == "ACTIVE")
