"""A candidate behind an HTTP endpoint: the question is POSTed as JSON, the reply holds the answer."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scoregate.errors import ConfigError
from scoregate.files.env_file import ENV_FILE, variable
from scoregate.git.version import Version
from scoregate.hiding import HiddenKeys, names_a_secret
from scoregate.paths import PathError
from scoregate.records import JSON, DatasetItem
from scoregate.retries import RATE_LIMIT_STATUSES, TRANSIENT_STATUSES, seconds_to_wait
from scoregate.runner.candidates.candidate import (
    Answer,
    Candidate,
    CandidateError,
    TransientError,
    classify,
)
from scoregate.runner.candidates.http_body import check_body, request_body
from scoregate.runner.candidates.http_reply import answer_of
from scoregate.runner.candidates.wire import MAX_OUTPUT_BYTES, excerpt, question
from scoregate.runner.tracing import current_traceparent

if TYPE_CHECKING:
    import httpx

_CONNECT_SECONDS = 30.0
"""How long a host may take to accept a connection, where the time limit of a call is not shorter."""
TRACEPARENT = "traceparent"
"""Header of W3C trace context."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def http_candidate(
    url: str,
    *,
    answer: str | None,
    headers: Mapping[str, str],
    timeout: float | None,
    version: Version,
    root: Path,
    body: Mapping[str, JSON] | None = None,
    reply: str | None = None,
) -> Candidate:
    """A candidate that POSTs `{"id", "input", "metadata", "trial"}` to `url`, or the `body` (see `http_body`).

    `answer` is the dotted path of the output in the reply, by default the whole reply; `reply` says what that is (see
    `http_reply`). `cost_usd` and `tokens`
    (`{"input", "output"}`) at the top of a reply are taken as measures. `${NAME}` in a header's value is taken
    from the environment, else from `.env` in `root`. Where the run is traced and no header `traceparent` is given, the
    run item's trace is named by one. `timeout` is the engine's time limit of a call in seconds, which cancels it; here
    it only decides whether a host that does not accept the connection is reported as such. Raises ConfigError
    for a URL or header that cannot be used.
    """
    _check_url(url)
    if body is not None:
        check_body(body)
    accepted = {"text": "text/*, */*", "events": "text/event-stream"}.get(reply or "", "application/json")
    sent = {"Content-Type": "application/json", "Accept": accepted}
    own = {name: _header(name, value, root) for name, value in headers.items()}
    keys = HiddenKeys(*_secrets_in(headers, root))
    replaced = {name.lower() for name in own}
    sent = {name: value for name, value in sent.items() if name.lower() not in replaced} | own
    connect = _CONNECT_SECONDS if timeout is None or timeout > _CONNECT_SECONDS else None
    endpoint = _Endpoint(url, sent, answer, connect, keys, body, reply)
    return Candidate(
        version.label,
        version.commit,
        version.dirty,
        "http",
        endpoint.call,
        is_async=True,
        prepare=endpoint.prepare,
        close=endpoint.close,
    )


class _Endpoint:
    """The endpoint with its connections, which live from the first call (or `prepare`) to `close`."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        answer: str | None,
        connect: float | None,
        keys: HiddenKeys,
        body: Mapping[str, JSON] | None,
        reply: str | None,
    ) -> None:
        self.url = url
        self.headers = headers
        self.answer = answer
        self.connect = connect
        self.keys = keys
        self.body = body
        self.reply = reply
        self._names_parent = any(name.lower() == TRACEPARENT for name in headers)
        self._client: httpx.AsyncClient | None = None

    def prepare(self, items: Sequence[DatasetItem]) -> None:
        """Load the HTTP library and the certificates now, so that the first call's latency is its own.

        Raises ConfigError for an item that lacks what the body names.
        """
        for item in items:
            try:
                self._question(item, 0)
            except PathError as error:
                raise ConfigError(f"the body of item '{item.id}' cannot be made: {error}") from None
        self._open()

    def _question(self, item: DatasetItem, trial: int) -> bytes:
        return question(item, trial) if self.body is None else request_body(self.body, item, trial)

    async def call(self, item: DatasetItem, trial: int) -> Answer:
        import httpx

        headers = self.headers
        parent = current_traceparent.get()
        if parent is not None and not self._names_parent:
            headers = {**headers, TRACEPARENT: parent}
        try:
            async with self._open().stream(
                "POST", self.url, content=self._question(item, trial), headers=headers
            ) as response:
                body = self.keys.out_of_body(await _body(response))
        except httpx.HTTPError as error:
            raise classify(error) from error
        if not response.is_success:
            raise _refusal(response, body)
        content_type = response.headers.get("content-type", "")
        return answer_of(body, kind=self.reply, content_type=content_type, answer=self.answer)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _open(self) -> httpx.AsyncClient:
        import httpx

        if self._client is None:
            # The engine bounds the calls and their time; a pool with limits of its own would make calls wait
            # inside their measured latency.
            unlimited = httpx.Limits(max_connections=None, max_keepalive_connections=None)
            self._client = httpx.AsyncClient(
                limits=unlimited, timeout=httpx.Timeout(None, connect=self.connect)
            )
        return self._client


async def _body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_OUTPUT_BYTES:
            raise CandidateError(f"replied more than {MAX_OUTPUT_BYTES // 1_000_000} MB")
    return bytes(body)


def _refusal(response: httpx.Response, body: bytes) -> CandidateError:
    status = response.status_code
    said = excerpt(body[:MAX_OUTPUT_BYTES].decode(errors="replace"))
    reason = f"HTTP status {status}{f': {said}' if said else ''}"
    if response.is_redirect:
        return CandidateError(f"HTTP status {status}: redirects are not followed (name the final URL)")
    if status in TRANSIENT_STATUSES or response.is_server_error:
        return TransientError(
            reason,
            retry_after=seconds_to_wait(response.headers.get("retry-after")),
            rate_limited=status in RATE_LIMIT_STATUSES,
        )
    return CandidateError(reason)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  raises for a port that is no number
    except ValueError as error:
        raise ConfigError(f"the candidate's URL cannot be used: {error}") from None
    if parts.scheme not in ("http", "https"):
        raise ConfigError(
            f"the candidate's URL has the scheme '{parts.scheme}'", hint="http:// and https:// are known"
        )
    if not parts.hostname:
        raise ConfigError("the candidate's URL names no host", hint="such as http://localhost:8000/ask")


def _secrets_in(headers: Mapping[str, str], root: Path) -> Iterator[str]:
    """What variables put into headers, where header or variable is named like a secret."""
    for name, template in headers.items():
        for named in _VARIABLE.findall(template):
            if names_a_secret(name) or names_a_secret(named):
                yield variable(named, root) or ""


def _header(name: str, template: str, root: Path) -> str:
    """A header's value with its variables filled in. No message shows a value: it may be a secret."""
    if not _HEADER_NAME.fullmatch(name):
        raise ConfigError(f"{name!r} is no name of an HTTP header")
    values = {named: variable(named, root) for named in _VARIABLE.findall(template)}
    for named, found in values.items():
        if found is None:
            state = "empty" if named in os.environ else "not set"
            raise ConfigError(
                f"the header '{name}' needs the environment variable {named}, which is {state}",
                hint=f"export {named}=..., or give it in {ENV_FILE}",
            )
    if "${" in _VARIABLE.sub("", template):
        raise ConfigError(f"the header '{name}' holds a '${{' that names no variable", hint="write ${NAME}")
    value = _VARIABLE.sub(lambda match: values[match[1]] or "", template)
    if not (value.isascii() and value.isprintable()):
        raise ConfigError(
            f"the value of the header '{name}' holds characters that no header may hold",
            hint="is there a line end in the variable?",
        )
    return value
