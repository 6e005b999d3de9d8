"""Where blocking code of the user's runs: in daemon threads side by side, or one after another in the loop's thread.

The event loop of a session is in the thread that imported the user's files, mostly the main one. What was made there
may be bound to it (a connection of sqlite3, a signal handler, an event loop), and code with state of its own may not
bear to be called twice at once. For these there is `LoopThread`.
"""

from __future__ import annotations

import _thread
import asyncio
import sys
import threading
from asyncio.events import _set_running_loop
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from scoregate.own import clock
from scoregate.runner.loop_time import LoopTime, Turns


class LoopBlocked(BaseException):
    """Raised into a call that holds the event loop's thread beyond its limit (see `session`)."""


class ThreadJob:
    """One function on its way through a thread."""

    __slots__ = ("deliver", "given_up", "turns", "work")

    def __init__(self, work: Callable[[], Any], deliver: Callable[[Any], None], turns: Turns) -> None:
        self.work = work
        self.deliver = deliver
        self.turns = turns
        self.given_up = False

    def give_up(self) -> None:
        """Nobody waits for it any more: its result is dropped, and its thread ends when it returns."""
        self.given_up = True


_Inbox = SimpleQueue[ThreadJob | None]


class DaemonThreads:
    """As many threads as there are jobs at one time; an idle one is used again. For one event loop's thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle: list[_Inbox] = []

    def submit(
        self, work: Callable[[], Any], deliver: Callable[[Any], None], turns: Turns | None = None
    ) -> ThreadJob:
        """Call `work` in a thread and `deliver` with its result on the event loop. `work` must not raise.

        `turns` are those of the call that it is, if it is one.
        """
        job = ThreadJob(work, deliver, turns or Turns())
        inbox = self._idle.pop() if self._idle else self._start()
        inbox.put(job)
        return job

    def begin_part(self) -> None:
        """A part of a job begins, with a time limit of its own; called by the job."""

    def close(self) -> None:
        """End the idle threads. Busy ones end when their job does, if ever."""
        while self._idle:
            self._idle.pop().put(None)

    def _start(self) -> _Inbox:
        inbox: _Inbox = SimpleQueue()
        _thread.start_new_thread(self._serve, (inbox,))
        return inbox

    def _serve(self, inbox: _Inbox) -> None:
        # What `Thread` does for debuggers, profilers and measuring coverage.
        sys.settrace(threading.gettrace())
        sys.setprofile(threading.getprofile())
        while (job := inbox.get()) is not None:
            result = job.work()
            try:
                self._loop.call_soon_threadsafe(self._finished, job, result, inbox)
            except RuntimeError:
                return  # The loop is closed: nobody waits.
            del job, result  # What is not held here can be freed while the thread waits.

    def _finished(self, job: ThreadJob, result: Any, inbox: _Inbox) -> None:
        if job.given_up:
            inbox.put(None)
            return
        self._idle.append(inbox)
        job.deliver(result)


class LoopThread:
    """The thread of the event loop itself: one job at a time, and between two of them the loop goes on.

    While a job runs, the thread has no running event loop, so that blocking code may have one of its own.
    """

    def __init__(self, loop_time: LoopTime) -> None:
        self._loop = asyncio.get_running_loop()
        self._time = loop_time
        self._waiting: deque[ThreadJob] = deque()
        self._turns: Turns | None = None

    def submit(
        self, work: Callable[[], Any], deliver: Callable[[Any], None], turns: Turns | None = None
    ) -> ThreadJob:
        """Call `work` when it is its turn, then `deliver` with its result. `work` must not raise."""
        job = ThreadJob(work, deliver, turns or Turns())
        self._waiting.append(job)
        if len(self._waiting) == 1 and self._turns is None:
            self._loop.call_soon(self._next)
        return job

    def begin_part(self) -> None:
        """A part of a job begins, with a time limit of its own; called by the job."""
        if self._turns is not None:
            self._turns.began = clock.seconds()

    def close(self) -> None:
        """Begin no job any more."""
        self._waiting.clear()

    def _next(self) -> None:
        while self._waiting:
            job = self._waiting.popleft()
            if not job.given_up:
                break
        else:
            return
        self._turns = job.turns
        _set_running_loop(None)
        begun = self._time.hold(job.turns)
        try:
            result = job.work()
        finally:
            self._time.release(job.turns, begun)
            _set_running_loop(self._loop)
            self._turns = None
        self._loop.call_soon(self._deliver, job, result)

    def _deliver(self, job: ThreadJob, result: Any) -> None:
        # Only now the next one: what this one brings about goes first.
        if self._waiting:
            self._loop.call_soon(self._next)
        if not job.given_up:
            job.deliver(result)
