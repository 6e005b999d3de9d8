"""Datasets of a few items, and a push of one in a line."""

from __future__ import annotations

import threading

from scoregate.datasets import fingerprint
from scoregate.gate_file.source import LangfuseDataset
from scoregate.langfuse.connection import Connection
from scoregate.langfuse.dataset_push import PushPlan, plan_push, push
from scoregate.records import JSON, Dataset, DatasetItem
from tests.langfuse_server.server import LangfuseServer

AGENT = LangfuseDataset("team/agent")


def dataset(*items: DatasetItem) -> Dataset:
    """As read from `agent.jsonl`."""
    return Dataset("agent", items, fingerprint(items), source="agent.jsonl")


def numbered(*numbers: int) -> Dataset:
    """`q001` and so on, with the number in every member."""
    return dataset(*(DatasetItem(f"q{n:03}", {"q": f"what is {n}?"}, n, {"n": n}) for n in numbers))


def pushed(
    connection: Connection,
    wanted: Dataset,
    *,
    name: str = AGENT.name,
    description: str | None = None,
    schemas: dict[str, JSON] | None = None,
    archive_missing: bool = False,
) -> PushPlan:
    """Push to AGENT, or to the dataset of another name, and give what the plan was."""
    plan = plan_push(
        connection,
        wanted,
        name,
        description=description,
        schemas=schemas or {},
        archive_missing=archive_missing,
    )
    push(connection, plan, stop=threading.Event())
    return plan


def written(server: LangfuseServer) -> int:
    """Requests that were to change something."""
    return sum(received.method == "POST" for received in server.received)


def put(connection: Connection, item: str, **fields: JSON) -> None:
    """Write an item of AGENT as anybody could."""
    connection.post("/dataset-items", {"datasetName": AGENT.name, "id": item, **fields})
