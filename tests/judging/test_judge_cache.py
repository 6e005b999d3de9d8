"""The replies that are kept: the same question is asked once, and whatever can change the reply is another question."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scoregate.errors import ResultsError
from scoregate.judging.cache import ReplyCache
from scoregate.judging.exchange import read_replies, write_replies
from scoregate.judging.judge import Judge
from tests.judging.judges import GRADE, KEY, YES_NO, ask, item, spec_of, store_in
from tests.model_server.answers import Answer, failed, judged, refused, slow
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer


def test_an_unchanged_judge_is_not_asked_again(tmp_path: Path) -> None:
    with (
        store_in(tmp_path) as store,
        ModelServer(script=lambda request: judged(len(request.prompt) % 10)) as server,
    ):
        first = ask(Judge(spec_of(server.url)), ["a", "bb"], store=store)
        again = Judge(spec_of(server.url))
        assert ask(again, ["a", "bb"], store=store) == first
        assert len(server.requests) == 2
    assert again.usage.line("relevance") == "judge relevance: 2 replies, 2 from the cache, 0 calls"


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "Q: {{input}}\nAnswer: {{output}}"},
        {"model": "another"},
        {"parameters": {"temperature": 1}},
        {"contract": replace(GRADE, max=5)},
        {"contract": replace(GRADE, rubric="v2")},
        {"contract": replace(GRADE, description="Other words.")},
    ],
    ids=["prompt", "model", "parameters", "range", "rubric", "description"],
)
def test_a_changed_judge_is_asked_anew_and_is_another_scorer(tmp_path: Path, change: dict[str, Any]) -> None:
    with store_in(tmp_path) as store, ModelServer() as server:
        before, after = Judge(spec_of(server.url)), Judge(spec_of(server.url, **change))
        ask(before, store=store)
        ask(after, store=store)
        assert len(server.requests) == 2
    assert before.version != after.version
    assert before.version.startswith("judge ")


def test_another_endpoint_is_another_judge(tmp_path: Path) -> None:
    with store_in(tmp_path) as store, ModelServer() as one, ModelServer() as other:
        ask(Judge(spec_of(one.url)), store=store)
        ask(Judge(spec_of(other.url)), store=store)
        assert (len(one.requests), len(other.requests)) == (1, 1)


def test_trials_and_votes_never_share_a_reply(tmp_path: Path) -> None:
    with store_in(tmp_path) as store, ModelServer(script=lambda _: judged(True)) as server:
        spec = spec_of(server.url, contract=YES_NO, votes=3, rule="majority")
        ask(Judge(spec), trials=[0, 1], store=store)
        assert len(server.requests) == 6
        assert len({reply.key for reply in store.replies.all()}) == 6


def test_more_votes_keep_those_that_there_are(tmp_path: Path) -> None:
    with store_in(tmp_path) as store, ModelServer() as server:
        ask(Judge(spec_of(server.url)), store=store)
        more = Judge(spec_of(server.url, votes=3, rule="median"))
        ask(more, store=store)
        assert len(server.requests) == 3
        assert more.usage.from_cache == 1


def test_every_item_has_a_reply_of_its_own(tmp_path: Path) -> None:
    with store_in(tmp_path) as store, ModelServer(script=lambda _: judged(6)) as server:
        judge = Judge(spec_of(server.url, prompt="{{output}}"))
        ask(judge, ["I do not know."] * 5, store=store)
        assert len(server.requests) == 5
        ask(judge, ["I do not know."] * 5, store=store)
        assert len(server.requests) == 5


def test_votes_differ_only_where_there_are_some() -> None:
    with ModelServer(script=lambda _: failed(500, "down")) as server:
        judge = Judge(spec_of(server.url, votes=3, rule="median"), retries=0)
        ask(judge)
    assert judge.usage.disagreed == 0
    assert judge.usage.line("relevance").endswith("3 failed; the first failed because: status 500: down")


def test_one_question_at_the_same_time_is_asked_once(tmp_path: Path) -> None:
    with store_in(tmp_path) as store, ModelServer(script=lambda _: slow(0.1, judged(6))) as server:
        judge = Judge(spec_of(server.url, prompt="{{output}}"))
        assert {one.value for one in ask(judge, ["same"] * 5, store=store, one_item=True)} == {6}
        assert len(server.requests) == 1
    assert (judge.usage.replies, judge.usage.from_cache) == (5, 4)


@pytest.mark.parametrize(
    ("answer", "reason", "counts"),
    [
        (failed(500, "down"), "no reply: status 500: down", (5, 0, 0)),
        (refused("No."), 'invalid reply: the model refused: "No."', (0, 5, 4)),
    ],
    ids=["no reply", "invalid"],
)
def test_a_failure_is_shared_by_all_that_wait_for_it(
    tmp_path: Path, answer: Answer, reason: str, counts: tuple[int, int, int]
) -> None:
    with store_in(tmp_path) as store, ModelServer(script=lambda _: slow(0.1, answer)) as server:
        judge = Judge(spec_of(server.url, prompt="{{output}}"), retries=0)
        assert {one.comment for one in ask(judge, ["same"] * 5, store=store, one_item=True)} == {reason}
        assert len(server.requests) == 1
    assert (judge.usage.failed, judge.usage.invalid, judge.usage.from_cache) == counts


def test_whoever_waits_asks_itself_where_the_first_is_stopped(tmp_path: Path) -> None:
    async def session(judge: Judge, server: ModelServer) -> list[object]:
        judge.begin(concurrency=2)
        first, second = (asyncio.ensure_future(judge.judge(item(), "same")) for _ in range(2))
        while not server.requests:
            await asyncio.sleep(0.01)
        first.cancel()
        values = [
            one if isinstance(one, BaseException) else one.value
            for one in await asyncio.gather(first, second, return_exceptions=True)
        ]
        await judge.close()
        return list(values)

    with store_in(tmp_path) as store, ModelServer(script=[slow(5), judged(6)]) as server:
        judge = Judge(spec_of(server.url))
        judge.cache = ReplyCache(store)
        stopped, value = asyncio.run(session(judge, server))
    assert isinstance(stopped, asyncio.CancelledError)
    assert value == 6


@pytest.mark.parametrize("count", [10**19, 10**400, -5])
def test_an_impossible_count_of_tokens_is_no_count(tmp_path: Path, count: int) -> None:
    from scoregate.judging.spec import Price

    usage = {"prompt_tokens": count, "completion_tokens": 1}
    with store_in(tmp_path) as store, ModelServer(script=lambda _: judged(3, usage=usage)) as server:
        judge = Judge(spec_of(server.url, price=Price(1.0, 10.0)))
        assert ask(judge, store=store)[0].value == 3
        (kept,) = store.replies.all()
    assert (kept.tokens_input, kept.tokens_output, kept.cost_usd) == (None, None, None)


def test_without_the_cache_a_fresh_reply_takes_the_place_of_the_kept_one(tmp_path: Path) -> None:
    with store_in(tmp_path) as store, ModelServer(script=[judged(1), judged(2)]) as server:
        ask(Judge(spec_of(server.url)), store=store)
        assert ask(Judge(spec_of(server.url)), store=store, read=False)[0].value == 2
        assert ask(Judge(spec_of(server.url)), store=store)[0].value == 2


def test_an_invalid_reply_is_final_for_its_prompt(tmp_path: Path) -> None:
    with store_in(tmp_path) as store, ModelServer(script=[refused("No.")]) as server:
        first = ask(Judge(spec_of(server.url)), store=store)
        again = Judge(spec_of(server.url))
        assert ask(again, store=store) == first
        assert (again.usage.invalid, again.usage.calls) == (1, 0)


def test_a_call_that_failed_is_made_again_the_next_time(tmp_path: Path) -> None:
    with store_in(tmp_path) as store, ModelServer(script=[failed(500), judged(4)]) as server:
        assert ask(Judge(spec_of(server.url), retries=0), store=store)[0].status == "error"
        assert ask(Judge(spec_of(server.url), retries=0), store=store)[0].value == 4


def test_tokens_and_cost_of_all_its_calls_are_kept_with_a_reply(tmp_path: Path) -> None:
    from scoregate.judging.spec import Price

    usage = {"prompt_tokens": 1000, "completion_tokens": 100}
    script = [Answer(content="prose", usage=usage), judged(3, usage=usage)]
    with store_in(tmp_path) as store, ModelServer(script=script) as server:
        judge = Judge(spec_of(server.url, price=Price(1.0, 10.0)))
        ask(judge, store=store)
        (kept,) = store.replies.all()
    assert (kept.calls, kept.tokens_input, kept.tokens_output) == (2, 2000, 200)
    assert kept.cost_usd == pytest.approx(0.004)
    assert judge.usage.cost_usd == pytest.approx(0.004)


def test_replies_go_from_store_to_store_as_a_file(tmp_path: Path) -> None:
    def script(request: ModelRequest) -> Answer:
        return refused() if "bad" in request.prompt else judged(7, "fine – ö")

    file = tmp_path / "replies.jsonl"
    (tmp_path / "other").mkdir()
    with ModelServer(script=script) as server:
        with store_in(tmp_path) as store:
            first = ask(Judge(spec_of(server.url)), ["good", "bad"], store=store)
            assert write_replies(store.replies.all(), file) == 2
        with store_in(tmp_path / "other") as other:
            assert other.replies.add(read_replies(file)) == 2
            assert other.replies.add(read_replies(file)) == 0
            assert ask(Judge(spec_of(server.url)), ["good", "bad"], store=other) == first
        assert len(server.requests) == 2
    assert KEY not in file.read_text()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "replies.jsonl:2: no JSON: "),
        ('{"kind": "score"}', 'replies.jsonl:2: no line of kind "judge_reply"'),
        ('{"kind": "judge_reply"}', "replies.jsonl:2: 'key' is null"),
    ],
)
def test_a_file_that_holds_no_replies_is_refused(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "replies.jsonl"
    path.write_text(f"\n{line}\n")
    with pytest.raises(ResultsError) as caught:
        read_replies(path)
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(message)


def test_the_key_is_not_in_the_store(tmp_path: Path) -> None:
    with store_in(tmp_path) as store, ModelServer(script=lambda _: judged(1)) as server:
        ask(Judge(spec_of(server.url)), ["a", "b"], store=store)
    for path in tmp_path.glob("store.sqlite3*"):
        assert KEY.encode() not in path.read_bytes()
