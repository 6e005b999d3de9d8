"""A plain client of the stand-in for the tests beside it."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import httpx

from tests.langfuse_server.answers import Json
from tests.langfuse_server.server import LangfuseServer


@cache
def trusted() -> ssl.SSLContext:
    """The certificates that a client trusts, read once for all clients: that takes longer than most requests."""
    return httpx.create_ssl_context()


@contextmanager
def client_of(server: LangfuseServer) -> Iterator[httpx.Client]:
    """An HTTP client with the server's keys; it knows no retries."""
    keys = (server.public_key, server.secret_key)
    with httpx.Client(
        base_url=server.url, auth=keys, verify=trusted(), trust_env=False, timeout=10
    ) as client:
        yield client


def wait_until(condition: Callable[[], bool]) -> None:
    """For what comes by itself after a while; fails after half a minute without it."""
    patience = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < patience
        time.sleep(0.02)


def score(score_id: str, value: float = 1.0, **fields: Json) -> dict[str, Json]:
    """The body of a numeric score on a trace."""
    return {"id": score_id, "traceId": "t1", "name": "accuracy", "value": value} | fields
