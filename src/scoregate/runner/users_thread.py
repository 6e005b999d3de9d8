"""One thread for all code of a script of Langfuse's action: its import, `experiment(context)`, tasks and evaluators.

There all of them run in one thread, mostly the main one, and what is made in one place is used in another. But between
two halves of `experiment(context)` the gate has to be run. So the gate goes on in a thread of its own, and hands back
what is the user's:

    this thread    import ─► experiment(context) ─► run_experiment ─► [ the session's event loop ] ─► the rest of it
    the gate's     ─► reads, assembles ─────────────────────────────► begins the session, decides ─► delivers
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar, copy_context
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

_T = TypeVar("_T")
IMPORTING = threading.RLock()
"""Held while a file is imported, and by whoever changes the import path: it is the process's, and runs may begin in
several threads."""


class GateEnded(BaseException):
    """Raised into a script that waits for results that will never be there."""


def settle(done: Future[_T], work: Callable[[], _T]) -> None:
    """Call `work`, and keep in `done` what it returns or raises, for the thread that waits for it."""
    try:
        done.set_result(work())
    except BaseException as error:  # noqa: BLE001  raised again by `result`, where it is waited for
        done.set_exception(error)


class UsersThread:
    """The thread in which a gate was begun, while the gate goes on in another one."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._ended = False

    def run(self, gate: Callable[[], _T]) -> _T:
        """The result of `gate`, called in a thread of its own; what that posts is called here meanwhile."""
        done: Future[_T] = Future()

        def work() -> None:
            current_users_thread.set(self)
            settle(done, gate)
            self._ended = True
            self.post(_nothing)

        context = copy_context()
        threading.Thread(target=context.run, args=(work,), name="scoregate-gate", daemon=True).start()
        while not self._ended:
            self._jobs.get()()
        return done.result()

    def serve_until(self, over: Callable[[], bool]) -> None:
        """Call what is posted until something is over, in the midst of a call of the user's code.

        Raises GateEnded where the gate ends before.
        """
        from asyncio.events import _get_running_loop, _set_running_loop

        running = _get_running_loop()
        _set_running_loop(None)  # The session has a loop of its own.
        try:
            while not over():
                if self._ended:
                    raise GateEnded
                self._jobs.get()()
        finally:
            _set_running_loop(running)

    def post(self, function: Callable[[], object]) -> None:
        """Have it called there; it must not raise."""
        self._jobs.put(function)

    def call(self, function: Callable[[], _T]) -> _T:
        """Call it there, and wait for its result. Raises what it raises."""
        done: Future[_T] = Future()
        self.post(partial(settle, done, function))
        return done.result()


def _nothing() -> None:
    """Wakes who waits for a job."""


current_users_thread: ContextVar[UsersThread | None] = ContextVar("scoregate_users_thread", default=None)
"""The thread that the user's code belongs to; None where it is the present one."""


def in_users_thread(function: Callable[[], _T]) -> _T:
    """Call it where the user's code belongs."""
    thread = current_users_thread.get()
    return function() if thread is None else thread.call(function)
