"""Connections to a server: kept, made anew where it hung up, through a proxy where the environment names one."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator

import pytest

from scoregate.langfuse.connection import Connection, Patience
from scoregate.langfuse.project import project_of
from scoregate.langfuse.settings import Settings
from tests.langfuse_server.server import LangfuseServer
from tests.loopback import LoopbackHandler, LoopbackServer

PROJECTS = {"data": [{"id": "p", "name": "by another way"}]}


class Answering(LoopbackHandler):
    """Answers everything with the list of projects, packed, and remembers what it was asked."""

    asked: list[tuple[str, str]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["host"]))
        body = gzip.compress(json.dumps(PROJECTS).encode())
        self.send_response(200)
        self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


@pytest.fixture
def other() -> Iterator[tuple[LoopbackServer, list[tuple[str, str]]]]:
    """Another server, and what it is asked: path and host."""
    asked: list[tuple[str, str]] = []
    server = LoopbackServer(type("Handler", (Answering,), {"asked": asked}), 0)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server, asked
    server.shutdown()
    server.close_all()


def test_where_the_server_hung_up_the_next_request_makes_a_connection(server: LangfuseServer) -> None:
    settings = Settings(server.public_key, server.secret_key, server.url)
    with Connection(settings, Patience(first_pause=30.0, longest_pause=30.0)) as connection:
        project_of(connection)
        server.stop()
        server.start()
        began = time.monotonic()
        project_of(connection)
    assert time.monotonic() - began < 10.0


def test_an_answer_that_is_packed_is_unpacked(other: tuple[LoopbackServer, list[tuple[str, str]]]) -> None:
    server, _ = other
    with Connection(Settings("pk", "sk", f"http://127.0.0.1:{server.port}")) as connection:
        assert connection.get("/projects") == PROJECTS


def test_a_proxy_of_the_environment_is_asked_for_the_whole_address(
    other: tuple[LoopbackServer, list[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, asked = other
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{proxy.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Connection(Settings("pk", "sk", "http://langfuse.example")) as connection:
        assert connection.get("/projects") == PROJECTS
    assert asked == [("http://langfuse.example/api/public/projects", "langfuse.example")]


@pytest.mark.parametrize("spared", ["*", "127.0.0.1", "localhost,127.0.0.1:{port}"])
def test_a_server_that_the_environment_spares_the_proxy_is_asked_itself(
    other: tuple[LoopbackServer, list[tuple[str, str]]],
    server: LangfuseServer,
    monkeypatch: pytest.MonkeyPatch,
    spared: str,
) -> None:
    proxy, asked = other
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("no_proxy", spared.format(port=server.port))
    with Connection(Settings(server.public_key, server.secret_key, server.url)) as connection:
        assert project_of(connection).name
    assert asked == []
