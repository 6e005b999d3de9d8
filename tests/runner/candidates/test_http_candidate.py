from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from scoregate.errors import ConfigError
from scoregate.gate_file import CandidateSpec
from scoregate.records import JSON, DatasetItem, Tokens
from scoregate.runner.candidates import Answer, Candidate, CandidateError, TransientError, build_candidate

ROOT = Path(__file__).parent


@dataclass
class Service:
    """A real HTTP server on loopback that gives one set reply and keeps what it was asked."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    asked: list[tuple[Message, bytes]] = field(default_factory=list)
    meet: threading.Barrier | None = None
    """Where set, no request is answered before this many have come in."""


@pytest.fixture
def service() -> Iterator[Service]:
    told = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.asked.append((self.headers, body))
            if told.meet is not None:
                told.meet.wait(timeout=10)
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, *arguments: object) -> None: ...

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}/ask"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    yield told
    server.shutdown()
    server.server_close()
    thread.join()


def http(url: str, *, answer: str | None = None, headers: dict[str, str] | None = None) -> Candidate:
    return build_candidate(
        CandidateSpec(http=url, answer=answer, headers=headers or {}), root=ROOT, timeout=5
    )


def ask(candidate: Candidate, item: DatasetItem, trial: int = 0) -> Answer:
    async def run() -> Answer:
        assert candidate.close is not None
        try:
            answer = await candidate.call(item, trial)
        finally:
            await candidate.close()
        assert isinstance(answer, Answer)
        return answer

    return asyncio.run(run())


def failure(candidate: Candidate, item: DatasetItem) -> CandidateError:
    with pytest.raises(CandidateError) as caught:
        ask(candidate, item)
    return caught.value


def test_the_question_is_posted_without_the_expected_output(service: Service, item: DatasetItem) -> None:
    ask(http(service.url), item, trial=1)
    headers, body = service.asked[0]
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {
        "id": "order-1",
        "input": {"question": "Where is it? ü"},
        "metadata": {"intent": "shipping"},
        "trial": 1,
    }


def test_without_a_path_the_whole_reply_is_the_output(service: Service, item: DatasetItem) -> None:
    service.body = b'{"output": 1, "more": 2}'
    assert ask(http(service.url), item).output == {"output": 1, "more": 2}


def test_the_answer_is_found_by_its_path(service: Service, item: DatasetItem) -> None:
    service.body = b'{"choices": [{"text": "on its way"}]}'
    assert ask(http(service.url, answer="choices.0.text"), item) == Answer("on its way")


def test_cost_and_tokens_of_the_reply_are_taken(service: Service, item: DatasetItem) -> None:
    service.body = b'{"answer": "a", "cost_usd": 0.5, "tokens": {"input": 3, "output": 4}}'
    assert ask(http(service.url, answer="answer"), item) == Answer("a", 0.5, Tokens(3, 4))


def test_tokens_of_the_endpoint_s_own_shape_are_left_alone(service: Service, item: DatasetItem) -> None:
    service.body = b'{"answer": "a", "tokens": ["on", "its", "way"]}'
    assert ask(http(service.url, answer="answer"), item) == Answer("a")


def test_headers_are_sent_with_their_variables_filled_in(
    service: Service, item: DatasetItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_TOKEN", "s3cret")
    ask(http(service.url, headers={"Authorization": "Bearer ${AGENT_TOKEN}", "accept": "text/plain"}), item)
    headers, _ = service.asked[0]
    assert headers["Authorization"] == "Bearer s3cret"
    assert headers.get_all("Accept") == ["text/plain"]


def test_a_variable_may_stand_in_the_projects_env_file(
    service: Service, item: DatasetItem, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("AGENT_TOKEN=filed\n")
    spec = CandidateSpec(http=service.url, headers={"Authorization": "Bearer ${AGENT_TOKEN}"})
    for in_environment, sent in (("", "filed"), ("set", "set")):
        monkeypatch.setenv("AGENT_TOKEN", in_environment)
        ask(build_candidate(spec, root=tmp_path, timeout=None), item)
        assert service.asked[-1][0]["Authorization"] == f"Bearer {sent}"


@pytest.mark.parametrize(("value", "state"), [(None, "not set"), ("", "empty")])
def test_a_variable_without_a_value_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str | None, state: str
) -> None:
    monkeypatch.delenv("AGENT_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("AGENT_TOKEN", value)
    with pytest.raises(ConfigError, match=f"'Authorization' needs .* AGENT_TOKEN, which is {state}"):
        http("http://localhost/", headers={"Authorization": "Bearer ${AGENT_TOKEN}"})


@pytest.mark.parametrize("secret", ["s3cret\n", "s3cret\r\nX: y", "s3crét"])
def test_a_value_that_no_header_may_hold_is_refused_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("AGENT_TOKEN", secret)
    with pytest.raises(ConfigError, match="'Authorization' holds characters") as caught:
        http("http://localhost/", headers={"Authorization": "${AGENT_TOKEN}"})
    assert "s3cr" not in str(caught.value)


@pytest.mark.parametrize("headers", [{"Two words": "a"}, {"": "a"}, {"X": "${NOT-A-NAME}"}, {"X": "${OPEN"}])
def test_a_header_that_cannot_be_read_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        http("http://localhost/", headers=headers)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://localhost/", "the scheme 'ftp'"),
        ("localhost:8000/ask", "the scheme 'localhost'"),
        ("file:///etc/hosts", "the scheme 'file'"),
        ("http:///ask", "names no host"),
        ("http://localhost:port/", "cannot be used"),
    ],
)
def test_only_http_urls_with_a_host_are_called(url: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        http(url)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 524, 529])
def test_a_status_that_may_pass_is_transient(service: Service, item: DatasetItem, status: int) -> None:
    service.status, service.body = status, b"come back\nlater"
    error = failure(http(service.url), item)
    assert isinstance(error, TransientError)
    assert str(error) == f"HTTP status {status}: come back later"
    assert error.rate_limited is (status in (429, 529))
    assert error.retry_after is None


def test_retry_after_is_kept(service: Service, item: DatasetItem) -> None:
    service.status, service.headers = 429, {"Retry-After": "7"}
    error = failure(http(service.url), item)
    assert isinstance(error, TransientError)
    assert error.retry_after == 7.0


def test_any_other_refusal_is_final_and_shows_200_characters(service: Service, item: DatasetItem) -> None:
    service.status, service.body = 404, b"x" * 5000
    error = failure(http(service.url), item)
    assert not isinstance(error, TransientError)
    assert str(error) == f"HTTP status 404: {'x' * 200}"


def test_a_redirect_is_not_followed(service: Service, item: DatasetItem) -> None:
    service.status, service.headers = 307, {"Location": "/elsewhere"}
    assert "redirects are not followed" in str(failure(http(service.url), item))
    assert len(service.asked) == 1


def test_a_refused_connection_is_transient(item: DatasetItem) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    error = failure(http(f"http://127.0.0.1:{port}/"), item)
    assert isinstance(error, TransientError)
    assert str(error).startswith("ConnectError")


def test_a_connection_that_breaks_off_is_transient(item: DatasetItem) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        error = failure(http(f"http://127.0.0.1:{listener.getsockname()[1]}/"), item)
        thread.join()
    assert isinstance(error, TransientError)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "replied nothing"),
        (
            b"<html>busy</html>",
            "replied no JSON (broken JSON at column 1: expecting value): '<html>busy</html>'",
        ),
        (b"\xff", "replied bytes that are no UTF-8 (0xff at 0)"),
        (b'{"text": 1}', "the reply has no 'answer' at the top (keys: text)"),
    ],
)
def test_a_reply_without_an_answer_is_final(
    service: Service, item: DatasetItem, body: bytes, reason: str
) -> None:
    service.body = body
    error = failure(http(service.url, answer="answer"), item)
    assert not isinstance(error, TransientError)
    assert str(error) == reason


def test_an_endless_reply_is_cut_off(service: Service, item: DatasetItem) -> None:
    service.body = b" " * 50_000_001
    assert str(failure(http(service.url), item)) == "replied more than 50 MB"


def test_no_pool_makes_calls_wait(service: Service, item: DatasetItem) -> None:
    together = 120  # above httpx's own limit of 100 connections
    service.meet = threading.Barrier(together)
    candidate = http(service.url)

    async def run() -> int:
        assert candidate.close is not None
        answers = await asyncio.gather(*(candidate.call(item, trial) for trial in range(together)))
        await candidate.close()
        return len(answers)

    assert asyncio.run(run()) == together


def test_a_cancelled_call_ends_at_once(item: DatasetItem) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        candidate = http(f"http://127.0.0.1:{listener.getsockname()[1]}/")

        async def run() -> None:
            assert candidate.close is not None
            try:
                async with asyncio.timeout(0.2):
                    await candidate.call(item, 0)
            finally:
                await candidate.close()

        with pytest.raises(TimeoutError):
            asyncio.run(run())


def test_prepare_opens_and_close_allows_another_loop(service: Service, item: DatasetItem) -> None:
    candidate = http(service.url)
    assert candidate.prepare is not None
    candidate.prepare([item])
    assert ask(candidate, item) == ask(candidate, item) == Answer({})


TOKEN = "made-up/token-1234567890"


@pytest.mark.parametrize("status", [200, 401, 503])
@pytest.mark.parametrize("said", [TOKEN, TOKEN.replace("/", "\\/")])
def test_what_a_header_took_from_the_environment_is_hidden_in_every_answer(
    service: Service, item: DatasetItem, monkeypatch: pytest.MonkeyPatch, status: int, said: str
) -> None:
    monkeypatch.setenv("AGENT_CREDENTIAL", TOKEN)
    service.status, service.body = status, f'{{"said": "you sent Bearer {said}"}}'.encode()
    candidate = http(service.url, headers={"Authorization": "Bearer ${AGENT_CREDENTIAL}"})
    if status == 200:
        assert ask(candidate, item).output == {"said": "you sent Bearer ***"}
    else:
        assert "you sent Bearer ***" in str(failure(candidate, item))
    assert service.asked[0][0]["Authorization"] == f"Bearer {TOKEN}"


def test_what_is_no_secret_by_its_name_stays(
    service: Service, item: DatasetItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGION", "eu-central")
    service.body = b'"served from eu-central"'
    assert ask(http(service.url, headers={"X-Region": "${REGION}"}), item).output == "served from eu-central"


BODY: dict[str, JSON] = {
    "model": "small",
    "messages": [{"role": "user", "content": "Q{{trial}}: {{ input.question }} {{metadata}}"}],
    "raw": "{{input}}",
    "n": "{{trial}}",
}


def test_the_body_is_made_of_the_item_and_nothing_breaks_out_of_its_place(service: Service) -> None:
    question = 'He said "no" {{id}} \\ "}], "model": "large'
    asked = DatasetItem(id="a", input={"question": question}, expected_output="secret", metadata={"k": 1})
    ask(build_candidate(CandidateSpec(http=service.url, body=BODY), root=ROOT, timeout=None), asked)
    assert json.loads(service.asked[0][1]) == {
        "model": "small",
        "messages": [{"role": "user", "content": f'Q0: {question} {{"k": 1}}'}],
        "raw": {"question": question},
        "n": 0,
    }


def _prepared(spec: CandidateSpec, item: DatasetItem) -> None:
    candidate = build_candidate(spec, root=ROOT, timeout=None)
    assert candidate.prepare is not None
    candidate.prepare([item])


def test_a_body_that_cannot_be_made_is_told_before_any_call(service: Service, item: DatasetItem) -> None:
    for body, told in (
        ({"q": "{{expected_output}}"}, "the body names '{{expected_output}}'"),
        ({"q": "{{input.nothing}}"}, f"the body of item '{item.id}' cannot be made: no 'nothing' in 'input'"),
    ):
        with pytest.raises(ConfigError) as refused:
            _prepared(CandidateSpec(http=service.url, body=body), item)
        assert str(refused.value).startswith(told)
    assert service.asked == []


STREAM = (
    b'data: {"choices": [{"delta": {"role": "assistant"}}]}\n\n'
    b': keep-alive\n\ndata: {"choices": [{"delta": {"content": "Good "}}]}\r\n\r\n'
    b'event: x\ndata: {"choices": [{"delta": {"content": "day"}}]}\n\ndata: {"choices": [], "usage": {}}\n\n'
    b"data: [DONE]\n\n"
)


@pytest.mark.parametrize(
    ("body", "spec", "output"),
    [
        (b"plain words", {"reply": "text"}, "plain words"),
        (b'{"a": 1}', {"reply": "text"}, '{"a": 1}'),
        (STREAM, {}, "Good day"),
        (b'data: {"t": "a"}\n\ndata: {"t": "b"}\n\n', {"answer": "t"}, "ab"),
        (b"data: Good\ndata: day\n\ndata: !", {}, "Good\nday!"),
        (b'data: {"t": {"x": 1}}\n\n', {"answer": "t"}, {"x": 1}),
        (b'{"answer": "yes", "error": null}', {"reply": "json", "answer": "answer"}, "yes"),
        (b'{"error": "none"}', {"reply": "json", "answer": "error"}, "none"),
    ],
)
def test_a_reply_may_be_text_or_a_stream_of_events(
    service: Service, item: DatasetItem, body: bytes, spec: dict[str, Any], output: JSON
) -> None:
    service.body = body
    service.headers = {"Content-Type": "text/event-stream; charset=utf-8"}
    candidate = build_candidate(CandidateSpec(http=service.url, **spec), root=ROOT, timeout=None)
    assert ask(candidate, item).output == output


@pytest.mark.parametrize(
    ("body", "spec", "kind", "reason"),
    [
        (
            b'{"error": {"message": "no quota", "code": 429}}',
            {},
            TransientError,
            "replied an error: no quota",
        ),
        (
            b'{"answer": "", "error": "bad model"}',
            {"answer": "answer"},
            CandidateError,
            "replied an error: bad model",
        ),
        (
            b'data: {"error": {"type": "overloaded"}}\n\n',
            {"reply": "events"},
            CandidateError,
            "replied an error: ",
        ),
        (b"data: {}\n\n", {"reply": "events"}, CandidateError, "replied a stream in which no event has "),
        (
            b"data: x\n\n",
            {"reply": "events", "answer": "t"},
            CandidateError,
            "replied an event that is no JSON: 'x'",
        ),
    ],
)
def test_an_error_with_status_200_is_an_error(
    service: Service, item: DatasetItem, body: bytes, spec: dict[str, Any], kind: type[Exception], reason: str
) -> None:
    service.body = body
    candidate = build_candidate(CandidateSpec(http=service.url, **spec), root=ROOT, timeout=None)
    with pytest.raises(CandidateError) as failed:
        ask(candidate, item)
    assert type(failed.value) is kind
    assert str(failed.value).startswith(reason)


def test_evaluators_may_stand_in_a_file_of_their_own(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "checks.py"
    file.write_text("def polite(*, output, **kwargs): return True\nevaluators = [polite]\n")
    spec = CandidateSpec(http=service.url, evaluators="checks.py")
    (polite,) = build_candidate(spec, root=tmp_path, timeout=None).evaluators
    assert polite(output="x") is True
    file.write_text("evaluators = []\n")
    with pytest.raises(ConfigError, match="defines no `evaluators`"):
        build_candidate(spec, root=tmp_path, timeout=None)
