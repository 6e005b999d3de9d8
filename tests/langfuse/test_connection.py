"""Requests to a server: what is tried again, what is believed, and what is never said."""

from __future__ import annotations

import time
from base64 import b64encode

import pytest

from scoregate.errors import ServiceError
from scoregate.langfuse.connection import Connection, Patience, Refused
from scoregate.langfuse.project import project_of
from scoregate.langfuse.settings import Settings
from tests.langfuse_server.faults import Fault
from tests.langfuse_server.server import LangfuseServer

HASTY = Patience(request=10.0, deadline=0.3, first_pause=0.01, longest_pause=0.05)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_is_not_believed_before_it_is_repeated(
    server: LangfuseServer, connection: Connection, status: int
) -> None:
    server.faults.plan(Fault(status=status), next_requests=2)
    assert project_of(connection).name
    server.faults.plan(Fault(status=status), next_requests=3)
    with pytest.raises(Refused) as refusal:
        project_of(connection)
    assert refusal.value.status == status


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "truncated"])
def test_an_answer_that_is_lost_is_asked_for_again(
    server: LangfuseServer, connection: Connection, fault: str
) -> None:
    server.faults.plan(Fault(kind=fault), next_requests=2)  # type: ignore[arg-type]  # one of the kinds
    assert project_of(connection).name


def test_a_wish_to_wait_is_honoured(server: LangfuseServer, connection: Connection) -> None:
    server.faults.plan(Fault(status=429, retry_after=1), next_requests=1)
    began = time.monotonic()
    project_of(connection)
    assert time.monotonic() - began >= 1.0


def test_a_wish_to_wait_for_an_hour_is_an_error(server: LangfuseServer, connection: Connection) -> None:
    server.faults.plan(Fault(status=429, retry_after=3600), next_requests=1)
    with pytest.raises(ServiceError, match="asks to wait 3600 s"):
        project_of(connection)


def test_a_connection_that_was_answered_413_is_not_used_again(
    server: LangfuseServer, connection: Connection
) -> None:
    body = {"name": "n", "value": 1, "traceId": "t", "comment": "x" * 1024 * 1024}
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(Refused, match="413"):
            connection.post("/scores", body)
        assert project_of(connection).name
    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_a_wish_that_is_no_time_leaves_the_usual_pause(server: LangfuseServer, seconds: float) -> None:
    server.faults.plan(Fault(status=429, retry_after=seconds), next_requests=1)
    settings = Settings(server.public_key, server.secret_key, server.url)
    with Connection(settings, Patience(first_pause=0.6)) as connection:
        began = time.monotonic()
        project_of(connection)
    assert 0.3 <= time.monotonic() - began < 5.0


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"data": {}}', "<html>Sign in</html>"])
def test_a_page_that_is_none_of_langfuse_is_an_error(server: LangfuseServer, body: str) -> None:
    server.faults.plan(Fault(kind="answers", body=body))
    settings = Settings(server.public_key, server.secret_key, server.url)
    with Connection(settings, HASTY) as connection, pytest.raises(ServiceError, match="does not serve"):
        list(connection.pages("/v2/datasets"))


def test_neither_the_secret_key_nor_its_header_is_ever_said() -> None:
    settings = Settings("pk-lf-1", "sk-lf-secret", "http://127.0.0.1:1")
    header = b64encode(b"pk-lf-1:sk-lf-secret").decode()
    told = settings.redacted(f"you sent sk-lf-secret as Basic {header}")
    assert "sk-lf-secret" not in told + repr(settings)
    assert header not in told
