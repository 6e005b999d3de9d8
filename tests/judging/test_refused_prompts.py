"""A call fails in passing, or for good because of its prompt: only the first kind is worth another session."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scoregate.judging.judge import Judge
from scoregate.judging.votes import Silence
from scoregate.records import RunItem, Score
from scoregate.scorers.scorer import Unanswered, score_item_async
from tests.judging.judges import ask, item, spec_of, store_in
from tests.model_server.answers import Answer, broken, failed, judged, page
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer

FILTERED = failed(400, "The response was filtered: content management policy")

NO_QUOTA = Answer(status=429, raw=b'{"error": {"message": "No money.", "code": "insufficient_quota"}}')


def about(param: str) -> Answer:
    """OpenAI's way to say which part of a request it will not have."""
    error = {"message": "Unsupported value.", "type": "invalid_request_error", "param": param, "code": None}
    return Answer(raw=json.dumps({"error": error}).encode(), status=400)


def silence_of(answer: Answer, **parts: Any) -> Silence | None:
    """Of the vote that came of such an answer, after one that was good."""

    def script(request: ModelRequest) -> Answer:
        return answer if "bad" in request.prompt else judged(5)

    with ModelServer(script=script) as server:
        judge = Judge(spec_of(server.url, **parts), retries=0)
        found = ask(judge, ["good", "bad"], concurrency=1)[1]
    assert (found.value, found.status) == (None, "error")
    return found.votes[0].silence


def scored(
    judge: Judge, outputs: Sequence[str], *, postpone_unanswered: bool
) -> list[list[Score] | BaseException]:
    """The cells of the judge as the engine asks for them, or what is raised in their place."""

    async def session() -> list[list[Score] | BaseException]:
        judge.begin(concurrency=1, postpone_unanswered=postpone_unanswered)
        scorer = judge.scorer()
        cells = [
            score_item_async(scorer, item(n), RunItem(item=f"q{n}", trial=0, status="ok", output=output))
            for n, output in enumerate(outputs)
        ]
        try:
            return await asyncio.gather(*cells, return_exceptions=True)
        finally:
            await judge.close()

    return asyncio.run(session())


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_the_endpoint_has_against_a_prompt_is_final_for_it(status: int) -> None:
    assert silence_of(failed(status, "not this one")) == "final"


@pytest.mark.parametrize(
    "answer",
    [NO_QUOTA, failed(500), failed(503), broken("reset"), page("<h1>Welcome</h1>")],
    ids=["no quota", "500", "503", "connection", "page"],
)
def test_what_may_be_gone_the_next_time_is_in_passing(answer: Answer) -> None:
    assert silence_of(answer) == "in passing"


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_what_key_model_or_account_lack_is_no_fault_of_a_prompt(status: int) -> None:
    assert silence_of(failed(status, "not with this key")) == "in passing"


@pytest.mark.parametrize("param", ["temperature", "model", "response_format.json_schema"])
def test_a_setting_that_the_endpoint_will_not_have_is_no_fault_of_a_prompt(param: str) -> None:
    assert silence_of(about(param), parameters={"temperature": 0}) == "in passing"


def test_messages_that_the_endpoint_will_not_have_are_the_prompt() -> None:
    assert silence_of(about("messages"), parameters={"temperature": 0}) == "final"


def test_a_session_that_insists_puts_off_what_may_come_and_makes_an_error_of_what_will_not() -> None:
    def script(request: ModelRequest) -> Answer:
        return (
            FILTERED
            if "filtered" in request.prompt
            else failed(500)
            if "down" in request.prompt
            else judged(5)
        )

    with ModelServer(script=script) as server:
        judge = Judge(spec_of(server.url), retries=0)
        good, refused, down = scored(judge, ["good", "filtered", "down"], postpone_unanswered=True)
    assert isinstance(good, list)
    assert [score.value for score in good] == [5]
    assert isinstance(refused, list)
    (cell,) = refused
    assert (cell.value, cell.status) == (None, "error")
    assert cell.comment == (
        "no reply: the endpoint refused the request (status 400: The response was filtered: content management policy)"
    )
    assert isinstance(down, Unanswered)


def test_refused_prompts_are_counted_apart_from_calls_that_failed() -> None:
    with ModelServer(script=[FILTERED, failed(500, "down"), judged(5)]) as server:
        judge = Judge(spec_of(server.url), retries=0)
        ask(judge, ["a", "b", "c"], concurrency=1)
    assert (judge.usage.refused, judge.usage.failed, judge.usage.invalid) == (1, 1, 0)
    line = judge.usage.line("relevance")
    assert "3 replies, 0 from the cache, 3 calls, 1 failed, 1 refused by the endpoint; " in line
    assert (
        "the first was refused because: the endpoint refused the request (status 400: The response was "
        in line
    )


def test_a_refused_prompt_is_sent_again_the_next_time_as_a_filter_may_change(tmp_path: Path) -> None:
    with store_in(tmp_path) as store, ModelServer(script=[FILTERED, judged(4)]) as server:
        assert ask(Judge(spec_of(server.url)), store=store)[0].status == "error"
        assert ask(Judge(spec_of(server.url)), store=store)[0].value == 4
        assert len(server.requests) == 2


def test_a_refusal_is_shared_by_all_that_wait_for_it(tmp_path: Path) -> None:
    with (
        store_in(tmp_path) as store,
        ModelServer(script=lambda _: Answer(status=400, error="no", delay=0.1)) as server,
    ):
        judge = Judge(spec_of(server.url, prompt="{{output}}"))
        ask(judge, ["same"] * 3, store=store, one_item=True)
        assert len(server.requests) == 1
    assert (judge.usage.refused, judge.usage.failed, judge.usage.from_cache) == (3, 0, 0)


def test_a_kept_reply_is_a_reply_whatever_its_error_says(tmp_path: Path) -> None:
    with store_in(tmp_path) as store, ModelServer(script=[Answer(refusal="No.")]) as server:
        ask(Judge(spec_of(server.url)), store=store)
        (kept,) = store.replies.all()
        store.replies.put(replace(kept, error="no reply: odd"))
        judge = Judge(spec_of(server.url))
        (found,) = ask(judge, store=store)
        assert len(server.requests) == 1
    assert (found.comment, found.votes[0].silence) == ("no reply: odd", None)
    assert (judge.usage.invalid, judge.usage.failed) == (1, 0)
