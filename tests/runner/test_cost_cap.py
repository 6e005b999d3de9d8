"""Money for calls of services: reserved before a call, settled after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from scoregate.runner.budget import CostCap
from scoregate.scorers.scorer import OutOfBudget


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(scenario())  # type: ignore[arg-type]  # a coroutine function, as all below


def a_dollar() -> float | None:
    return 1.0


def unknown() -> float | None:
    return None


def test_calls_are_made_until_the_cap_forbids_one() -> None:
    async def scenario() -> None:
        cost_cap = CostCap(2.5)
        for _ in range(2):
            cost_cap.settle(await cost_cap.reserve(a_dollar), 1.0)
        with pytest.raises(OutOfBudget, match="max_cost_usd = 2.5 is reached"):
            await cost_cap.reserve(a_dollar)
        assert cost_cap.spent_usd == 2.0

    run(scenario)


def test_what_was_spent_before_counts() -> None:
    async def scenario() -> None:
        with pytest.raises(OutOfBudget):
            await CostCap(2.0, spent_usd=1.5).reserve(a_dollar)

    run(scenario)


def test_a_call_waits_while_another_may_leave_enough() -> None:
    async def scenario() -> None:
        cost_cap = CostCap(1.5)
        reserved = await cost_cap.reserve(a_dollar)
        waiting = asyncio.create_task(cost_cap.reserve(a_dollar))
        await asyncio.sleep(0)
        assert not waiting.done()
        cost_cap.settle(reserved, 0.2)
        assert await waiting == 1.0

    run(scenario)


def test_nobody_knows_the_price_of_the_first_call_which_is_made_alone() -> None:
    async def scenario() -> None:
        seen: list[float] = []
        cost_cap = CostCap(1.0)

        async def call(cost: float) -> None:
            reserved = await cost_cap.reserve(lambda: max(seen, default=None))
            assert not seen or reserved == max(seen)
            await asyncio.sleep(0)
            seen.append(cost)
            cost_cap.settle(reserved, cost)

        await asyncio.gather(*(call(0.1) for _ in range(10)))
        assert cost_cap.spent_usd == pytest.approx(1.0)

    run(scenario)


def test_other_calls_under_way_are_waited_for_too() -> None:
    async def scenario() -> None:
        in_flight_usd = [0.8]
        cost_cap = CostCap(1.0, in_flight_usd=lambda: in_flight_usd[0])
        waiting = asyncio.create_task(cost_cap.reserve(lambda: 0.5))
        await asyncio.sleep(0)
        assert not waiting.done()
        in_flight_usd[0] = 0.0
        cost_cap.look_again()
        assert await waiting == 0.5

    run(scenario)


def test_a_call_that_failed_gives_its_money_back() -> None:
    async def scenario() -> None:
        cost_cap = CostCap(1.0)
        for _ in range(5):
            cost_cap.settle(await cost_cap.reserve(a_dollar), None)
        assert cost_cap.spent_usd == 0

    run(scenario)


def test_without_a_cap_everything_is_paid_and_told() -> None:
    async def scenario() -> None:
        paid: list[float] = []
        cost_cap = CostCap(None, paid=paid.append)
        for cost in (5.0, 7.0):
            cost_cap.settle(await cost_cap.reserve(unknown), cost)
        assert paid == [5.0, 7.0]

    run(scenario)
