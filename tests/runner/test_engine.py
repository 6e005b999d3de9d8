"""What a run does when nothing goes wrong, and what it makes of candidates that fail."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from scoregate.errors import ConfigError, StoreWriteError
from scoregate.gate_file import Limits
from scoregate.records import DatasetItem, Tokens
from scoregate.runner.candidates.candidate import Answer, Candidate
from scoregate.runner.candidates.failures import TransientError
from scoregate.runner.engine import execute
from scoregate.runner.plan import Arm, RunPlan
from scoregate.runner.session import run

Drive = Any
"""The `drive` fixture of conftest."""


async def echo(item: DatasetItem, trial: int) -> Any:
    return item.id


def exact(*, output: Any, expected_output: Any, **_: Any) -> bool:
    return bool(output == expected_output)


def test_every_item_is_run_scored_and_stored_once_a_trial(drive: Drive) -> None:
    driven = drive(echo, items=20, trials=3, evaluators=[exact], expected_scores=["exact"])
    assert len(driven.run.items) == len(driven.run.scores) == 60
    assert {item.status for item in driven.run.items} == {"ok"}
    assert {(score.value, score.status) for score in driven.run.scores} == {(True, "ok")}
    report = driven.report
    assert (report.expected, report.done, report.ok, report.scores_ok, report.calls) == (60, 60, 60, 60, 60)
    assert report.complete
    assert report.stopped is None
    assert not report.interrupted


def test_sync_and_async_candidates_may_return_plain_outputs_and_answers(drive: Drive) -> None:
    def task(item: DatasetItem, trial: int) -> Any:
        return (
            Answer({"said": item.id}, cost_usd=0.5, tokens=Tokens(3, 4), trace_id="t")
            if item.id == "a"
            else [1]
        )

    items = drive(task, places={"a": ("talk-1", {"intent": "refund"})}).items()
    a, b = items["a", 0], items["b", 0]
    assert (a.output, a.cost_usd, a.tokens, a.trace_id) == ({"said": "a"}, 0.5, Tokens(3, 4), "t")
    assert (a.cluster, a.slices) == ("talk-1", {"intent": "refund"})
    assert (b.output, b.cost_usd, b.cluster, b.slices, b.attempts) == ([1], None, None, {}, ())


def test_a_run_item_carries_the_digest_of_its_item_and_the_time_of_its_last_call(drive: Drive) -> None:
    began = []

    async def task(item: DatasetItem, trial: int) -> None:
        began.append(time.time())
        if len(began) == 1:
            raise TransientError("busy", retry_after=0.05)

    before = time.time()
    items = drive(task, items=1, contents={"a": "0123456789abcdef"}).items()
    a = items["a", 0]
    assert len(a.attempts) == len(began) == 2
    assert a.content == "0123456789abcdef"
    assert before <= began[0] < a.started_at <= began[1]


def test_trials_follow_one_another_over_all_items(drive: Drive) -> None:
    called = []

    async def task(item: DatasetItem, trial: int) -> None:
        called.append((item.id, trial))

    drive(task, trials=2, limits=Limits(concurrency=1))
    assert called == [("a", 0), ("b", 0), ("c", 0), ("a", 1), ("b", 1), ("c", 1)]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_calls_run_side_by_side_up_to_the_limit(drive: Drive, kind: str) -> None:
    lock, active, most = threading.Lock(), 0, 0
    full = threading.Event()

    def enter(change: int) -> None:
        nonlocal active, most
        with lock:
            active += change
            most = max(most, active)
        if active == 5 or time.monotonic() > patience:
            full.set()

    def blocking(item: DatasetItem, trial: int) -> None:
        enter(1)
        while not full.is_set():
            enter(0)
            time.sleep(0.01)
        time.sleep(0.01)
        enter(-1)

    async def awaiting(item: DatasetItem, trial: int) -> None:
        enter(1)
        while not full.is_set():
            enter(0)
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        enter(-1)

    patience = time.monotonic() + 30

    drive(blocking if kind == "sync" else awaiting, items=30, limits=Limits(concurrency=5))
    assert most == 5


def test_latency_is_measured_around_the_candidate_alone(drive: Drive) -> None:
    async def task(item: DatasetItem, trial: int) -> None:
        await asyncio.sleep(0.02)

    def slow(**_: Any) -> bool:
        time.sleep(0.8)
        return True

    latency = drive(task, items=1, evaluators=[slow]).items()["a", 0].latency_seconds
    assert 0.02 <= latency < 0.8


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_context_variables_do_not_leak_from_one_call_to_the_next(drive: Drive, kind: str) -> None:
    seen: contextvars.ContextVar[str] = contextvars.ContextVar("seen", default="nothing")

    def task(item: DatasetItem, trial: int) -> str:
        before = seen.get()
        seen.set(item.id)
        return before

    async def async_task(item: DatasetItem, trial: int) -> str:
        return task(item, trial)

    driven = drive(task if kind == "sync" else async_task, limits=Limits(concurrency=1))
    assert {item.output for item in driven.run.items} == {"nothing"}


class Odd(BaseException):
    """No Exception: what frameworks use to get past `except Exception`."""


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("no such order"), "ValueError: no such order"),
        (SystemExit(3), "exit"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (Odd("hm"), "Odd: hm"),
        (asyncio.CancelledError(), "CancelledError"),
        (GeneratorExit(), "GeneratorExit"),
    ],
)
def test_whatever_a_candidate_raises_is_one_failed_item(
    drive: Drive, kind: str, error: BaseException, reason: str
) -> None:
    def task(item: DatasetItem, trial: int) -> str:
        if item.id == "b":
            raise error
        return item.id

    async def async_task(item: DatasetItem, trial: int) -> str:
        return task(item, trial)

    driven = drive(task if kind == "sync" else async_task)
    items = driven.items()
    assert [items[name, 0].status for name in "abc"] == ["ok", "error", "ok"]
    assert reason in items["b", 0].error
    assert (driven.report.error, driven.report.complete) == (1, True)


def test_an_output_that_is_no_json_is_a_failed_item(drive: Drive) -> None:
    async def task(item: DatasetItem, trial: int) -> Any:
        return {"when": object()}

    item = drive(task, items=1).items()["a", 0]
    assert (item.status, item.output) == ("error", None)
    assert "no JSON" in item.error


def test_resuming_runs_only_what_is_missing(drive: Drive) -> None:
    calls: Counter[tuple[str, int]] = Counter()

    async def task(item: DatasetItem, trial: int) -> Answer:
        calls[item.id, trial] += 1
        return Answer(item.id, cost_usd=0.25)

    first = drive(task, trials=2, limits=Limits(concurrency=1, max_calls=4), evaluators=[exact])
    assert (first.report.stopped, first.report.done, first.report.complete) == ("max_calls", 4, False)

    second = drive(task, trials=2, evaluators=[exact])
    assert second.report.complete
    assert (second.report.resumed, second.report.calls) == (4, 2)
    assert (second.report.done, second.report.ok, second.report.scores_ok) == (6, 6, 6)
    assert second.report.cost_usd == 1.5
    assert set(calls.values()) == {1}
    assert len(calls) == 6


def test_resuming_a_run_that_is_whole_calls_nothing(drive: Drive) -> None:
    drive(echo)
    report = drive(echo).report
    assert (report.calls, report.done, report.complete) == (0, 3, True)


def test_progress_counts_only_what_is_committed(drive: Drive) -> None:
    committed: list[tuple[int, int]] = []

    def look(report: Any) -> None:
        committed.append((report.done, len(drive.store.done_cells("run-1"))))

    driven = drive(echo, items=200, progress=look)
    assert committed[-1][0] == 200
    assert all(counted <= stored for counted, stored in committed)
    assert driven.report.done == 200


def test_an_output_that_cannot_be_stored_is_a_failed_item(drive: Drive) -> None:
    driven = drive(echo_with_endless_tokens, evaluators=[exact], expected_scores=["exact", "tokens_total"])
    items = driven.items()
    assert items["a", 0].status == "error"
    assert "beyond 64 bits" in items["a", 0].error
    assert items["b", 0].status == "ok"
    assert driven.scores("exact")["a"].status == "error"
    assert (driven.report.error, driven.report.ok) == (1, 2)


async def echo_with_endless_tokens(item: DatasetItem, trial: int) -> Answer:
    return Answer(item.id, tokens=Tokens(1 << 70, 1) if item.id == "a" else Tokens(1, 1))


def test_a_store_that_fails_ends_the_run_and_keeps_what_was_committed(drive: Drive) -> None:
    def fill(report: Any) -> None:
        if report.done >= 20:
            with drive.store._database.reading() as connection:
                pages = connection.execute("PRAGMA page_count").fetchone()[0]
                connection.execute(f"PRAGMA max_page_count = {pages}")

    async def task(item: DatasetItem, trial: int) -> str:
        await asyncio.sleep(0.001)
        return "x" * 2000

    with pytest.raises(StoreWriteError, match="disk is full"):
        drive(task, items=2000, evaluators=[exact], progress=fill)
    run = drive.store.load_run("run-1")
    assert 20 <= len(run.items) < 2000
    assert [score.item for score in run.scores] == [item.item for item in run.items]


def test_a_candidate_is_prepared_and_closed_around_the_calls(drive: Drive) -> None:
    events: list[str] = []

    async def task(item: DatasetItem, trial: int) -> None:
        events.append("call")

    async def close() -> None:
        events.append("close")

    candidate = Candidate("v1", None, None, "http", task, is_async=True, close=close)
    candidate = replace(candidate, prepare=lambda items: events.append(f"prepare {len(items)}"))
    drive(task, candidate=candidate)
    assert events == ["prepare 3", "call", "call", "call", "close"]


def test_a_candidate_that_fails_to_close_does_not_undo_the_run(drive: Drive) -> None:
    async def close() -> None:
        raise OSError("already gone")

    candidate = Candidate("v1", None, None, "http", echo, is_async=True, close=close)
    assert drive(echo, candidate=candidate).report.complete


def test_memory_does_not_grow_with_what_is_committed(drive: Drive) -> None:
    import tracemalloc

    async def task(item: DatasetItem, trial: int) -> str:
        return "x" * 5000

    def peak_of(count: int, run_id: str) -> int:
        items = drive.make_items(count)
        tracemalloc.start()
        drive_plan(drive, task, items, run_id)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    small, large = peak_of(500, "small"), peak_of(2500, "large")
    assert (large - small) / 2000 < 2048


def drive_plan(drive: Drive, task: Callable[..., Any], items: list[DatasetItem], run_id: str) -> None:
    """`drive` without loading the run afterwards."""
    from scoregate.records import RunHeader

    drive.store.create_run(RunHeader(run=run_id, dataset="demo", candidate="v1", expected_items=len(items)))
    candidate = Candidate("v1", None, None, "python", task, is_async=True)
    run(RunPlan(arms=[Arm(run=run_id, candidate=candidate)], items=items, store=drive.store))


def test_the_async_face_runs_inside_an_event_loop_and_the_sync_one_does_not(drive: Drive) -> None:
    drive(echo, limits=Limits(concurrency=1, max_calls=1))
    candidate = Candidate("v1", None, None, "python", echo, is_async=True)
    plan = RunPlan(
        arms=[Arm(run="run-1", candidate=candidate, done=drive.store.done_cells("run-1"))],
        items=drive.make_items(3),
        store=drive.store,
    )

    async def inside() -> int:
        with pytest.raises(ConfigError, match="already runs an event loop"):
            run(plan)
        return (await execute(plan)).done

    assert asyncio.run(inside()) == 3


def test_cancelling_the_async_face_keeps_what_was_finished(drive: Drive) -> None:
    async def task(item: DatasetItem, trial: int) -> str:
        if item.id != "a":
            await asyncio.sleep(60)
        return item.id

    drive(echo, items=[], run_id="run-2")
    candidate = Candidate("v1", None, None, "python", task, is_async=True)

    async def outside() -> None:
        committed = asyncio.Event()
        plan = RunPlan(
            arms=[Arm(run="run-2", candidate=candidate)],
            items=drive.make_items(3),
            store=drive.store,
            progress=lambda report: committed.set(),
        )
        running = asyncio.create_task(execute(plan))
        await committed.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(outside())
    assert drive.store.done_cells("run-2") == {("a", 0)}


def test_a_run_works_outside_the_main_thread(drive: Drive) -> None:
    done: list[int] = []
    thread = threading.Thread(target=lambda: done.append(drive(echo).report.done))
    thread.start()
    thread.join(10)
    assert done == [3]
