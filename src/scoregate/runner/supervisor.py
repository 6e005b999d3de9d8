"""How a run may be ended: by a signal, or by a candidate that kills its own process, hence the child process.

`os._exit`, a crash in native code or the system's memory killer leave the child no last word. The parent has done
nothing yet but fork, so it is there to say what happened in one line; what was committed is in the store.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

from scoregate.errors import INTERRUPTED, RunInterrupted

_END = b"."
"""What the child writes when its work came to its end, whatever the exit code."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def supervise(work: Callable[[], int], *, hint: str | None = None) -> int:
    """Run `work` in a child process and return its exit code.

    Call it before threads are started and heavy modules are loaded. Ctrl-C and SIGTERM reach the child, also
    when only this process is sent them. When this process is gone, even by SIGKILL, the child ends. Where
    there is no fork (Windows), `work` runs here.

    Raises RunInterrupted, with `hint`, if the child ended before its work did.
    """
    if not hasattr(os, "fork"):
        return work()
    sys.stdout.flush()
    sys.stderr.flush()
    parent_alive, keep_alive = os.pipe()
    end_of_work, tell_end = os.pipe()
    # Until the handlers stand, a signal would end this process and leave the child to itself.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    child = os.fork()
    if child == 0:
        os.close(keep_alive)
        os.close(end_of_work)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        _be_child(work, parent_alive, tell_end)
    os.close(parent_alive)
    os.close(tell_end)
    try:
        status, interrupted = _wait_for(child, blocked)
        os.set_blocking(end_of_work, False)
        try:
            ended = os.read(end_of_work, 1) == _END
        except BlockingIOError:  # A process that the candidate started still holds the other end.
            ended = False
    finally:
        os.close(keep_alive)
        os.close(end_of_work)
    if ended:
        return os.waitstatus_to_exitcode(status)
    if interrupted:
        raise RunInterrupted("the run was ended at once; what was committed is kept", hint=hint)
    how = _how_it_ended(status)
    raise RunInterrupted(f"the run's process {how}; the candidate or a scorer ended it", hint=hint)


def _wait_for(child: int, unblocked: set[signal.Signals] | set[Any]) -> tuple[int, bool]:
    """The child's wait status, and whether this process was asked to end meanwhile."""
    asked: list[int] = []

    def forward(number: int, _frame: object) -> None:
        # Always as SIGTERM: after a terminal's Ctrl-C the child has had SIGINT already, and the same signal
        # twice would end it at once.
        asked.append(number)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)

    before = {number: signal.signal(number, forward) for number in _SIGNALS}
    signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
    try:
        _, status = os.waitpid(child, 0)
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    return status, bool(asked)


def _be_child(work: Callable[[], int], parent_alive: int, tell_end: int) -> None:
    """Never returns: the parent's stack is not the child's to unwind."""
    watch = threading.Thread(
        target=_end_with_parent, args=(parent_alive,), name="scoregate-parent", daemon=True
    )
    watch.start()
    own_process()
    atexit._clear()  # What was registered before the fork is the parent's to do.
    code = INTERRUPTED
    try:
        with Interruptions(_raise_keyboard_interrupt):
            code = work()
    except SystemExit as leaving:
        code = _exit_code(leaving.code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201  before or after the run, which handles it itself
    except BaseException:  # noqa: BLE001  the child's last words, whatever it was
        traceback.print_exc()
    finally:
        os.write(tell_end, _END)
        if code != INTERRUPTED:
            # Tracing SDKs in the candidate send what they have left. Threads are not waited for.
            atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            _flush(stream)
        os._exit(code)


def _raise_keyboard_interrupt() -> None:
    raise KeyboardInterrupt


def _end_with_parent(parent_alive: int) -> None:
    os.read(parent_alive, 1)  # Nothing is ever written: it returns when the parent is gone.
    os._exit(INTERRUPTED)


def _flush(stream: Any) -> None:
    try:
        stream.flush()
    except (OSError, ValueError):
        return  # The reader is gone; there is nobody left to tell.


def _exit_code(code: object) -> int:
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)  # noqa: T201  as the interpreter does it
    return 1


def _how_it_ended(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


class _Process:
    is_ours = False


_process = _Process()


def own_process() -> None:
    """Say that this process is a command's and nobody else's: it may be ended in the middle of whatever it does."""
    _process.is_ours = True


class Interruptions:
    """Ctrl-C and SIGTERM: the first asks the run to end, the same one again ends the process (`own_process`).

    In a process of somebody else's the second one does what it did there before. Handles the signals while it is
    entered, and puts the handlers back that were there.

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
            for number in _SIGNALS:
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
            if _process.is_ours:
                os._exit(INTERRUPTED)
            signal.signal(number, self._before[signal.Signals(number)] or signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        is_first = not self._seen
        self._seen.add(number)
        if is_first and self._act is not None:
            self._act()
