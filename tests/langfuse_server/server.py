"""A stand-in for a Langfuse server: real HTTP on loopback, all state in memory.

    with LangfuseServer() as server:
        ...  # point a client at server.url with server.public_key and server.secret_key

What it answers follows recorded exchanges with a real server; `test_recordings.py` holds it to them.
"""

from __future__ import annotations

import gzip
import secrets
import threading
import time
import zlib

from tests.langfuse_server import control, routes
from tests.langfuse_server.answers import Answer
from tests.langfuse_server.faults import Fault, Faults
from tests.langfuse_server.state import Behaviour, Received, State, WriteMode
from tests.loopback import LoopbackHandler, LoopbackServer

KNOWS_BATCHES = "4.59.0"  # the first version that takes arrays of scores
RECORDED = "4.16.0"
BAD_STATUS_TEXT = {502: "<html><body>502 Bad Gateway</body></html>"}


class LangfuseServer:
    """The server in threads of this process. With `port` and `state` it can stop and come back as it was."""

    def __init__(
        self,
        *,
        port: int = 0,
        state: State | None = None,
        batches: bool = True,
        mode: WriteMode = "events_only",
        latency: float = 0.0,
        lag: float = 0.0,
        version: str | None = None,
        public_key: str | None = None,
        secret_key: str | None = None,
    ) -> None:
        behaviour = Behaviour(batches=batches, mode=mode, latency=latency, span_lag=lag, score_lag=lag)
        behaviour.version = version or (KNOWS_BATCHES if batches else RECORDED)
        self.state = state or State(behaviour=behaviour)
        self.faults = Faults()
        # The SDK keeps one client for each public key in a process: servers with keys of their own stay apart.
        self.public_key = public_key or f"pk-lf-{secrets.token_hex(8)}"
        self.secret_key = secret_key or f"sk-lf-{secrets.token_hex(8)}"
        self._port = port
        self._http: _Server | None = None

    def __enter__(self) -> LangfuseServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that point a client here."""
        return {
            "LANGFUSE_BASE_URL": self.url,
            "LANGFUSE_PUBLIC_KEY": self.public_key,
            "LANGFUSE_SECRET_KEY": self.secret_key,
        }

    @property
    def behaviour(self) -> Behaviour:
        """What may be changed while the server runs: batches, mode, latency, lags."""
        return self.state.behaviour

    @property
    def received(self) -> list[Received]:
        """Every request that reached the server, in the order of their answers."""
        return self.state.received

    @property
    def running(self) -> bool:
        return self._http is not None

    def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._http = _Server(self, self._port)
        self._port = self._http.port
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def begin_again(self, state: State | None = None) -> None:
        """From now on this state, or a fresh one, at the same address with the same keys, and no faults.

        For a server that outlives a test, because its address and what it holds were dear to make.
        """
        self.stop()
        self.state = state or State()
        self.faults = Faults()
        self.start()

    def stop(self) -> None:
        """Close the listening socket and every connection; the state stays. Nothing happens if it is stopped."""
        http = self._http
        if http is not None:
            http.shutdown()
            http.close_all()
            self._http = None  # not before: whoever sees that it does not run is refused

    def down_for(self, seconds: float, *, delay: float = 0.0) -> Outage:
        """Refuse connections for some seconds, then come back on the same port. Returns the thread that does it."""
        outage = Outage(self, seconds, delay)
        outage.start()
        return outage


class Outage(threading.Thread):
    """Has the server stopped for some seconds, and then started again."""

    def __init__(self, server: LangfuseServer, seconds: float, delay: float) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._seconds = seconds
        self._delay = delay
        self._over = threading.Event()

    def run(self) -> None:
        time.sleep(self._delay)
        self._server.stop()
        self._over.wait(self._seconds)
        self._server.start()

    def end(self) -> None:
        """Do not wait for the rest of the seconds; the server is there again when this returns."""
        self._over.set()
        self.join()


class _Server(LoopbackServer):
    def __init__(self, stand_in: LangfuseServer, port: int) -> None:
        self.stand_in = stand_in
        super().__init__(_Handler, port)


class _Handler(LoopbackHandler):
    server: _Server

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The `date` of an answer: by the state's clock, which a test may set."""
        return super().date_time_string(timestamp or self.server.stand_in.state.clock.now().timestamp())

    def _serve(self) -> None:
        body = self.read_body()
        if self.path.startswith(control.PREFIX):
            return self._send(control.answer(self.server.stand_in, self.path, body))
        state, faults = self.server.stand_in.state, self.server.stand_in.faults
        time.sleep(state.behaviour.latency)
        fault = faults.draw(self.command, self.path.partition("?")[0], _unpacked(body))
        answer = self._answer(fault, self.lower_headers(), body)
        cut = fault is not None and fault.kind in ("reset_before", "reset_after", "truncated")
        state.received.append(Received(self.command, self.path, None if cut else answer.status))
        if fault is None or not cut:
            self._send(answer)
            return self._serve_no_more() if answer.status == 413 else None
        if fault.kind == "truncated":
            return self._send_half(answer)
        return self.hang_up(reset=True)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _answer(self, fault: Fault | None, headers: dict[str, str], body: bytes) -> Answer:
        if fault is not None and fault.kind == "status":
            return _status_answer(fault)
        if fault is not None and fault.kind == "answers":
            return Answer(200, text=fault.body)
        if fault is not None and fault.kind == "reset_before":
            return Answer(0)
        stand_in = self.server.stand_in
        answer = routes.answer(
            stand_in.state,
            self.command,
            self.path,
            headers,
            body,
            keys=(stand_in.public_key, stand_in.secret_key),
            reject_every=fault.every if fault is not None and fault.kind == "rejects" else 0,
        )
        if fault is not None and fault.kind == "slow":
            time.sleep(fault.seconds)
        return answer

    def _serve_no_more(self) -> None:
        """After a 413 the real server leaves what comes on this connection unanswered, until the client closes it."""
        while self.rfile.read1(65536):
            continue
        self.close_connection = True

    def _send(self, answer: Answer) -> None:
        payload = answer.payload()
        self._head(answer, len(payload))
        self.wfile.write(payload)
        self.wfile.flush()

    def _send_half(self, answer: Answer) -> None:
        payload = answer.payload()
        self._head(answer, len(payload) + 1)
        self.wfile.write(payload[: len(payload) // 2])
        self.wfile.flush()
        self.close_connection = True

    def _head(self, answer: Answer, length: int) -> None:
        self.send_response(answer.status)
        if answer.content_type is not None:
            self.send_header("content-type", answer.content_type)
        self.send_header("content-length", str(length))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()


def _status_answer(fault: Fault) -> Answer:
    headers = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
    text = BAD_STATUS_TEXT.get(fault.status)
    if text is not None:
        return Answer(fault.status, text=text, content_type="text/html", headers=headers)
    return Answer(fault.status, {"message": "a fault on request"}, headers=headers)


def _unpacked(body: bytes) -> bytes:
    """What a body says, for plans that look into it; as it is where it only claims to be packed."""
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error):
        return body
