"""Under `make test-adapters` (SCOREGATE_TEST_ADAPTERS=1): no test may be skipped, and none may leave this machine.

Elsewhere the tests of a package that is not installed are skipped. Set before any package is imported, here as well as
in the Makefile, because their pytest plugins come first: no usage data, no tracing, no .env file of the directory.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from typing import Any

import pytest

STRICT = os.environ.get("SCOREGATE_TEST_ADAPTERS") == "1"
_LOOPBACK = frozenset(("127.0.0.1", "::1", "localhost", "", None))

os.environ["DEEPEVAL_TELEMETRY_OPT_OUT"] = "1"
os.environ["DEEPEVAL_DISABLE_DOTENV"] = "1"
os.environ["RAGAS_DO_NOT_TRACK"] = "true"
os.environ["LANGSMITH_TRACING"] = "false"

_left: list[str] = []
"""Where code tried to go outside this machine, also where it kept quiet about the refusal."""


def _stay(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in _LOOPBACK:
        _left.append(f"{event} to {host}")
        raise OSError(f"a test of the adapters may not reach {host}")


if STRICT:
    sys.addaudithook(_stay)


@pytest.fixture(autouse=True)
def _on_this_machine(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")  # no client may go where it was not sent
    monkeypatch.setenv("OPENAI_API_KEY", "no-key")
    monkeypatch.setenv("DEEPEVAL_RETRY_MAX_ATTEMPTS", "1")
    yield
    left = list(_left)
    _left.clear()
    assert not left, left


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _never_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _never_skipped(report)
    return report


def _never_skipped(report: pytest.CollectReport | pytest.TestReport) -> None:
    if STRICT and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, but here everything must run: {report.longrepr}"
