"""What a judge tells of its calls while it works: to whoever traces, and to whoever counts the cost."""

from __future__ import annotations

import asyncio

import pytest

from scoregate.judging.asking import ModelCall
from scoregate.judging.judge import Judge
from scoregate.judging.spec import Price
from scoregate.runner.budget import CostCap
from scoregate.scorers.scorer import scored_run
from tests.judging.judges import ask, item, spec_of
from tests.model_server.answers import Answer, failed, judged
from tests.model_server.server import ModelServer

USAGE = {"prompt_tokens": 1000, "completion_tokens": 100}


def test_every_call_is_told_with_what_it_took() -> None:
    calls: list[ModelCall] = []
    with ModelServer(script=[Answer(content="prose", usage=USAGE), judged(3, usage=USAGE)]) as server:
        judge = Judge(spec_of(server.url, price=Price(1.0, 10.0)))
        judge.traced = calls.append
        token = scored_run.set("run-1")
        try:
            ask(judge)
        finally:
            scored_run.reset(token)
    first, second = calls
    assert (first.run, first.item, first.draw.trial, first.repair) == ("run-1", "q0", 0, 0)
    assert (first.content, first.error) == ("prose", "the reply is not JSON, but other text")
    assert (second.repair, second.error, len(second.messages)) == (1, None, 3)
    assert second.tokens is not None
    assert (second.tokens.input, second.tokens.output) == (1000, 100)
    assert second.cost_usd == pytest.approx(0.002)
    assert first.started_at <= first.ended_at <= second.started_at


def test_a_call_without_a_reply_is_told_as_well() -> None:
    calls: list[ModelCall] = []
    with ModelServer(script=lambda _: failed(500, "down")) as server:
        judge = Judge(spec_of(server.url), retries=0)
        judge.traced = calls.append
        ask(judge)
    assert [(call.content, call.error) for call in calls] == [(None, "status 500: down")]


def test_a_tracer_that_fails_costs_no_reply_and_is_told_of() -> None:
    def told(_: ModelCall) -> None:
        raise TypeError("no such span")

    with ModelServer(script=["prose", judged(3)]) as server:
        judge = Judge(spec_of(server.url))
        judge.traced = told
        assert ask(judge)[0].value == 3
    assert "2 calls not traced (TypeError: no such span)" in judge.usage.line("relevance")


def test_the_cost_is_told_when_it_arises() -> None:
    spent: list[float] = []

    async def session(judge: Judge) -> None:
        judge.begin(concurrency=1, cost_cap=CostCap(None, paid=spent.append))
        await judge.judge(item(), "an answer")
        await judge.close()

    with ModelServer(script=[judged(3, usage=USAGE)]) as server:
        asyncio.run(session(Judge(spec_of(server.url, price=Price(1.0, 10.0)))))
    assert spent == [pytest.approx(0.002)]


def test_outside_of_a_session_it_cannot_be_asked() -> None:
    judge = Judge(spec_of("http://127.0.0.1:9/v1"))
    with pytest.raises(RuntimeError, match="has not begun"):
        asyncio.run(judge.judge(item(), "an answer"))
