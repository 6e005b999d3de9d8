"""Datasets brought into Langfuse: what is sent, what is not, and what is refused."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from scoregate.datasets import read_dataset as read_file
from scoregate.errors import DatasetError, ServiceError
from scoregate.gate_file.source import LangfuseDataset
from scoregate.langfuse.connection import Connection, Patience
from scoregate.langfuse.dataset_push import check_sendable, plan_push, push
from scoregate.langfuse.datasets import read_dataset
from scoregate.langfuse.settings import Settings
from scoregate.records import DatasetItem
from tests.langfuse.pushing import AGENT, dataset, numbered, pushed, written
from tests.langfuse_server.faults import EVERY_FAULT, Fault
from tests.langfuse_server.server import LangfuseServer
from tests.recorded_answers import BOTH, recorded_answers

NAMED = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}


def test_a_second_push_sends_nothing(connection: Connection, server: LangfuseServer) -> None:
    wanted = dataset(
        DatasetItem("plain", "text"),
        DatasetItem("numbers", [0, -0.0, 1.0, 1.5, 1e-7, 2**53, 1e22], False, {"n": 1e300}),
        DatasetItem("é 😀/ü?#%", {"b": 1, "a": None}, None, {"t": "你好\u2028"}),
    )
    first = pushed(connection, wanted, description="about", schemas={"inputSchema": {}})
    assert (len(first.new), first.same) == (3, 0)
    before = written(server)
    second = pushed(connection, wanted, description="about", schemas={"inputSchema": {}})
    assert (len(second.new), second.changed, second.same) == (0, {}, 3)
    assert written(server) == before


def test_only_what_differs_is_sent(connection: Connection, server: LangfuseServer) -> None:
    pushed(connection, numbered(*range(20)))
    before = written(server)
    edited = [*numbered(*range(1, 22)).items]
    edited[4] = DatasetItem("q005", edited[4].input)
    plan = pushed(connection, dataset(*edited))
    assert [item.id for item in plan.new] == ["q020", "q021"]
    assert plan.changed == {"q005": ("expected_output", "metadata")}
    assert plan.left == ("q000",)
    assert written(server) - before == 3
    found = {item.id: item for item in read_dataset(connection, AGENT).items}
    assert found["q005"].expected_output is None
    assert found["q005"].metadata == {}
    assert "q000" in found


def test_an_archived_item_comes_back_to_life(connection: Connection) -> None:
    pushed(connection, numbered(1, 2))
    pushed(connection, numbered(1), archive_missing=True)
    plan = pushed(connection, numbered(1, 2))
    assert [item.id for item in plan.brought_back] == ["q002"]
    assert plan.new == ()
    assert read_dataset(connection, AGENT).items == numbered(1, 2).items


def test_a_push_after_archiving_finds_nothing_to_do(connection: Connection, server: LangfuseServer) -> None:
    pushed(connection, numbered(1, 2, 3))
    pushed(connection, numbered(1), archive_missing=True)
    before = written(server)
    assert pushed(connection, numbered(1), archive_missing=True).archived == ()
    assert written(server) == before


def test_schemas_are_set_and_changed_with_the_items(connection: Connection) -> None:
    pushed(connection, numbered(1), schemas={"inputSchema": NAMED})
    other = {"type": "array"}
    pushed(
        connection,
        dataset(DatasetItem("q001", [1]), DatasetItem("q002", [2])),
        schemas={"inputSchema": other},
    )
    assert connection.get("/v2/datasets/team%2Fagent")["inputSchema"] == other
    assert [item.input for item in read_dataset(connection, AGENT).items] == [[1], [2]]


def test_items_are_held_to_the_schema_that_is_there_before_anything_is_sent(
    connection: Connection, server: LangfuseServer
) -> None:
    pushed(connection, numbered(1), schemas={"inputSchema": NAMED})
    before = written(server)
    with pytest.raises(DatasetError, match=r"agent.jsonl: item 'bad': input: 'q' is a required property"):
        pushed(connection, dataset(*numbered(2).items, DatasetItem("bad", {})))
    assert written(server) == before


def test_an_id_of_another_dataset_is_told_with_its_owner(connection: Connection) -> None:
    pushed(connection, numbered(1), name="elsewhere")
    with pytest.raises(
        DatasetError, match=r"item 'q001' of 'team/agent': its id belongs to the dataset 'elsewhere'"
    ):
        pushed(connection, numbered(1, 2, 3))


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (DatasetItem("x" * 256, 1), "has 256 characters, and Langfuse takes 255"),
        (DatasetItem("😀" * 128, 1), "has 256 characters, and Langfuse takes 255"),
        (DatasetItem("a\0b", 1), r"the id 'a\\x00b' holds the character U\+0000"),
        (DatasetItem("a", {"k": ["\0"]}), r"item 'a' holds a text with the character U\+0000"),
        (DatasetItem("a", {"\0": 1}), r"item 'a' holds a text with the character U\+0000"),
        (DatasetItem("a", 2**53 + 1), "item 'a' holds the number 9007199254740993, which Langfuse rounds"),
        (DatasetItem("a", 1, [10**400]), "which Langfuse rounds"),
        (DatasetItem("a", "x" * 4_800_000), "item 'a' takes 4.6 MiB, and Langfuse takes 4.5 MiB an item"),
    ],
    ids=["long id", "long id in UTF-16", "NUL in id", "NUL", "NUL in key", "2^53 + 1", "10^400", "4.8 MB"],
)
def test_what_langfuse_cannot_keep_is_refused_before_anything_is_sent(
    connection: Connection, server: LangfuseServer, item: DatasetItem, told: str
) -> None:
    with pytest.raises(DatasetError, match=told):
        pushed(connection, dataset(DatasetItem("good", 1), item))
    assert server.received == []


@pytest.mark.parametrize("number", [0, 2**53, -(2**53), 10**17, 10**21, 1e21, 1e300, 0.1, 5e-324])
def test_numbers_that_a_float_holds_are_sent(number: float) -> None:
    check_sendable("d", [DatasetItem("a", number)], "agent.jsonl")


def test_an_item_that_the_server_refuses_is_named(connection: Connection, server: LangfuseServer) -> None:
    server.faults.plan(Fault(status=413), path="/api/public/dataset-items", method="POST", next_requests=1)
    with pytest.raises(DatasetError) as refused:
        pushed(connection, numbered(1, 2))
    assert str(refused.value).startswith("item 'q001' of 'team/agent': Langfuse refuses it (413)")
    assert "; the dataset 'team/agent' was made and is empty" in str(refused.value)


def test_a_push_through_faults_brings_every_item_once(connection: Connection, server: LangfuseServer) -> None:
    wanted = numbered(*range(150))
    server.faults.plan(
        *[f for f in EVERY_FAULT if f.kind != "slow" and f.retry_after is None], share=0.2, seed=1
    )
    pushed(connection, wanted)
    server.faults.clear()
    assert sum(server.faults.met.values()) > 10
    assert read_dataset(connection, AGENT).items == wanted.items


def test_an_interrupted_push_is_finished_by_the_next(connection: Connection, server: LangfuseServer) -> None:
    wanted = numbered(*range(60))
    server.behaviour.latency = 0.05
    plan = plan_push(connection, wanted, AGENT.name, schemas={})
    stop = threading.Event()
    begun = len(server.received)

    def stop_amid_the_items() -> None:
        while len(server.received) < begun + 5:
            time.sleep(0.005)
        server.stop()

    threading.Thread(target=stop_amid_the_items, daemon=True).start()
    settings = Settings(server.public_key, server.secret_key, server.url)
    hasty = Patience(deadline=0.2, first_pause=0.02)
    with (
        Connection(settings, hasty, stop=stop) as broken,
        pytest.raises(ServiceError, match="push again") as error,
    ):
        push(broken, plan, stop=stop)
    assert "of 60 items were sent" in str(error.value)
    server.start()
    server.behaviour.latency = 0
    rest = pushed(connection, wanted)
    assert 0 < len(rest.new) <= 60
    assert read_dataset(connection, AGENT).items == wanted.items


def test_a_rate_limit_is_waited_for(connection: Connection, server: LangfuseServer) -> None:
    server.faults.plan(Fault(status=429, retry_after=1), path="/api/public/dataset-items", next_requests=1)
    began = time.monotonic()
    pushed(connection, numbered(1, 2, 3))
    assert time.monotonic() - began > 0.9
    assert len(read_dataset(connection, AGENT)) == 3


@pytest.mark.parametrize("name", BOTH)
def test_many_questions_go_there_and_back(
    name: str, connection: Connection, server: LangfuseServer, tmp_path: Path
) -> None:
    answers = recorded_answers(name, tmp_path)
    wanted = read_file(answers.dataset)
    assert len(wanted) == answers.number
    assert len(pushed(connection, wanted, name=name).new) == answers.number
    before = written(server)
    assert pushed(connection, wanted, name=name).same == answers.number
    assert written(server) == before
    found = read_dataset(connection, LangfuseDataset(name))
    assert found.fingerprint == wanted.fingerprint
    asked = [received.path for received in server.received if "version=" in received.path]
    assert all("limit=100" in path for path in asked)
