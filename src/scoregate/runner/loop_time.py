"""Who holds the event loop, and how long others wait for it: async code that blocks is its own call's time.

Between two awaits a call holds the loop, and whoever could go on meanwhile has to wait. So each step of a call is
timed. A long one is noted as a block, and when another call is resumed right after a block, the time that it has waited
is not counted as its own, neither for its limit nor for its latency. When that call could have gone on is not known,
only that it was not before its last await: where it waited for a service meanwhile, its time comes out too short, by at
most the blocks that directly precede its turn.

Tasks that a call makes are timed with it (`task_factory`). Callbacks that block are not.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from scoregate.own import clock

_BLOCK_SECONDS = 0.05
"""A step that holds the loop for less is no block."""
_GAP_SECONDS = 0.02
"""What may lie between a block and a turn that waited for it: other calls' short steps."""
_TOLD_SECONDS = 0.25
"""Waiting of others that is worth a line."""
_KEPT_BLOCKS = 1000


@dataclass(eq=False, slots=True)
class Turns:
    """The turns of one call on the loop. In seconds of `clock.seconds`."""

    name: str | None = None
    """What a user is told that blocks; None for code of ours, of which nobody is told."""
    began: float | None = None
    """When its first step began; None before that."""
    left_at: float = field(default_factory=clock.seconds)
    """When it gave the loop away last, or was made."""
    waited: float = 0.0
    """How long others kept it waiting since it began."""
    counted_until: float = 0.0

    def own(self, now: float, waiting: float = 0.0) -> float:
        """What it has had of its time; `waiting` is what others take from it at present."""
        return 0.0 if self.began is None else now - self.began - self.waited - waiting


_turns: ContextVar[Turns | None] = ContextVar("scoregate_turns", default=None)
"""Those of the call that the present code belongs to."""


class LoopTime:
    """The blocks of one event loop. For its thread; `overdue` is safe in a signal handler."""

    def __init__(self) -> None:
        self._blocks: deque[tuple[float, float, Turns]] = deque(maxlen=_KEPT_BLOCKS)
        """Start, end and whose, in their order."""
        self.last_end = 0.0
        """When the last of them ended."""
        self.running: Turns | None = None
        """Those of the call that holds the loop."""
        self._blockers = 0
        self._blocked = 0.0
        self._longest = (0.0, "")
        self._others_waited = 0.0

    def task_factory(
        self, loop: asyncio.AbstractEventLoop, coroutine: Any, **further: Any
    ) -> asyncio.Task[Any]:
        """Makes tasks as asyncio does; those of a call's own code are timed with it."""
        turns = _turns.get()
        if turns is not None and asyncio.iscoroutine(coroutine):
            coroutine = _part(coroutine, turns, self)
        return asyncio.Task(coroutine, loop=loop, **further)

    def waiting(self, turns: Turns, now: float, since: float | None = None) -> float:
        """Seconds for which others have held the loop, up to now, while this call had to wait."""
        since = max(turns.left_at if since is None else since, turns.counted_until)
        seconds, edge = 0.0, now
        for start, end, whose in reversed(self._blocks):
            if end <= since or edge - end > _GAP_SECONDS:
                break
            if whose is not turns:
                seconds += end - max(start, since)
            edge = start
        return seconds

    def overdue(self, limit: float | None) -> bool:
        """Whether the call that holds the loop has had `limit` seconds (None: whatever it has had)."""
        running = self.running
        return running is not None and (limit is None or running.own(clock.seconds()) >= limit)

    def kept_waiting(self, turns: Turns, now: float, since: float) -> None:
        """A call goes on that may have waited for others since then."""
        waited = self.waiting(turns, now, since)
        self._others_waited += waited
        if turns.began is not None:
            turns.waited += waited
        turns.counted_until = now

    def blocked(self, turns: Turns, begun: float, now: float) -> None:
        """A step of a call has held the loop for long."""
        self._block(turns, begun, now)
        if turns.name is not None:
            self._blockers += 1
            self._blocked += now - begun
            self._longest = max(self._longest, (now - begun, turns.name))

    def _block(self, turns: Turns, begun: float, now: float) -> None:
        self._blocks.append((begun, now, turns))
        self.last_end = now

    def hold(self, turns: Turns) -> float:
        """Blocking code begins that is meant to run in the loop's thread."""
        self.running = turns
        return clock.seconds()

    def release(self, turns: Turns, begun: float) -> None:
        """It has ended. Others have waited, and nobody is to blame."""
        self.running = None
        now = clock.seconds()
        if now - begun >= _BLOCK_SECONDS:
            self._block(turns, begun, now)

    @property
    def problem(self) -> str | None:
        """One line for whoever wrote async code that blocks, where others have had to wait for it."""
        if self._others_waited < _TOLD_SECONDS or not self._blockers:
            return None
        seconds, name = self._longest
        return (
            f"async code blocks the event loop: {self._blocked:.1f} s in {self._blockers:,} stretches, the longest "
            f"{seconds:.2f} s in {name}, while other calls waited (which is not counted as theirs); make it a plain "
            "`def`, or await asyncio.to_thread(…) where it blocks"
        )


class Steps(Coroutine[Any, Any, Any]):
    """A coroutine whose steps are timed as those of a call; for the rest it is like the one that it drives.

    No generator, which would be one more frame to go through in every step.
    """

    __slots__ = ("_coroutine", "_ended", "_since", "_time", "_turns")

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Any],
        turns: Turns,
        time: LoopTime,
        ended: Callable[[BaseException], None] | None = None,
    ) -> None:
        """`ended` is told its end at once, be it a StopIteration with a value or an error, and nobody else is.

        A callback of the task would come a turn later. Without it, whoever awaits this is told.
        """
        self._coroutine = coroutine
        self._turns = turns
        self._time = time
        self._ended = ended
        self._since = turns.left_at if turns.began is None else clock.seconds()

    def __next__(self) -> Any:
        return self._step(self._coroutine.send, None)

    def send(self, value: Any) -> Any:
        return self._step(self._coroutine.send, value)

    def throw(self, *raised: Any) -> Any:
        """A cancellation, or what was awaited has failed."""
        return self._step(self._coroutine.throw, *raised)

    def _step(self, go_on: Callable[..., Any], *given: Any) -> Any:
        turns, time, ended = self._turns, self._time, self._ended
        begun = clock.seconds()
        if time.last_end > self._since:
            time.kept_waiting(turns, begun, self._since)
        if turns.began is None:
            turns.began = begun
            _turns.set(turns)
        time.running = turns
        try:
            return go_on(*given)
        except BaseException as error:  # user code: sys.exit ends the call, not the run
            if ended is None:
                raise
            end = error
        finally:
            time.running = None
            self._since = turns.left_at = now = clock.seconds()
            if now - begun >= _BLOCK_SECONDS:
                time.blocked(turns, begun, now)
        # What was raised knows this frame, and a call its task. In a circle they would stay, with the answer and all
        # that the call has held, until Python looks for such; and with many it looks often.
        self._ended = None
        try:
            ended(end)
        finally:
            del ended, end
        raise StopIteration

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self  # `await` needs no more of it than there is

    def __iter__(self) -> Steps:
        return self

    def __getattr__(self, name: str) -> Any:
        """`cr_frame` and the like, for libraries that look at the coroutine of a task."""
        return getattr(self._coroutine, name)


async def _part(coroutine: Coroutine[Any, Any, Any], turns: Turns, time: LoopTime) -> Any:
    return await Steps(coroutine, turns, time)
