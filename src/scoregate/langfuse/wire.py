"""Requests on the wire: a connection for each one that is under way, and whole answers.

A run may be thousands of scores that go one by one, and then the processor time of a request decides how long it takes:
the standard library's connections ask a fourth of what httpx does. Through a proxy requests go with httpx, which knows
every kind of one, and whose errors both raise.
"""

from __future__ import annotations

import selectors
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Protocol

from scoregate.langfuse.settings import Settings
from scoregate.version import __version__

if TYPE_CHECKING:
    import ssl

    import httpx

CONNECTIONS = 96
"""Most requests that are under way at a time; scores that go one by one take them all."""
_PART = 65536
"""Bytes of an answer that are taken at a time."""
_TOO_LARGE = 413
"""After it a server of Langfuse leaves everything unanswered that comes on the same connection."""
_GoesOn = Callable[[], None]
"""Raises httpx.ReadTimeout where an answer is not worth waiting for any more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered, decoded. The names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: httpx.URL
    headers: Mapping[str, str]
    content: bytes | None


class _Line(Protocol):
    """One connection, which is made when it is needed and kept for the next request."""

    def exchange(self, request: _Request, seconds: float, goes_on: _GoesOn) -> Answer: ...

    def close(self) -> None: ...


class Wire:
    """Connections to one server. Safe to use from several threads."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        """`stop`, once set, ends every answer that is still coming."""
        import httpx

        keys = f"{settings.public_key}:{settings.secret_key}".encode()
        self._base = settings.base_url
        self._stop = stop
        self._headers = {
            "accept": "*/*",
            "accept-encoding": "gzip, deflate",
            "authorization": f"Basic {b64encode(keys).decode()}",
            "user-agent": f"scoregate/{__version__}",
        }
        self._trusted = httpx.create_ssl_context()
        self._proxy = _proxy_of(self._base)
        self._lock = threading.Lock()
        self._lines: list[_Line] = []
        self._idle: list[_Line] = []
        """Those of them that have no request under way, the one that was used last at the end."""
        self._lending = threading.BoundedSemaphore(CONNECTIONS)

    def close(self) -> None:
        with self._lock:
            lines, self._lines, self._idle = self._lines, [], []
        for line in lines:
            line.close()

    def exchange(
        self,
        method: str,
        path: str,
        params: Mapping[str, str],
        content: bytes | None,
        headers: Mapping[str, str],
        seconds: float,
    ) -> Answer:
        """One request with its whole answer: so many seconds to be connected, for each part, and for all of the body.

        Raises `transport_errors`.
        """
        import httpx

        until = time.monotonic() + seconds

        def goes_on() -> None:
            if time.monotonic() > until or self._stop.is_set():
                raise httpx.ReadTimeout("the answer takes too long")

        url = _url(self._base + path)
        if params:
            url = url.copy_merge_params(params)
        request = _Request(method, url, {**self._headers, **headers}, content)
        with self._line() as line:
            return line.exchange(request, seconds, goes_on)

    @contextmanager
    def _line(self) -> Iterator[_Line]:
        with self._lending:
            with self._lock:
                line = self._idle.pop() if self._idle else None
            if line is None:
                url = _url(self._base)
                line = _ByProxy(self._trusted, self._proxy) if self._proxy else _Direct(url, self._trusted)
                with self._lock:
                    self._lines.append(line)
            try:
                yield line
            finally:
                with self._lock:
                    self._idle.append(line)


class _Direct:
    """A connection to the server itself."""

    def __init__(self, url: httpx.URL, trusted: ssl.SSLContext) -> None:
        self._http = (
            HTTPSConnection(url.host, url.port, context=trusted)
            if url.scheme == "https"
            else HTTPConnection(url.host, url.port)
        )

    def close(self) -> None:
        self._http.close()

    def exchange(self, request: _Request, seconds: float, goes_on: _GoesOn) -> Answer:
        import httpx

        try:
            self._connect(seconds)
            answer = self._asked(request, goes_on)
        except BaseException as problem:
            # Whatever is still to come on it is the answer to this request.
            self.close()
            if isinstance(problem, TimeoutError):
                raise httpx.ReadTimeout(str(problem)) from problem
            if isinstance(problem, OSError | HTTPException):
                raise httpx.ReadError(str(problem)) from problem
            raise
        if answer.status == _TOO_LARGE:
            self.close()
        return answer

    def _connect(self, seconds: float) -> None:
        import httpx

        http = self._http
        if http.sock is not None and _was_closed(http):
            http.close()
        http.timeout = seconds
        if http.sock is None:
            try:
                http.connect()
            except TimeoutError as problem:
                raise httpx.ConnectTimeout(str(problem)) from problem
            except OSError as problem:
                raise httpx.ConnectError(str(problem)) from problem
        http.sock.settimeout(seconds)

    def _asked(self, request: _Request, goes_on: _GoesOn) -> Answer:
        import httpx

        http = self._http
        # A server that will not have all of it may have answered already.
        with suppress(BrokenPipeError, ConnectionResetError):
            target = request.url.raw_path.decode("ascii")
            http.request(request.method, target, request.content, request.headers)
        answer = http.getresponse()
        body = bytearray()
        while part := answer.read1(_PART):
            body += part
            goes_on()
        if answer.length:
            raise httpx.RemoteProtocolError("the answer is cut off")
        answer.close()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        content = bytes(body)
        if "content-encoding" in headers:
            encoded = [("content-encoding", headers["content-encoding"])]
            content = httpx.Response(answer.status, headers=encoded, content=content).content
        return Answer(answer.status, headers, content)


class _ByProxy:
    """A connection through a proxy."""

    def __init__(self, trusted: ssl.SSLContext, proxy: str) -> None:
        import httpx

        self._transport = httpx.HTTPTransport(verify=trusted, proxy=proxy)

    def close(self) -> None:
        self._transport.close()

    def exchange(self, request: _Request, seconds: float, goes_on: _GoesOn) -> Answer:
        import httpx

        times = {"timeout": httpx.Timeout(seconds).as_dict()}
        answer = self._transport.handle_request(
            httpx.Request(
                request.method,
                request.url,
                headers=request.headers,
                content=request.content,
                extensions=times,
            )
        )
        try:
            body = bytearray()
            for part in answer.iter_bytes():
                body += part
                goes_on()
            if answer.status_code == _TOO_LARGE:
                answer.extensions["network_stream"].close()
        finally:
            answer.close()
        return Answer(answer.status_code, dict(answer.headers), bytes(body))


def transport_errors() -> tuple[type[Exception], ...]:
    """What `Wire.exchange` raises where there is no answer, or half of one."""
    import httpx

    return (httpx.TransportError, httpx.DecodingError)


def nobody_there(problem: Exception) -> bool:
    """Whether no connection was made at all."""
    import httpx

    return isinstance(problem, httpx.ConnectError | httpx.ConnectTimeout)


def _was_closed(http: HTTPConnection) -> bool:
    """Whether the server has hung up on a connection that nothing is to come on."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(http.sock, selectors.EVENT_READ)
        return bool(waiting.select(0))


@lru_cache(maxsize=64)
def _url(address: str) -> httpx.URL:
    import httpx

    return httpx.URL(address)


def _proxy_of(address: str) -> str | None:
    """The proxy that the environment, or the system, names for this address."""
    from urllib.request import getproxies, proxy_bypass

    url, named = _url(address), getproxies()
    if any(proxy_bypass(name) for name in (url.host, url.netloc.decode())):
        return None
    found = named.get(url.scheme) or named.get("all")
    return f"http://{found}" if found and "://" not in found else found
