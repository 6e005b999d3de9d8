"""A dataset file, brought into Langfuse: only what differs is sent, so that a second push sends nothing.

The ids in Langfuse are those of the file, never changed ones: a run on the file and a run on Langfuse's copy are
compared by them.

A schema that changes is taken away first and set at the end, as the server holds every item that arrives to the
schema of the moment, and a schema that arrives to the items of the moment. A push that was interrupted is repeated.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from urllib.parse import quote

from scoregate.datasets.difference import changed_members
from scoregate.datasets.schemas import ItemCheck
from scoregate.errors import DatasetError, ServiceError
from scoregate.gate_file.source import LangfuseDataset
from scoregate.langfuse.connection import Connection, Refused
from scoregate.langfuse.datasets import find_snapshot, item_of, own_checks
from scoregate.records import JSON, Dataset, DatasetItem

_AT_ONCE = 8
"""Requests that are under way together."""
_MOST_ASKED = 100
"""Items of which it is asked whether they are archived, a request each."""
_TRIES = 8
"""For an item that somebody else writes to at the same moment."""
_PAUSE = 0.2
_KEPT_OUT = (401, 403)
_LONGEST_ID = 255
"""In UTF-16 units, as the server counts."""
MOST_BYTES = 4_718_592
"""Largest body of a request that makes an item: 4.5 MiB."""
_LONGEST_DIGITS = 1e21
"""From here on the server writes whole numbers with an exponent, and so exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushPlan:
    """What a push sends. Items in the order of the file."""

    name: str
    exists: bool
    new: tuple[DatasetItem, ...]
    """Not in the dataset; see `asked`."""
    brought_back: tuple[DatasetItem, ...]
    """Archived ones, which this makes active again."""
    changed: Mapping[str, tuple[str, ...]]
    """Id -> which members differ."""
    to_send: tuple[DatasetItem, ...]
    """The new, the brought back and the changed ones."""
    same: int
    left: tuple[str, ...]
    """Ids of active items of the server that the file does not have, and that stay."""
    archived: tuple[JSON, ...]
    """The ones, as the server tells them, that are archived instead."""
    fields: Mapping[str, JSON]
    """Description and schemas that are set or differ, by the server's names."""
    replaced: tuple[str, ...]
    """Names of schemas that the dataset has and that are to be another."""

    @property
    def asked(self) -> bool:
        """Whether it is known of all new ones that they are no archived ones."""
        return not self.exists or len(self.new) + len(self.brought_back) <= _MOST_ASKED

    @property
    def sends_nothing(self) -> bool:
        return self.exists and not (self.to_send or self.archived or self.fields)


def plan_push(
    connection: Connection,
    dataset: Dataset,
    name: str,
    *,
    description: str | None = None,
    schemas: Mapping[str, JSON],
    schema_checks: Sequence[ItemCheck] = (),
    archive_missing: bool = False,
) -> PushPlan:
    """Compare a dataset of a file with what Langfuse has under `name`; nothing is sent.

    `schemas` are the given ones by the server's names (`inputSchema`, `expectedOutputSchema`), to which the file's
    items were held already, `schema_checks` the same ones as checks for items that stay in Langfuse.

    Raises DatasetError for what the server would refuse, Refused, ServiceError.
    """
    where = dataset.source or dataset.name
    check_sendable(name, dataset.items, where)
    wanted = {**({"description": description} if description is not None else {}), **schemas}
    snapshot = find_snapshot(connection, LangfuseDataset(name))
    if snapshot is None:
        # An item is there once in a project. Told now, it leaves no empty dataset behind.
        _archived(connection, name, dataset.items[:1])
        return PushPlan(
            name=name, exists=False, new=dataset.items, brought_back=(), changed={}, to_send=dataset.items, same=0,
            left=(), archived=(), fields=wanted, replaced=(),
        )  # fmt: skip
    for check in own_checks(snapshot, without=schemas):
        for item in dataset.items:
            _checked(check, item, where)
    fields = {key: value for key, value in wanted.items() if not _equal(value, snapshot.about.get(key))}
    rows = {row["id"]: row for row in snapshot.items}
    ids = {item.id for item in dataset.items}
    left = tuple(row for row in snapshot.items if row["id"] not in ids)
    staying, archived = ((), left) if archive_missing else (left, ())
    if fields.keys() & schemas.keys():
        for row in staying:
            for check in schema_checks:
                _checked(check, _row_item(row), f"{snapshot.source}, not in {where}")
    changed = {
        item.id: members
        for item in dataset.items
        if item.id in rows and (members := _differing(item, rows[item.id]))
    }
    unlisted = [item for item in dataset.items if item.id not in rows]
    back = _archived(connection, name, unlisted[:_MOST_ASKED])
    return PushPlan(
        name=name,
        exists=True,
        new=tuple(item for item in unlisted if item.id not in back),
        brought_back=tuple(item for item in unlisted if item.id in back),
        changed=changed,
        to_send=tuple(item for item in dataset.items if item.id not in rows or item.id in changed),
        same=sum(item.id in rows and item.id not in changed for item in dataset.items),
        left=tuple(row["id"] for row in staying),
        archived=archived,
        fields=fields,
        replaced=tuple(key for key in fields if key in schemas and snapshot.about.get(key) is not None),
    )


def _archived(connection: Connection, name: str, items: Sequence[DatasetItem]) -> set[str]:
    """Ids of those that are in the dataset and archived: the server lists the active ones only.

    Raises DatasetError for one that is in another dataset, Refused, ServiceError.
    """
    found = set()
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="push") as pool:
        for item, row in zip(items, pool.map(lambda item: _row_of(connection, item.id), items), strict=True):
            if not isinstance(row, dict):
                continue
            if row.get("datasetName") != name:
                raise _elsewhere(f"item '{item.id}' of '{name}'", row.get("datasetName"))
            if row.get("status") == "ARCHIVED":
                found.add(item.id)
    return found


def _row_of(connection: Connection, item: str) -> JSON:
    """An item by its id, whichever dataset it is in; None where there is none."""
    reply = connection.request("GET", f"/dataset-items/{quote(item, safe='')}", wanted=(404,))
    return None if reply.status == 404 else reply.body


def push(connection: Connection, plan: PushPlan, *, stop: threading.Event) -> None:
    """Do what the plan says. `stop`, which is set on the way out, ends what is under way.

    Raises DatasetError for an item that the server refuses or does not keep as it was sent, Refused, ServiceError.
    """
    if not plan.exists:
        _set(connection, plan.name, plan.fields)
    elif plan.replaced and (plan.to_send or plan.archived):
        _set(connection, plan.name, dict.fromkeys(plan.replaced))
    bodies = [_item_body(plan.name, item) for item in plan.to_send]
    bodies += [_archive_body(plan.name, row) for row in plan.archived]
    sent = 0
    last_archived: datetime | None = None
    try:
        for body in _sent(connection, bodies, stop):
            sent += 1
            if body["status"] == "ARCHIVED":
                moment = datetime.fromisoformat(body["updatedAt"])
                last_archived = moment if last_archived is None else max(last_archived, moment)
    except DatasetError as problem:
        if plan.exists or sent:
            raise
        message = f"{problem.message}; the dataset '{plan.name}' was made and is empty"
        raise DatasetError(message, where=problem.where, hint=problem.hint) from problem
    if plan.exists and plan.fields:
        _set(connection, plan.name, plan.fields)
    if last_archived is not None:
        # Whoever reads takes the server's clock in whole seconds: from here on it is behind the archiving.
        stop.wait(1 - last_archived.microsecond / 1e6)


def _differing(item: DatasetItem, row: JSON) -> tuple[str, ...]:
    try:
        return changed_members(item_of(row), item)
    except DatasetError:
        return ("input",) if row.get("input") is None else ("metadata",)


def _row_item(row: JSON) -> DatasetItem:
    """The item for a schema check, which also holds for items that our rules refuse."""
    return DatasetItem(row["id"], row.get("input"), row.get("expectedOutput"))


def _checked(check: ItemCheck, item: DatasetItem, where: str) -> None:
    try:
        check(item)
    except DatasetError as problem:
        raise DatasetError(problem.message, where=where, hint=problem.hint) from None


def _equal(one: JSON, other: JSON) -> bool:
    return not changed_members(DatasetItem("", one), DatasetItem("", other))


def _set(connection: Connection, name: str, fields: Mapping[str, JSON]) -> None:
    """Make the dataset, or give it these fields."""
    reply = connection.post("/v2/datasets", {"name": name, **fields})
    for key, value in fields.items():
        if not _equal(value, reply.body.get(key)):
            raise DatasetError(f"Langfuse keeps another {key} than was sent", where=f"dataset '{name}'")


def _archive_body(name: str, row: JSON) -> dict[str, JSON]:
    kept = {key: row.get(key) for key in ("id", "input", "expectedOutput", "metadata")}
    return {"datasetName": name, **kept, "status": "ARCHIVED"}


def _sent(connection: Connection, bodies: Sequence[dict[str, JSON]], stop: threading.Event) -> Iterator[JSON]:
    """Send all, several at once, and give each answer's body; after the first failure none is begun."""
    done = 0
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="push") as pool:
        try:
            # One alone at first: what is wrong with all of them, such as a missing right, is told once.
            for body in bodies[:1]:
                yield _send(connection, body, stop)
                done += 1
            futures = [pool.submit(_send, connection, body, stop) for body in bodies[1:]]
            for future in as_completed(futures):
                yield future.result()
                done += 1
        except ServiceError as error:
            raise ServiceError(
                f"{error.message}; {done:,} of {len(bodies):,} items were sent",
                where=error.where,
                hint="push again: it sends what is missing",
            ) from None
        finally:
            if done < len(bodies):
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)


def _send(connection: Connection, body: dict[str, JSON], stop: threading.Event) -> JSON:
    item, name = body["id"], body["datasetName"]
    where = f"item '{item}' of '{name}'"
    for _ in range(_TRIES):
        try:
            reply = connection.post("/dataset-items", body, wanted=(409,))
        except Refused as refusal:
            if refusal.status in _KEPT_OUT:
                raise
            raise DatasetError(
                f"Langfuse refuses it ({refusal.status}): {refusal.reason}",
                where=where,
                hint="the items before it may be there: push again once it is mended",
            ) from None
        if reply.status != 409:
            _check_kept(body, reply.body, where)
            return reply.body
        if "version conflict" not in str(reply.body):
            raise _belongs_elsewhere(connection, item, where)
        stop.wait(_PAUSE)
    raise ServiceError("somebody else writes to it all the time", where=where, hint="push again in a moment")


def _check_kept(body: dict[str, JSON], answer: JSON, where: str) -> None:
    """Raise DatasetError unless the server has what was sent; an archived item went back as it came."""
    other = [key for key in ("id", "status") if answer.get(key) != body[key]]
    if body["status"] == "ACTIVE":
        other += _differing(item_of(body), answer)
    if other:
        raise DatasetError(
            f"Langfuse keeps another {' and '.join(other)} than was sent",
            where=where,
            hint="delete the item in Langfuse and push again",
        )


def _belongs_elsewhere(connection: Connection, item: str, where: str) -> DatasetError:
    try:
        row = _row_of(connection, item)
    except (Refused, ServiceError):
        row = None
    return _elsewhere(where, row.get("datasetName") if isinstance(row, dict) else None)


def _elsewhere(where: str, dataset: JSON) -> DatasetError:
    owner = f"the dataset '{dataset}'" if dataset else "another dataset"
    return DatasetError(
        f"its id belongs to {owner} already, and an id is there once in a Langfuse project",
        where=where,
        hint="give the items of one of the two other ids, such as 'NAME/1', also in the file and its baselines",
    )


def _item_body(dataset: str, item: DatasetItem) -> dict[str, JSON]:
    """The request that makes this item, or makes it like this. Nothing is left out: the server keeps what is."""
    return {
        "datasetName": dataset,
        "id": item.id,
        "input": item.input,
        "expectedOutput": item.expected_output,
        "metadata": dict(item.metadata),
        "status": "ACTIVE",
    }


def check_sendable(dataset: str, items: Sequence[DatasetItem], where: str) -> None:
    """Raise DatasetError for the first item that the server would refuse or not keep as it is; `where` is the file."""
    for item in items:
        units = len(item.id.encode("utf-16-le", "surrogatepass")) // 2
        if units > _LONGEST_ID:
            raise DatasetError(
                f"the id '{item.id[:40]}…' has {units:,} characters, and Langfuse takes {_LONGEST_ID}",
                where=where,
            )
        if "\0" in item.id:
            raise DatasetError(
                f"the id {item.id!r} holds the character U+0000, which Langfuse refuses", where=where
            )
        for value in (item.input, item.expected_output, dict(item.metadata)):
            problem = _problem(value)
            if problem is not None:
                raise DatasetError(f"item '{item.id}' holds {problem}", where=where, hint="write it as text")
        size = len(json.dumps(_item_body(dataset, item), ensure_ascii=False).encode("utf-8", "surrogatepass"))
        if size > MOST_BYTES:
            raise DatasetError(
                f"item '{item.id}' takes {size / 2**20:.1f} MiB, and Langfuse takes 4.5 MiB an item",
                where=where,
            )


def _problem(value: JSON) -> str | None:
    """What in a value the server refuses or changes."""
    stack: list[JSON] = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            stack += [*part.keys(), *part.values()]
        elif isinstance(part, list | tuple):
            stack += part
        elif isinstance(part, str) and "\0" in part:
            return "a text with the character U+0000, which Langfuse refuses"
        elif isinstance(part, int | float) and not isinstance(part, bool) and not _kept(part):
            return f"the number {str(part)[:40]}, which Langfuse rounds"
    return None


def _kept(number: int | float) -> bool:
    """Whether a number comes back as it is from a server that has floats only, and writes their shortest digits."""
    if isinstance(number, float) and not number.is_integer():
        return True
    try:
        as_float = float(number)
    except OverflowError:
        return False
    back = int(Decimal(repr(as_float))) if abs(as_float) < _LONGEST_DIGITS else int(as_float)
    return back == int(number)
