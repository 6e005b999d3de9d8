"""What the client relies on, asked of any Langfuse server: `make test-langfuse LANGFUSE_BASE_URL=…` with the keys of a
project for tests, else the stand-in.

It makes a dataset, traces, scores and a score config with names of their own. It deletes the items and the scores and
archives the config afterwards; Langfuse has no way to delete an empty dataset, an experiment or a config.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scoregate.catalog import Catalog
from scoregate.datasets import fingerprint
from scoregate.gate_file.source import LangfuseDataset
from scoregate.langfuse import doctor, ids
from scoregate.langfuse.connection import Connection, Refused
from scoregate.langfuse.dataset_push import plan_push
from scoregate.langfuse.datasets import read_dataset, read_snapshot
from scoregate.langfuse.delivery import Delivery, DeliveryReport
from scoregate.langfuse.experiment_runs import read_run
from scoregate.langfuse.project import project_of
from scoregate.langfuse.schema_rules import strict_problem
from scoregate.langfuse.schema_translation import sendable_schema
from scoregate.langfuse.score_sending import send_scores
from scoregate.langfuse.settings import Settings
from scoregate.records import JSON, Dataset, DatasetItem, Run, RunHeader, RunItem, Score, ScoreStatus
from scoregate.store import Store
from tests.langfuse.pushing import pushed
from tests.langfuse_server.real_server import real_server
from tests.langfuse_server.server import LangfuseServer

PATIENCE_SECONDS = 60.0
"""How long a server may take to show what it took; a real one needs about six for scores."""


@dataclass(slots=True)
class Guest:
    """A connection, a prefix for all names, and what is to be removed in the end."""

    connection: Connection
    prefix: str
    items: list[str] = field(default_factory=list)
    scores: list[str] = field(default_factory=list)

    @property
    def dataset(self) -> LangfuseDataset:
        return LangfuseDataset(f"{self.prefix}/numbers")

    def score(self, value: float | str, **fields: JSON) -> dict[str, JSON]:
        """A score with an id of its own."""
        body: dict[str, JSON] = {"id": f"{self.prefix}-{len(self.scores)}", "name": "correct", "value": value}
        self.scores.append(str(body["id"]))
        return {**body, **fields}

    def leave(self) -> None:
        for path in [f"/dataset-items/{item}" for item in self.items] + [
            f"/scores/{one}" for one in self.scores
        ]:
            with suppress(Refused):  # some were removed by their tests
                self.connection.request("DELETE", path)


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    """The server of the environment, or the stand-in."""
    real = real_server()
    if real is not None:
        yield Settings(real.public_key, real.secret_key, real.url, "scoregate-test")
        return
    with LangfuseServer() as server:
        yield Settings(server.public_key, server.secret_key, server.url, "scoregate-test")


@pytest.fixture
def guest(settings: Settings) -> Iterator[Guest]:
    with Connection(settings) as connection:
        guest = Guest(connection, f"scoregate-test-{uuid.uuid4().hex[:8]}")
        yield guest
        guest.leave()


def test_the_doctor_finds_no_fault(settings: Settings, tmp_path: Path) -> None:
    environ = {
        "LANGFUSE_PUBLIC_KEY": settings.public_key,
        "LANGFUSE_SECRET_KEY": settings.secret_key,
        "LANGFUSE_BASE_URL": settings.base_url,
    }
    checks = list(doctor.examine(tmp_path, tmp_path / "catalog.toml", environ))
    assert [check for check in checks if check.level == "FAILED"] == []


def test_a_wrong_key_is_refused(settings: Settings) -> None:
    wrong = replace(settings, secret_key="sk-lf-wrong")
    with Connection(wrong) as connection, pytest.raises(Refused) as refusal:
        project_of(connection)
    assert refusal.value.status == 401


def test_pages_have_at_most_a_hundred_entries(guest: Guest) -> None:
    with pytest.raises(Refused) as refusal:
        guest.connection.get("/v2/datasets", {"limit": 101})
    assert refusal.value.status == 400


def test_a_pushed_dataset_is_read_back_the_same(guest: Guest) -> None:
    wanted = numbers(guest, 120)
    put(guest, wanted)

    read = read_dataset(guest.connection, guest.dataset)
    assert sorted(read.items, key=lambda item: item.id) == list(wanted.items)
    assert plan_push(guest.connection, wanted, guest.dataset.name, schemas={}).to_send == ()


def test_a_version_shows_what_was_there_then(guest: Guest) -> None:
    put(guest, numbers(guest, 3))
    before = read_snapshot(guest.connection, guest.dataset)
    changed = as_dataset([DatasetItem(item_id(guest, 0), {"n": "other"}, 0, {"kind": "even"})])
    put(guest, changed, archive_missing=True)

    now = read_dataset(guest.connection, guest.dataset)
    moment = datetime.fromisoformat(before.version)
    then = read_dataset(guest.connection, LangfuseDataset(guest.dataset.name, moment))
    assert [item.input for item in now.items] == [{"n": "other"}]
    assert sorted(item.input["n"] for item in then.items) == [0, 1, 2]


def test_a_run_is_delivered_seen_and_read_back(guest: Guest, tmp_path: Path) -> None:
    run = small_run(guest)
    report = delivered(guest, run, tmp_path / "first.sqlite3")
    assert (report.trouble, report.complete) == (None, True)

    read = read_run(guest.connection, run.id).run
    assert statuses(read) == statuses(run)
    assert values(read) == values(run)


def test_a_run_that_is_delivered_twice_is_there_once(guest: Guest, tmp_path: Path) -> None:
    run = small_run(guest)
    for name in ("first.sqlite3", "second.sqlite3"):
        assert delivered(guest, run, tmp_path / name).complete

    query = {"fromStartTime": "2020-01-01T00:00:00Z", "experimentId": ids.experiment_id(run.id, 0)}
    rows = list(guest.connection.cursor("/experiment-items", {**query, "fields": "core,scores"}))
    assert sorted(row["experimentItemId"] for row in rows) == [item.item for item in run.items]
    assert sorted(len(row["scores"]) for row in rows) == [0, 2, 2]


@pytest.mark.parametrize(
    "parent",
    [
        {"traceId": "0af7651916cd43dd8448eb211c80319c"},
        {"traceId": "0af7651916cd43dd8448eb211c80319c", "observationId": "00f067aa0ba902b7"},
        {"sessionId": "scoregate-test-session"},
        {"datasetRunId": "scoregate-test-experiment"},
    ],
    ids=["trace", "observation", "session", "run"],
)
def test_a_score_that_is_sent_twice_is_there_once(guest: Guest, parent: dict[str, JSON]) -> None:
    body = guest.score(0, dataType="BOOLEAN", environment="scoregate-test", **parent)
    for value in (0, 1):
        [sent] = send_scores(guest.connection, [{**body, "value": value}])
        assert sent.state == "accepted", sent.reason

    rows = eventually(lambda: rows_of(guest, body), lambda rows: [row["value"] for row in rows] == [True])
    assert [row["environment"] for row in rows] == ["scoregate-test"]


def test_a_score_of_a_wrong_shape_is_rejected_and_the_others_are_kept(guest: Guest) -> None:
    good, bad = (guest.score(value, traceId=guest.prefix, dataType="BOOLEAN") for value in (1, 2))
    sent = send_scores(guest.connection, [good, bad])

    assert [one.state for one in sent] == ["accepted", "rejected"]
    eventually(lambda: rows_of(guest, good), lambda rows: len(rows) == 1)
    assert rows_of(guest, bad) == []


def test_a_value_that_breaks_its_config_is_taken_and_not_kept(guest: Guest) -> None:
    limits = {"name": guest.prefix, "dataType": "NUMERIC", "minValue": 0, "maxValue": 1}
    config = guest.connection.post("/score-configs", limits).body["id"]
    try:
        inside, outside = (
            guest.score(n, name=guest.prefix, traceId=guest.prefix, configId=config) for n in (1, 2)
        )
        assert [one.state for one in send_scores(guest.connection, [outside, inside])] == [
            "accepted",
            "accepted",
        ]
        eventually(lambda: rows_of(guest, inside), lambda rows: len(rows) == 1)
        assert rows_of(guest, outside) == []
    finally:
        guest.connection.request("PATCH", f"/score-configs/{config}", content=b'{"isArchived": true}')


def test_a_score_stays_in_the_environment_and_the_trace_of_its_first_writing(guest: Guest) -> None:
    body = guest.score(0, dataType="BOOLEAN", environment="scoregate-test", traceId=guest.prefix)
    for moved in ({}, {"environment": "scoregate-elsewhere"}, {"traceId": f"{guest.prefix}-other"}):
        [sent] = send_scores(guest.connection, [{**body, "value": int(bool(moved)), **moved}])
        assert sent.state == "accepted", sent.reason

    rows = eventually(
        lambda: rows_of(guest, body, fields="subject"), lambda rows: [row["value"] for row in rows] == [True]
    )
    [row] = rows
    assert (row["environment"], row["subject"]["id"]) == ("scoregate-test", guest.prefix)


@pytest.mark.parametrize(
    ("schema", "taken"),
    [
        ({"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}, True),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema"}, False),
        ({"type": "object", "required": ["q"]}, False),
        ({"properties": {"q": {}}}, False),
        ({"type": "array", "prefixItems": [{}], "minItems": 1, "maxItems": 1}, False),
        ({"x-note": "an unknown keyword"}, False),
        ({"type": ["string", "number"]}, False),
    ],
    ids=str,
)
def test_a_schema_is_read_strictly_as_draft_07(guest: Guest, schema: JSON, taken: bool) -> None:
    assert (strict_problem(schema) is None) == taken
    for sent, refused in ((schema, not taken), (sendable_schema(schema, "schema.json"), False)):
        body = {"name": guest.dataset.name, "inputSchema": sent}
        reply = guest.connection.post("/v2/datasets", body, wanted=(400,))
        assert (reply.status == 400) == refused


def test_after_a_body_that_is_too_large_the_next_request_is_served(guest: Guest) -> None:
    with pytest.raises(Refused, match="413"):
        guest.connection.post("/scores", guest.score(1, traceId=guest.prefix, comment="x" * 2**21))
    began = time.monotonic()
    assert project_of(guest.connection).id
    assert time.monotonic() - began < 5.0


def numbers(guest: Guest, count: int) -> Dataset:
    """Items in the order of their ids."""
    kinds = ("even", "odd")
    return as_dataset(
        [DatasetItem(item_id(guest, n), {"n": n}, 2 * n, {"kind": kinds[n % 2]}) for n in range(count)]
    )


def as_dataset(items: Sequence[DatasetItem]) -> Dataset:
    return Dataset("numbers", tuple(items), fingerprint(items), source="numbers.jsonl")


def item_id(guest: Guest, n: int) -> str:
    return f"{guest.prefix}-{n:04}"


def put(guest: Guest, wanted: Dataset, *, archive_missing: bool = False) -> None:
    """Push to the guest's dataset."""
    guest.items += [item.id for item in wanted.items]
    pushed(guest.connection, wanted, name=guest.dataset.name, archive_missing=archive_missing)


def small_run(guest: Guest) -> Run:
    """Two items that went well and one that failed, each with two scores."""
    now = datetime.now(UTC)
    header = RunHeader(
        run=f"{guest.prefix}-run",
        dataset="numbers",
        candidate="v1",
        expected_items=3,
        dataset_fingerprint="f00d",
        scorers={"correct": "1", "length": "1"},
        started_at=now.isoformat(),
        metadata={"gate": "numbers", "origin": {"branch": "main"}},
    )
    items, scores = [], []
    for n, name in enumerate(("a", "b", "c")):
        failed = name == "c"
        reason = "no luck" if failed else None
        output = None if failed else {"n": n}
        start = now.timestamp() + n
        items.append(RunItem(name, 0, "error" if failed else "ok", reason, output=output, started_at=start))
        for score, value in (("correct", name == "a"), ("length", 7)):
            status: ScoreStatus = "error" if failed else "ok"
            scores.append(Score(name, 0, score, None if failed else value, status, reason))
    return Run(header, tuple(items), tuple(scores))


def delivered(guest: Guest, run: Run, store_file: Path) -> DeliveryReport:
    """Deliver a run from a store of its own and wait until the server shows it."""
    guest.scores += [ids.score_id(run.id, score.item, 0, score.score) for score in run.scores]
    dataset = [DatasetItem(item.item, {"n": item.item}) for item in run.items]
    stop = threading.Event()
    settings = guest.connection.settings
    with Store.open(store_file) as store, Connection(settings, stop=stop) as connection:
        store.import_run(run, dataset_items=dataset)
        delivery = Delivery(store, connection, Catalog(), stop=stop)
        delivery.add(run.id)
        return delivery.finish(PATIENCE_SECONDS)


def statuses(run: Run) -> dict[str, str]:
    return {item.item: item.status for item in run.items}


def values(run: Run) -> dict[tuple[str, str], tuple[object, str]]:
    return {(score.item, score.score): (score.value, score.status) for score in run.scores}


def rows_of(guest: Guest, body: dict[str, JSON], fields: str = "core") -> list[JSON]:
    """What the server shows under a score's id."""
    return list(guest.connection.cursor("/v3/scores", {"id": str(body["id"]), "fields": fields}))


def eventually(read: Callable[[], list[JSON]], done: Callable[[list[JSON]], bool]) -> list[JSON]:
    """Read until it is as it should be; what was read last, when time is up."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done(rows := read()):
        assert time.monotonic() < deadline, f"not shown in {PATIENCE_SECONDS:g} s: {rows}"
        time.sleep(0.2)
    return rows
