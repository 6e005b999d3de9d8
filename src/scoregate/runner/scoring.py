"""Scoring, apart from the calls of the candidate: a slow scorer holds up no call, a quick one costs next to nothing.

1. A run item waits in the backlog until there are enough for a job, or until it has waited long enough.
2. A daemon thread takes the job through all sync scorers. Another thread starts while those at work are slow.
3. A scorer that hangs makes an error cell; its thread is left behind, and what it had not begun goes to another.
4. The async scorers follow on the event loop, item by item side by side, one after another for one item.
5. Scorers with a service come last, and only where the scores they come after have passed. Their service keeps its
   own time limits: a judge that waits for a rate limit has not hung.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from scoregate.catalog import Catalog
from scoregate.errors import StoreError
from scoregate.gate_file import Limits
from scoregate.own import clock
from scoregate.own.signs_of_life import at_work
from scoregate.records import DatasetItem, RunItem, Score
from scoregate.runner.budget import CostCap
from scoregate.runner.calls import CallOutcome, Calls, close_all
from scoregate.runner.candidates.failures import reason_of
from scoregate.runner.threads import DaemonThreads, LoopBlocked, LoopThread, ThreadJob
from scoregate.scorers.scorer import (
    OutOfTime,
    Postponed,
    Scorer,
    error_scores,
    score_item,
    score_item_async,
    scored_run,
    skipped_scores,
)

_QUICK_SECONDS = 0.005
"""A job that takes less was too small, and an item that waits this long for company has waited enough."""
_SLOW_SECONDS = 4 * _QUICK_SECONDS
LARGEST_CHUNK = 128
HeldUp = Mapping[tuple[str, str, int], str]
"""(run, item, trial) -> the scorer whose call ended an earlier session: it held the interpreter."""
NOTHING_HELD_UP: HeldUp = MappingProxyType({})
_HELD_UP = "held the interpreter until the run was ended, and was not called again"


class Pace:
    """How many run items a thread is given at a time, learned from how long the last ones took.

    Handing over costs some ten microseconds. A scorer that takes less gets many items at once, and waits until they
    have gathered; a slow one gets one at a time, so that slow ones run side by side. `chunk` doubles after a full job
    that was quick and halves after one that was slow.
    """

    def __init__(self) -> None:
        self.chunk = 1

    def job_took(self, seconds: float, items: int) -> None:
        if seconds > _SLOW_SECONDS:
            self.chunk = max(1, self.chunk // 2)
        elif seconds < _QUICK_SECONDS and items >= self.chunk:
            self.chunk = min(LARGEST_CHUNK, self.chunk * 2)

    def job_hung(self) -> None:
        self.chunk = 1


@dataclass(slots=True)
class ItemToScore:
    """A run item on its way through the scorers."""

    run: str
    """Id of the run that it belongs to."""
    item: DatasetItem
    run_item: RunItem
    given: Any = None
    """The object that the task returned, where the run item's output is only its JSON."""
    scores: list[Score] = field(default_factory=list)
    next: int = 0
    """Index of the sync scorer that is its turn."""


@dataclass(slots=True)
class _Job:
    """Run items that one thread takes through the sync scorers. `lock` guards everything that changes."""

    works: list[ItemToScore]
    lock: threading.Lock = field(default_factory=threading.Lock)
    position: int = 0
    """How many of them have passed all sync scorers."""
    since: float = field(default_factory=clock.seconds)
    """When the scorer at work was called."""
    given_up: bool = False
    started: float = field(default_factory=clock.seconds)
    thread: ThreadJob | None = None


class Scoring:
    """Scores run items and hands them to `deliver` when they are done. For one event loop's thread."""

    def __init__(
        self,
        scorers: Sequence[Scorer],
        catalog: Catalog | None,
        *,
        threads: DaemonThreads | LoopThread,
        calls: Calls,
        limits: Limits,
        deliver: Callable[[Sequence[ItemToScore]], None],
        put_off: Callable[[ItemToScore, Postponed], None],
        failed: Callable[[StoreError], None],
        cost_cap: CostCap | None = None,
        postpone_unanswered: bool = False,
        held_up: HeldUp = NOTHING_HELD_UP,
    ) -> None:
        """`calls` makes the async calls under their limit; as many jobs and async items are at work as calls may be.

        Services pay from `cost_cap`. What a cap on cost or time forbids to score goes to `put_off`, without its scores,
        and with `postpone_unanswered` so does what they do not answer. `failed` is told of a reply that is not kept.
        A scorer that `held_up` names is not called for its item.
        """
        self._sync = [scorer for scorer in scorers if not scorer.is_async]
        self._async = sorted(
            (scorer for scorer in scorers if scorer.is_async), key=lambda scorer: scorer.service is not None
        )
        self._services = [scorer.service for scorer in scorers if scorer.service is not None]
        self._service_calls = Calls(None, threads, calls.loop_time)
        self._aborted = False
        self._out_of_time = False
        self._catalog = catalog
        self._held_up = held_up
        self._threads = threads
        self._calls = calls
        self._at_once = limits.concurrency
        self._limit = limits.timeout_seconds
        self._deliver = self._closing(deliver)
        self._put_off = put_off
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._pace = Pace()
        self._backlog: deque[ItemToScore] = deque()
        self._jobs: list[_Job] = []
        self._hurried = False
        self._timer: asyncio.TimerHandle | None = None
        self._limit_timer: asyncio.TimerHandle | None = None
        self._awaiting: deque[ItemToScore] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: dict[int, ItemToScore] = {}
        """By identity: what was added and is neither delivered nor put off."""
        for service in self._services:
            service.begin(
                concurrency=self._at_once, cost_cap=cost_cap, postpone_unanswered=postpone_unanswered
            )

    @property
    def chunk(self) -> int:
        """Run items that a job takes at present."""
        return self._pace.chunk

    def add(self, run: str, item: DatasetItem, run_item: RunItem, given: Any = None) -> None:
        work = ItemToScore(run, item, run_item, given)
        self._open[id(work)] = work
        if self._sync:
            self._backlog.append(work)
            # With more than a chunk there was no beginning just now, and the timer looks again.
            if self._timer is None or len(self._backlog) == self._pace.chunk:
                self._start_jobs()
        else:
            self._passed_sync([work])

    def hurry(self) -> None:
        """Nothing more will come: do not wait for company."""
        self._hurried = True
        self._start_jobs()

    def end_services(self) -> None:
        """Ask no service any more: what still needs one is put off. Those that are at work come to their end."""
        self._out_of_time = True

    def stop(self) -> None:
        """Start nothing more; what is at work may still be delivered."""
        self._backlog.clear()
        self._awaiting.clear()
        for timer in (self._timer, self._limit_timer):
            if timer is not None:
                timer.cancel()

    @property
    def unfinished(self) -> list[ItemToScore]:
        """What was added and never came out."""
        return list(self._open.values())

    def abort(self) -> None:
        """End the calls of services now, and make no more. The others are the business of whoever made them."""
        self._aborted = True
        self._service_calls.abort()

    async def close(self, seconds: float) -> None:
        """Let the services close what they hold, for at most so long."""
        await close_all([service.close for service in self._services], seconds)

    def _start_jobs(self, waited: bool = False) -> None:
        while self._backlog and len(self._jobs) < self._at_once:
            now = clock.seconds()
            # Quick jobs one after another: two threads at once would only fight for the interpreter.
            busy = any(now - job.started < _QUICK_SECONDS for job in self._jobs)
            gathering = len(self._backlog) < self._pace.chunk and not (waited or self._hurried)
            if busy or gathering:
                if self._timer is None:
                    self._timer = self._loop.call_later(_QUICK_SECONDS, self._waited_enough)
                return
            self._start_job()

    def _waited_enough(self) -> None:
        self._timer = None
        self._start_jobs(waited=True)

    def _start_job(self) -> None:
        size = min(self._pace.chunk, len(self._backlog))
        job = _Job([self._backlog.popleft() for _ in range(size)])
        self._jobs.append(job)
        context = self._context.copy()
        job.thread = self._threads.submit(
            lambda: context.run(self._work_through, job), lambda _: self._job_ended(job)
        )
        self._watch()

    def _work_through(self, job: _Job) -> None:
        """In a thread."""
        job.since = clock.seconds()
        for work in job.works:
            while work.next < len(self._sync):
                self._threads.begin_part()
                scores = self._score(self._sync[work.next], work)
                with job.lock:
                    if job.given_up:
                        return
                    work.scores += scores
                    work.next += 1
                    job.position += work.next == len(self._sync)
                    job.since = clock.seconds()

    def _score(self, scorer: Scorer, work: ItemToScore) -> list[Score]:
        cell = work.run, work.item.id, work.run_item.trial
        if self._held_up.get(cell) == scorer.name:
            return error_scores(scorer, work.run_item, _HELD_UP)
        try:
            with at_work(*cell, scorer.name):
                return score_item(scorer, work.item, work.run_item, given=work.given, catalog=self._catalog)
        except LoopBlocked:
            limit = "" if self._limit is None else f" after {self._limit:g} s"
            return error_scores(scorer, work.run_item, f"timed out{limit}")
        except BaseException as error:  # noqa: BLE001  user code: KeyboardInterrupt raised by a scorer is its error
            return error_scores(scorer, work.run_item, reason_of(error))

    def _job_ended(self, job: _Job) -> None:
        if self._aborted and isinstance(self._threads, LoopThread):
            return  # Perhaps it was ended in its middle: it counts as unfinished.
        self._jobs.remove(job)
        job.thread = None  # which knows this job: in a circle both would stay for long
        self._pace.job_took(clock.seconds() - job.started, len(job.works))
        self._passed_sync(job.works)
        self._start_jobs()

    def _watch(self) -> None:
        """Look again when the first of the scorers at work reaches its limit."""
        if self._limit is None or self._limit_timer is not None or not self._jobs:
            return
        if isinstance(self._threads, LoopThread):
            return  # A job that waits for its turn has not hung, and one that holds the thread is seen from outside.
        oldest = min(job.since for job in self._jobs)
        wait = max(0.0, oldest + self._limit - clock.seconds())
        self._limit_timer = self._loop.call_later(wait, self._check_limit, self._limit)

    def _check_limit(self, limit: float) -> None:
        self._limit_timer = None
        for job in list(self._jobs):
            with job.lock:
                # A job that is through waits only for its delivery.
                if job.position < len(job.works) and clock.seconds() - job.since >= limit:
                    job.given_up = True
            if job.given_up:
                self._give_up(job, limit)
        self._watch()

    def _give_up(self, job: _Job, limit: float) -> None:
        """The thread that hangs will not touch the works again: it sees `given_up` first."""
        if job.thread is not None:
            job.thread.give_up()
        self._jobs.remove(job)
        self._pace.job_hung()
        hanging = job.works[job.position]
        hanging.scores += error_scores(
            self._sync[hanging.next], hanging.run_item, f"timed out after {limit:g} s"
        )
        hanging.next += 1
        if hanging.next == len(self._sync):
            job.position += 1
        self._passed_sync(job.works[: job.position])
        self._backlog.extendleft(reversed(job.works[job.position :]))
        self._start_jobs()

    def _passed_sync(self, works: Sequence[ItemToScore]) -> None:
        if not self._async:
            self._deliver(works)
            return
        self._awaiting.extend(works)
        self._start_awaiting()

    def _start_awaiting(self) -> None:
        while self._awaiting and len(self._tasks) < self._at_once:
            task = self._loop.create_task(self._await_scorers(self._awaiting.popleft()))
            self._tasks.add(task)
            task.add_done_callback(self._awaited)

    def _awaited(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._start_awaiting()

    async def _await_scorers(self, work: ItemToScore) -> None:
        scored_run.set(work.run)
        for scorer in self._async:
            skipped = skipped_scores(scorer, work.run_item, work.scores)
            if skipped:
                work.scores += skipped
                continue
            if self._held_up.get((work.run, work.item.id, work.run_item.trial)) == scorer.name:
                work.scores += error_scores(scorer, work.run_item, _HELD_UP)
                continue
            if self._aborted and scorer.service is not None:
                return
            if self._out_of_time and scorer.service is not None:
                self._postpone(work, OutOfTime("max_seconds is reached"))
                return
            outcome = await self._call(scorer, work)
            if outcome.aborted:
                return
            if isinstance(outcome.error, Postponed):
                self._postpone(work, outcome.error)
                return
            if scorer.service is not None and isinstance(outcome.error, StoreError):
                self._failed(outcome.error)
                return
            if outcome.timed_out:
                work.scores += error_scores(scorer, work.run_item, f"timed out after {self._limit:g} s")
            elif outcome.error is not None:
                work.scores += error_scores(scorer, work.run_item, reason_of(outcome.error))
            else:
                work.scores += outcome.returned
        self._deliver([work])

    def _postpone(self, work: ItemToScore, why: Postponed) -> None:
        del self._open[id(work)]
        self._put_off(work, why)

    def _closing(
        self, deliver: Callable[[Sequence[ItemToScore]], None]
    ) -> Callable[[Sequence[ItemToScore]], None]:
        def delivered(works: Sequence[ItemToScore]) -> None:
            for work in works:
                del self._open[id(work)]
            deliver(works)

        return delivered

    async def _call(self, scorer: Scorer, work: ItemToScore) -> CallOutcome:
        score = partial(score_item_async, given=work.given, catalog=self._catalog)
        if scorer.service is not None:
            return await self._service_calls.awaited(score, scorer, work.item, work.run_item, name=None)
        name = f"evaluator '{scorer.name}' (item '{work.item.id}')"
        with at_work(work.run, work.item.id, work.run_item.trial, scorer.name):
            return await self._calls.awaited(score, scorer, work.item, work.run_item, name=name)
