"""What a judge takes of a run stands in the store as soon as it is taken: each request, each reply, each dollar."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from scoregate.errors import StoreWriteError
from scoregate.judging.cache import ReplyCache
from scoregate.judging.judge import Judge
from scoregate.judging.spec import Price
from scoregate.records import RunHeader
from scoregate.scorers.scorer import scored_run
from scoregate.store import Store
from tests.judging.judges import ask, item, spec_of, store_in
from tests.model_server.answers import Answer, failed, judged
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer

USAGE = {"prompt_tokens": 1000, "completion_tokens": 100}
PRICE = Price(1.0, 10.0)


@contextmanager
def scoring(store: Store, run: str) -> Iterator[None]:
    """As a scorer of a run, which is begun if the store does not know it."""
    if run not in {summary.run for summary in store.list_runs()}:
        store.create_run(
            RunHeader(
                run=run, dataset="d", candidate="c", expected_items=1, trials=1, scorers={}, metadata={}
            )
        )
    token = scored_run.set(run)
    try:
        yield
    finally:
        scored_run.reset(token)


def used(store: Store, run: str = "run-1") -> tuple[int, int, int]:
    """Replies, those from the cache, and calls."""
    (usage,) = store.judge_usage.of_runs(run)
    return usage.replies, usage.from_cache, usage.calls


def test_a_request_that_is_repeated_counts_each_time(tmp_path: Path) -> None:
    script = [failed(500), Answer(content="prose", usage=USAGE), failed(503), judged(3, usage=USAGE)]
    with store_in(tmp_path) as store, ModelServer(script=script) as server, scoring(store, "run-1"):
        judge = Judge(spec_of(server.url, price=PRICE))
        ask(judge, store=store)
        assert judge.usage.calls == len(server.requests) == 4
        assert used(store) == (1, 0, 4)
        assert store.judge_usage.of_runs("run-1")[0].cost_usd == pytest.approx(0.004)


def test_requests_that_brought_no_reply_count_too(tmp_path: Path) -> None:
    with store_in(tmp_path) as store, ModelServer(script=lambda _: failed(500)) as server:
        with scoring(store, "run-1"):
            ask(Judge(spec_of(server.url), retries=1), store=store)
        assert used(store) == (1, 0, 2)


def test_everything_is_counted_before_the_judge_is_closed(tmp_path: Path) -> None:
    with store_in(tmp_path) as store, ModelServer() as server, scoring(store, "run-1"):
        ask(Judge(spec_of(server.url)), ["first"], store=store)
        scored_run.set("run-1")
        judge = Judge(spec_of(server.url, votes=3, rule="median"))
        judge.cache = ReplyCache(store)

        async def session() -> None:
            judge.begin(concurrency=1)
            await judge.judge(item(), "second")
            assert used(store) == (4, 0, 4)
            await judge.close()

        asyncio.run(session())
        assert used(store) == (4, 0, 4)


def test_a_request_counts_while_it_is_under_way(tmp_path: Path) -> None:
    seen: list[tuple[object, ...]] = []

    def script(_: ModelRequest) -> Answer:
        with closing(sqlite3.connect(tmp_path / "store.sqlite3")) as other:
            seen.extend(other.execute("SELECT replies, from_cache, calls FROM judge_usage"))
        return judged(3)

    with store_in(tmp_path) as store, ModelServer(script=script) as server, scoring(store, "run-1"):
        ask(Judge(spec_of(server.url)), store=store)
    assert seen == [(0, 0, 1)]


def test_a_run_that_goes_on_does_not_count_its_own_replies_again(tmp_path: Path) -> None:
    with store_in(tmp_path) as store, ModelServer() as server:
        with scoring(store, "run-1"):
            ask(Judge(spec_of(server.url)), ["a", "b"], store=store)
            ask(Judge(spec_of(server.url)), ["a", "b", "c"], store=store)
        assert used(store) == (3, 0, 3)


def test_replies_of_another_run_count_as_from_the_cache(tmp_path: Path) -> None:
    with store_in(tmp_path) as store, ModelServer() as server:
        for run in ("run-1", "run-2"):
            with scoring(store, run):
                ask(Judge(spec_of(server.url)), ["a", "b"], store=store)
        assert (used(store), used(store, "run-2")) == ((2, 0, 2), (2, 2, 0))


def test_no_request_is_made_that_cannot_be_counted(tmp_path: Path) -> None:
    with store_in(tmp_path) as store, ModelServer() as server, scoring(store, "run-1"):
        with closing(sqlite3.connect(tmp_path / "store.sqlite3")) as other:
            other.execute(
                "CREATE TRIGGER full BEFORE INSERT ON judge_usage BEGIN SELECT raise(ABORT, 'the disk is full'); END"
            )
        with pytest.raises(StoreWriteError):
            ask(Judge(spec_of(server.url)), store=store)
        assert server.requests == []


def test_a_reply_is_kept_and_counted_or_neither(tmp_path: Path) -> None:
    with store_in(tmp_path) as store, ModelServer() as server, scoring(store, "run-1"):
        with closing(sqlite3.connect(tmp_path / "store.sqlite3")) as other:
            other.execute(
                "CREATE TRIGGER full BEFORE INSERT ON judge_usage WHEN new.replies BEGIN "
                "SELECT raise(ABORT, 'the disk is full'); END"
            )
        with pytest.raises(StoreWriteError):
            ask(Judge(spec_of(server.url)), store=store)
        assert list(store.replies.all()) == []


def test_connections_are_closed_though_the_store_takes_no_more(tmp_path: Path) -> None:
    async def session(judge: Judge, store: Store) -> bool:
        judge.begin(concurrency=1)
        assert judge._client is not None  # nothing else shows whether its connections are open
        opened = judge._client._client
        await judge.judge(item(), "an answer")
        store.close()
        await judge.close()
        return opened.is_closed()

    store = store_in(tmp_path)
    with ModelServer() as server, scoring(store, "run-1"):
        judge = Judge(spec_of(server.url))
        judge.cache = ReplyCache(store)
        assert asyncio.run(session(judge, store))
