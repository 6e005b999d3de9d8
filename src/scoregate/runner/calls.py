"""Calls of the user's code, sync or async, so many at once and under one time limit; whatever they do, they end.

1. An async call runs in a task of its own (with its own context variables), a sync one in a daemon thread.
2. Beyond the limit the task is cancelled; one that swallows this is left behind after a grace of a second. A thread
   cannot be stopped, so it is left behind at once. Late results are dropped. What counts is the time that a call has
   had: not how long it waited for others that held the event loop (`loop_time`).
3. Whatever is raised, `sys.exit` and KeyboardInterrupt included, is an outcome and not the end of the run.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from scoregate.own import clock
from scoregate.records import DatasetItem
from scoregate.runner.candidates.candidate import Candidate
from scoregate.runner.loop_time import LoopTime, Steps, Turns
from scoregate.runner.threads import DaemonThreads, LoopBlocked, LoopThread, ThreadJob

_GRACE_SECONDS = 1.0
"""How long a cancelled task may take to end."""
_LEAST_SECONDS = 0.001
"""Between two looks at the time limits."""


Read = Callable[[Any], Any]


@dataclass(slots=True)
class CallOutcome:
    """How one call ended: with `returned`, with `error`, or neither."""

    seconds: float
    returned: Any = None
    error: BaseException | None = None
    timed_out: bool = False
    aborted: bool = False
    """The run was interrupted."""


class Calls:
    """The calls in flight, oldest first. For one event loop's thread."""

    def __init__(
        self, limit_seconds: float | None, threads: DaemonThreads | LoopThread, loop_time: LoopTime
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = limit_seconds
        self._threads = threads
        self.loop_time = loop_time
        self._open: dict[_Call, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._context = contextvars.copy_context()

    def awaited(
        self,
        function: Callable[..., Coroutine[Any, Any, Any]],
        *arguments: Any,
        name: str | None,
        read: Read | None = None,
    ) -> asyncio.Future[CallOutcome]:
        """Call an async function on this event loop. `name` is what a user is told that blocks (see `Turns`).

        `read` makes of what was returned what the outcome holds, before any other call goes on: that may change what
        was returned. Its time is not the call's.
        """
        call = self._begin()
        call.turns.name = name
        call.read = read
        try:
            steps = Steps(function(*arguments), call.turns, self.loop_time, call.ended)
        except BaseException as error:  # noqa: BLE001  raised before there was a coroutine: it is an outcome too
            call.ended(error)
        else:
            # Not `create_task`: the loop's own maker of tasks times what a call makes as a part of it.
            call.task = asyncio.Task(steps, loop=self._loop)
        return call.future

    def in_thread(
        self, function: Callable[..., Any], *arguments: Any, read: Read | None = None
    ) -> asyncio.Future[CallOutcome]:
        """Call a blocking function in a thread, which may be the event loop's own. `read` is that of `awaited`."""
        call = self._begin()
        context, turns = self._context.copy(), call.turns

        def work() -> CallOutcome:
            turns.began = clock.seconds()
            return context.run(_measured, function, arguments, read)

        call.job = self._threads.submit(work, call.resolve, turns)
        return call.future

    def abort(self) -> None:
        """End every call now: the run was interrupted."""
        for call in list(self._open):
            call.stop()
            call.resolve(CallOutcome(call.turns.own(clock.seconds()), aborted=True))

    def _begin(self) -> _Call:
        call = _Call(self._loop, self._open, self._limit)
        if self._timer is None and self._limit is not None:
            self._timer = self._loop.call_later(self._limit, self._check_limit, self._limit)
        return call

    def _check_limit(self, limit: float) -> None:
        """Stop what has had its time, and look again when the next call will have."""
        self._timer = None
        now = clock.seconds()
        least = None
        for call in list(self._open):
            if call.expired:
                continue
            had = call.turns.own(
                now, self.loop_time.waiting(call.turns, now) if call.task is not None else 0.0
            )
            if had < limit:
                least = min(limit - had, limit if least is None else least)
                continue
            call.expired = True
            call.stop()
            late = CallOutcome(had, timed_out=True)
            if call.task is None:
                call.resolve(late)
            else:
                self._loop.call_later(_GRACE_SECONDS, call.resolve, late)
        if least is not None:
            self._timer = self._loop.call_later(max(least, _LEAST_SECONDS), self._check_limit, limit)


class _Call:
    """One call in flight."""

    __slots__ = ("expired", "future", "job", "limit", "open_calls", "read", "task", "turns")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, open_calls: dict[_Call, None], limit: float | None
    ) -> None:
        self.open_calls = open_calls
        open_calls[self] = None
        self.limit = limit
        self.turns = Turns()
        self.future: asyncio.Future[CallOutcome] = loop.create_future()
        self.task: asyncio.Task[None] | None = None
        self.job: ThreadJob | None = None
        self.read: Read | None = None
        self.expired = False

    def resolve(self, outcome: CallOutcome) -> None:
        if not self.future.done():
            late = self.limit is not None and outcome.seconds > self.limit
            if late or isinstance(outcome.error, LoopBlocked):
                # It has come to its end all the same, having blocked, or swallowed its interruption.
                outcome = CallOutcome(outcome.seconds, timed_out=True, aborted=outcome.aborted)
            self.future.set_result(outcome)
            del self.open_calls[self]
            self.job = None  # which knows this call: in a circle both would stay for long

    def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
        if self.job is not None:
            self.job.give_up()

    def ended(self, end: BaseException) -> None:
        """Its coroutine has come to its end: it has returned (a StopIteration) or raised."""
        outcome = CallOutcome(self.turns.own(self.turns.left_at))
        if self.expired:
            outcome.timed_out = True
        elif isinstance(end, StopIteration):
            outcome = _outcome(outcome.seconds, end.value, None, self.read)
        else:
            outcome.error = end
        if isinstance(end, LoopBlocked):
            # What was asked for while it blocked comes first, such as the end of the run.
            self.future.get_loop().call_soon(self.resolve, outcome)
        else:
            self.resolve(outcome)


def _measured(function: Callable[..., Any], arguments: tuple[Any, ...], read: Read | None) -> CallOutcome:
    returned, failed = None, None
    started = clock.seconds()
    try:
        returned = function(*arguments)
    except BaseException as error:  # noqa: BLE001  user code: sys.exit ends the call, not the run
        failed = error
    return _outcome(clock.seconds() - started, returned, failed, read)


def _outcome(seconds: float, returned: Any, failed: BaseException | None, read: Read | None) -> CallOutcome:
    if failed is None and read is not None:
        try:
            returned = read(returned)
        except BaseException as error:  # noqa: BLE001  user code: what makes JSON of an object of the user's
            return CallOutcome(seconds, error=error)
    return CallOutcome(seconds, returned, failed)


class Throttle:
    """How many calls may be in flight: fewer when the service says "too many", more again while it does not.

    Additive increase, multiplicative decrease, as TCP does it: a rate-limit answer halves the limit (never below one),
    as many successes as the limit is raise it by one. The answers of one burst count once. For one event loop's thread.
    """

    def __init__(self, maximum: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._maximum = maximum
        self._limit = float(maximum)
        self._active = 0
        self._decreases = 0
        self._paused_until = 0.0
        self._stopped = False
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def limit(self) -> int:
        """Calls that may be in flight now."""
        return int(self._limit)

    async def enter(self) -> int | None:
        """Wait for a place; a ticket for `limited`, or None once the run starts no more calls."""
        while not self._stopped:
            if self._active < self.limit and self._loop.time() >= self._paused_until:
                self._active += 1
                return self._decreases
            place = self._loop.create_future()
            self._waiting.append(place)
            await place
        return None

    def leave(self) -> None:
        self._active -= 1
        self._wake()

    def succeeded(self) -> None:
        """A call was answered without complaint."""
        if self._limit < self._maximum:
            self._limit = min(self._maximum, self._limit + 1 / self._limit)

    def limited(self, ticket: int) -> None:
        """A call was answered with "too many requests". Calls that started before the last decrease do not count."""
        if ticket == self._decreases:
            self._limit = max(1.0, self._limit / 2)
            self._decreases += 1

    @property
    def seconds_to_wait(self) -> float:
        """Until the end of a pause; 0 where there is none."""
        return max(0.0, self._paused_until - self._loop.time())

    def pause(self, seconds: float) -> None:
        """Start nothing for a while."""
        self._paused_until = max(self._paused_until, self._loop.time() + seconds)
        self._loop.call_at(self._paused_until, self._wake)

    def stop(self) -> None:
        """Start nothing any more."""
        self._stopped = True
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for place in waiting:
            if not place.done():  # Who waited may have been cancelled.
                place.set_result(None)


def distinct_candidates(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Each once: a candidate may stand in both arms, when it is compared with itself."""
    return list({id(candidate): candidate for candidate in candidates}.values())


def prepare_candidates(candidates: Sequence[Candidate], items: Sequence[DatasetItem]) -> None:
    """Whatever the candidates' own `prepare` raises ends the session before its first call."""
    for candidate in candidates:
        if candidate.prepare is not None:
            candidate.prepare(items)


async def close_candidates(candidates: Sequence[Candidate], seconds: float) -> None:
    """Let the candidates close what they hold, side by side, for at most so long."""
    await close_all([candidate.close for candidate in candidates if candidate.close is not None], seconds)


async def close_all(closers: Sequence[Callable[[], Awaitable[None]]], seconds: float) -> None:
    """Call them side by side and wait at most so long; what they raise changes nothing."""
    closing = [asyncio.ensure_future(close()) for close in closers]
    if not closing:
        return
    done, late = await asyncio.wait(closing, timeout=seconds)
    for task in late:
        task.cancel()
    for task in done:
        if not task.cancelled():
            task.exception()  # The session is over; an error while closing changes nothing about it.
