"""The stand-in model against the real client: what it answers, how it refuses, how it misbehaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pydantic
import pytest

from scoregate.scorers.judge import build_eval_messages, build_eval_score_schema, response_format
from tests.model_server.answers import Answer, Scripted, body, broken, failed, judged, page, refused, slow
from tests.model_server.misbehaviour import FAULTS, Misbehaving
from tests.model_server.server import ModelServer, Script

SCHEMA = build_eval_score_schema({"score": "0 to 10", "reasoning": "Why"}, minimum=0, maximum=10)
Serve = Callable[..., tuple[ModelServer, openai.OpenAI]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers with a script and make clients for them; all are closed afterwards."""
    opened: list[Any] = []

    def start(script: Script, *, retries: int = 0, timeout: float = 10) -> tuple[ModelServer, openai.OpenAI]:
        server = ModelServer(script=script).__enter__()
        client = openai.OpenAI(base_url=server.url, api_key="any", max_retries=retries, timeout=timeout)
        opened.append((server, client))
        return server, client

    yield start
    for server, client in opened:
        client.close()
        server.__exit__()


def ask(client: openai.OpenAI, prompt: str = "How relevant?", **more: Any) -> Any:
    more.setdefault("response_format", response_format(SCHEMA))
    messages: Any = build_eval_messages(prompt)
    return client.chat.completions.create(model="judge-1", messages=messages, **more)


def streamed(client: openai.OpenAI) -> tuple[str, str | None, Any]:
    """The text, the finish reason and the usage of a streamed completion."""
    text, finish, usage = "", None, None
    for chunk in ask(client, stream=True, stream_options={"include_usage": True}):
        for choice in chunk.choices:
            text += choice.delta.content or choice.delta.refusal or ""
            finish = choice.finish_reason or finish
        usage = chunk.usage or usage
    return text, finish, usage


def test_a_structured_output_call_is_answered_from_the_script_and_kept(serve: Serve) -> None:
    server, client = serve([judged(8, "Because.")])
    completion = ask(client, temperature=0)
    choice = completion.choices[0]
    assert choice.message.content == '{"reasoning": "Because.", "score": 8}'
    assert choice.finish_reason == "stop"
    assert completion.model == "judge-1"
    assert (
        completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens
    )
    (request,) = server.requests
    assert (request.prompt, request.model, request.schema) == ("How relevant?", "judge-1", SCHEMA)
    assert request.schema is not None
    assert list(request.schema["properties"]) == ["reasoning", "score"]
    assert request.body["temperature"] == 0
    assert request.headers["authorization"] == "Bearer any"


def test_the_clients_own_parsing_of_structured_outputs_works(serve: Serve) -> None:
    class Judgement(pydantic.BaseModel):
        reasoning: str
        score: float

    _, client = serve([judged(8), refused("No.")])
    form: Any = Judgement
    good = client.chat.completions.parse(
        model="m", messages=[{"role": "user", "content": "?"}], response_format=form
    )
    assert good.choices[0].message.parsed == Judgement(reasoning="It answers what was asked.", score=8)
    bad = client.chat.completions.parse(
        model="m", messages=[{"role": "user", "content": "?"}], response_format=form
    )
    assert (bad.choices[0].message.parsed, bad.choices[0].message.refusal) == (None, "No.")


def test_a_script_may_be_a_function_of_the_request(serve: Serve) -> None:
    _, client = serve(lambda request: judged(9 if "Paris" in request.prompt else 1))
    assert '"score": 9' in ask(client, "Is it Paris?").choices[0].message.content
    assert '"score": 1' in ask(client, "Is it Rome?").choices[0].message.content


def test_a_list_may_hold_texts_objects_and_functions_and_then_ends_with_400(serve: Serve) -> None:
    script: list[Any] = ["prose", {"score": 3}, lambda request: str(request.number)]
    _, client = serve(script)
    assert [ask(client).choices[0].message.content for _ in script] == ["prose", '{"score": 3}', "2"]
    with pytest.raises(openai.BadRequestError, match="no more answers"):
        ask(client)


def test_a_stream_brings_the_text_in_pieces_then_the_finish_and_the_usage(serve: Serve) -> None:
    server, client = serve([judged(8, "Said in many words, so that it takes pieces.")])
    text, finish, usage = streamed(client)
    assert text == '{"reasoning": "Said in many words, so that it takes pieces.", "score": 8}'
    assert finish == "stop"
    assert usage.completion_tokens > 0
    assert server.requests[0].stream


def test_a_streamed_refusal_comes_as_a_refusal(serve: Serve) -> None:
    _, client = serve([refused("I won't.")])
    assert streamed(client)[0] == "I won't."


def test_usage_is_as_scripted_or_left_out(serve: Serve) -> None:
    used = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    _, client = serve([judged(1, usage=used), judged(1, usage=None)])
    assert ask(client).usage.total_tokens == 12
    assert ask(client).usage is None


@pytest.mark.parametrize(
    ("answer", "error", "status"),
    [
        (failed(429), openai.RateLimitError, 429),
        (failed(500), openai.InternalServerError, 500),
        (failed(503), openai.InternalServerError, 503),
        (page("<html>Bad Gateway</html>", status=502), openai.InternalServerError, 502),
        (failed(401), openai.AuthenticationError, 401),
    ],
)
def test_an_error_status_reaches_the_client_as_its_error(
    serve: Serve, answer: Answer, error: type[openai.APIStatusError], status: int
) -> None:
    _, client = serve([answer])
    with pytest.raises(error) as caught:
        ask(client)
    assert caught.value.status_code == status


def test_a_retry_after_is_sent_and_the_client_keeps_to_it(serve: Serve) -> None:
    server, client = serve([failed(429, retry_after=0.3), judged(8)], retries=1)
    assert '"score": 8' in ask(client).choices[0].message.content
    first, second = server.requests
    assert second.at - first.at >= 0.3


def test_a_slow_answer_meets_the_clients_time_out_and_does_not_hold_up_the_end(serve: Serve) -> None:
    _, client = serve([slow(60)], timeout=0.2)
    with pytest.raises(openai.APITimeoutError):
        ask(client)


@pytest.mark.parametrize("cut", ["reset", "closed", "truncated"])
def test_a_broken_connection_is_a_connection_error(serve: Serve, cut: Any) -> None:
    _, client = serve([broken(cut)])
    with pytest.raises(openai.APIConnectionError):
        ask(client)


def test_a_truncated_stream_breaks_and_one_that_ends_early_has_no_finish(serve: Serve) -> None:
    _, client = serve([broken("truncated"), broken("ends_early")])
    with pytest.raises(openai.APIConnectionError):
        streamed(client)
    text, finish, _ = streamed(client)
    assert text
    assert finish is None


def test_a_page_comes_back_as_text_and_broken_json_as_an_error_that_is_not_the_clients(serve: Serve) -> None:
    _, client = serve([page("<html></html>"), Answer(raw=b'{"choices": ['), body([])])
    assert ask(client) == "<html></html>"
    with pytest.raises(ValueError, match="Expecting value"):
        ask(client)
    assert ask(client) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"messages": [{"role": "user", "content": "?", "type": "user"}]}, "'type' was unexpected"),
        ({"messages": []}, "Missing required parameter: 'messages'"),
        ({"messages": [{"role": "judge", "content": "?"}]}, "messages\\[0\\].role"),
        ({"response_format": {"type": "json"}}, "response_format.type"),
        (
            {"response_format": response_format({**SCHEMA, "additionalProperties": True})},
            "additionalProperties",
        ),
        ({"response_format": response_format({**SCHEMA, "required": ["score"]})}, "'required' is required"),
        ({"response_format": response_format({"type": "array"})}, "must have type 'object'"),
    ],
)
def test_a_request_the_api_would_refuse_is_refused(serve: Serve, given: dict[str, Any], message: str) -> None:
    _, client = serve([judged(8)])
    request: dict[str, Any] = {"model": "m", "messages": build_eval_messages("?")}
    with pytest.raises(openai.BadRequestError, match=message):
        client.chat.completions.create(**(request | given))


def test_another_path_is_404_and_is_kept_among_the_requests(serve: Serve) -> None:
    server, client = serve([judged(8)])
    with pytest.raises(openai.NotFoundError):
        client.models.list()
    assert [request.path for request in server.requests] == ["/v1/models"]


def test_a_server_that_begins_again_has_another_script_and_has_been_asked_nothing(serve: Serve) -> None:
    server, client = serve([judged(8)])
    ask(client)
    begun, url = server.requests, server.url
    server.begin_again(script=[judged(3)])
    assert (server.url, server.requests, server.most_at_once) == (url, [], 0)
    assert '"score": 3' in ask(client).choices[0].message.content
    assert (len(begun), len(server.requests)) == (1, 1)


def test_how_many_requests_were_in_work_at_once_is_counted(serve: Serve) -> None:
    server, client = serve(lambda request: slow(0.1, judged(8)))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: ask(client), range(8)))
    assert 1 < server.most_at_once <= 4
    assert len(server.requests) == 8


def test_a_misbehaving_script_meets_every_fault_and_behaves_otherwise(serve: Serve) -> None:
    def behaved(request: Any) -> Scripted:
        return judged(8)

    faults = {name: fault for name, fault in FAULTS.items() if name != "slow"}
    script = Misbehaving(behaved, share=0.5, faults=faults, seed=1)
    server, client = serve(script)
    good = 0
    for _ in range(120):
        try:
            good += "score" in ask(client).choices[0].message.content
        except (openai.OpenAIError, ValueError):
            continue
    assert script.met.keys() == faults.keys()
    assert good + script.met.total() == len(server.requests) == 120


def test_a_stopped_server_refuses_connections_at_once() -> None:
    with ModelServer() as server:
        url = server.url
    client = openai.OpenAI(base_url=url, api_key="any", max_retries=0)
    began = time.monotonic()
    with pytest.raises(openai.APIConnectionError):
        ask(client)
    assert time.monotonic() - began < 10
    client.close()
