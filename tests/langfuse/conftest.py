from collections.abc import Iterator

import pytest

from scoregate.langfuse.connection import Connection
from tests.langfuse.put_spans import QUICK, settings_of
from tests.langfuse_server.server import LangfuseServer


@pytest.fixture
def server() -> Iterator[LangfuseServer]:
    with LangfuseServer() as started:
        yield started


@pytest.fixture
def connection(server: LangfuseServer) -> Iterator[Connection]:
    with Connection(settings_of(server), QUICK) as opened:
        yield opened
