"""Time limits, retries, rate limits and caps."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import pytest

from scoregate.gate_file import Limits
from scoregate.records import DatasetItem
from scoregate.runner.candidates.candidate import Answer
from scoregate.runner.candidates.failures import CandidateError, TransientError
from scoregate.scorers.scorer import Scorer

Drive = Any

QUICK_RETRIES = 3820
"""A seed whose first waits between attempts are short."""
LIMIT = 0.5
"""Seconds for a call: those that answer need a hundredth of it, those that hang a hundred times as much."""
AT_ONCE = 30.0
"""Seconds: some of a slow and busy machine, and half of what one call would take that is not ended."""


def test_a_sync_call_beyond_its_limit_is_left_behind(drive: Drive) -> None:
    def task(item: DatasetItem, trial: int) -> str:
        if item.id in "bc":
            time.sleep(60)
        return item.id

    # Two of two threads hang, and yet the others are run.
    limits = Limits(concurrency=2, timeout_seconds=LIMIT)
    started = time.perf_counter()
    driven = drive(task, items=6, limits=limits)
    assert time.perf_counter() - started < AT_ONCE
    items = driven.items()
    assert [items[name, 0].status for name in "abcdef"] == ["ok", "timeout", "timeout", "ok", "ok", "ok"]
    assert items["b", 0].error == "timed out after 0.5 s"
    assert items["b", 0].latency_seconds == LIMIT
    assert driven.report.timeout == 2


def test_an_async_call_beyond_its_limit_is_cancelled(drive: Drive) -> None:
    cleaned_up = []

    async def task(item: DatasetItem, trial: int) -> str:
        try:
            await asyncio.sleep(60 if item.id == "b" else 0)
        finally:
            cleaned_up.append(item.id)
        return item.id

    items = drive(task, limits=Limits(concurrency=2, timeout_seconds=LIMIT)).items()
    assert [items[name, 0].status for name in "abc"] == ["ok", "timeout", "ok"]
    assert sorted(cleaned_up) == ["a", "b", "c"]


def test_a_call_that_swallows_its_cancellation_does_not_hold_up_the_run(drive: Drive) -> None:
    async def task(item: DatasetItem, trial: int) -> str:
        while item.id == "a":
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue
        return item.id

    started = time.perf_counter()
    items = drive(task, limits=Limits(concurrency=1, timeout_seconds=LIMIT)).items()
    assert time.perf_counter() - started < AT_ONCE
    assert [items[name, 0].status for name in "abc"] == ["timeout", "ok", "ok"]


@pytest.mark.parametrize("how", ["sleep", "spin"])
def test_an_async_call_that_blocks_the_event_loop_is_ended_too(drive: Drive, how: str) -> None:
    async def task(item: DatasetItem, trial: int) -> str:
        if item.id == "b" and how == "sleep":
            time.sleep(60)
        while item.id == "b":
            pass
        return item.id

    started = time.perf_counter()
    items = drive(task, limits=Limits(concurrency=1, timeout_seconds=LIMIT)).items()
    assert time.perf_counter() - started < AT_ONCE
    assert [items[name, 0].status for name in "abc"] == ["ok", "timeout", "ok"]


def test_without_a_limit_a_call_takes_its_time(drive: Drive) -> None:
    async def task(item: DatasetItem, trial: int) -> str:
        await asyncio.sleep(0.05)
        return item.id

    assert drive(task, limits=Limits(timeout_seconds=None)).report.ok == 3


class Flaky:
    """Fails an item's first calls with an error, then answers."""

    def __init__(self, failures: int, error: Exception, only: str | None = None) -> None:
        self.failures = failures
        self.error = error
        self.only = only
        self.calls: Counter[str] = Counter()
        self.times: list[float] = []

    async def __call__(self, item: DatasetItem, trial: int) -> str:
        self.calls[item.id] += 1
        self.times.append(time.perf_counter())
        if self.calls[item.id] <= self.failures and item.id == (self.only or item.id):
            raise self.error
        return item.id


def test_a_transient_error_is_tried_again_and_every_attempt_is_kept(drive: Drive) -> None:
    flaky = Flaky(2, TransientError("503 for now"))

    async def task(item: DatasetItem, trial: int) -> str:
        return await flaky(item, trial)

    driven = drive(task, items=1, limits=Limits(retries=2), seed=QUICK_RETRIES)
    item = driven.items()["a", 0]
    assert (item.status, item.output, item.error) == ("ok", "a", None)
    assert [(a.number, a.status, a.error) for a in item.attempts] == [
        (1, "error", "503 for now"),
        (2, "error", "503 for now"),
        (3, "ok", None),
    ]
    assert item.latency_seconds == item.attempts[-1].latency_seconds
    assert (driven.report.calls, driven.report.retries) == (3, 2)


def test_the_last_attempt_decides_when_retries_run_out(drive: Drive) -> None:
    flaky = Flaky(99, ConnectionError("reset"))

    async def task(item: DatasetItem, trial: int) -> str:
        return await flaky(item, trial)

    driven = drive(task, items=1, limits=Limits(retries=1), seed=QUICK_RETRIES)
    item = driven.items()["a", 0]
    assert (item.status, item.error, len(item.attempts)) == ("error", "ConnectionError: reset", 2)


@pytest.mark.parametrize("error", [ValueError("wrong"), CandidateError("no such item")])
def test_an_error_that_does_not_say_that_it_is_transient_is_not_tried_again(
    drive: Drive, error: Exception
) -> None:
    flaky = Flaky(1, error)

    async def task(item: DatasetItem, trial: int) -> str:
        return await flaky(item, trial)

    item = drive(task, items=1).items()["a", 0]
    assert (item.status, item.attempts, flaky.calls["a"]) == ("error", (), 1)


def test_retry_after_is_waited_for_and_holds_back_the_other_items(drive: Drive) -> None:
    flaky = Flaky(1, TransientError("429", retry_after=0.3, rate_limited=True), only="a")

    async def task(item: DatasetItem, trial: int) -> str:
        return await flaky(item, trial)

    driven = drive(task, items=6, limits=Limits(concurrency=1), seed=QUICK_RETRIES)
    assert driven.report.ok == 6
    first, *rest = sorted(flaky.times)
    assert min(rest) - first >= 0.3


def test_a_long_retry_after_is_waited_for_with_one_patience_for_the_whole_run(drive: Drive) -> None:
    def busy(item: DatasetItem, trial: int) -> str:
        raise TransientError("429: later", retry_after=3600, rate_limited=True)

    started = time.perf_counter()
    driven = drive(busy, items=6, limits=Limits(concurrency=2, patience_seconds=1.5), seed=QUICK_RETRIES)
    assert 1.5 <= time.perf_counter() - started < AT_ONCE
    errors = {item.error for item in driven.run.items}
    assert errors == {"429: later (patience_seconds = 1.5 is used up)"}
    # The first two are called again at its end, and the others once each.
    assert driven.report.calls == 8
    assert any(1.0 < report.waiting_seconds <= 1.5 for report in driven.progress)


def test_an_answer_makes_the_run_patient_again(drive: Drive) -> None:
    calls: list[str] = []

    def task(item: DatasetItem, trial: int) -> str:
        calls.append(item.id)
        if calls.count(item.id) == 1:
            raise TransientError("429: later", retry_after=0.3, rate_limited=True)
        return item.id

    driven = drive(task, items=4, limits=Limits(concurrency=1, patience_seconds=0.5), seed=QUICK_RETRIES)
    assert driven.report.ok == 4


def test_a_burst_of_rate_limit_answers_lets_every_item_through_in_the_end(drive: Drive) -> None:
    active = most_after_limit = 0
    limited = False

    async def task(item: DatasetItem, trial: int) -> str:
        nonlocal active, limited, most_after_limit
        active += 1
        try:
            await asyncio.sleep(0.005)
            if active > 3:
                limited = True
                raise TransientError("429", rate_limited=True)
            return item.id
        finally:
            active -= 1

    report = drive(task, items=40, limits=Limits(concurrency=8, retries=20)).report
    assert limited
    assert (report.ok, report.error) == (40, 0)


def test_no_call_starts_beyond_max_calls(drive: Drive) -> None:
    calls = []

    async def task(item: DatasetItem, trial: int) -> str:
        calls.append(item.id)
        return item.id

    report = drive(task, items=50, limits=Limits(concurrency=4, max_calls=7)).report
    assert (len(calls), report.done, report.stopped, report.complete) == (7, 7, "max_calls", False)


def test_retries_count_as_calls_and_an_item_that_may_not_be_retried_stays_missing(drive: Drive) -> None:
    flaky = Flaky(1, TransientError("busy"))

    async def task(item: DatasetItem, trial: int) -> str:
        return await flaky(item, trial)

    driven = drive(task, items=2, limits=Limits(concurrency=1, max_calls=3), seed=QUICK_RETRIES)
    assert [item.item for item in driven.run.items] == ["a"]
    assert (driven.report.calls, driven.report.stopped) == (3, "max_calls")


@pytest.mark.parametrize("concurrency", [1, 4])
def test_calls_stop_before_the_cost_cap_is_passed(drive: Drive, concurrency: int) -> None:
    async def task(item: DatasetItem, trial: int) -> Answer:
        await asyncio.sleep(0.001)
        return Answer(item.id, cost_usd=0.1)

    report = drive(task, items=100, limits=Limits(concurrency=concurrency, max_cost_usd=1.0)).report
    assert report.stopped == "max_cost_usd"
    assert report.cost_usd == pytest.approx(1.0)


def test_a_resumed_run_goes_on_counting_its_cost(drive: Drive) -> None:
    async def task(item: DatasetItem, trial: int) -> Answer:
        return Answer(item.id, cost_usd=0.25)

    limits = Limits(concurrency=1, max_cost_usd=0.5)
    assert drive(task, items=5, limits=limits).report.done == 2
    again = drive(task, items=5, limits=limits).report
    assert (again.calls, again.done, again.stopped) == (0, 2, "max_cost_usd")


def test_after_max_seconds_calls_in_flight_finish_and_no_new_one_starts(drive: Drive) -> None:
    calls = []

    async def task(item: DatasetItem, trial: int) -> str:
        calls.append(item.id)
        if len(calls) > 4:
            await asyncio.sleep(1.2)  # until the cap is reached for certain
        return item.id

    driven = drive(task, items=10, limits=Limits(concurrency=2, max_seconds=1.0), trials=3)
    assert driven.report.stopped == "max_seconds"
    assert {item.status for item in driven.run.items} == {"ok"}
    assert driven.report.done == driven.report.calls == 6


def test_a_cap_that_is_reached_when_all_is_called_stopped_nothing(drive: Drive) -> None:
    async def task(item: DatasetItem, trial: int) -> Answer:
        return Answer(item.id, cost_usd=0.5)

    cap_is_reached = time.monotonic() + 1.1

    def slow(**_: Any) -> bool:
        time.sleep(max(0.0, cap_is_reached - time.monotonic()))
        return True

    limits = Limits(max_calls=3, max_cost_usd=1.5, max_seconds=1.0)
    report = drive(task, scorers=[Scorer("slow", "1", slow)], limits=limits).report
    assert (report.stopped, report.complete) == (None, True)


def test_a_cap_does_not_wait_for_retries_or_pauses(drive: Drive) -> None:
    async def task(item: DatasetItem, trial: int) -> str:
        raise TransientError("429", retry_after=60, rate_limited=True)

    started = time.perf_counter()
    report = drive(task, items=10, limits=Limits(concurrency=2, max_seconds=0.1)).report
    assert time.perf_counter() - started < AT_ONCE
    assert (report.done, report.stopped) == (0, "max_seconds")


def test_a_scorer_has_the_same_time_limit(drive: Drive) -> None:
    async def task(item: DatasetItem, trial: int) -> str:
        return item.id

    def hanging(*, output: str, **_: Any) -> bool:
        time.sleep(60 if output == "b" else 0)
        return True

    scorer = Scorer("hanging", "1", hanging, scores=("hanging",))
    started = time.perf_counter()
    scores = drive(task, items=5, scorers=[scorer], limits=Limits(timeout_seconds=LIMIT)).scores("hanging")
    assert time.perf_counter() - started < AT_ONCE
    assert [scores[name].status for name in "abcde"] == ["ok", "error", "ok", "ok", "ok"]
    assert scores["b"].comment == "timed out after 0.5 s"
