"""The estimate before a run, the caps, the waits before retries and the size of scoring jobs."""

from __future__ import annotations

import asyncio

import pytest

from scoregate.gate_file import Limits
from scoregate.runner.budget import Budget, RunEstimate, estimate
from scoregate.runner.calls import Throttle
from scoregate.runner.scoring import LARGEST_CHUNK, Pace
from scoregate.store import Totals

PREVIOUS = Totals(ok=90, error=10, calls=110, cost_usd=2.0, latency_seconds=150.0)


def test_without_an_earlier_run_only_the_calls_are_known() -> None:
    assert estimate(300, Limits(), None) == RunEstimate(300, None, None, None)
    assert estimate(300, Limits(), Totals()) == RunEstimate(300, None, None, None)


def test_an_earlier_run_tells_cost_and_time() -> None:
    found = estimate(100, Limits(concurrency=8), PREVIOUS)
    assert found.calls == 100
    assert found.cost_usd == pytest.approx(2.0)
    assert found.seconds == pytest.approx(13 * 1.5)
    assert found.exceeds == ()


def test_the_estimate_names_the_caps_that_will_be_reached() -> None:
    limits = Limits(concurrency=8, max_calls=100, max_cost_usd=1.5, max_seconds=600)
    assert estimate(100, limits, PREVIOUS).exceeds == ("max_cost_usd",)
    assert estimate(101, limits, None).exceeds == ("max_calls",)


def test_what_was_used_before_counts_towards_the_caps_and_is_not_estimated_again() -> None:
    limits = Limits(max_calls=150, max_cost_usd=2.5)
    found = estimate(40, limits, PREVIOUS, before=PREVIOUS)
    assert found.cost_usd == pytest.approx(0.8)
    assert found.exceeds == ("max_cost_usd",)
    assert estimate(41, limits, None, before=PREVIOUS).exceeds == ("max_calls",)


def test_what_judges_cost_is_known_better_than_from_the_run_before() -> None:
    previous = Totals(ok=100, cost_usd=2.0, services_usd=1.0)
    assert estimate(100, Limits(), previous).cost_usd == pytest.approx(2.0)
    found = estimate(100, Limits(), previous, services_usd=5.0)
    assert found.cost_usd == pytest.approx(6.0)
    assert found.services_usd == 5.0
    assert estimate(100, Limits(), None, services_usd=5.0).cost_usd == 5.0


def test_calls_in_flight_are_counted_at_the_mean_cost() -> None:
    budget = Budget(Limits(max_cost_usd=1.0), Totals())
    budget.started()
    budget.ended(0.3)
    for _ in range(2):
        assert budget.refusal() is None
        budget.started()
    assert budget.refusal() == "max_cost_usd"


def test_jobs_of_a_quick_scorer_grow_and_of_a_slow_one_shrink() -> None:
    pace = Pace()
    pace.job_took(0.0001, 1)
    assert pace.chunk == 2
    pace.job_took(0.0001, 1)
    assert pace.chunk == 2, "a job that was not full says nothing of a full one"
    for _ in range(20):
        pace.job_took(0.001, pace.chunk)
    assert pace.chunk == LARGEST_CHUNK
    pace.job_took(0.01, pace.chunk)
    assert pace.chunk == LARGEST_CHUNK
    for _ in range(20):
        pace.job_took(1.0, pace.chunk)
    assert pace.chunk == 1


def throttled(scenario: object) -> None:
    asyncio.run(scenario())  # type: ignore[operator]


def test_the_answers_of_one_burst_halve_the_concurrency_once() -> None:
    async def scenario() -> None:
        throttle = Throttle(16)
        tickets = [await throttle.enter() for _ in range(16)]
        for ticket in tickets:
            assert ticket is not None
            throttle.limited(ticket)
        assert throttle.limit == 8

    throttled(scenario)


def test_concurrency_never_falls_below_one_and_grows_by_one_a_round() -> None:
    async def scenario() -> None:
        throttle = Throttle(4)
        for _ in range(5):
            ticket = await throttle.enter()
            assert ticket is not None
            throttle.limited(ticket)
            throttle.leave()
        assert throttle.limit == 1
        throttle.succeeded()
        assert throttle.limit == 2
        throttle.succeeded()
        throttle.succeeded()
        assert throttle.limit == 2
        throttle.succeeded()
        assert throttle.limit == 3
        for _ in range(20):
            throttle.succeeded()
        assert throttle.limit == 4

    throttled(scenario)


def test_a_pause_holds_back_and_a_stop_sends_away() -> None:
    async def scenario() -> None:
        throttle = Throttle(2)
        loop = asyncio.get_running_loop()
        started = loop.time()
        throttle.pause(0.05)
        assert await throttle.enter() == 0
        assert loop.time() - started >= 0.05
        throttle.pause(60)
        waiting = asyncio.create_task(throttle.enter())
        await asyncio.sleep(0)
        throttle.stop()
        assert await waiting is None

    throttled(scenario)


def test_what_scoring_costs_counts_as_well() -> None:
    budget = Budget(Limits(max_cost_usd=1.0), Totals())
    budget.started()
    budget.ended(0.25)
    budget.cost_cap.settle(0.0, 0.5)
    # One more would cost 0.75 again.
    assert budget.refusal() == "max_cost_usd"


def test_a_cap_that_is_enough_ends_no_run_while_answers_are_being_scored() -> None:
    budget = Budget(Limits(max_cost_usd=9.5), Totals())
    for _ in range(2):
        budget.started()
        budget.ended(None)
        for _ in range(2):  # of three votes for a dollar
            budget.cost_cap.settle(0.0, 1.0)
    # 2 will be paid for these, and 3 for a third: 9.
    assert budget.refusal() is None


def test_who_is_cancelled_while_waiting_is_no_trouble_to_the_others() -> None:
    async def scenario() -> None:
        throttle = Throttle(1)
        await throttle.enter()
        gone, next_one = (asyncio.create_task(throttle.enter()) for _ in range(2))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        throttle.leave()
        assert await next_one == 0

    throttled(scenario)
