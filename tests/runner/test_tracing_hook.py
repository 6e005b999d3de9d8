"""The hook around calls: entered in the call's own context, and told to candidates elsewhere."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from typing import Any, Protocol

import pytest

from scoregate.gate_file import CandidateSpec, Limits
from scoregate.git.version import Version
from scoregate.records import DatasetItem, Run
from scoregate.runner.candidates import Candidate, TransientError, build_candidate
from scoregate.runner.candidates.worker import worker_candidate
from scoregate.runner.tracing import current_traceparent

where: ContextVar[str | None] = ContextVar("where", default=None)


class Hook:
    """Notes when it is entered and left, and names a parent after the call."""

    def __init__(self) -> None:
        self.entered: list[tuple[str, str, int]] = []
        self.left: list[tuple[str, str, int]] = []

    @contextmanager
    def around(self, run: str, item: DatasetItem, trial: int) -> Iterator[None]:
        self.entered.append((run, item.id, trial))
        where.set(f"{run}/{item.id}/{trial}")
        token = current_traceparent.set(parent_of(item.id))
        try:
            yield
        finally:
            current_traceparent.reset(token)
            self.left.append((run, item.id, trial))


class Driven(Protocol):
    run: Run


class Drive(Protocol):
    def __call__(self, task: Any, **plan: Any) -> Driven: ...


def parent_of(item: str) -> str:
    return f"00-{item.encode().hex():0>32}-{item.encode().hex():0>16}-01"


def outputs(driven: Driven) -> dict[tuple[str, int], Any]:
    return {(item.item, item.trial): item.output for item in driven.run.items}


def test_an_async_call_sees_what_the_hook_set_for_it_and_for_no_other(drive: Drive) -> None:
    hook = Hook()

    async def task(item: DatasetItem, trial: int) -> str | None:
        await asyncio.sleep(0.005)
        return await asyncio.create_task(inner())

    async def inner() -> str | None:
        return where.get()

    driven = drive(task, items=20, trials=2, tracing=hook, limits=Limits(concurrency=8))
    assert outputs(driven) == {cell: f"run-1/{cell[0]}/{cell[1]}" for cell in outputs(driven)}
    assert len(hook.entered) == 40
    assert sorted(hook.entered) == sorted(hook.left)


def test_a_sync_call_sees_it_in_its_thread(drive: Drive) -> None:
    def task(item: DatasetItem, trial: int) -> list[str | None]:
        return [where.get(), current_traceparent.get()]

    driven = drive(task, items=20, tracing=Hook(), limits=Limits(concurrency=8))
    assert outputs(driven) == {
        (item, trial): [f"run-1/{item}/{trial}", parent_of(item)] for item, trial in outputs(driven)
    }
    assert where.get() is None


def test_a_retried_call_has_the_same_hook(drive: Drive) -> None:
    hook = Hook()
    calls: list[str] = []

    async def task(item: DatasetItem, trial: int) -> str:
        calls.append(item.id)
        if len(calls) == 1:
            raise TransientError("busy", retry_after=0)
        return "fine"

    drive(task, items=1, tracing=hook)
    assert hook.entered == hook.left == [("run-1", "a", 0)] * 2


@pytest.mark.parametrize("kind", ["raises", "times out"])
def test_the_hook_is_left_however_the_call_ends(drive: Drive, kind: str) -> None:
    hook = Hook()

    async def task(item: DatasetItem, trial: int) -> None:
        if kind == "raises":
            sys.exit(3)
        await asyncio.sleep(60)

    drive(task, items=1, tracing=hook, limits=Limits(concurrency=1, timeout_seconds=0.05))
    assert hook.left == [("run-1", "a", 0)]


def test_a_command_finds_its_parent_in_its_environment(drive: Drive, tmp_path: Path) -> None:
    script = 'cat > /dev/null; echo "\\"$TRACEPARENT\\""'
    candidate = build_candidate(CandidateSpec(command=("sh", "-c", script)), root=tmp_path, timeout=None)
    assert outputs(drive(None, candidate=candidate, tracing=Hook())) == {
        (item, 0): parent_of(item) for item in "abc"
    }


def test_without_tracing_a_command_is_told_of_no_parent(
    drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRACEPARENT", raising=False)
    script = 'cat > /dev/null; echo "\\"${TRACEPARENT-none}\\""'
    candidate = build_candidate(CandidateSpec(command=("sh", "-c", script)), root=tmp_path, timeout=None)
    assert set(outputs(drive(None, candidate=candidate)).values()) == {"none"}


@pytest.fixture
def echo() -> Iterator[str]:
    """The address of a service that replies with the header `traceparent` of the request, as JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = f'"{self.headers.get("traceparent", "none")}"'.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_service_is_sent_its_parent_as_a_header(drive: Drive, tmp_path: Path, echo: str) -> None:
    candidate = build_candidate(CandidateSpec(http=echo), root=tmp_path, timeout=None)
    assert outputs(drive(None, candidate=candidate, tracing=Hook())) == {
        (item, 0): parent_of(item) for item in "abc"
    }


def test_a_header_that_the_user_gave_is_sent_instead(drive: Drive, tmp_path: Path, echo: str) -> None:
    spec = CandidateSpec(http=echo, headers={"Traceparent": "00-mine"})
    candidate = build_candidate(spec, root=tmp_path, timeout=None)
    assert set(outputs(drive(None, candidate=candidate, tracing=Hook())).values()) == {"00-mine"}


def test_without_tracing_a_service_is_sent_no_parent(drive: Drive, tmp_path: Path, echo: str) -> None:
    candidate = build_candidate(CandidateSpec(http=echo), root=tmp_path, timeout=None)
    assert set(outputs(drive(None, candidate=candidate)).values()) == {"none"}


def worker(folder: Path, source: str) -> Candidate:
    file = folder / "experiment.py"
    file.write_text(dedent(source))
    version = Version("v1")
    return worker_candidate(file, root=folder, python=Path(sys.executable), version=version, at_once=2)


@pytest.mark.parametrize("kind", ["async def", "def"])
def test_a_worker_is_told_the_parent_of_each_call(drive: Drive, tmp_path: Path, kind: str) -> None:
    candidate = worker(
        tmp_path,
        f"""
        from opentelemetry import trace

        {kind} task(*, item, **kwargs):
            parent = trace.get_current_span().get_span_context()
            return f"00-{{parent.trace_id:032x}}-{{parent.span_id:016x}}-{{int(parent.trace_flags):02x}}"
        """,
    )
    assert outputs(drive(None, candidate=candidate, tracing=Hook())) == {
        (item, 0): parent_of(item) for item in "abc"
    }


def test_a_worker_without_langfuse_loads_no_tracing(
    drive: Drive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LANGFUSE_PUBLIC_KEY", raising=False)
    candidate = worker(
        tmp_path,
        """
        import sys

        def task(*, item, **kwargs):
            return "opentelemetry" in sys.modules
        """,
    )
    assert set(outputs(drive(None, candidate=candidate)).values()) == {False}
