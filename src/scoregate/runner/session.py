"""The sync face of the engine, and of scoring again: owns the event loop, its watchdog, the signals, and the end."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import ContextVar
from types import FrameType, TracebackType
from typing import Any, Protocol, TypeVar

from scoregate.errors import ConfigError, RunInterrupted
from scoregate.own import clock
from scoregate.own.folder import go_back
from scoregate.own.signs_of_life import signs_given
from scoregate.own.supervisor import Interruptions
from scoregate.runner.calls import Calls
from scoregate.runner.engine import Engine
from scoregate.runner.plan import RunPlan, RunReport
from scoregate.runner.threads import LoopBlocked
from scoregate.runner.users_thread import current_users_thread

_SIGN_SECONDS = 5.0
"""How much longer than the time limit of a call the process may give no sign of life."""
_LEAVE_SECONDS = 0.15
"""How long tasks that are left over may take to end."""


_Report = TypeVar("_Report", covariant=True)
_BEAT_SECONDS = 0.1
_PATIENCE_SECONDS = 0.15
"""How long the loop may stand still once the run is asked to end."""


class Stop:
    """Ends a run from another thread than the one that it is in, as Ctrl-C does from outside."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = False
        self._act: Callable[[], None] | None = None

    def ask(self) -> None:
        """End the session that goes on, and every later one of this run as soon as it begins."""
        with self._lock:
            self._asked = True
            if self._act is not None:
                self._act()

    def listen(self, act: Callable[[], None] | None) -> None:
        """What ends the session that goes on; None at its end. Called now, if it was asked for already."""
        with self._lock:
            self._act = act
            if act is not None and self._asked:
                act()


current_stop: ContextVar[Stop | None] = ContextVar("scoregate_stop", default=None)
"""What ends the sessions of the present context; None where nothing but a signal does."""


class Driver(Protocol[_Report]):
    """What does the work of a session on its event loop, and then says what became of it."""

    calls: Calls

    async def run(self) -> _Report: ...

    def interrupt(self) -> None:
        """End the session now, and keep what is finished."""


def run(plan: RunPlan) -> RunReport:
    """Run what is missing of a session, and say what became of it. Raises as `drive`."""
    return drive(lambda: Engine(plan), plan.limits.timeout_seconds)


def drive(begin: Callable[[], Driver[_Report]], timeout_seconds: float | None) -> _Report:
    """Do what `begin` makes on an event loop of its own; `timeout_seconds` is the time limit of a call.

    Ctrl-C and SIGTERM end it within a second (`interrupted` in the report); the same signal again ends the
    process at once. Raises StoreWriteError, and RunInterrupted where the user's code cancelled the session; everything
    that was committed before is kept. Not for use inside a running event loop: await `engine.execute` there.
    """
    elsewhere = current_users_thread.get()
    if elsewhere is not None:
        return elsewhere.call(lambda: drive(begin, timeout_seconds))
    with suppress(RuntimeError):
        asyncio.get_running_loop()
        raise ConfigError("this thread already runs an event loop", hint="await `engine.execute(plan)` there")
    loop = asyncio.new_event_loop()
    with suppress(AttributeError):  # another loop than asyncio's own may keep its clock to itself
        loop.time = clock.seconds  # type: ignore[method-assign]
    with Interruptions() as interruptions:
        try:
            return _to_its_end(loop, _session(begin, timeout_seconds, interruptions), interruptions)
        finally:
            _close(loop)
            go_back()


def _to_its_end(
    loop: asyncio.AbstractEventLoop, session: Coroutine[Any, Any, _Report], interruptions: Interruptions
) -> _Report:
    """The result of a session, also where the user's code stops the loop that it runs on."""
    task = loop.create_task(session)
    while True:
        try:
            return loop.run_until_complete(task)
        except (RuntimeError, SystemExit, KeyboardInterrupt) as problem:
            if task.done():
                raise
            # `loop.stop()`, or an exit in what the user's code has left on the loop: it goes on.
            if isinstance(problem, KeyboardInterrupt):
                interruptions.ask()
        except asyncio.CancelledError:
            raise RunInterrupted(
                "code of the candidate or of a scorer cancelled the tasks of the run"
            ) from None


async def _session(
    begin: Callable[[], Driver[_Report]], timeout_seconds: float | None, interruptions: Interruptions
) -> _Report:
    loop = asyncio.get_running_loop()
    driver = begin()
    loop.set_task_factory(driver.calls.loop_time.task_factory)
    patience = None if timeout_seconds is None else timeout_seconds + _SIGN_SECONDS
    with signs_given(patience), _Watchdog(loop, driver.calls, timeout_seconds) as watchdog:

        def interrupt() -> None:
            watchdog.hurry()
            loop.call_soon_threadsafe(driver.interrupt)

        interruptions.listen(interrupt)
        stop = current_stop.get()
        if stop is None:
            return await driver.run()
        stop.listen(interrupt)
        try:
            return await driver.run()
        finally:
            stop.listen(None)


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """Close the loop without waiting for what does not end.

    `asyncio.run` would wait for every task and for the threads of the default executor, and so for a candidate
    that swallows its cancellation or hangs in `asyncio.to_thread`.
    """
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    loop.set_exception_handler(_ignore)
    # What is torn down may stop the loop once more, or ask for the end of the process.
    with suppress(RuntimeError, SystemExit, KeyboardInterrupt):
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=_LEAVE_SECONDS))
        closing = loop.create_task(loop.shutdown_asyncgens())
        loop.run_until_complete(asyncio.wait({closing}, timeout=_LEAVE_SECONDS))
    loop.close()


def _ignore(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What the user's leftover tasks complain of while they are torn down is no news."""


class _Watchdog:
    """Against an async call that blocks the event loop, as `time.sleep` in an async function does.

    Such a call stops the clock of its own time limit, and with it the whole run. While this is entered, a thread
    notices that the loop stands still beyond the limit and sends the main thread a signal, whose handler raises into
    the call. Only where there are signals for threads, and in the main thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, calls: Calls, limit_seconds: float | None) -> None:
        self._loop = loop
        self._calls = calls
        self._limit = limit_seconds
        self._hurried = False
        self._last_beat = clock.seconds()
        self._timer: asyncio.TimerHandle | None = None
        self._ended = threading.Event()
        self._before: Any = None

    def __enter__(self) -> _Watchdog:
        if sys.platform != "win32" and threading.current_thread() is threading.main_thread():
            # SIGURG is ignored by default, so a late one does no harm.
            self._before = signal.signal(signal.SIGURG, self._raise_into_call)
            self._beat()
            main = threading.get_ident()
            threading.Thread(target=self._watch, args=(main,), name="scoregate-watchdog", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._timer is not None:
            self._timer.cancel()
            signal.signal(signal.SIGURG, signal.SIG_DFL if self._before is None else self._before)

    def hurry(self) -> None:
        """The run is asked to end: no call may block the loop any longer."""
        self._hurried = True

    def _beat(self) -> None:
        self._last_beat = clock.seconds()
        self._timer = self._loop.call_later(_BEAT_SECONDS, self._beat)

    def _watch(self, main: int) -> None:
        """In a thread of its own."""
        while not self._ended.wait(_BEAT_SECONDS):
            patience = _PATIENCE_SECONDS if self._hurried else self._limit
            if patience is not None and clock.seconds() - self._last_beat > patience + _BEAT_SECONDS:
                signal.pthread_kill(main, signal.SIGURG)

    def _raise_into_call(self, _number: int, _frame: FrameType | None) -> None:
        """In the main thread, between two instructions of whatever blocks it."""
        if self._calls.loop_time.overdue(None if self._hurried else self._limit):
            raise LoopBlocked
