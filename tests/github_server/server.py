"""A stand-in for GitHub's REST API: real HTTP on loopback, and what is written is there for the next who reads.

    with GitHubServer() as github:
        github.repository.open_pull_request(7, head="4f3c2b1…")
        environment = {"GITHUB_API_URL": github.url, "GITHUB_REPOSITORY": github.repository.name, …}

Every exchange is kept, so that a test can hold it to GitHub's own description (`description.py`).
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.github_server.faults import Fault, Faults
from tests.github_server.repository import HeldRepository, Refused
from tests.github_server.shapes import problem
from tests.loopback import LoopbackHandler, LoopbackServer

NAME = "acme/support"
TOKEN = "ghs_" + "0123456789abcdef" * 2
_MOST_A_PAGE = 100


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer; the bodies are None where there are none."""

    method: str
    path: str
    query: dict[str, str]
    asked: Any
    status: int
    answered: Any


class GitHubServer:
    """The server in threads of this process. `latency` is the longest time on the way, in seconds, each way."""

    def __init__(self, *, latency: float = 0.0, seed: int = 0) -> None:
        self.repository = HeldRepository(NAME)
        self.faults = Faults()
        self.exchanges: list[Exchange] = []
        self._afterwards: list[tuple[str, re.Pattern[str], Callable[[], object]]] = []
        self._latency = latency
        self._random = random.Random(seed)
        self._http = _Server(self)
        self.url = self.repository.api = f"http://127.0.0.1:{self._http.port}"

    def __enter__(self) -> GitHubServer:
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.close_all()

    def after(self, method: str, path: str, act: Callable[[], object]) -> None:
        """Call it once, after the next request of this kind is served and before it is answered: somebody else acts."""
        self._afterwards.append((method, re.compile(path), act))

    def asked(self, method: str, path: str = "") -> list[Exchange]:
        """The exchanges of this method whose path matches."""
        return [one for one in self.exchanges if one.method == method and re.search(path, one.path)]

    def answer(
        self, method: str, target: str, token: str | None, body: bytes
    ) -> tuple[Exchange, Fault | None]:
        """What is answered to a request."""
        self._travel()
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        asked = json.loads(body) if body else None
        fault = self.faults.draw(method, parts.path)
        if fault is not None and fault.seconds:
            time.sleep(fault.seconds)
        if fault is None or fault.status is None or fault.applied:
            status, answered = self._serve(method, parts.path, query, asked, token)
        if fault is not None and fault.status is not None:
            status, answered = fault.status, fault.body
        exchange = Exchange(method, parts.path, query, asked, status, answered)
        self.exchanges.append(exchange)
        for one in self._afterwards:
            if one[0] == method and one[1].search(parts.path):
                self._afterwards.remove(one)
                one[2]()
                break
        self._travel()
        return exchange, fault

    def _travel(self) -> None:
        if self._latency:
            time.sleep(self._random.uniform(0, self._latency))

    def _serve(
        self, method: str, path: str, query: dict[str, str], asked: Any, token: str | None
    ) -> tuple[int, Any]:
        if token != TOKEN:
            return 401, problem("Bad credentials", status="401")
        try:
            for wanted, pattern, serve in _ROUTES:
                found = re.fullmatch(f"/repos/{self.repository.name}{pattern}", path)
                if found and wanted == method:
                    return serve(self.repository, found, query, asked)
            return 404, problem("Not Found", status="404")
        except Refused as refused:
            return refused.status, refused.body


_Serve = Callable[[HeldRepository, "re.Match[str]", dict[str, str], Any], tuple[int, Any]]


def _listed(held: HeldRepository, found: re.Match[str], query: dict[str, str], asked: Any) -> tuple[int, Any]:
    size = min(int(query.get("per_page", 30)), _MOST_A_PAGE)
    return 200, held.list_comments(int(found[1]), int(query.get("page", 1)), size)


def _deleted(
    held: HeldRepository, found: re.Match[str], query: dict[str, str], asked: Any
) -> tuple[int, Any]:
    held.delete_comment(int(found[1]))
    return 204, None


_ROUTES: tuple[tuple[str, str, _Serve], ...] = (
    ("GET", r"/issues/(\d+)/comments", _listed),
    ("POST", r"/issues/(\d+)/comments", lambda r, m, q, b: (201, r.create_comment(int(m[1]), b))),
    ("GET", r"/issues/comments/(\d+)", lambda r, m, q, b: (200, r.comment(int(m[1])))),
    ("PATCH", r"/issues/comments/(\d+)", lambda r, m, q, b: (200, r.update_comment(int(m[1]), b))),
    ("DELETE", r"/issues/comments/(\d+)", _deleted),
    ("GET", r"/commits/(\w+)/pulls", lambda r, m, q, b: (200, r.pulls_of(m[1]))),
    ("POST", r"/check-runs", lambda r, m, q, b: (201, r.create_check_run(b))),
    ("PATCH", r"/check-runs/(\d+)", lambda r, m, q, b: (200, r.update_check_run(int(m[1]), b))),
)


class _Server(LoopbackServer):
    def __init__(self, github: GitHubServer) -> None:
        self.github = github
        super().__init__(_Handler)


class _Handler(LoopbackHandler):
    server: _Server

    def _any(self) -> None:
        body = self.read_body()
        token = (self.headers.get("authorization") or "").rpartition(" ")[2] or None
        exchange, fault = self.server.github.answer(self.command, self.path, token, body)
        content = b"" if exchange.answered is None else json.dumps(exchange.answered).encode()
        self.send_response(exchange.status)
        for name, value in (fault.headers if fault is not None else {}).items():
            self.send_header(name, value)
        if more := self._next_page(exchange):
            self.send_header("link", f'<{more}>; rel="next"')
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _next_page(self, exchange: Exchange) -> str | None:
        size, page = (int(exchange.query.get(key, usual)) for key, usual in (("per_page", 30), ("page", 1)))
        if exchange.method != "GET" or exchange.status != 200 or len(exchange.answered) < size:
            return None
        return f"{self.server.github.url}{exchange.path}?per_page={size}&page={page + 1}"

    do_GET = do_POST = do_PATCH = do_DELETE = _any
