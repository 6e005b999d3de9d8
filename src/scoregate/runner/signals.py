"""Ctrl-C and SIGTERM: the first asks the run to end, the same one again ends the process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from scoregate.errors import INTERRUPTED

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruptions:
    """Handles the signals while it is entered, and puts the handlers back that were there.

    A terminal's Ctrl-C may come as SIGINT and, forwarded by the supervising process, as SIGTERM a moment
    later: only the same signal twice is a second one, also when one that is nested in another got the first.
    Does nothing outside the main thread, where Python allows no handlers.
    """

    def __init__(self, act: Callable[[], None] | None = None) -> None:
        """`act` is called at the first signal, in its handler, so between any two instructions."""
        self._act = act
        self._seen: set[int] = set()
        self._before: dict[signal.Signals, Any] = {}

    def listen(self, act: Callable[[], None]) -> None:
        """Call `act` at the first signal; now, if that has come already."""
        self._act = act
        if self._seen:
            act()

    def __enter__(self) -> Interruptions:
        if threading.current_thread() is threading.main_thread():
            outer = getattr(signal.getsignal(signal.SIGINT), "__self__", None)
            if isinstance(outer, Interruptions):
                self._seen = outer._seen
            for number in SIGNALS:
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            # None: the handler was not set from Python and cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if number in self._seen:
            os._exit(INTERRUPTED)
        is_first = not self._seen
        self._seen.add(number)
        if is_first and self._act is not None:
            self._act()
