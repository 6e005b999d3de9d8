"""Money that was spent under the same cap on something else: it counts, and says nothing of what an answer costs."""

from __future__ import annotations

import asyncio

from scoregate.gate_file import Limits
from scoregate.runner.budget import Budget
from scoregate.store import Totals


def refusals(*, elsewhere_usd: float, answers: int) -> list[str | None]:
    """Of a cap of 10 dollars: after each of so many answers for 50 cents."""

    async def spend() -> list[str | None]:
        budget = Budget(Limits(max_cost_usd=10), Totals(), elsewhere_usd=elsewhere_usd)
        found = []
        for _ in range(answers):
            budget.started()
            budget.ended(0.5)
            found.append(budget.refusal())
        return found

    return asyncio.run(spend())


def test_what_was_spent_elsewhere_leaves_less() -> None:
    assert refusals(elsewhere_usd=8.5, answers=3) == [None, None, "max_cost_usd"]


def test_what_was_spent_elsewhere_makes_no_answer_dearer() -> None:
    assert refusals(elsewhere_usd=9, answers=1) == [None]
    assert refusals(elsewhere_usd=0, answers=1) == [None]
