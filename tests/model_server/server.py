"""A stand-in for a model's endpoint: real HTTP on loopback, OpenAI's wire format, answers from a script.

    with ModelServer(script=[judged(8), failed(429, retry_after=1), judged(3)]) as server:
        client = openai.OpenAI(base_url=server.url, api_key="any")

A script is a list, answered in its order (then 400, so that a call too many is seen and not retried), or a
function of the request, called in the threads of the server.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tests.loopback import LoopbackHandler, LoopbackServer
from tests.model_server import wire
from tests.model_server.answers import Answer, Scripted, as_answer, failed, judged
from tests.model_server.request import ModelRequest, complaint

Script = Callable[[ModelRequest], Scripted] | Iterable[Scripted | Callable[[ModelRequest], Scripted]]


def always_one(_: ModelRequest) -> Answer:
    """The script without a script: each reply scores 1."""
    return judged(1)


class ModelServer:
    """The server in threads of this process."""

    def __init__(self, *, script: Script = always_one) -> None:
        self.requests: list[ModelRequest] = []
        """Every request, in the order of arrival, also those that were refused or cut."""
        self.most_at_once = 0
        """The largest number of requests that were in work at the same time."""
        self._at_once = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._http: _Server | None = None
        self.begin_again(script=script)

    def begin_again(self, *, script: Script = always_one) -> None:
        """From now on another script, at the same address; nothing has been asked yet.

        For a server that outlives a test, because its address is in files that were dear to make. Answers that are
        still being delayed are not waited for.
        """
        self._stopping.set()
        while self._at_once:
            time.sleep(0.001)
        self._stopping = threading.Event()
        self.requests = []
        self.most_at_once = 0
        self._script = script if callable(script) else None
        self._list: Iterator[Any] = iter(()) if callable(script) else iter(script)

    def __enter__(self) -> ModelServer:
        self._http = _Server(self)
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        if self._http is not None:
            self._http.shutdown()
            self._http.close_all()

    @property
    def url(self) -> str:
        """The `base_url` for a client."""
        if self._http is None:
            raise RuntimeError("the server has not been started: use it in a with statement")
        return f"http://127.0.0.1:{self._http.port}/v1"

    def receive(self, method: str, path: str, headers: dict[str, str], body: bytes) -> ModelRequest:
        """Note a request."""
        with self._lock:
            request = ModelRequest(len(self.requests), time.monotonic(), method, path, headers, _read(body))
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        return request

    def answer(self, request: ModelRequest) -> Answer:
        """What the script says, after its delay; an error where the API would refuse the request."""
        try:
            refused = complaint(request)
            answer = failed(*refused) if refused is not None else as_answer(self._scripted(request))
            self._stopping.wait(answer.delay)
            return answer
        finally:
            with self._lock:
                self._at_once -= 1

    def _scripted(self, request: ModelRequest) -> Scripted:
        if self._script is not None:
            return self._script(request)
        with self._lock:
            scripted = next(self._list, failed(400, "the script has no more answers"))
        return scripted(request) if callable(scripted) else scripted


class _Server(LoopbackServer):
    def __init__(self, stand_in: ModelServer) -> None:
        self.stand_in = stand_in
        super().__init__(_Handler)


class _Handler(LoopbackHandler):
    server: _Server

    def _serve(self) -> None:
        stand_in = self.server.stand_in
        request = stand_in.receive(self.command, self.path, self.lower_headers(), self.read_body())
        answer = stand_in.answer(request)
        if answer.cut in ("reset", "closed"):
            self.hang_up(reset=answer.cut == "reset")
        elif request.stream and answer.status < 400 and answer.raw is None:
            self._send_stream(answer, list(wire.events(answer, request)))
        else:
            self._send(answer, wire.payload(answer, request))

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def _send(self, answer: Answer, payload: bytes) -> None:
        half = payload[: len(payload) // 2]
        sent = half if answer.cut else payload
        announced = len(half) if answer.cut == "ends_early" else len(payload)
        self._head(answer, answer.content_type, ("content-length", str(announced)))
        self.wfile.write(sent)
        self.wfile.flush()
        self.close_connection = self.close_connection or answer.cut is not None

    def _send_stream(self, answer: Answer, events: list[bytes]) -> None:
        self._head(answer, "text/event-stream", ("transfer-encoding", "chunked"))
        for event in events[: len(events) // 2] if answer.cut else events:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
        if answer.cut != "truncated":
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
        self.close_connection = self.close_connection or answer.cut is not None

    def _head(self, answer: Answer, content_type: str, length: tuple[str, str]) -> None:
        self.send_response(answer.status)
        self.send_header("content-type", content_type)
        self.send_header(*length)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.cut == "ends_early":
            # To the client it is a whole answer: unwarned, it would send its next request into a closed connection.
            self.send_header("connection", "close")
        self.end_headers()


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
