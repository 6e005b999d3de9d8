"""Daemon threads for blocking code that may never return.

`concurrent.futures` joins its threads when the interpreter exits, so that one hanging call would keep the process
alive for ever. These do not, and one that hangs is given up: its place is taken by a new thread.

They are started with `_thread`, because `Thread.start` waits until the system has scheduled the new thread: for 50
threads some ten milliseconds in which the event loop stands still, and several times that on a busy machine.
"""

from __future__ import annotations

import _thread
import asyncio
import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any


class Job:
    """One function on its way through a thread."""

    __slots__ = ("deliver", "given_up", "work")

    def __init__(self, work: Callable[[], Any], deliver: Callable[[Any], None]) -> None:
        self.work = work
        self.deliver = deliver
        self.given_up = False

    def give_up(self) -> None:
        """Nobody waits for it any more: its result is dropped, and its thread ends when it returns."""
        self.given_up = True


_Inbox = SimpleQueue[Job | None]


class DaemonThreads:
    """As many threads as there are jobs at one time; an idle one is used again. For one event loop's thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle: list[_Inbox] = []

    def submit(self, work: Callable[[], Any], deliver: Callable[[Any], None]) -> Job:
        """Call `work` in a thread and `deliver` with its result on the event loop. `work` must not raise."""
        job = Job(work, deliver)
        inbox = self._idle.pop() if self._idle else self._start()
        inbox.put(job)
        return job

    def close(self) -> None:
        """End the idle threads. Busy ones end when their job does, if ever."""
        while self._idle:
            self._idle.pop().put(None)

    def _start(self) -> _Inbox:
        inbox: _Inbox = SimpleQueue()
        _thread.start_new_thread(self._serve, (inbox,))
        return inbox

    def _serve(self, inbox: _Inbox) -> None:
        # What `Thread` does for debuggers and for measuring coverage.
        sys.settrace(threading.gettrace())
        while (job := inbox.get()) is not None:
            result = job.work()
            try:
                self._loop.call_soon_threadsafe(self._finished, job, result, inbox)
            except RuntimeError:
                return  # The loop is closed: nobody waits.
            del job, result  # What is not held here can be freed while the thread waits.

    def _finished(self, job: Job, result: Any, inbox: _Inbox) -> None:
        if job.given_up:
            inbox.put(None)
            return
        self._idle.append(inbox)
        job.deliver(result)
