"""Sums of dollars are not exact: what rounding leaves must neither be waited for, nor forbid a call."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from scoregate.runner.budget import CostCap
from scoregate.scorers.scorer import OutOfBudget


@pytest.mark.parametrize(
    ("amounts", "rest"), [((0.1, 0.2), "above zero"), ((0.7, 0.1), "below zero")], ids=["above", "below"]
)
def test_a_rest_of_rounding_is_not_waited_for(amounts: tuple[float, float], rest: str) -> None:
    left = sum(amounts) - amounts[0] - amounts[1]
    assert left > 0 if rest == "above zero" else left < 0

    async def scenario() -> None:
        cost_cap = CostCap(1.0)
        reservations = [await cost_cap.reserve(partial(float, amount)) for amount in amounts]
        for reserved in reservations:
            cost_cap.settle(reserved, None)
        with pytest.raises(OutOfBudget):
            await asyncio.wait_for(cost_cap.reserve(lambda: 2.0), 30)

    asyncio.run(scenario())


def test_as_many_calls_are_made_as_the_cap_is_worth() -> None:
    async def scenario() -> None:
        cost_cap = CostCap(0.3)  # less than 0.1 is left of it after two calls
        for _ in range(3):
            cost_cap.settle(await cost_cap.reserve(lambda: 0.1), 0.1)
        with pytest.raises(OutOfBudget):
            await cost_cap.reserve(lambda: 0.1)

    asyncio.run(scenario())
