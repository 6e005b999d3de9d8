"""Scoring again: stored outputs go through scorers as the engine's do, and no candidate is called.

As in the engine, what is finished is committed at once, so that an interrupted session can be gone on with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from scoregate.catalog import Catalog
from scoregate.errors import StoreError
from scoregate.gate_file import Limits
from scoregate.records import DatasetItem, RunItem, Score
from scoregate.runner.calls import Calls
from scoregate.runner.cells import MEASURED, complete
from scoregate.runner.committer import Committer, Finished
from scoregate.runner.scoring import Scored, Scoring
from scoregate.runner.threads import DaemonThreads
from scoregate.scorers.postponed import OutOfBudget, Postponed
from scoregate.scorers.purse import Purse
from scoregate.scorers.scorer import Scorer
from scoregate.store import Store

FLUSH_SECONDS = 0.3
"""How long an interrupted session may go on scoring and committing."""
CLOSE_SECONDS = 2.0
"""How long the services behind scorers may take to close what they hold."""


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """A run item with its output, and what is needed to score it."""

    run_item: RunItem
    item: DatasetItem | None
    """None where nobody knows what was asked any more: then its cells are errors."""
    kept: tuple[Score, ...] = ()
    """Stored scores that stay unless a scorer makes one of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RescoringPlan:
    """What is to be scored, by what, and where it is kept."""

    run: str
    """Id of a run that the store knows, to which everything is committed."""
    outputs: Sequence[StoredOutput]
    store: Store
    scorers: Sequence[Scorer]
    catalog: Catalog | None
    expected_scores: Sequence[str]
    """Scores that every run item gets a cell of, be it an error."""
    limits: Limits = field(default_factory=Limits)
    """Of these, `concurrency` and `timeout_seconds` are kept, and `max_cost_usd` for what judges cost of this run."""
    done: AbstractSet[tuple[str, int]] = frozenset()
    """Cells `(item, trial)` that are committed already."""


@dataclass(frozen=True, slots=True)
class RescoringReport:
    """What a session has committed."""

    done: int
    """Run items, with those that were there before."""
    expected: int
    stopped: str | None
    """The limit that ended the session early: max_cost_usd."""
    unanswered: str | None = None
    """Why the first of the outputs that a judge did not reply on was left out."""

    @property
    def complete(self) -> bool:
        return self.done == self.expected


class Rescoring:
    """One session. Made and used within its event loop; see `session.drive`."""

    def __init__(self, plan: RescoringPlan) -> None:
        self._plan = plan
        self._loop = asyncio.get_running_loop()
        self._done = len(plan.done)
        self._threads = DaemonThreads()
        self.calls = Calls(plan.limits.timeout_seconds, self._threads)
        self._scoring = Scoring(
            plan.scorers,
            plan.catalog,
            threads=self._threads,
            calls=self.calls,
            at_once=plan.limits.concurrency,
            limit_seconds=plan.limits.timeout_seconds,
            deliver=self._scored,
            put_off=self._on_put_off,
            insists=True,
            purse=Purse(plan.limits.max_cost_usd, spent_usd=plan.store.totals(plan.run).services_usd or 0.0),
        )
        self._committer = Committer(plan.store, committed=self._on_committed, failed=self._on_failed)
        self._kept = {(one.run_item.item, one.run_item.trial): one.kept for one in plan.outputs}
        self._uncommitted = 0
        self._stopped: str | None = None
        self._unanswered: str | None = None
        self._changed = asyncio.Event()
        self._interrupted_at: float | None = None
        self._failure: StoreError | None = None

    async def run(self) -> RescoringReport:
        """Score and commit what is missing. Raises StoreWriteError; what was committed before is kept."""
        try:
            for output in self._plan.outputs:
                if (output.run_item.item, output.run_item.trial) not in self._plan.done:
                    await self._room()
                    if self._interrupted_at is not None or self._stopped is not None:
                        break
                    self._begin(output)
            self._scoring.hurry()
            await self._drain()
        finally:
            self._scoring.stop()
            self._committer.close(timeout=None if self._interrupted_at is None else FLUSH_SECONDS)
            self._threads.close()
            await self._scoring.close(CLOSE_SECONDS if self._interrupted_at is None else FLUSH_SECONDS / 2)
        await asyncio.sleep(0)  # The committer's last words are still on their way.
        if self._failure is not None:
            raise self._failure
        return RescoringReport(self._done, len(self._plan.outputs), self._stopped, self._unanswered)

    def interrupt(self) -> None:
        """End the session now: abort what is in flight, commit what is finished."""
        if self._interrupted_at is None:
            self._interrupted_at = self._loop.time()
            self.calls.abort()
            self._scoring.abort()
            self._changed.set()

    def _begin(self, output: StoredOutput) -> None:
        self._uncommitted += 1
        run_item = output.run_item
        if run_item.status == "ok" and output.item is not None and self._plan.scorers:
            self._scoring.add(self._plan.run, output.item, run_item)
            return
        made = self._unscored(output) if run_item.status == "ok" and output.item is None else []
        self._committer.put([self._completed(run_item, made)])

    def _unscored(self, output: StoredOutput) -> list[Score]:
        run_item, there = output.run_item, {score.score for score in output.kept}
        reason = "its dataset item is not known any more, so that its output cannot be scored"
        return [
            Score(run_item.item, run_item.trial, name, None, "error", reason)
            for name in self._plan.expected_scores
            if name not in there and name not in MEASURED
        ]

    def _scored(self, works: Sequence[Scored]) -> None:
        self._committer.put([self._completed(work.run_item, work.scores) for work in works])

    def _completed(self, run_item: RunItem, made: Sequence[Score]) -> Finished:
        names = {score.score for score in made}
        kept = [score for score in self._kept[run_item.item, run_item.trial] if score.score not in names]
        cells = complete(run_item, [*made, *kept], self._plan.expected_scores, self._plan.catalog)
        return Finished(self._plan.run, run_item, cells)

    def _on_committed(self, batch: Sequence[Finished], new: tuple[bool, ...]) -> None:
        self._uncommitted -= len(batch)
        self._done += sum(new)
        self._changed.set()

    def _on_put_off(self, _: Scored, why: Postponed) -> None:
        """A judge may not be paid any more, or does not reply; the output is there for another session."""
        self._uncommitted -= 1
        if isinstance(why, OutOfBudget):
            self._stopped = "max_cost_usd"
        else:
            self._unanswered = self._unanswered or str(why)
        self._changed.set()

    def _on_failed(self, failure: StoreError) -> None:
        self._failure = failure
        self.interrupt()

    async def _room(self) -> None:
        """What is scored and not yet committed would be lost with the process, so it is kept short."""
        while self._interrupted_at is None and self._is_full():
            self._changed.clear()
            await self._changed.wait()

    def _is_full(self) -> bool:
        return self._uncommitted > self._plan.limits.concurrency + 2 * self._scoring.chunk

    async def _drain(self) -> None:
        """Until everything is committed; after an interrupt, only for a moment."""
        while self._uncommitted and self._failure is None:
            left = None
            if self._interrupted_at is not None:
                left = self._interrupted_at + FLUSH_SECONDS - self._loop.time()
                if left <= 0:
                    return
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except TimeoutError:
                return
