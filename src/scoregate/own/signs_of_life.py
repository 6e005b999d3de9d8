"""What a process tells its supervisor while it may be unable to say anything: that it lives, and what it is at.

In memory that both share, so that it costs a call next to nothing, and so that the last word is there at once. Where
native code holds the interpreter, or the process is stopped, no thread of Python runs any more, and no word comes.
"""

from __future__ import annotations

import mmap
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from scoregate.own import clock

if TYPE_CHECKING:
    _Call = Callable[[Any, int], Any]
    """Of a dataset item and its trial."""

_BEAT_SECONDS = 0.2
_HEAD = struct.Struct("=Qd")
"""Beats so far, and the seconds without one that are too many (0: as many as it takes)."""
_SAMPLE_SECONDS = 0.4
_FEWEST_TICKS = 4
"""Of a processor that has a hundred a second."""
_PLACES = 512
"""So many calls at once are told of; of more, the first ones."""
_PLACE = struct.Struct("=ddHQ500s")
"""When the call ended (0: it is under way) and when it began, the length of its text (0: there was none here yet), its
thread, its text."""
_ENDED = struct.Struct("=d")
_JUST_ENDED_SECONDS = 0.01
"""A thread that stops its process may still come to the end of its call, and others of theirs."""
_BETWEEN = "\x1f"


class AtWork(NamedTuple):
    """A call of the user's code that is under way."""

    thread: int
    """The system's number of its thread; that of the event loop for an async one."""
    run: str
    item: str
    trial: int
    scorer: str
    """Name of the scorer that is called; empty where it is the candidate."""


class SignsOfLife:
    """Written by the supervised process, read by the one that supervises it. Made before they part."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _HEAD.size + _PLACES * _PLACE.size)
        # The place that is taken next is the one that was left first, so that what ended last can still be read.
        self._free = deque(range(_PLACES))
        self._patience = 0.0
        self._ended = threading.Event()

    # The supervised process.

    @contextmanager
    def told(self, patience_seconds: float | None) -> Iterator[None]:
        """Give signs of life as long as this is entered, of which there is one at least in so many seconds."""
        if patience_seconds is None:
            yield
            return
        self._patience, self._ended = patience_seconds, threading.Event()
        self._beat()
        thread = threading.Thread(target=self._go_on, args=(self._ended,), name="scoregate-life", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._patience = 0.0
            self._beat()

    @contextmanager
    def at(self, run: str, item: str, trial: int, scorer: str = "") -> Iterator[None]:
        """Tell what this thread is calling."""
        try:
            place = self._free.popleft()
        except IndexError:
            yield
            return
        text = _BETWEEN.join((run, item, str(trial), scorer)).encode(errors="replace")[:500]
        offset = _HEAD.size + place * _PLACE.size
        thread = threading.get_native_id()
        _PLACE.pack_into(self._memory, offset, 0.0, clock.seconds(), len(text), thread, text)
        try:
            yield
        finally:
            _ENDED.pack_into(self._memory, offset, clock.seconds())
            self._free.append(place)

    def _go_on(self, ended: threading.Event) -> None:
        while not ended.wait(_BEAT_SECONDS):
            self._beat()

    def _beat(self) -> None:
        beats, _ = _HEAD.unpack_from(self._memory)
        _HEAD.pack_into(self._memory, 0, beats + 1, self._patience)

    # The supervising process.

    def beats(self) -> tuple[int, float]:
        """How many there were so far, and the seconds without one that are too many (0: none are)."""
        beats, patience = _HEAD.unpack_from(self._memory)
        return beats, patience

    def at_work(self, *, stopped: bool = False) -> list[AtWork]:
        """The calls that are under way, as far as they were told of; of a process that is `stopped`, also those that
        had just ended then."""
        found: list[tuple[float, AtWork]] = []
        last = 0.0
        for place in range(_PLACES):
            at = _HEAD.size + place * _PLACE.size
            ended, began, length, thread, text = _PLACE.unpack_from(self._memory, at)
            parts = text[:length].decode(errors="replace").split(_BETWEEN)
            if length and len(parts) == 4:
                last = max(last, began, ended)
                found.append((ended, AtWork(thread, parts[0], parts[1], int(parts[2] or 0), parts[3])))
        just = last - _JUST_ENDED_SECONDS if stopped else last
        return [call for ended, call in found if not ended or ended > just]


class Watch:
    """Whether signs of life are missing. For the supervising process, which looks every now and then."""

    def __init__(self, signs: SignsOfLife, look_seconds: float) -> None:
        self._signs = signs
        self._look_seconds = look_seconds
        self._beats = -1
        self._since = self._looked = clock.seconds()

    def missing(self) -> float | None:
        """For how many seconds there was no sign of life, where those are too many."""
        beats, patience = self._signs.beats()
        now = clock.seconds()
        # This process was stopped as well (Ctrl-Z, a machine that slept): the time does not count.
        paused = now - self._looked > 10 * self._look_seconds
        self._looked = now
        if beats != self._beats or paused:
            self._beats, self._since = beats, now
        silent = now - self._since
        return silent if patience and silent > patience else None


@dataclass(slots=True)
class _Here:
    signs: SignsOfLife | None = None


_here = _Here()
_nobody_told: AbstractContextManager[None] = nullcontext()


def give_signs(signs: SignsOfLife) -> None:
    """From here on this process is the one that is supervised."""
    _here.signs = signs


def signs_given(patience_seconds: float | None) -> AbstractContextManager[None]:
    """See `SignsOfLife.told`; nothing where nobody supervises this process."""
    return nullcontext() if _here.signs is None else _here.signs.told(patience_seconds)


def at_work(run: str, item: str, trial: int, scorer: str = "") -> AbstractContextManager[None]:
    """See `SignsOfLife.at`; nothing where nobody supervises this process."""
    return _nobody_told if _here.signs is None else _here.signs.at(run, item, trial, scorer)


def told_of(call: _Call, run: str, *, is_async: bool) -> _Call:
    """A candidate's call, told of while it is under way."""
    if _here.signs is None:
        return call
    if is_async:

        async def awaited(item: Any, trial: int) -> Any:
            with at_work(run, item.id, trial):
                return await call(item, trial)

        return awaited

    def called(item: Any, trial: int) -> Any:
        with at_work(run, item.id, trial):
            return call(item, trial)

    return called


def suspects(under_way: Sequence[AtWork], process: int) -> Sequence[AtWork]:
    """Those of the calls whose threads keep a processor busy; all of them where that cannot be told."""
    before = _processor_time(process)
    clock.sleep(_SAMPLE_SECONDS)
    after = _processor_time(process)
    taken = {thread: ticks - before.get(thread, ticks) for thread, ticks in after.items()}
    most = max(_FEWEST_TICKS, 0.7 * sum(taken.values()))
    return [one for one in under_way if taken.get(one.thread, 0) >= most] or under_way


def _processor_time(process: int) -> dict[int, int]:
    """Thread -> ticks of a processor that it has had; empty where the system does not tell."""
    found = {}
    for stat in Path(f"/proc/{process}/task").glob("*/stat"):
        with suppress(OSError, ValueError, IndexError):
            # The name of a thread, in brackets, may hold anything.
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            found[int(stat.parent.name)] = int(fields[11]) + int(fields[12])
    return found
