"""Requests to a Langfuse server, one after the other or side by side, with one patience for all of them.

1. A server that is busy or broken (429, 408, 5xx), a connection that breaks and an answer that is cut off are tried
   again: `Retry-After` is honoured, else the pause doubles. While one request waits for a rate limit, all do.
2. A refusal (400, 401, 403, 404) is only believed when it is repeated: overloaded servers and proxies say it too.
3. What remains is an error: `Refused` with the server's reason, or ServiceError.

Whoever writes must give an id, since a request whose answer was lost is sent again.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from random import Random
from typing import Any

from scoregate.errors import USAGE, ScoregateError, ServiceError
from scoregate.langfuse.settings import Settings
from scoregate.langfuse.wire import Answer, Wire, nobody_there, transport_errors
from scoregate.own import json_codec
from scoregate.records import JSON
from scoregate.retries import is_transient, pause_of_request, seconds_to_wait

API = "/api/public"
PAGE = 100
"""Most entries of a page that the server gives."""
_DOUBTFUL = frozenset((400, 401, 403, 404, 405))
Query = Mapping[str, str | int | float | bool | None]
_MOST_OF_A_REASON = 300


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request is worth waiting for. Times in seconds."""

    request: float = 15.0
    """One request: to be connected, for each part of its answer, and for all of its body."""
    deadline: float = 60.0
    """All tries of one request together; at least one is made."""
    unreachable: float = 15.0
    """The same while no connection can be made: there is probably nobody."""
    retry_after: float = 60.0
    """Longest pause that a server may ask for; beyond it the request fails at once."""
    refusals: int = 3
    """How often a refusal must be repeated to be believed."""
    first_pause: float = 0.2
    longest_pause: float = 5.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer that is no failure: status 2xx, or one that the caller wanted to see."""

    status: int
    body: JSON
    """Parsed, or the text where it is no JSON."""
    date: datetime | None = None
    """The server's clock."""


class Refused(ScoregateError):
    """The server understood the request and will not do it."""

    exit_code = USAGE

    def __init__(
        self, status: int, reason: str, *, where: str | None = None, hint: str | None = None
    ) -> None:
        self.status = status
        self.reason = reason
        super().__init__(f"Langfuse refuses ({status}): {reason}", where=where, hint=hint)


class Connection:
    """A client of one project. Safe to use from several threads; closes as a context manager."""

    def __init__(
        self, settings: Settings, patience: Patience | None = None, *, stop: threading.Event | None = None
    ) -> None:
        """`stop`, once set, ends every wait: the request that waits fails as if its time was up."""
        self.settings = settings
        self.patience = patience or Patience()
        self._stop = stop or threading.Event()
        self._resume_at = 0.0
        self._heard_at = time.monotonic()
        self._end: float | None = None
        self._random = Random()
        self._wire = Wire(settings, self._stop)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._wire.close()

    def end_by(self, moment: float) -> None:
        """Let no request go on beyond this moment (`time.monotonic`), and count the silence from now on."""
        self._end = moment
        self._heard_at = time.monotonic()

    @property
    def silence(self) -> float:
        """Seconds, since `end_by`, in which the server answered nothing but failures of its own."""
        return time.monotonic() - max(self._heard_at, self._resume_at)

    def get(self, path: str, query: Query | None = None) -> JSON:
        """The body of `GET path`. Raises Refused, ServiceError."""
        return self.request("GET", path, query=query).body

    def pages(self, path: str, query: Query | None = None, *, limit: int = PAGE) -> Iterator[JSON]:
        """The entries of all numbered pages (`page`, `meta.totalPages`)."""
        page, last = 1, 1
        while page <= last:
            body = self.get(path, {**(query or {}), "page": page, "limit": limit})
            entries, meta = self._page(body, path)
            yield from entries
            last = int(meta.get("totalPages") or 0)
            page += 1

    def cursor(self, path: str, query: Query | None = None, *, limit: int = PAGE) -> Iterator[JSON]:
        """The entries of all pages that are chained by `meta.cursor`."""
        cursor: str | None = None
        while True:
            body = self.get(path, {**(query or {}), "limit": limit, "cursor": cursor})
            entries, meta = self._page(body, path)
            yield from entries
            cursor = meta.get("cursor")
            if not cursor:
                return

    def _page(self, body: JSON, path: str) -> tuple[list[JSON], dict[str, JSON]]:
        """Entries and `meta` of a page. Raises ServiceError for an answer of another shape, as a proxy may give."""
        entries = body.get("data") if isinstance(body, dict) else None
        meta = body.get("meta") if isinstance(body, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self._failed(f"its answer to {path} is not one of Langfuse")
        return entries, meta if isinstance(meta, dict) else {}

    def post(self, path: str, body: JSON, *, wanted: tuple[int, ...] = ()) -> Reply:
        """`POST path`; a status in `wanted` is an answer and no refusal. Raises Refused, ServiceError."""
        content = json_codec.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        return self.request("POST", path, content=content, wanted=wanted)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        wanted: tuple[int, ...] = (),
    ) -> Reply:
        """One request, repeated as often as patience allows. `wanted` are statuses that are returned as they are."""
        patience = self.patience
        began = time.monotonic()
        deadline = min(began + patience.deadline, self._end or math.inf)
        params = {name: _as_text(value) for name, value in (query or {}).items() if value is not None}
        sent = {**({"content-type": "application/json"} if content is not None else {}), **(headers or {})}
        tries = 0
        refusals: dict[int, int] = {}
        while True:
            if self._resume_at > deadline:
                raise self._failed(f"it asks to wait {self._resume_at - time.monotonic():.0f} s more")
            self._wait(self._resume_at - time.monotonic(), deadline)
            tries += 1
            pause = pause_of_request(
                tries, first=patience.first_pause, longest=patience.longest_pause, random=self._random
            )
            try:
                left = max(0.1, min(patience.request, deadline - time.monotonic()))
                answer = self._wire.exchange(method, API + path, params, content, sent, left)
            except transport_errors() as problem:
                failure = f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__
                if nobody_there(problem):
                    deadline = min(deadline, began + patience.unreachable)
            else:
                status, body = answer.status, _parsed(answer)
                if status < 500:
                    self._heard_at = time.monotonic()
                good = 200 <= status < 300 and not _cut_off(answer, body, method)
                if status in wanted or good:
                    return Reply(status, body, _date(answer))
                failure = _what_failed(status, body)
                if is_transient(status):
                    asked = seconds_to_wait(answer.headers.get("retry-after"))
                    if asked is not None:
                        if asked > patience.retry_after:
                            self._resume_at = max(self._resume_at, time.monotonic() + min(asked, 600.0))
                            raise self._failed(
                                f"it asks to wait {asked:.0f} s (longest wait: {patience.retry_after:g} s)"
                            )
                        pause = asked
                        self._resume_at = max(self._resume_at, time.monotonic() + asked)
                elif status >= 400:
                    refusals[status] = refusals.get(status, 0) + 1
                    if status not in _DOUBTFUL or refusals[status] >= patience.refusals:
                        raise self._refused(status, body, path)
            if time.monotonic() + pause > deadline or self._stop.is_set():
                raise self._failed(failure)
            self._wait(pause, deadline)

    def _wait(self, seconds: float, deadline: float) -> None:
        seconds = min(seconds, deadline - time.monotonic())
        if seconds > 0:
            self._stop.wait(seconds)

    def _failed(self, why: str) -> ServiceError:
        return ServiceError(
            f"Langfuse at {self.settings.base_url} does not serve: {self.settings.redacted(why)}",
            hint="`scoregate doctor` checks the connection",
        )

    def _refused(self, status: int, body: JSON, path: str) -> Refused:
        hint = None
        if isinstance(body, str):
            hint = f"is LANGFUSE_BASE_URL ({self.settings.base_url}) a Langfuse server? `scoregate doctor` checks it"
        if status in (401, 403):
            hint = (
                "check LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY and LANGFUSE_BASE_URL: keys belong to one project on "
                f"one server (here {self.settings.base_url})"
            )
        return Refused(status, self.settings.redacted(_reason(body)), where=path.partition("?")[0], hint=hint)


def _as_text(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parsed(answer: Answer) -> JSON:
    try:
        return json_codec.loads(answer.content)
    except ValueError:
        return answer.content.decode(errors="replace")


def _cut_off(answer: Answer, body: JSON, method: str) -> bool:
    """Whether an answer that should be JSON is none, as a proxy's page is; only a write may be answered by nothing."""
    return isinstance(body, str) and (bool(answer.content) or method == "GET")


def _what_failed(status: int, body: JSON) -> str:
    if status >= 400:
        return f"it answers {status}: {_reason(body)}"
    return (
        f"it answers {status}, which is no answer of Langfuse" if status >= 300 else "its answer is no JSON"
    )


def _date(answer: Answer) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None


def _reason(body: JSON) -> str:
    """What an error's body says, in one short line."""
    text: Any = body
    if isinstance(body, dict):
        details = body.get("error")
        text = body.get("message") or details or body
        if isinstance(details, list) and details:
            first = details[0] if isinstance(details[0], dict) else {}
            place = ".".join(str(step) for step in first.get("path", ()))
            text = f"{text}: {place + ': ' if place else ''}{first.get('message', details[0])}"
    line = " ".join(str(text).split())
    if line[:9].lower() in ("<!doctype", "<html") or line[:5].lower() == "<html":
        return "a web page, so this is probably no Langfuse server"
    return line if len(line) <= _MOST_OF_A_REASON else line[: _MOST_OF_A_REASON - 1] + "…"
