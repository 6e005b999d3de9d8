"""The way of a run item after its call, the same in every session: scored, completed with every cell, committed.

What is on this way is lost with a process that is killed, unless it was told to `keep` it. So the way is kept short:
whoever adds to it waits for `room` first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from scoregate.catalog import Catalog
from scoregate.errors import StoreError
from scoregate.gate_file import Limits
from scoregate.records import DatasetItem, RunItem, Score
from scoregate.runner.budget import CostCap
from scoregate.runner.calls import Calls
from scoregate.runner.committer import Committer, Finished, Given
from scoregate.runner.loop_time import LoopTime
from scoregate.runner.scoring import NOTHING_HELD_UP, HeldUp, ItemToScore, Scoring
from scoregate.runner.threads import DaemonThreads, LoopThread
from scoregate.scorers.scorer import Postponed, Scorer
from scoregate.store import Store

_FLUSH_SECONDS = 0.3
"""How long an interrupted session may go on scoring and committing."""
_CLOSE_SECONDS = 2.0
"""How long candidates, and the services behind scorers, may take to close what they hold."""


class Finishing:
    """Scoring and committing of one session. For one event loop's thread."""

    def __init__(
        self,
        store: Store,
        scorers: Sequence[Scorer],
        catalog: Catalog | None,
        limits: Limits,
        *,
        complete: Callable[[str, RunItem, Sequence[Score]], Finished],
        put_off: Callable[[ItemToScore, Postponed], None],
        committed: Callable[[Sequence[Finished], tuple[bool, ...]], None],
        failed: Callable[[], None],
        cost_cap: CostCap,
        postpone_unanswered: bool = False,
        held_up: HeldUp = NOTHING_HELD_UP,
        in_loops_thread: bool = False,
    ) -> None:
        """`complete` makes the cells of a run item whole, given the run's id and what the scorers made.

        `put_off` is told which answer is left to another session, `committed` each batch and which of it was new, and
        `failed` that nothing can be committed any more. `cost_cap`, `postpone_unanswered` and `held_up` are those of
        `Scoring`. `in_loops_thread`: blocking code, of candidates and scorers, runs one after another in the loop's own
        thread.
        """
        self._loop = asyncio.get_running_loop()
        loop_time = LoopTime()
        self._threads = LoopThread(loop_time) if in_loops_thread else DaemonThreads()
        self.calls = Calls(limits.timeout_seconds, self._threads, loop_time)
        """Of candidates and of scorers without a service."""
        self.failure: StoreError | None = None
        """Why nothing could be committed any more."""
        self._concurrency = limits.concurrency
        self._complete = complete
        self._put_off = put_off
        self._committed = committed
        self._failed = failed
        self._scoring = Scoring(
            scorers,
            catalog,
            threads=self._threads,
            calls=self.calls,
            limits=limits,
            deliver=self._on_scored,
            put_off=self._on_put_off,
            failed=self._on_failed,
            cost_cap=cost_cap,
            postpone_unanswered=postpone_unanswered,
            held_up=held_up,
        )
        self._committer = Committer(store, committed=self._on_committed, failed=self._on_failed)
        self._on_the_way = 0
        self._turns: deque[asyncio.Future[None]] = deque()
        """Of those who wait for room, in their order."""
        self._changed = asyncio.Event()
        self._interrupted_at: float | None = None

    @property
    def interrupted(self) -> bool:
        return self._interrupted_at is not None

    def keep(self, run: str, run_item: RunItem) -> None:
        """Keep an answer beside the run items: whoever goes on with the run after a crash need not ask for it again."""
        self._committer.keep(Given(run, run_item))

    def score(self, run: str, item: DatasetItem, run_item: RunItem, given: Any = None) -> None:
        """Take an answer through the scorers, then commit it. `given` is the object that it is the JSON of."""
        self._on_the_way += 1
        self._scoring.add(run, item, run_item, given)

    def commit(self, run: str, run_item: RunItem, scores: Sequence[Score] = ()) -> None:
        """Commit a run item that needs no scorer."""
        self._on_the_way += 1
        self._committer.put([self._complete(run, run_item, scores)])

    async def room(self) -> None:
        """Wait until not too much is on the way, or the session is interrupted."""
        while self._room <= 0 and not self.interrupted:
            turn = self._loop.create_future()
            self._turns.append(turn)
            await turn

    async def drain(self) -> None:
        """Until everything is committed; after an interrupt, only for a moment."""
        self._scoring.hurry()
        while self._on_the_way and self.failure is None:
            left = None
            if self._interrupted_at is not None:
                left = self._interrupted_at + _FLUSH_SECONDS - self._loop.time()
                if left <= 0:
                    return
            await self._wait(left)

    def end_services(self) -> None:
        """Ask no service behind a scorer any more; what still needs one is put off."""
        self._scoring.end_services()

    def interrupt(self) -> None:
        """Abort what is in flight; what is finished is still committed."""
        self._interrupted_at = self._loop.time()
        self.calls.abort()
        self._scoring.abort()
        self._scoring.hurry()
        self._tell(len(self._turns))

    def end(self) -> list[ItemToScore]:
        """Commit what is scored, and start nothing more; the answers that never came out of the scorers."""
        self._scoring.stop()
        self._committer.close(timeout=_FLUSH_SECONDS if self.interrupted else None)
        return self._scoring.unfinished

    async def close(self) -> None:
        """Let the services close what they hold. Threads that hang are left behind."""
        self._threads.close()
        await self._scoring.close(self.seconds_to_close)

    @property
    def seconds_to_close(self) -> float:
        """What candidates and services have for that."""
        return _FLUSH_SECONDS / 2 if self.interrupted else _CLOSE_SECONDS

    @property
    def _room(self) -> int:
        """How many more may be on the way."""
        return self._concurrency + 2 * self._scoring.chunk + 1 - self._on_the_way

    def _tell(self, room: int) -> None:
        """Less is on the way, or nobody has to wait any more: let so many go on who wait for room."""
        self._changed.set()
        while room > 0 and self._turns:
            turn = self._turns.popleft()
            if not turn.done():  # Who waited may have been cancelled.
                turn.set_result(None)
                room -= 1

    async def _wait(self, seconds: float | None) -> None:
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return

    def _on_scored(self, works: Sequence[ItemToScore]) -> None:
        self._committer.put([self._complete(work.run, work.run_item, work.scores) for work in works])

    def _on_put_off(self, work: ItemToScore, why: Postponed) -> None:
        self._on_the_way -= 1
        self._put_off(work, why)
        self._tell(self._room)

    def _on_committed(self, batch: Sequence[Finished], new: tuple[bool, ...]) -> None:
        self._on_the_way -= len(batch)
        self._committed(batch, new)
        self._tell(self._room)

    def _on_failed(self, failure: StoreError) -> None:
        self.failure = failure
        self._failed()
        self._tell(len(self._turns))
