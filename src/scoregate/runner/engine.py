"""The engine: call the candidate of every missing arm × item × trial, score, commit, count.

1. A fixed number of workers take the cells in order (`missing_cells`): trial by trial, and within one item by item.
2. A worker waits for a place (`Throttle`), asks whether a cap is reached (`budget`), calls the candidate under its
   time limit (`calls`), and calls again after a transient error (`wait_before_retry`).
3. The run item goes to the scorers (`scoring`), which work apart, and comes back. What it still lacks of its expected
   cells is added, and the committer's thread commits it (`committer`). Only then is it counted and forgotten.

Whatever ends a session early (a cap, a signal, the store), no new call starts and what is finished is committed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from scoregate.errors import StoreError
from scoregate.own import clock
from scoregate.own.signs_of_life import told_of
from scoregate.records import Attempt, RunItem, Score
from scoregate.retries import wait_before_retry
from scoregate.runner.budget import Budget, Patience
from scoregate.runner.calls import (
    CallOutcome,
    Throttle,
    close_candidates,
    distinct_candidates,
    prepare_candidates,
)
from scoregate.runner.candidates.candidate import Answer, TypedAnswer, as_answer
from scoregate.runner.candidates.failures import CandidateError, TransientError, UnwritableOutput, classify
from scoregate.runner.committer import Finished, complete_cells
from scoregate.runner.finishing import Finishing
from scoregate.runner.first_calls import FirstCalls
from scoregate.runner.plan import MissingCell, Refused, RunPlan, RunReport, SessionCounter, missing_cells
from scoregate.runner.scoring import ItemToScore
from scoregate.runner.tracing import traced
from scoregate.scorers.scorer import OutOfTime, Postponed
from scoregate.store import Totals

_HEARTBEAT_SECONDS = 1.0
"""Progress is told at least this often."""


async def execute(plan: RunPlan) -> RunReport:
    """Run what is missing of a session. Raises StoreWriteError; everything that was committed before is kept.

    Signals are the business of `session.run`, which most callers want.
    """
    return await Engine(plan).run()


class Engine:
    """One session. Made and used within its event loop."""

    def __init__(self, plan: RunPlan) -> None:
        self._plan = plan
        self._loop = asyncio.get_running_loop()
        runs = [arm.run for arm in plan.arms]
        self._tally = SessionCounter(_totals(plan, runs, plan.trials), plan.expected)
        before = _totals(plan, dict.fromkeys([*runs, *plan.also_counted]))
        self._budget = Budget(plan.limits, before, elsewhere_usd=plan.spent_usd, paid=self._tally.spent)
        self._unscored = _unscored(plan, runs, self._budget)
        """Answers of an earlier session, which are scored and not called again."""
        self._judged = any(scorer.service is not None for scorer in plan.scorers)
        """Whether answers wait long for their scores, so that losing them would cost more than keeping them."""
        self._put_off: list[ItemToScore] = []
        self._called = False
        """All calls of candidates have come to their end."""
        apart = [arm.apart for arm in plan.arms if arm.apart is not None]
        self._candidates = distinct_candidates([*(arm.candidate for arm in plan.arms), *apart])
        self._throttle = Throttle(plan.limits.concurrency)
        self._first = {
            arm.run: FirstCalls(
                arm.run, plan.missing_in(arm), keep_going=plan.limits.keep_going or plan.of_failures
            )
            for arm in plan.arms
        }
        self._finishing = Finishing(
            plan.store,
            plan.scorers,
            plan.catalog,
            plan.limits,
            complete=self._completed,
            put_off=self._on_put_off,
            committed=self._on_committed,
            failed=self.interrupt,
            cost_cap=self._budget.cost_cap,
            held_up={
                (arm.run, item, trial): scorer
                for arm in plan.arms
                for (item, trial), scorer in arm.held_up.items()
                if scorer
            },
            in_loops_thread=plan.in_loops_thread,
        )
        self.calls = self._finishing.calls
        self._random = Random(plan.seed)
        self._patience = Patience(plan.limits.patience_seconds, self._loop.time)
        self._cells = missing_cells(plan)
        self._ending = asyncio.Event()
        self._written: set[str] = set()
        """Ids of the runs of which an answer could be written as JSON."""

    async def run(self) -> RunReport:
        plan = self._plan
        try:
            prepare_candidates(self._candidates, plan.items)
            self._tally.start()
            heartbeat = self._loop.create_task(self._beat())
            deadline = self._stop_after(plan.limits.max_seconds)
            try:
                workers = [self._loop.create_task(self._work()) for _ in range(plan.limits.concurrency)]
                await asyncio.gather(*workers)
                self._called = True
                await self._finishing.drain()
            except asyncio.CancelledError:
                self.interrupt()
                await self._finishing.drain()
                raise
            finally:
                heartbeat.cancel()
                if deadline is not None:
                    deadline.cancel()
        finally:
            unfinished = self._finishing.end()
            failure = self._finishing.failure or self._keep([*self._put_off, *unfinished])
            seconds = self._finishing.seconds_to_close
            await asyncio.gather(close_candidates(self._candidates, seconds), self._finishing.close())
        await asyncio.sleep(0)  # The committer's last words are still on their way.
        failure = failure or self._finishing.failure
        if failure is not None:
            raise failure
        self._tally.blocked = self.calls.loop_time.problem
        return self._tally.report()

    def interrupt(self) -> None:
        """End the session now: abort what is in flight, commit what is finished."""
        if not self._finishing.interrupted:
            self._tally.interrupted = True
            self._stop()
            self._finishing.interrupt()

    async def _work(self) -> None:
        while True:
            await self._finishing.room()
            # Taken behind the wait: others would overtake a cell that waits, and the two versions of an item part.
            cell = next(self._cells, None)
            if cell is None:
                return
            called = await self._run_cell(cell)
            if called is None:
                return
            run_item, given = called
            if run_item.status == "ok" and self._plan.scorers:
                if self._judged:
                    self._finishing.keep(cell.arm.run, run_item)
                self._finishing.score(cell.arm.run, cell.item, run_item, given)
            else:
                self._finishing.commit(cell.arm.run, run_item)

    async def _run_cell(self, cell: MissingCell) -> tuple[RunItem, Any] | None:
        """The run item, after as many attempts as it takes and may take; None if the session ends before that.

        With it the object that its output is the JSON of, where that is not JSON itself.
        """
        before = self._unscored.get((cell.arm.run, cell.item.id, cell.trial))
        if before is not None:
            return None if self._finishing.interrupted else (before, None)
        first = self._first[cell.arm.run]
        if first.undecided:
            await first.decision()
        first.begun()
        called: tuple[RunItem, Any] | None = None
        try:
            called = await self._call_cell(cell)
        finally:
            first.came_back(None if called is None else called[0])
        if first.failed is not None and not self._ending.is_set():
            self._tally.failed_alike = first.failed
            self._stop()
        return called

    async def _call_cell(self, cell: MissingCell) -> tuple[RunItem, Any] | None:
        attempts: list[Attempt] = []
        while (ticket := await self._throttle.enter()) is not None:
            refusal = self._budget.refusal()
            if refusal is not None:
                self._throttle.leave()
                self._stop(refusal)
                break
            started_at = clock.unix_time()
            outcome, answer, error = await self._attempt(cell, is_retry=bool(attempts))
            if outcome.aborted:
                break
            pause = self._pause_after(error, ticket)
            if pause is None:
                error = CandidateError(f"{error} (patience_seconds = {self._patience.seconds:g} is used up)")
            attempts.append(_as_attempt(len(attempts) + 1, outcome, error))
            if isinstance(error, TransientError) and len(attempts) <= self._plan.limits.retries:
                await self._wait_to_retry(len(attempts), pause or 0.0)
                continue
            self._look_at_output(cell, answer, error)
            return self._run_item(cell, attempts, answer, started_at), self._given(answer)
        return None

    def _look_at_output(self, cell: MissingCell, answer: Answer | None, error: CandidateError | None) -> None:
        """End the session where the first answer of a version is of a type that cannot be written."""
        if answer is not None:
            self._written.add(cell.arm.run)
        elif isinstance(error, UnwritableOutput) and error.of_type and cell.arm.run not in self._written:
            if self._tally.refused is None:
                self._tally.refused = Refused(f"item '{cell.item.id}': the task {error}", error.remedy)
            self._stop()
            self.calls.abort()

    def _given(self, answer: Answer | None) -> Any:
        """What evaluators are given for the output; with two arms JSON, as that is all that a worker sends."""
        return answer.given if isinstance(answer, TypedAnswer) and not self._plan.interleaved else None

    async def _attempt(
        self, cell: MissingCell, *, is_retry: bool
    ) -> tuple[CallOutcome, Answer | None, CandidateError | None]:
        """One call: an answer or an error, or neither if it was aborted."""
        candidate = cell.arm.candidate
        if cell.arm.apart is not None and cell.arm.held_up.get((cell.item.id, cell.trial)) == "":
            candidate = cell.arm.apart
        self._budget.started()
        self._tally.call_started(is_retry=is_retry)
        tracing = self._plan.tracing
        call = candidate.call if tracing is None else traced(candidate, tracing, cell.arm.run)
        call = told_of(call, cell.arm.run, is_async=candidate.is_async)
        if candidate.is_async:
            name = f"the task (item '{cell.item.id}')" if candidate.in_process else None
            outcome = await self.calls.awaited(call, cell.item, cell.trial, name=name, read=as_answer)
        else:
            outcome = await self.calls.in_thread(call, cell.item, cell.trial, read=as_answer)
        answer: Answer | None = None
        error: CandidateError | None = None
        if outcome.timed_out:
            # Censored at the limit: how late it was noticed says nothing of the candidate.
            outcome.seconds = self._plan.limits.timeout_seconds or outcome.seconds
            error = CandidateError(f"timed out after {outcome.seconds:g} s")
        elif outcome.error is not None:
            error = classify(outcome.error)
        elif not outcome.aborted:
            answer = outcome.returned
        self._throttle.leave()
        self._budget.ended(answer.cost_usd if answer else None)
        return outcome, answer, error

    def _pause_after(self, error: CandidateError | None, ticket: int) -> float | None:
        """Seconds that the service asked to be left alone after a call; None where it has asked for too many."""
        if not isinstance(error, TransientError):
            self._throttle.succeeded()
            self._patience.heard()
            return 0.0
        if error.rate_limited:
            self._throttle.limited(ticket)
        if error.retry_after is None:
            return 0.0
        pause = self._patience.asked_to_wait(error.retry_after)
        if pause:
            self._throttle.pause(pause)
            self._tell_progress()
        return pause

    async def _wait_to_retry(self, attempt: int, pause: float) -> None:
        seconds = wait_before_retry(attempt, pause, self._random)
        try:
            await asyncio.wait_for(self._ending.wait(), seconds)
        except TimeoutError:
            return

    def _run_item(
        self, cell: MissingCell, attempts: Sequence[Attempt], answer: Answer | None, started_at: float
    ) -> RunItem:
        cluster, slices = self._plan.places.get(cell.item.id, (None, _NO_SLICES))
        last = attempts[-1]
        return RunItem(
            item=cell.item.id,
            trial=cell.trial,
            status=last.status,
            error=last.error,
            output=answer.output if answer else None,
            latency_seconds=last.latency_seconds,
            cost_usd=answer.cost_usd if answer else None,
            tokens=answer.tokens if answer else None,
            trace_id=answer.trace_id if answer else None,
            cluster=cluster,
            slices=slices,
            attempts=tuple(attempts) if len(attempts) > 1 else (),
            content=self._plan.contents.get(cell.item.id),
            started_at=started_at,
        )

    def _on_put_off(self, work: ItemToScore, why: Postponed) -> None:
        """No judge may be asked any more. What needs none is scored to its end, and the answers wait."""
        self._put_off.append(work)
        self._stop("max_seconds" if isinstance(why, OutOfTime) else "max_cost_usd")

    def _keep(self, works: Sequence[ItemToScore]) -> StoreError | None:
        """A paid answer is not lost because its scorers were stopped. Why that could not be, if it could not."""
        answers: dict[str, list[RunItem]] = {}
        for work in works:
            answers.setdefault(work.run, []).append(work.run_item)
        try:
            for run, kept in answers.items():
                self._plan.store.unscored.keep(run, kept)
        except StoreError as failure:
            return failure
        return None

    def _completed(self, run: str, run_item: RunItem, scores: Sequence[Score]) -> Finished:
        plan = self._plan
        cells = complete_cells(run_item, scores, plan.expected_scores, plan.catalog, plan.optional_scores)
        return Finished(run, run_item, cells)

    def _on_committed(self, batch: Sequence[Finished], new: tuple[bool, ...]) -> None:
        self._tally.committed(finished for finished, is_new in zip(batch, new, strict=True) if is_new)
        self._tell_progress()

    def _stop(self, cap: str | None = None) -> None:
        """Start no more calls."""
        if cap is not None and not self._ending.is_set():
            self._tally.stopped = cap
        self._ending.set()
        self._throttle.stop()
        for first in self._first.values():
            first.stop()

    def _stop_after(self, seconds: float | None) -> asyncio.TimerHandle | None:
        return None if seconds is None else self._loop.call_later(seconds, self._out_of_time)

    def _out_of_time(self) -> None:
        self._finishing.end_services()
        if not self._called:  # else no call is left that could be forbidden, and perhaps no judge either
            self._stop("max_seconds")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            self._tell_progress()

    def _tell_progress(self) -> None:
        if self._plan.progress is not None:
            self._plan.progress(self._tally.report(self._throttle.seconds_to_wait))


_NO_SLICES: dict[str, str] = {}


def _unscored(plan: RunPlan, runs: Sequence[str], budget: Budget) -> dict[tuple[str, str, int], RunItem]:
    """(run, item, trial) -> answer that is there and not scored yet. They count towards the caps."""
    found = {
        (run, item, trial): answer
        for run in runs
        for (item, trial), answer in plan.store.unscored.of_run(run).items()
    }
    for answer in found.values():
        budget.answered_before(len(answer.attempts) or 1, answer.cost_usd)
    return found


def _totals(plan: RunPlan, runs: Iterable[str], trials: Sequence[int] | None = None) -> Totals:
    """What the runs hold together, be it of all their trials or of some."""
    return sum((plan.store.totals(run, trials) for run in runs), Totals())


def _as_attempt(number: int, outcome: CallOutcome, error: CandidateError | None) -> Attempt:
    if error is None:
        return Attempt(number, "ok", None, outcome.seconds)
    return Attempt(number, "timeout" if outcome.timed_out else "error", str(error), outcome.seconds)
