"""A judge asked a number of questions outside a run, under one cap on cost, until all are answered or a signal comes.

What was replied is in the cache, so that the same command goes on with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from scoregate.errors import RunInterrupted
from scoregate.judging.judge import Judge
from scoregate.runner import session
from scoregate.runner.calls import Calls, DaemonThreads
from scoregate.scorers.cost_cap import CostCap, OutOfBudget

T = TypeVar("T")


def ask_all(
    judge: Judge, questions: Sequence[Callable[[], Awaitable[T]]], *, concurrency: int, cap_usd: float | None
) -> list[T]:
    """What comes of all questions, in their order, at most so many calls at once.

    Raises RunInterrupted where the cap forbids a call, and at Ctrl-C and SIGTERM.
    """
    asked = session.drive(lambda: _Asking(judge, questions, concurrency, cap_usd), None)
    there = f"after {len(asked.answers):,} of {len(questions):,} answers were judged"
    if asked.over_budget is not None:
        raise RunInterrupted(
            f"{asked.over_budget} {there}{_kept(judge)}",
            hint="raise max_cost_usd in the gate's [limits], and give the command again",
        )
    if asked.interrupted:
        raise RunInterrupted(f"stopped {there}{_kept(judge)}", hint=_how_to_go_on(judge))
    return asked.answers


@dataclass(frozen=True, slots=True)
class _Asked(Generic[T]):
    answers: list[T]
    """Of the questions that were answered to the end: all of them, unless one of the next two says why not."""
    over_budget: OutOfBudget | None
    interrupted: bool


class _Asking(Generic[T]):
    """The questions on their event loop; see `session.drive`."""

    def __init__(
        self,
        judge: Judge,
        questions: Sequence[Callable[[], Awaitable[T]]],
        concurrency: int,
        cap_usd: float | None,
    ) -> None:
        self.calls = Calls(None, DaemonThreads())
        """None: a judge has a time limit of its own for each of its calls."""
        self._judge = judge
        self._questions = questions
        self._concurrency = concurrency
        self._cap_usd = cap_usd
        self._tasks: list[asyncio.Future[T]] = []
        self._interrupted = False

    async def run(self) -> _Asked[T]:
        """Ask. Raises what a question raises that neither the cap nor an interrupt explains."""
        self._judge.begin(concurrency=self._concurrency, cost_cap=CostCap(self._cap_usd))
        try:
            self._tasks = [asyncio.ensure_future(question()) for question in self._questions]
            if self._interrupted:
                self.interrupt()
            found = await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            await self._judge.close()
        over_budget = next((one for one in found if isinstance(one, OutOfBudget)), None)
        for one in found:
            stopped = isinstance(one, asyncio.CancelledError) and self._interrupted
            if isinstance(one, BaseException) and not isinstance(one, OutOfBudget) and not stopped:
                raise one
        answers = [one for one in found if not isinstance(one, BaseException)]
        return _Asked(answers, over_budget, self._interrupted and len(answers) < len(found))

    def interrupt(self) -> None:
        """End every call that is under way."""
        self._interrupted = True
        for task in self._tasks:
            task.cancel()


def _kept(judge: Judge) -> str:
    return "; the replies that came are kept" if judge.cache is not None else ""


def _how_to_go_on(judge: Judge) -> str | None:
    if judge.cache is None:
        return None
    again = "the same command again" if judge.cache.read else "the same command without --no-cache"
    return f"{again} asks only for the rest"
