"""A cap on cost where the endpoint says what a call took, where it never does, and where calls cost more or less."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from scoregate.judging.judge import Judge
from scoregate.judging.spec import Price
from scoregate.runner.budget import CostCap
from scoregate.scorers.scorer import OutOfBudget
from tests.judging.judges import item, spec_of
from tests.model_server.answers import Answer, judged, slow
from tests.model_server.server import ModelServer

PRICE = Price(1.0, 10.0)


def costing(dollars: float) -> Answer:
    return judged(5, usage={"prompt_tokens": 0, "completion_tokens": round(dollars * 100_000)})


def judge_under(cap: float, server: ModelServer, *, answers: int, at_once: int) -> Sequence[object]:
    """The values of so many answers, or what is raised in their place."""

    async def session() -> Sequence[object]:
        judge = Judge(spec_of(server.url, price=PRICE))
        judge.begin(concurrency=at_once, cost_cap=CostCap(cap))
        try:
            found = await asyncio.gather(
                *(judge.judge(item(n), "an answer") for n in range(answers)), return_exceptions=True
            )
        finally:
            await judge.close()
        return [one if isinstance(one, BaseException) else one.value for one in found]

    return asyncio.run(session())


def test_calls_of_unknown_cost_are_made_side_by_side_after_the_first_of_them() -> None:
    with ModelServer(script=lambda _: slow(0.2, judged(5, usage=None))) as server:
        assert judge_under(1.0, server, answers=9, at_once=8) == [5] * 9
        assert server.most_at_once > 4


def test_an_endpoint_that_says_it_after_all_is_held_to_it() -> None:
    with ModelServer(script=[judged(5, usage=None), costing(0.6), costing(0.6)]) as server:
        found = judge_under(1.0, server, answers=3, at_once=1)
        assert len(server.requests) == 2
    assert found[:2] == [5, 5]
    assert isinstance(found[2], OutOfBudget)


def test_a_call_is_made_only_if_there_is_enough_for_one_as_dear_as_the_dearest() -> None:
    with ModelServer(script=[costing(0.3), costing(0.1), costing(0.3)]) as server:
        found = judge_under(0.65, server, answers=3, at_once=1)
        assert len(server.requests) == 2
    assert found[:2] == [5, 5]
    assert isinstance(found[2], OutOfBudget)
