"""What becomes of a judge's calls: replies, repairs, faults below the reply, limits. Real HTTP, real client."""

from __future__ import annotations

import asyncio
import json
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scoregate.errors import ConfigError
from scoregate.judging.judge import Judge
from tests.judging.judges import GRADE, KEY, YES_NO, ask, item, spec_of
from tests.model_server.answers import Answer, body, broken, failed, judged, page, refused, slow
from tests.model_server.malformed import MALFORMED, malformed_replies
from tests.model_server.misbehaviour import FAULTS, Misbehaving
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer


def test_a_good_reply_is_a_score_with_its_reasoning() -> None:
    with ModelServer(script=[judged(8, "It answers the question.")]) as server:
        judgement = ask(Judge(spec_of(server.url)))[0]
    assert (judgement.value, judgement.status, judgement.comment) == (8, "ok", "It answers the question.")


def test_the_request_carries_prompt_parameters_and_schema() -> None:
    with ModelServer() as server:
        ask(Judge(spec_of(server.url, parameters={"temperature": 0, "seed": 7})))
        request = server.requests[0]
    assert request.prompt == "Question: question 0\nAnswer: an answer"
    assert (request.model, request.body["temperature"], request.body["seed"]) == ("stand-in", 0, 7)
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.schema is not None
    assert list(request.schema["properties"]) == ["reasoning", "score"]
    assert request.schema["properties"]["score"]["maximum"] == 10


def test_a_bad_reply_is_sent_back_with_what_is_wrong() -> None:
    with ModelServer(script=['{"reasoning": "x", "score": "8"}', judged(8)]) as server:
        judge = Judge(spec_of(server.url))
        judgement = ask(judge)[0]
        first, second = server.requests
    assert judgement.value == 8
    assert [message["role"] for message in second.messages] == ["user", "assistant", "user"]
    assert second.messages[0] == first.messages[0]
    assert second.messages[1]["content"] == '{"reasoning": "x", "score": "8"}'
    assert 'the score is the text "8", not a number' in second.last
    assert (judge.usage.calls, judge.usage.repaired, judge.usage.invalid) == (2, 1, 0)


def test_after_two_repairs_a_bad_reply_is_an_error_and_no_number() -> None:
    with ModelServer(script=[judged(11), "8", judged(float("nan"))]) as server:
        judge = Judge(spec_of(server.url))
        judgement = ask(judge)[0]
        assert len(server.requests) == 3
    assert (judgement.value, judgement.status) == (None, "error")
    assert judgement.comment.startswith("invalid reply: ")
    assert judgement.comment.endswith("(after 2 repairs)")
    assert judge.usage.invalid == 1


@pytest.mark.parametrize(
    ("answer", "reason", "calls"),
    [
        (refused("I will not."), 'the model refused: "I will not."', 1),
        (judged(8, finish_reason="content_filter"), "the provider's content filter withheld the reply", 1),
        (judged(8, finish_reason="length"), "the reply is cut off: the model met its limit of tokens", 3),
    ],
)
def test_refusal_filter_and_cut_off_are_each_named(answer: Answer, reason: str, calls: int) -> None:
    with ModelServer(script=lambda _: answer) as server:
        judgement = ask(Judge(spec_of(server.url)))[0]
        assert len(server.requests) == calls
    assert judgement.value is None
    assert reason in judgement.comment


@pytest.mark.parametrize(
    "fault",
    [
        failed(429, "slow down", retry_after=0.05),
        failed(500),
        failed(503),
        broken("reset"),
        broken("closed"),
        broken("truncated"),
        page(),
        page(status=502),
        Answer(choices=[]),
        Answer(raw=b"null"),
        Answer(raw=b"\xff\xfe"),
    ],
    ids=lambda fault: f"{fault.status}-{fault.cut or fault.raw or fault.error}"[:30],
)
def test_what_fails_in_passing_is_called_again(fault: Answer) -> None:
    with ModelServer(script=[fault, judged(3)]) as server:
        judge = Judge(spec_of(server.url))
        assert ask(judge)[0].value == 3
    assert (judge.usage.calls, judge.usage.failed) == (2, 0)


def test_what_fails_again_and_again_is_an_error_with_its_reason() -> None:
    with ModelServer(script=lambda _: failed(500, "out of order")) as server:
        judge = Judge(spec_of(server.url), retries=1)
        judgement = ask(judge)[0]
    assert judgement.comment == "no reply: status 500: out of order, after 2 attempts"
    assert judge.usage.failed == 1


def test_a_rate_limit_is_waited_for_beyond_the_retries_of_a_call() -> None:
    with ModelServer(script=[*[failed(429, "slow down")] * 4, judged(3)]) as server:
        judge = Judge(spec_of(server.url), retries=1)
        assert ask(judge)[0].value == 3
    assert (judge.usage.calls, judge.usage.rate_limited, judge.usage.failed) == (5, 4, 0)


def test_a_call_that_takes_too_long_is_an_error() -> None:
    with ModelServer(script=lambda _: slow(30)) as server:
        judgement = ask(Judge(spec_of(server.url), timeout_seconds=0.2, retries=0))[0]
    assert judgement.comment == "no reply: timed out after 0.2 s"


def test_a_server_that_is_not_there_is_an_error() -> None:
    judgement = ask(Judge(spec_of("http://127.0.0.1:9/v1"), retries=0))[0]
    assert judgement.comment.startswith("no reply: the connection failed: ")


def test_retry_after_holds_up_every_call_of_the_judge() -> None:
    with ModelServer(script=[failed(429, retry_after=0.4), *[judged(1)] * 6]) as server:
        judge = Judge(spec_of(server.url))
        assert {one.value for one in ask(judge, ["a", "b", "c"], trials=[0, 1], concurrency=1)} == {1}
        first, *later = server.requests
    assert min(request.at for request in later) - first.at >= 0.4
    assert judge.usage.rate_limited == 1


def test_no_more_calls_at_once_than_allowed() -> None:
    with ModelServer(script=lambda _: slow(0.02)) as server:
        ask(Judge(spec_of(server.url)), [f"answer {n}" for n in range(12)], concurrency=3)
        assert server.most_at_once == 3


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (failed(401, "bad key"), "the endpoint refused the key in JUDGE_KEY (status 401: bad key)"),
        (
            failed(404, "no such model"),
            "the endpoint knows no such model or path (status 404: no such model)",
        ),
        (
            failed(400, "Unknown parameter: 'response_format'"),
            "stand-in at this endpoint does not take structured outputs (status 400: Unknown parameter: "
            "'response_format'); take a model that supports response_format = json_schema",
        ),
    ],
)
def test_what_is_the_same_for_all_is_asked_once(answer: Answer, reason: str) -> None:
    with ModelServer(script=lambda _: answer) as server:
        judgements = ask(Judge(spec_of(server.url)), ["a", "b", "c"], concurrency=1)
        assert len(server.requests) == 1
    assert {one.comment for one in judgements} == {f"no reply: {reason}"}


def _unsupported(message: str, **named: Any) -> Answer:
    return body({"error": {"message": message, "type": "invalid_request_error", **named}}, status=400)


@pytest.mark.parametrize(
    "answer",
    [
        _unsupported("this model takes no temperature of 0", param="temperature", code="unsupported_value"),
        _unsupported("no", param="body.temperature"),
        _unsupported("Unsupported parameter: 'temperature' is not supported with this model."),
        _unsupported("`temperature` and `top_p` cannot both be specified; temperature is deprecated"),
        _unsupported("temperature: Input should be less than or equal to 1"),
    ],
)
def test_a_setting_that_is_refused_is_asked_once_however_many_ask(answer: Answer) -> None:
    settings = {"user": "gate", "temperature": 0}
    with ModelServer(script=lambda _: answer) as server:
        judgements = ask(Judge(spec_of(server.url, parameters=settings)), list("abcdefgh"), concurrency=8)
        assert len(server.requests) == 1
    (comment,) = {one.comment for one in judgements}
    assert "does not take the setting 'temperature' as it is (status 400: " in comment


@pytest.mark.parametrize(
    "message",
    [
        "the prompt is not allowed: it talks about a user and the weather",
        "max_tokens is too large: maximum context length is 8192 tokens, 9000 input tokens are not supported",
        "temperature is nice",
    ],
)
def test_what_an_endpoint_has_against_a_prompt_stops_no_other(message: str) -> None:
    settings = {"user": "gate", "max_tokens": 300, "temperature": 0}

    def script(request: ModelRequest) -> Answer:
        return _unsupported(message) if "bad" in request.prompt else judged(5)

    with ModelServer(script=script) as server:
        judgements = ask(Judge(spec_of(server.url, parameters=settings)), ["bad", "good"], concurrency=1)
    assert [one.value for one in judgements] == [None, 5]


def test_the_first_call_goes_ahead_of_the_others_but_holds_them_up_for_a_moment_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def script(request: ModelRequest) -> Answer:
        return slow(1.0, judged(5)) if "first" in request.prompt else judged(5)

    for seconds, at_once in ((5.0, 1), (0.1, 2)):
        monkeypatch.setattr("scoregate.judging.calling._FIRST_ALONE_SECONDS", seconds)
        with ModelServer(script=script) as server:
            judge = Judge(spec_of(server.url, parameters={"seed": 1}))
            assert [one.value for one in ask(judge, ["first", "second"])] == [5, 5]
            assert server.most_at_once == at_once


def test_a_request_that_is_refused_is_an_error_of_its_item_alone() -> None:
    def script(request: ModelRequest) -> Answer:
        return failed(400, "the prompt is too long") if "long" in request.prompt else judged(5)

    with ModelServer(script=script) as server:
        judgements = ask(Judge(spec_of(server.url)), ["long", "short"], concurrency=1)
        assert len(server.requests) == 2
    assert judgements[0].comment == (
        "no reply: the endpoint refused the request (status 400: the prompt is too long)"
    )
    assert judgements[1].value == 5


@pytest.mark.parametrize(
    "answer", [failed(403, "flagged"), failed(404), failed(400, "no json_schema, please")]
)
def test_what_one_item_alone_meets_stops_no_other(answer: Answer) -> None:
    def script(request: ModelRequest) -> Answer:
        return answer if "bad" in request.prompt else judged(5)

    with ModelServer(script=script) as server:
        judgements = ask(Judge(spec_of(server.url)), ["good", "bad", "fine", "well"], concurrency=1)
        assert len(server.requests) == 4
    assert [one.value for one in judgements] == [5, None, 5, 5]
    assert judgements[1].comment.startswith("no reply: the endpoint refused the request (status 40")


def test_a_success_disproves_that_it_is_the_same_for_all() -> None:
    def script(request: ModelRequest) -> Answer:
        return failed(403, "flagged") if "bad" in request.prompt else slow(0.3, judged(5))

    async def session(judge: Judge) -> list[object]:
        judge.begin(concurrency=2)
        try:
            side_by_side = await asyncio.gather(*(judge.judge(item(), output) for output in ("bad", "good")))
            return [one.value for one in (*side_by_side, await judge.judge(item(), "later"))]
        finally:
            await judge.close()

    with ModelServer(script=script) as server:
        assert asyncio.run(session(Judge(spec_of(server.url)))) == [None, 5, 5]


@pytest.mark.parametrize(
    ("named", "requests"),
    [
        ({"param": "messages[0].content", "code": None}, 2),
        ({"param": None, "code": "content_filter"}, 2),
        ({"param": "response_format", "code": None}, 1),
        ({"param": None, "code": None}, 1),
    ],
)
def test_what_the_endpoint_names_counts_more_than_its_words(named: dict[str, Any], requests: int) -> None:
    error = {"error": {"message": "refused: what is a json_schema?", **named}}
    with ModelServer(script=lambda _: body(error, status=400)) as server:
        ask(Judge(spec_of(server.url)), ["a", "b"], concurrency=1)
        assert len(server.requests) == requests


def test_half_a_surrogate_pair_is_a_bad_reply_that_is_sent_back() -> None:
    with ModelServer(script=[Answer(content="x\ud800y"), judged(5)]) as server:
        assert ask(Judge(spec_of(server.url)))[0].value == 5
        assert server.requests[1].messages[1]["content"] == "x\\ud800y"


def test_a_number_that_nobody_can_store_is_sent_back() -> None:
    contract = replace(GRADE, min=None, max=None)
    with ModelServer(script=[judged(1e300), judged(2**64), judged(2.5)]) as server:
        assert ask(Judge(spec_of(server.url, contract=contract)))[0].value == 2.5
        assert "is too large a number for a score" in server.requests[1].last


def test_what_breaks_a_call_in_any_other_way_is_an_error_with_its_name() -> None:
    with ModelServer() as server:
        judgement = ask(Judge(spec_of(server.url, parameters={"user": "\ud800"})))[0]
        assert server.requests == []
    assert judgement.comment.startswith("no reply: the call failed: UnicodeEncodeError: ")


def test_an_answer_that_is_nested_without_end_is_an_error_of_its_item_alone() -> None:
    reply = json.dumps({"choices": [{"finish_reason": "stop", "message": {"content": "{}"}}]})
    deep = Answer(raw=f'{reply[:-1]}, "usage": {"[" * 100_000}{"]" * 100_000}}}'.encode())

    def script(request: ModelRequest) -> Answer:
        return deep if "bad" in request.prompt else judged(5)

    with ModelServer(script=script) as server:
        judgements = ask(Judge(spec_of(server.url), retries=0), ["bad", "good"], concurrency=1)
    assert [(one.value, one.status) for one in judgements] == [(None, "error"), (5, "ok")]


@pytest.mark.parametrize("before", range(170, 201, 5))
def test_no_part_of_the_key_is_in_an_error_that_is_cut(before: int) -> None:
    message = f"{'x' * before}{KEY}"
    for answer in (failed(401, message), body({"error": {"message": message}}), refused(message)):
        with ModelServer(script=[answer]) as server:
            judgement = ask(Judge(spec_of(server.url), retries=0))[0]
        assert judgement.status == "error"
        assert KEY[:4] not in judgement.comment


def test_a_text_in_place_of_a_key_leaves_replies_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", "score")
    with ModelServer(script=[judged(5, "The score is fair.")]) as server:
        judgement = ask(Judge(spec_of(server.url)))[0]
    assert (judgement.value, judgement.comment) == (5, "The score is fair.")


def test_the_key_is_in_no_error() -> None:
    with ModelServer(script=lambda _: failed(401, f"Incorrect API key provided: {KEY}.")) as server:
        judgement = ask(Judge(spec_of(server.url)))[0]
    assert KEY not in judgement.comment
    assert "***" in judgement.comment


def test_without_the_key_nothing_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUDGE_KEY")
    with ModelServer() as server:
        with pytest.raises(ConfigError, match="the environment variable JUDGE_KEY is not set"):
            Judge(spec_of(server.url)).check_ready()
        assert server.requests == []


def test_the_key_may_stand_in_the_projects_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OTHER=1\nJUDGE_KEY='sk-of-the-file'\n")
    for in_environment, sent in (("sk-of-the-environment", "sk-of-the-environment"), ("", "sk-of-the-file")):
        monkeypatch.setenv("JUDGE_KEY", in_environment)
        with ModelServer() as server:
            assert ask(Judge(spec_of(server.url, root=tmp_path)))[0].status == "ok"
            assert server.requests[0].headers["authorization"] == f"Bearer {sent}"
    assert "OTHER" not in os.environ


def test_a_key_with_a_line_break_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", "sk-one\nsk-two")
    with pytest.raises(ConfigError) as caught:
        Judge(spec_of("http://127.0.0.1:9/v1")).check_ready()
    assert "sk-one" not in str(caught.value)


def test_an_output_without_the_prompts_variable_costs_no_call() -> None:
    with ModelServer() as server:
        judge = Judge(spec_of(server.url, prompt="{{output.answer}}"))
        judgement = ask(judge, [{"text": "x"}])[0]
        assert server.requests == []
    assert (judgement.status, judge.usage.replies) == ("error", 0)
    assert "{{output.answer}} is missing" in judgement.comment


def test_a_boolean_judge_takes_true_and_not_one() -> None:
    with ModelServer(script=[judged(1), judged(True)]) as server:
        judgement = ask(Judge(spec_of(server.url, contract=YES_NO)))[0]
    assert judgement.value is True


def test_a_judge_may_begin_again_on_another_loop() -> None:
    with ModelServer() as server:
        judge = Judge(spec_of(server.url))
        assert [ask(judge)[0].value, ask(judge)[0].value] == [1, 1]


def test_whatever_the_model_does_each_answer_ends_as_a_score_or_an_error() -> None:
    behaved = 0.25 * random.Random(0).random() + 0.5
    script = Misbehaving(
        lambda _: judged(behaved),
        share=0.8,
        faults={**{k: v for k, v in FAULTS.items() if k != "slow"}, **MALFORMED},
        seed=5,
    )
    outputs = [f"answer {number}" for number in range(150)]
    with ModelServer(script=script) as server:
        judge = Judge(spec_of(server.url), timeout_seconds=10, retries=0)
        judgements = ask(judge, outputs, concurrency=16)
    assert len(judgements) == len(outputs)
    assert {one.value for one in judgements if one.status == "ok"} == {behaved}
    assert all(one.value is None and one.comment for one in judgements if one.status == "error")
    assert len(script.met) >= 25
    assert judge.usage.replies == len(outputs)
    assert judge.usage.invalid + judge.usage.failed == sum(one.status == "error" for one in judgements)
    assert KEY not in json.dumps([one.comment for one in judgements])


def test_no_malformed_reply_becomes_a_number() -> None:
    bad = malformed_replies(2 * len(MALFORMED))

    def script(request: ModelRequest) -> Answer:
        return bad[int(request.prompt.rpartition(" ")[2])][1]

    with ModelServer(script=script) as server:
        judge = Judge(spec_of(server.url), timeout_seconds=10, retries=0)
        judgements = ask(judge, [f"answer {number}" for number in range(len(bad))], concurrency=16)
    assert len({kind for kind, _ in bad}) >= 25
    assert [one.status for one in judgements] == ["error"] * len(bad)
    assert all(one.value is None and one.comment for one in judgements)
    assert judge.usage.invalid + judge.usage.failed == len(bad)


def test_a_redirect_is_not_followed() -> None:
    with ModelServer() as elsewhere:
        away = Answer(status=307, raw=b"", headers={"Location": f"{elsewhere.url}/chat/completions"})
        with ModelServer(script=lambda _: away) as server:
            (found,) = ask(Judge(spec_of(server.url)))
        assert elsewhere.requests == []
    assert (
        "the endpoint redirects (status 307), and redirects are not followed: name the final URL"
        in found.comment
    )


FENCED = [
    f"```json\n{json.dumps({'reasoning': 'x', 'score': 8})}\n```",
    '~~~\n{"reasoning": "x", "score": 8}\n~~~',
]


@pytest.mark.parametrize("reply", FENCED)
def test_a_lone_code_fence_is_refused_with_the_setting_that_allows_it(reply: str) -> None:
    with ModelServer(script=lambda _: Answer(content=reply)) as server:
        judgement = ask(Judge(spec_of(server.url)))[0]
        assert len(server.requests) == 3
        assert "fence =" not in server.requests[1].last
    assert judgement.value is None
    assert judgement.comment.endswith("""; fence = "allow" in the judge's table reads such replies""")


@pytest.mark.parametrize("reply", FENCED)
def test_a_lone_code_fence_is_read_and_counted_where_it_is_allowed(reply: str) -> None:
    with ModelServer(script=lambda _: Answer(content=reply)) as server:
        judge = Judge(spec_of(server.url, fence="allow"))
        assert ask(judge)[0].value == 8
        assert len(server.requests) == 1
    assert (judge.usage.fenced, judge.usage.invalid) == (1, 0)
    assert "1 call, 1 in a code fence" in judge.usage.line("relevance")
    assert judge.version != Judge(spec_of(server.url)).version


@pytest.mark.parametrize(
    "reply",
    [
        f"Here it is:\n{FENCED[0]}",
        f"{FENCED[0]}\n{FENCED[0]}",
        '```json\n{"reasoning": "x", "score": "8"}\n```',
        '```json\n[{"reasoning": "x", "score": 8}]\n```',
        '```json\n{"reasoning": "x", "score": 8}',
        '```python\n{"reasoning": "x", "score": 8}\n```',
    ],
)
def test_an_allowed_code_fence_holds_one_valid_object_and_stands_alone(reply: str) -> None:
    with ModelServer(script=lambda _: Answer(content=reply)) as server:
        judge = Judge(spec_of(server.url, fence="allow"))
        assert ask(judge)[0].value is None
    assert (judge.usage.fenced, judge.usage.invalid) == (0, 1)
