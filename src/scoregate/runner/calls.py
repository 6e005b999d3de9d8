"""Calls of the user's code, sync or async, under one time limit, and whatever they do they end.

1. An async call runs in a task of its own (with its own context variables), a sync one in a daemon thread.
2. Beyond the limit the task is cancelled; one that swallows this is left behind after a grace of a second. A thread
   cannot be stopped, so it is left behind at once. Late results are dropped.
3. Whatever is raised, `sys.exit` and KeyboardInterrupt included, is an outcome and not the end of the run.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from scoregate.runner.threads import DaemonThreads, Job

GRACE_SECONDS = 1.0
"""How long a cancelled task may take to end."""


class LoopBlocked(BaseException):
    """Raised into an async call that blocks the event loop beyond the limit (see `watchdog`)."""


@dataclass(slots=True)
class Outcome:
    """How one call ended: with `returned`, with `error`, or neither."""

    seconds: float
    returned: Any = None
    error: BaseException | None = None
    timed_out: bool = False
    aborted: bool = False
    """The run was interrupted."""


class Calls:
    """The calls in flight, oldest first. For one event loop's thread."""

    def __init__(self, limit_seconds: float | None, threads: DaemonThreads) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = limit_seconds
        self._threads = threads
        # A dict keeps the order of the starts, and with one limit for all that is the order of the deadlines.
        self._open: dict[_Call, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._context = contextvars.copy_context()

    def awaited(self, function: Callable[..., Awaitable[Any]], *arguments: Any) -> asyncio.Future[Outcome]:
        """Call an async function on this event loop."""
        call = self._begin()
        call.task = self._loop.create_task(_measured_async(function, arguments))
        call.task.add_done_callback(call.task_ended)
        return call.future

    def in_thread(self, function: Callable[..., Any], *arguments: Any) -> asyncio.Future[Outcome]:
        """Call a blocking function in a thread."""
        call = self._begin()
        context = self._context.copy()
        call.job = self._threads.submit(lambda: context.run(_measured, function, arguments), call.resolve)
        return call.future

    def overdue(self, task: asyncio.Task[Any] | None, *, limit: float | None) -> bool:
        """Whether a task is one of these calls and has been going for `limit` seconds. Safe in a signal handler."""
        call = next((call for call in list(self._open) if call.task is task and task is not None), None)
        return call is not None and (limit is None or self._loop.time() - call.started >= limit)

    def abort(self) -> None:
        """End every call now: the run was interrupted."""
        for call in list(self._open):
            call.stop()
            call.resolve(Outcome(self._loop.time() - call.started, aborted=True))

    def _begin(self) -> _Call:
        call = _Call(self._loop, self._open)
        if self._timer is None and self._limit is not None:
            self._timer = self._loop.call_at(call.started + self._limit, self._check_limit, self._limit)
        return call

    def _check_limit(self, limit: float) -> None:
        """Stop what is over the limit, and look again when the next call will be."""
        self._timer = None
        now = self._loop.time()
        for call in list(self._open):
            if call.expired:
                continue
            if call.started + limit > now:
                self._timer = self._loop.call_at(call.started + limit, self._check_limit, limit)
                return
            call.expired = True
            call.stop()
            late = Outcome(now - call.started, timed_out=True)
            if call.task is None:
                call.resolve(late)
            else:
                self._loop.call_later(GRACE_SECONDS, call.resolve, late)


class _Call:
    """One call in flight."""

    __slots__ = ("expired", "future", "job", "open_calls", "started", "task")

    def __init__(self, loop: asyncio.AbstractEventLoop, open_calls: dict[_Call, None]) -> None:
        self.open_calls = open_calls
        open_calls[self] = None
        self.started = loop.time()
        self.future: asyncio.Future[Outcome] = loop.create_future()
        self.task: asyncio.Task[Outcome] | None = None
        self.job: Job | None = None
        self.expired = False

    def resolve(self, outcome: Outcome) -> None:
        if not self.future.done():
            self.future.set_result(outcome)
            del self.open_calls[self]

    def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
        if self.job is not None:
            self.job.give_up()

    def task_ended(self, task: asyncio.Task[Outcome]) -> None:
        try:
            outcome = task.result()
        except BaseException as error:  # noqa: BLE001  raised before or after the user code: it is an outcome too
            outcome = Outcome(0.0, error=error)
        if self.expired or isinstance(outcome.error, LoopBlocked):
            outcome = Outcome(task.get_loop().time() - self.started, timed_out=True)
        self.resolve(outcome)


def _measured(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Outcome:
    started = perf_counter()
    try:
        returned = function(*arguments)
    except BaseException as error:  # noqa: BLE001  user code: sys.exit ends the call, not the run
        return Outcome(perf_counter() - started, error=error)
    return Outcome(perf_counter() - started, returned)


async def _measured_async(function: Callable[..., Awaitable[Any]], arguments: tuple[Any, ...]) -> Outcome:
    started = perf_counter()
    try:
        returned = await function(*arguments)
    except BaseException as error:  # noqa: BLE001  user code: sys.exit ends the call, not the run
        return Outcome(perf_counter() - started, error=error)
    return Outcome(perf_counter() - started, returned)
