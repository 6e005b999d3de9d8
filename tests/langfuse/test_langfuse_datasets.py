"""Datasets of Langfuse, read as they were at one moment."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scoregate.errors import DatasetError, ServiceError
from scoregate.gate_file.source import LangfuseDataset, read_langfuse_dataset
from scoregate.langfuse.connection import Connection, Patience, Refused
from scoregate.langfuse.datasets import read_dataset
from scoregate.langfuse.settings import Settings
from scoregate.records import JSON
from tests.langfuse.pushing import AGENT, numbered, pushed, put
from tests.langfuse.put_spans import QUICK
from tests.langfuse_server.faults import Fault
from tests.langfuse_server.server import LangfuseServer


def test_what_was_pushed_reads_back_with_its_fingerprint_version_and_id(connection: Connection) -> None:
    wanted = numbered(*range(250))
    pushed(connection, wanted)
    found = read_dataset(connection, AGENT)
    assert found.items == wanted.items
    assert found.fingerprint == wanted.fingerprint
    assert (found.name, found.source) == ("team/agent", "langfuse:team/agent")
    assert found.langfuse_id == connection.get("/v2/datasets/team%2Fagent")["id"]
    assert found.version is not None
    assert datetime.fromisoformat(found.version) <= datetime.now(UTC) + timedelta(milliseconds=1)


def test_items_come_sorted_by_id_whatever_was_changed_last(connection: Connection) -> None:
    pushed(connection, numbered(3, 1, 2))
    put(connection, "q001", input={"q": "again"})
    assert [item.id for item in read_dataset(connection, AGENT).items] == ["q001", "q002", "q003"]


def test_the_version_of_an_unpinned_read_gives_the_same_again_after_changes(connection: Connection) -> None:
    pushed(connection, numbered(*range(120)))
    before = read_dataset(connection, AGENT)
    pushed(connection, numbered(*range(10, 130)), archive_missing=True)
    put(connection, "q050", input={"q": "changed"})
    pinned = read_langfuse_dataset(f"{AGENT}@{before.version}")
    assert read_dataset(connection, pinned).items == before.items
    assert read_dataset(connection, pinned).version == before.version
    assert read_dataset(connection, AGENT).fingerprint != before.fingerprint


def test_a_read_while_somebody_writes_is_of_one_moment(connection: Connection) -> None:
    """Every new item moves all others towards the end of the list, over the edges of its pages."""
    pushed(connection, numbered(*range(205)))
    ended = threading.Event()

    def write() -> None:
        turn = 0
        while not ended.is_set():
            put(connection, f"new{turn:05}", input={"q": f"{turn}"})
            turn += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        reads = [read_dataset(connection, AGENT) for _ in range(4)]
    finally:
        ended.set()
        writer.join()
    for found in reads:
        again = read_dataset(connection, read_langfuse_dataset(f"{AGENT}@{found.version}"))
        assert again.fingerprint == found.fingerprint


def test_archived_items_are_not_read(connection: Connection) -> None:
    pushed(connection, numbered(1, 2, 3))
    pushed(connection, numbered(1, 3), archive_missing=True)
    assert [item.id for item in read_dataset(connection, AGENT).items] == ["q001", "q003"]


def test_an_unknown_dataset_is_told_with_the_nearest_name(connection: Connection) -> None:
    pushed(connection, numbered(1))
    with pytest.raises(
        DatasetError, match=r"langfuse:team/agnt: there is no such .*did you mean 'team/agent'"
    ):
        read_dataset(connection, LangfuseDataset("team/agnt"))


def test_a_project_without_datasets_says_how_to_make_one(connection: Connection) -> None:
    with pytest.raises(DatasetError, match="there is none yet; `scoregate dataset push` makes one"):
        read_dataset(connection, AGENT)


def test_a_version_before_the_first_item_holds_none(connection: Connection) -> None:
    pushed(connection, numbered(1))
    with pytest.raises(DatasetError, match="holds no active items at that time"):
        read_dataset(connection, LangfuseDataset(AGENT.name, datetime(2020, 1, 1, tzinfo=UTC)))


def test_a_version_in_the_future_is_refused(connection: Connection) -> None:
    pushed(connection, numbered(1))
    with pytest.raises(DatasetError, match="is pinned to the future"):
        read_dataset(connection, LangfuseDataset(AGENT.name, datetime.now(UTC) + timedelta(hours=1)))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"input": None}, "langfuse:team/agent: item 'odd' has no input"),
        (
            {"input": 1, "metadata": ["x"]},
            "langfuse:team/agent: the metadata of item 'odd' is no JSON object",
        ),
        ({"input": 1, "metadata": "x"}, "langfuse:team/agent: the metadata of item 'odd' is no JSON object"),
    ],
)
def test_an_item_that_only_langfuse_allows_is_named(
    connection: Connection, fields: dict[str, JSON], told: str
) -> None:
    pushed(connection, numbered(1))
    put(connection, "odd", **fields)
    put(connection, "odder", input=None)
    with pytest.raises(DatasetError) as error:
        read_dataset(connection, AGENT)
    assert str(error.value).startswith(told)
    assert "and 1 more" in str(error.value)


def test_the_schemas_of_the_dataset_hold_unless_a_file_is_given(
    connection: Connection, server: LangfuseServer, tmp_path: Path
) -> None:
    pushed(connection, numbered(1, 2))
    # As on a server that set the schema without looking at the items.
    rows = server.state.datasets.by_name
    rows[AGENT.name] = replace(rows[AGENT.name], expected_output_schema={"type": "integer", "maximum": 1})
    with pytest.raises(
        DatasetError, match="item 'q002': expected_output: 2 is greater than the maximum of 1"
    ):
        read_dataset(connection, AGENT)
    lenient = tmp_path / "any.json"
    lenient.write_text("{}")
    assert len(read_dataset(connection, AGENT, expected_output_schema=lenient)) == 2
    now = read_langfuse_dataset(f"{AGENT}@{datetime.now(UTC).isoformat()}")
    assert (
        len(read_dataset(connection, now)) == 2
    )  # schemas have no versions, so a pinned read is not held to them


def test_a_wrong_key_and_a_dead_server_are_told_apart(server: LangfuseServer) -> None:
    settings = Settings(server.public_key, "sk-lf-of-somebody-else", server.url)
    with Connection(settings, QUICK) as wrong, pytest.raises(Refused, match=r"refuses \(401\)") as refused:
        read_dataset(wrong, AGENT)
    assert refused.value.exit_code == 2
    server.stop()
    patience = Patience(deadline=0.2, first_pause=0.02)
    with Connection(settings, patience) as dead, pytest.raises(ServiceError, match="does not serve"):
        read_dataset(dead, AGENT)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_name_with_a_slash_is_found_where_the_server_or_its_proxy_refuses_it_in_a_path(
    server: LangfuseServer, connection: Connection, status: int
) -> None:
    pushed(connection, numbered(1, 2))
    server.faults.plan(Fault(status=status), path="/api/public/v2/datasets/")
    assert [item.id for item in read_dataset(connection, AGENT).items] == ["q001", "q002"]
    with pytest.raises(DatasetError, match="there is no such dataset"):
        read_dataset(connection, LangfuseDataset("team/other"))
