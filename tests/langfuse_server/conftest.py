from collections.abc import Iterator

import httpx
import pytest

from tests.langfuse_server.client import client_of
from tests.langfuse_server.server import LangfuseServer


@pytest.fixture
def server() -> Iterator[LangfuseServer]:
    with LangfuseServer() as started:
        yield started


@pytest.fixture
def client(server: LangfuseServer) -> Iterator[httpx.Client]:
    with client_of(server) as opened:
        yield opened
