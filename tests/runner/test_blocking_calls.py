"""Async code that blocks the event loop: it costs its own call time, and no other one."""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import Any

import pytest

from scoregate.gate_file import Limits
from scoregate.records import DatasetItem
from scoregate.runner.candidates.candidate import Candidate
from tests.runner.conftest import Driver


def in_process(task: Any) -> Candidate:
    return Candidate("v1", None, None, "python", task, is_async=True, in_process=True)


def blocks(seconds: float) -> None:
    """What a client does that does not await."""
    time.sleep(seconds)


async def in_itself(seconds: float) -> None:
    await asyncio.sleep(0)
    blocks(seconds)
    await asyncio.sleep(0)


async def in_a_task_of_its_own(seconds: float) -> None:
    await asyncio.gather(asyncio.create_task(in_itself(seconds / 2)), in_itself(seconds / 2))


@pytest.mark.parametrize("blocking", [in_itself, in_a_task_of_its_own])
def test_calls_that_block_do_not_time_out_for_each_other(drive: Driver, blocking: Any) -> None:
    async def task(item: DatasetItem, trial: int) -> str:
        await blocking(0.1)
        return item.id

    limits = Limits(concurrency=16, timeout_seconds=0.5)
    driven = drive(task, items=20, candidate=in_process(task), limits=limits)
    assert driven.report.ok == 20
    latencies = [item.latency_seconds or 0.0 for item in driven.run.items]
    assert all(0.09 < seconds < 0.3 for seconds in latencies), latencies
    said = driven.report.blocked
    assert said is not None
    assert said.startswith("async code blocks the event loop: 2.")
    assert "in the task (item 'item-" in said
    assert "make it a plain `def`, or await asyncio.to_thread" in said


def test_a_call_that_only_waits_keeps_its_own_time_beside_one_that_blocks(drive: Driver) -> None:
    async def task(item: DatasetItem, trial: int) -> str:
        if item.id == "a":
            await asyncio.sleep(0.05)
            blocks(1.0)
        else:
            await asyncio.sleep(0.2)
        return item.id

    driven = drive(task, items=4, limits=Limits(concurrency=4, timeout_seconds=0.8))
    items = driven.items()
    assert [items[name, 0].status for name in "abcd"] == ["timeout", "ok", "ok", "ok"]
    assert all((items[name, 0].latency_seconds or 9) < 0.5 for name in "bcd")


def test_a_call_that_waits_too_long_times_out_beside_one_that_blocks_now_and_then(drive: Driver) -> None:
    async def task(item: DatasetItem, trial: int) -> str:
        for _ in range(5):
            await asyncio.sleep(0.15)
            if item.id == "a":
                blocks(0.06)
        if item.id == "b":
            await asyncio.sleep(30)
        return item.id

    started = time.monotonic()
    driven = drive(task, items=3, limits=Limits(concurrency=4, timeout_seconds=1.5))
    assert time.monotonic() - started < 10
    assert [driven.items()[name, 0].status for name in "abc"] == ["ok", "timeout", "ok"]


@pytest.mark.parametrize("swallowed", [True, False])
def test_a_call_that_blocks_beyond_its_limit_timed_out_whatever_it_returns(
    drive: Driver, swallowed: bool
) -> None:
    async def task(item: DatasetItem, trial: int) -> str:
        end = time.monotonic() + (0.8 if item.id == "b" else 0)
        while time.monotonic() < end:
            try:
                blocks(0.02)
            except BaseException:
                if not swallowed:
                    raise
        return item.id

    driven = drive(task, limits=Limits(concurrency=4, timeout_seconds=0.3))
    items = driven.items()
    assert [items[name, 0].status for name in "abc"] == ["ok", "timeout", "ok"]
    assert items["b", 0].latency_seconds == 0.3


def test_a_call_that_swallows_its_cancellation_timed_out(drive: Driver) -> None:
    async def task(item: DatasetItem, trial: int) -> str:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)
        return "an answer after all"

    item = drive(task, items=1, limits=Limits(timeout_seconds=0.2)).items()["a", 0]
    assert (item.status, item.error, item.output) == ("timeout", "timed out after 0.2 s", None)


def test_an_evaluator_that_blocks_is_named_and_costs_no_call_its_time(drive: Driver) -> None:
    async def task(item: DatasetItem, trial: int) -> str:
        await asyncio.sleep(0.01)
        return item.id

    async def slow(**_: Any) -> bool:
        blocks(0.1)
        return True

    driven = drive(task, items=8, evaluators=[slow], limits=Limits(concurrency=4, timeout_seconds=0.25))
    assert (driven.report.ok, driven.report.scores_ok) == (8, 8)
    assert "in evaluator 'slow' (item '" in str(driven.report.blocked)


def test_of_calls_that_await_nothing_is_said(drive: Driver) -> None:
    async def task(item: DatasetItem, trial: int) -> str:
        await asyncio.gather(asyncio.sleep(0.01), asyncio.sleep(0.02))
        return item.id

    assert drive(task, items=50, limits=Limits(concurrency=8)).report.blocked is None


def test_libraries_find_the_state_of_a_call_that_waits_by_its_task(drive: Driver) -> None:
    async def task(item: DatasetItem, trial: int) -> str:
        own = asyncio.current_task()
        assert own is not None

        async def look() -> tuple[str, bool]:
            coroutine: Any = own.get_coro()
            return inspect.getcoroutinestate(coroutine), bool(own.get_stack())

        state, has_stack = await asyncio.create_task(look())
        return f"{state} {has_stack}"

    (item,) = drive(task, items=1).run.items
    assert item.output == "CORO_SUSPENDED True", item.error


def test_a_call_that_is_cancelled_before_its_first_step_ends_with_an_error(drive: Driver) -> None:
    async def task(item: DatasetItem, trial: int) -> str:
        if item.id == "a":
            for one in asyncio.all_tasks():
                if inspect.getcoroutinestate(one.get_coro()) == "CORO_CREATED":  # type: ignore[arg-type]
                    one.cancel()
        return item.id

    driven = drive(task, items=2, limits=Limits(concurrency=2, timeout_seconds=5))
    items = driven.items()
    assert [items[name, 0].status for name in "ab"] == ["ok", "error"]
