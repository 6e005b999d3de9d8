"""Delivery: everything that the store holds of a run is sent, read back and counted; nothing twice, nothing lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scoregate.catalog import Catalog, Contract
from scoregate.langfuse import ids
from scoregate.langfuse.connection import Connection, Patience
from scoregate.langfuse.delivery import Delivery, DeliveryReport
from scoregate.langfuse.sending import Spending
from scoregate.langfuse.settings import Settings
from scoregate.records import DatasetItem, RunHeader, RunItem, Score, Tokens
from scoregate.store import Store
from scoregate.store.outbox import Delivered
from tests.langfuse_server.faults import EVERY_FAULT, Fault
from tests.langfuse_server.server import LangfuseServer

RUN = "agent-20261121-000000-aaaa"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.sqlite3") as store:
        yield store


def fill(store: Store, number: int, *, run: str = RUN, trials: int = 1) -> None:
    """A run: every fifth item failed; `correct` is true or false, `tone` a category, `depth` not applicable."""
    items = [DatasetItem(f"q{n}", {"n": n}, n, {"intent": "refund"}) for n in range(number)]
    header = RunHeader(
        run=run,
        dataset="agent",
        candidate="v7",
        commit="c0ffee",
        expected_items=number,
        trials=trials,
        dataset_fingerprint="f00d",
        scorers={"correct": "1"},
        started_at=datetime.now(UTC).isoformat(),
        metadata={"gate": "agent", "origin": {"branch": "main", "pull_request": "12"}},
    )
    store.create_run(header, items)
    for trial in range(trials):
        store.record(run, [cell(n, trial) for n in range(number)])


def cell(n: int, trial: int) -> tuple[RunItem, list[Score]]:
    item, now = f"q{n}", datetime.now(UTC).timestamp()
    if n % 5 == 4:
        failed = RunItem(item, trial, "error", "RuntimeError: no luck", latency_seconds=0.1, started_at=now)
        return failed, [Score(item, trial, "correct", None, "error", "the candidate failed: no luck")]
    ok = RunItem(
        item,
        trial,
        "ok",
        output={"n": n},
        latency_seconds=0.2,
        tokens=Tokens(3, 4),
        started_at=now,
        cost_usd=0.5,
    )
    return ok, [
        Score(item, trial, "correct", n % 2 == 0, comment="compared"),
        Score(item, trial, "tone", "polite"),
        Score(item, trial, "depth", None, "not_applicable", "nothing to go into"),
    ]


def deliver(
    server: LangfuseServer,
    store: Store,
    *,
    run: str = RUN,
    seconds: float = 20.0,
    request_seconds: float = 3.0,
    catalog: Catalog | None = None,
    environment: str | None = "ci",
    spending: Spending = lambda _: frozenset(),
) -> DeliveryReport:
    settings = Settings(server.public_key, server.secret_key, server.url, environment)
    stop = threading.Event()
    patience = Patience(deadline=request_seconds, first_pause=0.01, longest_pause=0.1)
    with Connection(settings, patience, stop=stop) as connection:
        delivery = Delivery(store, connection, catalog or Catalog(), stop=stop, spending=spending)
        delivery.add(run)
        return delivery.finish(seconds)


def test_everything_is_delivered_and_seen(server: LangfuseServer, store: Store) -> None:
    fill(store, 10)
    report = deliver(server, store)
    assert report.complete
    assert (report.runs[0].tally.items_seen, report.runs[0].tally.scores_seen) == (10, 16)
    assert len(server.state.kept_items(ids.experiment_id(RUN, 0))) == 10
    assert len(server.state.kept_scores()) == 16


def test_a_run_item_is_a_trace_of_its_own_whose_root_holds_its_scores(
    server: LangfuseServer, store: Store
) -> None:
    fill(store, 1)
    deliver(server, store)
    [score] = [score for score in server.state.kept_scores().values() if score.name == "correct"]
    assert score.value is True or score.value == 1
    assert (score.data_type, score.environment, score.comment) == ("BOOLEAN", "ci", "compared")
    assert ids.root_span_id(RUN, "q0", 0) in server.state.kept_items(ids.experiment_id(RUN, 0))


@pytest.mark.parametrize("told_by_the_candidate", [False, True])
def test_tokens_and_cost_count_once(
    server: LangfuseServer, store: Store, told_by_the_candidate: bool
) -> None:
    fill(store, 1)
    traces = {ids.trace_id(RUN, "q0", 0)} if told_by_the_candidate else set()
    deliver(server, store, spending=lambda asked: traces & set(asked))
    [root] = server.state.kept_items(ids.experiment_id(RUN, 0)).values()
    if told_by_the_candidate:
        assert (root.usage, root.cost) == ({}, {})
    else:
        assert (root.usage, root.cost) == ({"input": 3, "output": 4, "total": 7}, {"total": 0.5})


def environments(server: LangfuseServer) -> set[str]:
    """Of every span and every score."""
    scores = server.state.kept_scores().values()
    return {span.environment for span in server.state.spans} | {score.environment for score in scores}


def test_a_run_stays_out_of_live_traffic_unless_an_environment_is_said(
    server: LangfuseServer, store: Store
) -> None:
    fill(store, 2)
    deliver(server, store, environment=None)
    assert environments(server) == {"sdk-experiment"}


def test_what_is_delivered_later_goes_where_the_items_are(server: LangfuseServer, store: Store) -> None:
    fill(store, 4)
    deliver(server, store, environment="nightly")
    store.record(RUN, [cell(5, 0)])
    assert deliver(server, store, environment=None).complete
    assert len(server.state.kept_items(ids.experiment_id(RUN, 0))) == 5
    assert environments(server) == {"nightly"}


def test_a_reader_sees_the_fields_that_a_run_of_the_sdk_has(server: LangfuseServer, store: Store) -> None:
    fill(store, 5)
    deliver(server, store)
    settings = Settings(server.public_key, server.secret_key, server.url)
    with Connection(settings) as connection:
        query = {
            "fromStartTime": "2026-01-01T00:00:00Z",
            "experimentId": ids.experiment_id(RUN, 0),
            "fields": "core,dataset,io,metadata,itemMetadata,experimentMetadata,scores",
        }
        shown = {item["experimentItemId"]: item for item in connection.cursor("/experiment-items", query)}
    first, failed = shown["q0"], shown["q4"]
    assert (first["input"], first["output"], first["expectedOutput"]) == ('{"n":0}', '{"n":0}', "0")
    assert (first["level"], first["environment"], first["experimentName"]) == ("DEFAULT", "ci", RUN)
    assert first["experimentItemMetadata"] == {"intent": "refund"}
    about = first["experimentMetadata"]
    assert (about["gate"], about["candidate"], about["commit"]) == ("agent", "v7", "c0ffee")
    assert (about["branch"], about["pull_request"]) == ("main", "12")
    assert {score["name"] for score in first["scores"]} == {"correct", "tone"}
    assert (failed["level"], failed["scores"]) == ("ERROR", [])


def test_every_trial_is_an_experiment_named_alike(server: LangfuseServer, store: Store) -> None:
    fill(store, 4, trials=3)
    assert deliver(server, store).complete
    for trial in range(3):
        assert len(server.state.kept_items(ids.experiment_id(RUN, trial))) == 4
    assert ids.experiment_name(RUN, 2) == f"{RUN} #3"


def test_delivering_again_sends_nothing(server: LangfuseServer, store: Store) -> None:
    fill(store, 4)
    deliver(server, store)
    before = len([one for one in server.received if one.method == "POST"])
    assert deliver(server, store).complete
    assert len([one for one in server.received if one.method == "POST"]) == before


def test_what_is_sent_twice_is_there_once(server: LangfuseServer, store: Store) -> None:
    fill(store, 6)
    deliver(server, store)
    target = Settings(server.public_key, server.secret_key, server.url).target
    # As after a process that died between the server's answer and its own note.
    store.outbox.mark(RUN, target, [Delivered(f"q{n}", 0, "", "accepted") for n in range(6)])
    store.outbox.forget_unseen(RUN, target)
    assert deliver(server, store).complete
    assert server.state.accepted.spans == 12
    assert len(server.state.kept_items(ids.experiment_id(RUN, 0))) == 6


def test_a_server_that_knows_no_batches_gets_scores_one_by_one(store: Store) -> None:
    with LangfuseServer(batches=False) as server:
        fill(store, 5)
        assert deliver(server, store).complete
        assert len(server.state.kept_scores()) == 8


def test_spans_carry_the_headers_that_some_servers_need(store: Store) -> None:
    with LangfuseServer(mode="dual") as server:
        fill(store, 3)
        assert deliver(server, store).complete


def test_faults_in_a_third_of_all_answers_lose_nothing_and_double_nothing(
    server: LangfuseServer, store: Store
) -> None:
    fill(store, 300)
    server.faults.plan(*EVERY_FAULT, share=0.3, seed=4)
    report = deliver(server, store, seconds=60.0)
    assert report.complete, report
    assert len(server.state.kept_items(ids.experiment_id(RUN, 0))) == 300
    assert len(server.state.kept_scores()) == 480


def test_a_server_that_is_away_for_a_while_gets_everything_afterwards(
    server: LangfuseServer, store: Store
) -> None:
    fill(store, 10)
    server.down_for(2.0)
    settings = Settings(server.public_key, server.secret_key, server.url, "ci")
    stop = threading.Event()
    with Connection(settings, Patience(longest_pause=0.2), stop=stop) as connection:
        delivery = Delivery(store, connection, Catalog(), stop=stop)
        delivery.add(RUN)
        assert delivery.finish(20.0).complete


def test_reads_that_lag_behind_are_waited_for(store: Store) -> None:
    with LangfuseServer(lag=1.5) as server:
        fill(store, 4)
        assert deliver(server, store).complete


def test_what_the_server_drops_in_silence_is_not_called_delivered(store: Store) -> None:
    with LangfuseServer(lag=600.0) as server:
        fill(store, 4)
        report = deliver(server, store, seconds=1.5)
        tally = report.runs[0].tally
        assert not report.complete
        assert (tally.items_accepted, tally.items_seen) == (4, 0)


def test_a_value_that_breaks_its_contract_is_named_and_never_sent(
    server: LangfuseServer, store: Store
) -> None:
    fill(store, 2)
    catalog = Catalog({"tone": Contract("tone", "categorical", categories=("rude",), passing=("rude",))})
    report = deliver(server, store, catalog=catalog)
    assert not report.complete
    assert [entry.score for entry in report.runs[0].rejected] == ["tone", "tone"]
    assert "is not one of its categories" in (report.runs[0].rejected[0].reason or "")
    assert {score.name for score in server.state.kept_scores().values()} == {"correct"}


def test_wrong_keys_send_nothing_and_reject_nothing(server: LangfuseServer, store: Store) -> None:
    fill(store, 2)
    settings = Settings(server.public_key, "sk-lf-wrong", server.url)
    stop = threading.Event()
    with Connection(settings, Patience(first_pause=0.01), stop=stop) as connection:
        delivery = Delivery(store, connection, Catalog(), stop=stop)
        delivery.add(RUN)
        report = delivery.finish(2.0)
    assert not report.complete
    assert report.runs[0].rejected == ()
    assert report.trouble is not None
    assert "401" in report.trouble
    assert "sk-lf-wrong" not in report.trouble


def test_spans_of_the_candidate_that_the_server_will_not_have_are_kept_and_counted(
    server: LangfuseServer, store: Store
) -> None:
    fill(store, 1)
    target = Settings(server.public_key, server.secret_key, server.url).target
    store.outbox.put_spans(RUN, target, b"no protobuf at all", 3)
    report = deliver(server, store)
    assert not report.complete
    assert report.runs[0].tally.spans_refused == 3


def test_a_rate_limit_on_every_third_answer_is_waited_for(server: LangfuseServer, store: Store) -> None:
    fill(store, 20)
    server.faults.plan(Fault(status=429, retry_after=0.2), every=3)
    assert deliver(server, store).complete


def test_an_item_that_the_server_cannot_take_holds_up_no_other(server: LangfuseServer, store: Store) -> None:
    fill(store, 60)
    poison = Fault(status=500)
    server.faults.plan(poison, share=1.0, path="/api/public/otel", containing=b'"n":7}')
    report = deliver(server, store, request_seconds=0.6, seconds=40.0)
    assert (report.runs[0].tally.items_seen, report.runs[0].tally.items) == (59, 60)
    assert report.trouble is not None
    assert "500" in report.trouble


def test_a_server_that_lost_everything_gets_everything_again(server: LangfuseServer, store: Store) -> None:
    fill(store, 5)
    deliver(server, store)
    with LangfuseServer(port=0, public_key=server.public_key, secret_key=server.secret_key) as empty:
        server.stop()
        settings = Settings(empty.public_key, empty.secret_key, empty.url, "ci")
        target = Settings(server.public_key, server.secret_key, server.url).target
        assert store.outbox.tally(RUN, target).complete
        stop = threading.Event()
        with Connection(settings, Patience(first_pause=0.01), stop=stop) as connection:
            delivery = Delivery(store, connection, Catalog(), stop=stop)
            delivery.add(RUN)
            delivery.recheck()
            assert delivery.finish(10.0).complete


@pytest.mark.parametrize("body", ["{}", "", "[]", '{"data": [{}]}', '{"data": {}}'])
def test_an_answer_that_is_none_of_langfuse_is_told_and_no_crash(store: Store, body: str) -> None:
    fill(store, 3)
    with LangfuseServer() as server:
        server.faults.plan(Fault(kind="answers", body=body), share=1.0)
        report = deliver(server, store, seconds=1.0)
    assert not report.complete
    assert report.runs[0].rejected == ()


def asked(server: LangfuseServer, path: str, method: str = "GET") -> int:
    """How many requests there were for a path."""
    return sum(
        one.method == method and one.path.partition("?")[0] == f"/api/public{path}" for one in server.received
    )


def test_a_run_is_read_back_by_its_number_of_items_and_the_ids_of_its_scores(
    server: LangfuseServer, store: Store
) -> None:
    fill(store, 250)
    server.behaviour.score_lag = 1.0
    assert deliver(server, store).complete
    assert asked(server, "/experiment-items") == 0
    # While nothing is to be seen a sample of a page is asked for, then each page about once.
    assert asked(server, "/v3/scores") <= 20


def test_where_run_items_are_missing_those_that_are_there_are_known(
    server: LangfuseServer, store: Store
) -> None:
    fill(store, 250)
    # A server that takes an export and loses it.
    server.faults.plan(Fault(kind="answers", body="{}"), next_requests=1, path="/api/public/otel")
    report = deliver(server, store, seconds=3.0)
    there = len(server.state.kept_items(ids.experiment_id(RUN, 0)))
    assert 0 < there < 250
    assert report.runs[0].tally.items_seen == there


def test_a_server_without_arrays_is_asked_for_it_once(store: Store) -> None:
    with LangfuseServer(batches=False) as server:
        fill(store, 100)
        assert deliver(server, store).complete
        refused = [one for one in server.received if one.status == 400]
        assert len(refused) == 1
        assert len(server.state.kept_scores()) == 160


@pytest.mark.parametrize("lost", [3, 120])
def test_a_recheck_sends_again_only_what_is_not_there(
    server: LangfuseServer, store: Store, lost: int
) -> None:
    fill(store, 150)
    deliver(server, store)
    kept = list(server.state.kept_scores())
    for score in kept[:lost]:
        server.state.scores.remove(score)
    before = server.state.accepted.scores
    settings = Settings(server.public_key, server.secret_key, server.url, "ci")
    stop = threading.Event()
    with Connection(settings, stop=stop) as connection:
        delivery = Delivery(store, connection, Catalog(), stop=stop)
        delivery.add(RUN)
        delivery.recheck()
        assert delivery.finish(20.0).complete
    assert server.state.accepted.scores - before == lost
    assert len(server.state.kept_scores()) == len(kept)
