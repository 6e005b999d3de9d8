"""Money for calls of services: set aside before a call, settled after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from scoregate.scorers.cost_cap import OutOfBudget, Purse


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(scenario())  # type: ignore[arg-type]  # a coroutine function, as all below


def a_dollar() -> float | None:
    return 1.0


def unknown() -> float | None:
    return None


def test_calls_are_made_until_the_cap_forbids_one() -> None:
    async def scenario() -> None:
        purse = Purse(2.5)
        for _ in range(2):
            purse.settle(await purse.set_aside(a_dollar), 1.0)
        with pytest.raises(OutOfBudget, match="max_cost_usd = 2.5 is reached"):
            await purse.set_aside(a_dollar)
        assert purse.spent_usd == 2.0

    run(scenario)


def test_what_was_spent_before_counts() -> None:
    async def scenario() -> None:
        with pytest.raises(OutOfBudget):
            await Purse(2.0, spent_usd=1.5).set_aside(a_dollar)

    run(scenario)


def test_a_call_waits_while_another_may_leave_enough() -> None:
    async def scenario() -> None:
        purse = Purse(1.5)
        aside = await purse.set_aside(a_dollar)
        waiting = asyncio.create_task(purse.set_aside(a_dollar))
        await asyncio.sleep(0)
        assert not waiting.done()
        purse.settle(aside, 0.2)
        assert await waiting == 1.0

    run(scenario)


def test_nobody_knows_the_price_of_the_first_call_which_is_made_alone() -> None:
    async def scenario() -> None:
        seen: list[float] = []
        purse = Purse(1.0)

        async def call(cost: float) -> None:
            aside = await purse.set_aside(lambda: max(seen, default=None))
            assert not seen or aside == max(seen)
            await asyncio.sleep(0)
            seen.append(cost)
            purse.settle(aside, cost)

        await asyncio.gather(*(call(0.1) for _ in range(10)))
        assert purse.spent_usd == pytest.approx(1.0)

    run(scenario)


def test_other_calls_under_way_are_waited_for_too() -> None:
    async def scenario() -> None:
        beside = [0.8]
        purse = Purse(1.0, beside=lambda: beside[0])
        waiting = asyncio.create_task(purse.set_aside(lambda: 0.5))
        await asyncio.sleep(0)
        assert not waiting.done()
        beside[0] = 0.0
        purse.look_again()
        assert await waiting == 0.5

    run(scenario)


def test_a_call_that_failed_gives_its_money_back() -> None:
    async def scenario() -> None:
        purse = Purse(1.0)
        for _ in range(5):
            purse.settle(await purse.set_aside(a_dollar), None)
        assert purse.spent_usd == 0

    run(scenario)


def test_without_a_cap_everything_is_paid_and_told() -> None:
    async def scenario() -> None:
        paid: list[float] = []
        purse = Purse(None, paid=paid.append)
        for cost in (5.0, 7.0):
            purse.settle(await purse.set_aside(unknown), cost)
        assert paid == [5.0, 7.0]

    run(scenario)
