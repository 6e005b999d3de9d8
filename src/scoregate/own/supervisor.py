"""How a run may be ended: by a signal, or by a candidate that kills its own process, hence the child process.

`os._exit`, a crash in native code or the system's memory killer leave the child no last word. The parent has done
nothing yet but fork, so it is there to say what happened in one line; what was committed is in the store.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any

from scoregate.errors import INTERRUPTED, RunInterrupted
from scoregate.own import clock
from scoregate.own.signs_of_life import AtWork, SignsOfLife, Watch, give_signs, suspects

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STOP = b"!"
"""What the parent writes when it was asked to end: the user's code may have taken the signals for itself."""
_LOOK_SECONDS = 0.5
"""How often the supervising process looks for signs of life."""
_SECONDS_AT_EXIT = 10.0
"""How long what the user's libraries do at exit may take: a tracing SDK sends what it has left."""
_exit = os._exit


class ProcessHung(RunInterrupted):
    """The run's process gave no sign of life any more and was ended. `at_work` are the calls that were under way."""

    def __init__(self, message: str, at_work: Sequence[AtWork]) -> None:
        super().__init__(message)
        self.at_work = at_work


def supervise(
    work: Callable[[], int],
    *,
    hint: str | None = None,
    say: Callable[[str], None] | None = None,
    asked_to_end: Callable[[], None] | None = None,
) -> int:
    """Run `work` in a child process and return its exit code, whatever the user's code does as the child exits.

    Call it before threads are started and heavy modules are loaded. Ctrl-C and SIGTERM reach the child, also
    when only this process is sent them. When this process is gone, even by SIGKILL, the child ends. Where
    there is no fork (Windows), `work` runs here. `say` is told of what the user's code did to the child at exit, and
    `asked_to_end` is called where this process was asked to end meanwhile.

    Raises RunInterrupted, with `hint`, if the child ended before its work did, and its subclass ProcessHung if it gave
    no sign of life any more.
    """
    if not hasattr(os, "fork"):
        return work()
    sys.stdout.flush()
    sys.stderr.flush()
    parent_alive, keep_alive = os.pipe()
    end_of_work, tell_end = os.pipe()
    signs = SignsOfLife()
    # Until the handlers stand, a signal would end this process and leave the child to itself.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    child = os.fork()
    if child == 0:
        os.close(keep_alive)
        os.close(end_of_work)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        give_signs(signs)
        _be_child(work, parent_alive, tell_end)
    os.close(parent_alive)
    os.close(tell_end)
    try:
        ended = _Supervision(child, keep_alive, end_of_work, signs).until_it_ends(blocked)
    finally:
        os.close(keep_alive)
        os.close(end_of_work)
    if ended.interrupted and asked_to_end is not None:
        asked_to_end()
    if ended.code is not None:
        if say is not None and ended.at_exit is not None:
            say(f"{ended.at_exit}; the exit code stays {ended.code}")
        return ended.code
    if ended.silent_seconds is not None:
        raise ProcessHung(
            f"the run's process gave no sign of life for {ended.silent_seconds:.0f} s and was ended",
            ended.at_work,
        )
    if ended.interrupted:
        raise RunInterrupted("the run was ended at once; what was committed is kept", hint=hint)
    how = _how_it_ended(ended.status)
    raise RunInterrupted(f"the run's process {how}; the candidate or a scorer ended it", hint=hint)


@dataclass(slots=True)
class _Ended:
    """How a child ended."""

    status: int = 0
    """As `waitpid` gives it."""
    code: int | None = None
    """The exit code that it told when its work came to its end; None if that did not."""
    at_exit: str | None = None
    """What the user's code did to it after that."""
    interrupted: bool = False
    """This process was asked to end meanwhile."""
    silent_seconds: float | None = None
    """How long it gave no sign of life, where that ended it."""
    at_work: Sequence[AtWork] = ()


class _Supervision:
    """One child, from its beginning to its end."""

    def __init__(self, child: int, keep_alive: int, end_of_work: int, signs: SignsOfLife) -> None:
        self._child = child
        self._keep_alive = keep_alive
        self._end_of_work = end_of_work
        self._signs = signs
        self._ended = _Ended()
        self._asked: list[int] = []
        self._stopped = False

    def until_it_ends(self, unblocked: Any) -> _Ended:
        """Wait, forwarding signals, which are blocked until this does."""
        before = {number: signal.signal(number, self._forward) for number in _SIGNALS}
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        try:
            self._wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._ended.interrupted = bool(self._asked)
        return self._ended

    def _forward(self, number: int, _frame: object) -> None:
        again = number in self._asked
        self._asked.append(number)
        # As SIGTERM: after a terminal's Ctrl-C the child has had SIGINT already, and the same signal twice would end
        # it at once. The second one does, also where the user's code has taken the handlers of the first.
        with suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL if again else signal.SIGTERM)
        with suppress(OSError):
            os.write(self._keep_alive, _STOP)

    def _wait(self) -> None:
        watch, deadline = Watch(self._signs, _LOOK_SECONDS), None
        while not self._has_exited(deadline):
            if deadline is None and self._told_its_end():
                deadline = clock.seconds() + _SECONDS_AT_EXIT
            if deadline is not None:
                if clock.seconds() > deadline:
                    self._ended.at_exit = (
                        f"code that runs at exit took more than {_SECONDS_AT_EXIT:.0f} s: ended"
                    )
                    self._kill()
                    return
                continue
            silent = watch.missing()
            if silent is not None:
                under_way = self._signs.at_work(stopped=self._stopped)
                self._ended.at_work = under_way if self._stopped else suspects(under_way, self._child)
                self._ended.silent_seconds = silent
                self._kill()
                return
        if self._told_its_end() and os.waitstatus_to_exitcode(self._ended.status) != self._ended.code:
            how = _how_it_ended(self._ended.status)
            self._ended.at_exit = f"the process {how} by code of the candidate that runs at exit"

    def _has_exited(self, deadline: float | None) -> bool:
        """Look, and if it has not, wait a moment for news of it."""
        child, status = os.waitpid(self._child, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
        if child and not (os.WIFSTOPPED(status) or os.WIFCONTINUED(status)):
            self._ended.status = status
            return True
        if child:
            self._stopped = os.WIFSTOPPED(status)
        # The pipe has news once: its end stays readable, and says nothing more.
        pipes = [self._end_of_work] if deadline is None else []
        with self._news_of_exit() as exits:
            select.select([*pipes, *exits], [], [], _LOOK_SECONDS if exits else 0.02)
        return False

    @contextmanager
    def _news_of_exit(self) -> Iterator[list[int]]:
        """A descriptor that can be read once the child has exited; none where the system has no such thing."""
        descriptors: list[int] = []
        with suppress(AttributeError, OSError):
            descriptors.append(os.pidfd_open(self._child))
        try:
            yield descriptors
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _told_its_end(self) -> bool:
        if self._ended.code is None:
            os.set_blocking(self._end_of_work, False)
            with suppress(BlockingIOError):  # A process that the candidate started still holds the other end.
                told = os.read(self._end_of_work, 1)
                self._ended.code = told[0] if told else None
        return self._ended.code is not None

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)
        _, self._ended.status = os.waitpid(self._child, 0)


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
        # From here on the exit code stands: the parent has it, whatever runs at exit.
        with suppress(
            OSError
        ):  # The user's code may have closed it: then the parent says that the process ended.
            os.write(tell_end, bytes([code & 0xFF]))
        if code != INTERRUPTED:
            # Tracing SDKs in the candidate send what they have left. Threads are not waited for.
            atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            _flush(stream)
        _exit(code)


def _raise_keyboard_interrupt() -> None:
    raise KeyboardInterrupt


def _end_with_parent(parent_alive: int) -> None:
    while os.read(parent_alive, 1):  # Nothing, once the parent is gone.
        if _process.stop is not None:
            _process.stop()
    _exit(INTERRUPTED)


def _flush(stream: Any) -> None:
    # The reader may be gone, and the user's code may have put anything in the stream's place.
    with suppress(Exception):
        stream.flush()


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
    stop: Callable[[], None] | None = None
    """Ends the session that goes on; may be called from any thread."""


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
        """Call `act` at the first signal, from any thread; now, if that has come already."""
        self._act = _process.stop = act
        if self._seen:
            act()

    def ask(self) -> None:
        """What a first signal does, where the user's code got that instead."""
        if self._act is not None:
            self._act()

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
        _process.stop = None
        for number, handler in self._before.items():
            # None: the handler was not set from Python and cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if number in self._seen:
            if _process.is_ours:
                _exit(INTERRUPTED)
            signal.signal(number, self._before[signal.Signals(number)] or signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        is_first = not self._seen
        self._seen.add(number)
        if is_first and self._act is not None:
            self._act()
