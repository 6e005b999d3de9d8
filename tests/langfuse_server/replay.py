"""Recorded requests sent again to a server, with what that server made up in place of what the recorded one did."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.langfuse_server.answers import Json
from tests.langfuse_server.client import trusted
from tests.langfuse_server.recordings import Exchange
from tests.langfuse_server.rewriting import Rewriting, spans_of

SHORTEST_ID = 8  # what is shorter is a number of the real server's queue


@dataclass(slots=True)
class Replay:
    """Sends exchanges to a server. `reach` is called with the time of each before it is sent."""

    url: str
    public_key: str
    secret_key: str
    reach: Callable[[datetime], None]
    rewriting: Rewriting = field(default_factory=Rewriting)
    made_up: dict[str, str] = field(default_factory=dict)
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = self._fresh_client()

    def _fresh_client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, verify=trusted(), trust_env=False, timeout=60)

    def close(self) -> None:
        self.client.close()

    def send(self, exchange: Exchange) -> tuple[int, str | None, Json]:
        """Status, content type and body of this server's answer; the body is text where it is no JSON."""
        request = exchange.request
        self.reach(exchange.at + self.rewriting.shift)
        query = {name: self._text(value) for name, value in request["query"].items()}
        target = self._text(exchange.path) + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        headers = {name: self._header(name, value) for name, value in request["headers"].items()}
        body = self._body(request)
        answer = self.client.request(request["method"], target, headers=headers, content=body or None)
        if answer.status_code == 413:
            # The server never serves that connection again.
            self.close()
            self.client = self._fresh_client()
        kind = answer.headers.get("content-type")
        answered = answer.json() if (kind or "").startswith("application/json") else answer.text
        recorded = self.rewriting.body(exchange.body)
        if request["method"] != "GET":
            self._learn(recorded, answered)
        elif isinstance(recorded, dict) and isinstance(answered, dict):
            self._learn(recorded.get("meta"), answered.get("meta"))
        return answer.status_code, kind, answered

    def asks_for_own(self, exchange: Exchange) -> bool:
        """Whether a request names something that this replay made, and so is not about the whole project."""
        query = exchange.request["query"]
        texts = [exchange.path, *(value for name, value in query.items() if name != "cursor")]
        named = replace(self.rewriting, shift=timedelta())
        return any(
            named.text(text) != text or self._text(text) != self.rewriting.text(text) for text in texts
        )

    def expected(self, exchange: Exchange) -> Json:
        """The recorded answer with this server's ids in it."""
        return json.loads(self._text(json.dumps(exchange.body)))

    def _text(self, recorded: str) -> str:
        text = self.rewriting.text(recorded)
        for before, now in self.made_up.items():
            text = text.replace(before, now)
        return text

    def _header(self, name: str, value: str) -> str:
        if name != "authorization":
            return str(value)
        if value == "Bearer <token>":
            return f"Bearer {self.public_key}"
        pair = f"{self.public_key}:{self.secret_key}" if value == "Basic <key pair>" else "pk-wrong:sk-wrong"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def _body(self, request: Mapping[str, Json]) -> bytes:
        body = request["body"]
        if body is None:
            return b""
        if isinstance(body, dict) and "otlp_base64" in body:
            export = self._export(base64.b64decode(body["otlp_base64"]))
            return (
                gzip.compress(export, 1) if request["headers"].get("content-encoding") == "gzip" else export
            )
        if isinstance(body, dict) and "bytes_base64" in body:
            return base64.b64decode(body["bytes_base64"])
        if isinstance(body, dict) and "omitted_bytes" in body:
            start, end = (self._text(body[name]).encode() for name in ("starts_with", "ends_with"))
            return b"".join((start, b"x" * (body["omitted_bytes"] - len(start) - len(end)), end))
        if isinstance(body, dict) and set(body) == {"text"}:
            return str(body["text"]).encode()
        return self._text(json.dumps(body)).encode()

    def _export(self, recorded: bytes) -> bytes:
        export = ExportTraceServiceRequest.FromString(recorded)
        for span in spans_of(export):
            self.rewriting.span(span)
            for attribute in span.attributes:
                if attribute.value.WhichOneof("value") == "string_value":
                    attribute.value.string_value = self._text(attribute.value.string_value)
        return bytes(export.SerializeToString())

    def _learn(self, recorded: Json, answered: Json) -> None:
        """Note ids and cursors that differ between the recording and this server's answer to the same request."""
        for before, now in _ids(recorded, answered):
            if before != now and len(before) > SHORTEST_ID:
                self.made_up[before] = now


def _ids(recorded: Json, answered: Json, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(recorded, dict) and isinstance(answered, dict):
        for key in recorded.keys() & answered.keys():
            yield from _ids(recorded[key], answered[key], key)
    elif isinstance(recorded, list) and isinstance(answered, list):
        for before, now in zip(recorded, answered, strict=False):
            yield from _ids(before, now, name)
    elif name in ("id", "cursor") and isinstance(recorded, str) and isinstance(answered, str):
        yield recorded, answered
