"""Against an async call that blocks the event loop, as `time.sleep` in an async function does.

Such a call stops the clock of its own time limit, and with it the whole run. A thread notices that the loop stands
still beyond the limit and sends the main thread a signal, whose handler raises into the call.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import Any

from scoregate.runner.calls import Calls, LoopBlocked

BEAT_SECONDS = 0.1
PATIENCE_SECONDS = 0.15
"""How long the loop may stand still once the run is asked to end."""


class Watchdog:
    """Watches the loop while it is entered. Only where there are signals for threads, and in the main thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, calls: Calls, limit_seconds: float | None) -> None:
        self._loop = loop
        self._calls = calls
        self._limit = limit_seconds
        self._hurried = False
        self._last_beat = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None
        self._ended = threading.Event()
        self._before: Any = None

    def __enter__(self) -> Watchdog:
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
        self._last_beat = time.monotonic()
        self._timer = self._loop.call_later(BEAT_SECONDS, self._beat)

    def _watch(self, main: int) -> None:
        """In a thread of its own."""
        while not self._ended.wait(BEAT_SECONDS):
            patience = PATIENCE_SECONDS if self._hurried else self._limit
            if patience is not None and time.monotonic() - self._last_beat > patience + BEAT_SECONDS:
                signal.pthread_kill(main, signal.SIGURG)

    def _raise_into_call(self, _number: int, _frame: FrameType | None) -> None:
        """In the main thread, between two instructions of whatever blocks it."""
        task = asyncio.current_task(self._loop)
        if self._calls.overdue(task, limit=None if self._hurried else self._limit):
            raise LoopBlocked
