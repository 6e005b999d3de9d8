"""A judge tried on some answers, or on pairs of them, outside a run: what it is asked, and what it replies.

All under one cap on cost, until everything is answered or a signal comes. What was replied is in the cache, so that the
same command goes on with it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

from scoregate.errors import ConfigError, RunInterrupted, did_you_mean
from scoregate.gate_file import Gate
from scoregate.judge_trust.judges import build_judge, read_judges
from scoregate.judging.cache import ReplyCache
from scoregate.judging.judge import Judge, Judgement
from scoregate.judging.pairwise import Preference, pair_judge, prefer
from scoregate.judging.template import MissingVariable
from scoregate.records import JSON, DatasetItem, Run
from scoregate.runner import session
from scoregate.runner.budget import CostCap
from scoregate.runner.calls import Calls
from scoregate.runner.loop_time import LoopTime
from scoregate.runner.threads import DaemonThreads
from scoregate.scorers.judge import ChatMessage
from scoregate.scorers.scorer import OutOfBudget
from scoregate.sources import answered_run, read_gate_dataset
from scoregate.store import Store

_ASKED_ANEW = "calibration"
"""Series of replies that were asked for because those of the runs were too old to say what the judge does today."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class AnswerToTry:
    """An answer to judge, and where it comes from."""

    item: DatasetItem
    output: JSON
    trial: int
    source: str


@dataclass(frozen=True, slots=True)
class Tried:
    """One answer with what the model is asked about it, and the judgement; None where it is only shown."""

    answer: AnswerToTry
    messages: tuple[ChatMessage, ...]
    """Empty where the answer lacks a variable of the prompt."""
    judgement: Judgement | None


def judge_of(gate: Gate, score: str | None) -> Judge:
    """The gate's judge of a score; its only one if none is named. Raises ConfigError."""
    specs = read_judges(gate)
    if not specs:
        raise ConfigError(
            "the gate has no judge", where=str(gate.path), hint='add a [scorers] table with use = "judge"'
        )
    if score is None and len(specs) > 1:
        raise ConfigError(
            f"the gate has {len(specs)} judges", hint=f"name one with --score: {', '.join(sorted(specs))}"
        )
    name = score or next(iter(specs))
    if name not in specs:
        raise ConfigError(f"the gate has no judge '{name}'", hint=did_you_mean(name, specs))
    return build_judge(gate, specs[name])


def answers_to_try(
    gate: Gate,
    store: Store | None,
    *,
    items: Collection[str] = (),
    limit: int = 1,
    run: str | None = None,
    output: JSON = None,
) -> list[AnswerToTry]:
    """The first `limit` answers, or those of the named items: of a run (the gate's newest), or `output` itself.

    Raises ConfigError, DatasetError and StoreError.
    """
    dataset = {item.id: item for item in read_gate_dataset(gate).items}
    for name in items:
        if name not in dataset:
            raise ConfigError(f"the dataset has no item '{name}'", hint=_near(name, dataset))
    wanted = list(items) or list(dataset)
    if output is not None:
        chosen = wanted if items else wanted[:limit]
        return [AnswerToTry(dataset[name], output, 0, "--output") for name in chosen]
    run = answered_run(gate, store, run)
    if store is None or run is None:
        raise ConfigError(
            "no run of this gate has an answer yet", hint="run the gate first, or give one with --output TEXT"
        )
    given = {one.item: one for one in reversed(store.load_run(run).items) if one.has_output}
    found = [
        AnswerToTry(dataset[name], given[name].output, given[name].trial, f"run {run}")
        for name in wanted
        if name in given
    ]
    if not found:
        raise ConfigError(f"run {run} has no answer to {'these items' if items else 'any item'}")
    return found if items else found[:limit]


def as_output(text: str) -> JSON:
    """What a person gives as an answer: a JSON object or array if it is one, else the text as it is."""
    try:
        value: JSON = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, dict | list) else text


def try_judge(
    judge: Judge,
    answers: Sequence[AnswerToTry],
    store: Store | None,
    *,
    dry: bool,
    concurrency: int = 4,
    read: bool = True,
    cap_usd: float | None = None,
    newer_than: float | None = None,
    announce: Callable[[int], None] | None = None,
) -> list[Tried]:
    """Compile the prompts and, unless `dry`, ask for no more than `cap_usd` together.

    Kept replies that are not `newer_than` that Unix time are asked for anew, and both are kept. `announce` is told how
    many replies are to be asked for. Raises ConfigError for a missing key, and RunInterrupted where the cap forbids a
    call, or a signal ends it.
    """
    compiled = [_compiled(judge, answer) for answer in answers]
    if dry:
        return compiled
    judge.check_ready()
    judge.cache = None if store is None else ReplyCache(store, read=read)
    kept = [judge.unasked(one.item, one.output, trial=one.trial) for one in answers]
    if judge.cache is not None:
        judge.cache = replace(judge.cache, newer_than=newer_than)
    new = [judge.unasked(one.item, one.output, trial=one.trial) for one in answers]
    # What is asked for anew because of its age stands beside the replies that the runs use, and changes no run.
    series = [_ASKED_ANEW if more > fewer else "" for more, fewer in zip(new, kept, strict=True)]
    if announce is not None:
        questions = zip(answers, series, strict=True)
        announce(
            sum(judge.unasked(one.item, one.output, trial=one.trial, series=name) for one, name in questions)
        )
    ask = [
        partial(judge.judge, answer.item, answer.output, trial=answer.trial, series=name)
        for answer, name in zip(answers, series, strict=True)
    ]
    judgements = _ask_all(judge, ask, concurrency=concurrency, cap_usd=cap_usd)
    return [replace(one, judgement=judgement) for one, judgement in zip(compiled, judgements, strict=True)]


def _compiled(judge: Judge, answer: AnswerToTry) -> Tried:
    """What is asked about an answer; where it lacks a variable of the prompt, the error that it is judged as."""
    try:
        return Tried(answer, tuple(judge.messages(answer.item, answer.output)), None)
    except MissingVariable as error:
        return Tried(answer, (), Judgement(value=None, status="error", comment=str(error)))


def _near(name: str, known: Collection[str]) -> str | None:
    hint = did_you_mean(name, known)
    return hint if hint and hint.startswith("did") else None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one item."""

    item: DatasetItem
    trial: int
    a: JSON
    b: JSON


@dataclass(frozen=True, slots=True)
class Pairs:
    """What two runs have to compare."""

    whole: tuple[Pair, ...]
    left_out: tuple[str, ...]
    """Items, one for each trial, of which at least one of the two runs has no output."""


def judge_of_pairs(gate: Gate, score: str | None) -> Judge:
    """The gate's judge of a score as a judge of pairs. Raises ConfigError."""
    judge = build_judge(gate, pair_judge(judge_of(gate, score).spec))
    judge.spec.template.check(read_gate_dataset(gate).items)
    return judge


def pairs_of(gate: Gate, a: Run, b: Run, *, limit: int | None = None) -> Pairs:
    """The answers that both runs have, of the gate's items, `limit` of them at most; and what is left out in all.

    Raises ConfigError where there is none.
    """
    for run in (a, b):
        if not any(one.has_output for one in run.items):
            raise ConfigError(
                f"run {run.id} has no outputs to compare",
                hint="name a stored run, or a results file with outputs",
            )
    items = {item.id: item for item in read_gate_dataset(gate).items}
    first, second = (
        {(one.item, one.trial): one.output for one in run.items if one.has_output} for run in (a, b)
    )
    pairs = [
        Pair(items[item], trial, output, second[item, trial])
        for (item, trial), output in first.items()
        if (item, trial) in second and item in items
    ]
    if not pairs:
        raise ConfigError(f"runs {a.id} and {b.id} have no item of this gate in common that both answered")
    cells = {(one.item, one.trial) for run in (a, b) for one in run.items if one.item in items}
    left_out = sorted(cells - (first.keys() & second.keys()))
    return Pairs(tuple(pairs[:limit]), tuple(item for item, _ in left_out))


def prefer_all(
    judge: Judge,
    pairs: Sequence[Pair],
    store: Store,
    *,
    concurrency: int,
    read: bool = True,
    cap_usd: float | None = None,
) -> list[Preference]:
    """Ask about every pair, `concurrency` calls at once, for no more than `cap_usd` together.

    Raises ConfigError for a missing key, before any call, and RunInterrupted where the cap forbids a call or a signal
    ends it.
    """
    judge.check_ready()
    judge.cache = ReplyCache(store, read=read)
    ask = [partial(prefer, judge, pair.item, pair.a, pair.b, trial=pair.trial) for pair in pairs]
    return _ask_all(judge, ask, concurrency=concurrency, cap_usd=cap_usd)


def _ask_all(
    judge: Judge, questions: Sequence[Callable[[], Awaitable[_T]]], *, concurrency: int, cap_usd: float | None
) -> list[_T]:
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
class _Asked(Generic[_T]):
    answers: list[_T]
    """Of the questions that were answered to the end: all of them, unless one of the next two says why not."""
    over_budget: OutOfBudget | None
    interrupted: bool


class _Asking(Generic[_T]):
    """The questions on their event loop; see `session.drive`."""

    def __init__(
        self,
        judge: Judge,
        questions: Sequence[Callable[[], Awaitable[_T]]],
        concurrency: int,
        cap_usd: float | None,
    ) -> None:
        self.calls = Calls(None, DaemonThreads(), LoopTime())
        """None: a judge has a time limit of its own for each of its calls."""
        self._judge = judge
        self._questions = questions
        self._concurrency = concurrency
        self._cap_usd = cap_usd
        self._tasks: list[asyncio.Future[_T]] = []
        self._interrupted = False

    async def run(self) -> _Asked[_T]:
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
