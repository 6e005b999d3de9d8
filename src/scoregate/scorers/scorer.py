"""A scorer, and the call that turns whatever it does into cells: a value, not applicable, or an error.

The contract is that of a Langfuse evaluator: `evaluator(*, input, output, expected_output, metadata, **kwargs)`.
A scorer that also names `latency_seconds`, `cost_usd`, `tokens`, `item` or `trial` is given those as well.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from scoregate.catalog import Catalog
from scoregate.errors import ContractError, StoreError, thread_advice
from scoregate.own.json_codec import own_copy
from scoregate.records import DatasetItem, RunItem, Score, ScoreSource, ScoreValue
from scoregate.records.absent import NOT_AMONG_THEM
from scoregate.scorers.outcome import Scored, normalise, not_applicable, reason_of_call, shortened

__all__ = [
    "LANGFUSE_ARGUMENTS",
    "OFFERED_ARGUMENTS",
    "Scored",
    "Scorer",
    "Service",
    "error_scores",
    "normalise",
    "not_applicable",
    "score_item",
    "score_item_async",
    "scored_run",
    "skipped_scores",
]

scored_run: ContextVar[str | None] = ContextVar("scoregate_scored_run", default=None)
"""Id of the run whose run item an async scorer is scoring."""

LANGFUSE_ARGUMENTS = ("input", "output", "expected_output", "metadata")
"""What every evaluator is offered."""

_OFFERED: Mapping[str, Callable[[DatasetItem, RunItem], Any]] = MappingProxyType(
    {
        "input": lambda item, _: item.input,
        "output": lambda _, run_item: run_item.output,
        "expected_output": lambda item, _: item.expected_output,
        "metadata": lambda item, _: item.metadata,
        "latency_seconds": lambda _, run_item: run_item.latency_seconds,
        "cost_usd": lambda _, run_item: run_item.cost_usd,
        "tokens": lambda _, run_item: run_item.tokens,
        "item": lambda item, _: item,
        "trial": lambda _, run_item: run_item.trial,
    }
)
OFFERED_ARGUMENTS = tuple(_OFFERED)
"""Everything that a scorer may name as a parameter."""
CHANGEABLE_ARGUMENTS = frozenset((*LANGFUSE_ARGUMENTS, "item"))
"""Those of them that can be changed in place."""

_COMMON = frozenset((bool, int, float, str, dict, list, Scored))
"""Types of what most scorers return: none of them has to be awaited."""
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """A score, and the values with which it passes."""

    score: str
    passing: tuple[ScoreValue, ...] = (True,)
    failing: tuple[ScoreValue, ...] | None = (False,)
    """None: every other value fails."""

    def outcome(self, scores: Iterable[Score]) -> Scored | None:
        """None where it passed; else what the scorer's cell says in place of a value.

        A score that failed to be made is an error of this one too: the item does not leave the denominator for
        want of an answer.
        """
        cell = next((each for each in scores if each.score == self.score), None)
        if cell is None:
            return _error(f"nothing made the score '{self.score}', which must have passed")
        if cell.status == "error":
            return _error(f"'{self.score}', which must have passed, has no value: {cell.comment}")
        if cell.status == "not_applicable":
            return Scored("", None, "not_applicable", f"{self.score} does not apply")
        if cell.value in self.passing:
            return None
        if self.failing is not None and cell.value not in self.failing:
            return _error(f"'{self.score}' is {cell.value!r}, which neither passes nor fails")
        return Scored("", None, "not_applicable", f"{self.score} did not pass")


def _error(reason: str) -> Scored:
    return Scored("", None, "error", shortened(reason, _LONGEST_REASON))


class Postponed(Exception):
    """The service behind a scorer gave no score, for a reason that may be gone the next time. `str(error)` is why."""


class OutOfBudget(Postponed):
    """A call was not made, because a cap on cost forbids it."""


class OutOfTime(Postponed):
    """A call was not made, because the session's time is over."""


class Unanswered(Postponed):
    """The service did not reply, in a session that is repeated rather than left with a gap."""


class SpendingCap(Protocol):
    """What calls of paid services may cost together. Each reserves what it may cost, and settles what it did."""

    async def reserve(self, expected: Callable[[], float | None]) -> float: ...

    def settle(self, reserved_usd: float, cost_usd: float | None) -> None: ...


class Service(Protocol):
    """What stands behind a scorer that calls a paid service: it has its own time limits, retries and throttle."""

    def begin(
        self, *, concurrency: int, cost_cap: SpendingCap | None = None, postpone_unanswered: bool = False
    ) -> None:
        """Get ready for calls on the running event loop, at most so many at once, which are paid from `cost_cap`.

        A scorer whose service may call no more raises OutOfBudget: its answer is to be scored in another session.
        With `postpone_unanswered`, an answer whose service does not reply raises Unanswered.
        """

    async def close(self) -> None:
        """Close what it holds; it may begin again."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """A callable that scores one run item, with its name and version.

    `call` takes keyword arguments only and returns whatever `normalise` reads, or an awaitable of it.
    """

    name: str
    version: str
    call: Callable[..., Any]
    is_async: bool = False
    scores: tuple[str, ...] | None = None
    """Names of the scores it makes; None: they are learned from what it returns."""
    accepts: frozenset[str] | None = None
    """Names of the arguments it is given; None: the four of Langfuse."""
    copied: frozenset[str] = frozenset()
    """Names of the arguments that it may change: each call is given copies of its own. Code of ours changes none."""
    takes_objects: bool = False
    """Whether it is given the object that the task returned, where that is at hand, and not its JSON."""
    source: ScoreSource = "code"
    """What its scores say of where they come from."""
    after: tuple[Prerequisite, ...] = ()
    """Scores that must have passed before it is called. For async scorers with a service only."""
    service: Service | None = None

    def arguments(self, item: DatasetItem, run_item: RunItem, given: Any = None) -> dict[str, Any]:
        """The keyword arguments of one call: of what is offered, what the callable accepts.

        `given` is the object that the task returned, where the run item's output is only its JSON.
        """
        if self.accepts is None:
            arguments = {
                "input": item.input,
                "output": run_item.output,
                "expected_output": item.expected_output,
                "metadata": item.metadata,
            }
        else:
            arguments = {name: _OFFERED[name](item, run_item) for name in self.accepts}
        for name in self.copied:
            arguments[name] = item.own_copy() if name == "item" else own_copy(arguments[name])
        if given is not None and self.takes_objects and "output" in arguments:
            arguments["output"] = copy.deepcopy(given)
        return arguments


def score_item(
    scorer: Scorer, item: DatasetItem, run_item: RunItem, *, given: Any = None, catalog: Catalog | None = None
) -> list[Score]:
    """Call a scorer for one run item. Never empty: what it raises or fails to return is an error cell.

    `given` is the object that the task returned, where the run item's output is only its JSON.
    An evaluator that returns an awaitable is run to its end here, if this thread has no event loop of its own.
    Only KeyboardInterrupt and its like come out.
    """
    try:
        returned = scorer.call(**scorer.arguments(item, run_item, given))
        if type(returned) not in _COMMON and inspect.isawaitable(returned):
            returned = _run_to_its_end(returned)
    except BaseException as error:
        if not _is_its_own(error, cancelled=False):
            raise
        outcomes = [Scored(_name_of(scorer), None, "error", _reason(error, given))]
    else:
        outcomes = normalise(returned, name=_name_of(scorer))
    return _cells(scorer, outcomes, run_item, catalog)


async def score_item_async(
    scorer: Scorer, item: DatasetItem, run_item: RunItem, *, given: Any = None, catalog: Catalog | None = None
) -> list[Score]:
    """`score_item` on an event loop: awaits any awaitable, also futures and tasks. Can be cancelled.

    Raises Postponed where it is to be scored in another session, and StoreError where a reply cannot be kept.
    """
    try:
        returned = scorer.call(**scorer.arguments(item, run_item, given))
        if type(returned) not in _COMMON and inspect.isawaitable(returned):
            returned = await returned
    except Postponed:
        raise
    except BaseException as error:
        unkept = scorer.service is not None and isinstance(error, StoreError)
        if unkept or not _is_its_own(error, cancelled=_is_being_cancelled()):
            raise
        outcomes = [Scored(_name_of(scorer), None, "error", _reason(error, given))]
    else:
        outcomes = normalise(returned, name=_name_of(scorer))
    return _cells(scorer, outcomes, run_item, catalog)


def _reason(error: BaseException, given: object) -> str:
    """Why a scorer failed, and what to do where it took JSON for the object that the task returned."""
    lacks = getattr(error, "obj", None) if isinstance(error, AttributeError) and given is None else None
    hint = 'here the output is JSON: output["field"]' if isinstance(lacks, dict) else thread_advice(error)
    return reason_of_call(error) + (f" ({hint})" if hint else "")


def error_scores(scorer: Scorer, run_item: RunItem, reason: str) -> list[Score]:
    """The error cells of a scorer that could not be called to its end, such as one that ran out of time."""
    return _cells(scorer, [Scored(_name_of(scorer), None, "error", reason)], run_item, None)


def skipped_scores(scorer: Scorer, run_item: RunItem, scores: list[Score]) -> list[Score]:
    """The cells of a scorer that is not called, for what must have passed did not; empty if it is to be called.

    `scores` are the cells that the run item has so far.
    """
    for prerequisite in scorer.after:
        outcome = prerequisite.outcome(scores)
        if outcome is not None:
            return _cells(scorer, [outcome], run_item, None)
    return []


def _name_of(scorer: Scorer) -> str:
    """The score that an outcome without a name belongs to."""
    return scorer.scores[0] if scorer.scores is not None and len(scorer.scores) == 1 else scorer.name


def _cells(scorer: Scorer, outcomes: list[Scored], run_item: RunItem, catalog: Catalog | None) -> list[Score]:
    """One cell a score: the outcomes, and an error for every score that is known and was not returned."""
    cells = []
    for outcome in _complete(scorer, outcomes):
        value, status, comment = outcome.value, outcome.status, outcome.comment
        contract = catalog.get(outcome.score) if catalog is not None and status == "ok" else None
        if contract is not None:
            try:
                bound = contract.bound_for(value)
                if bound is not None:
                    told = f"{value!r} is taken as the bound {bound!r}"
                    value, comment = bound, f"{comment}; {told}" if comment else told
                value = contract.check(value, item=run_item.item)
            except ContractError as error:
                value, status, comment = None, "error", str(error)
        cells.append(
            Score(run_item.item, run_item.trial, outcome.score, value, status, comment, scorer.source)
        )
    return cells


def _complete(scorer: Scorer, outcomes: list[Scored]) -> list[Scored]:
    if scorer.scores is None or (len(outcomes) == 1 and scorer.scores == (outcomes[0].score,)):
        return outcomes
    returned = {outcome.score for outcome in outcomes}
    absent = [name for name in scorer.scores if name not in returned]
    if not absent:
        return outcomes
    only = outcomes[0]
    if len(outcomes) == 1 and only.status != "ok" and only.score not in scorer.scores:
        # An error or a "not applicable" without a name speaks for all scores of the scorer.
        return [Scored(name, None, only.status, only.comment) for name in absent]
    reason = f"scorer '{scorer.name}' {NOT_AMONG_THEM}"
    return outcomes + [Scored(name, None, "error", reason) for name in absent]


def _run_to_its_end(awaitable: Awaitable[Any]) -> Any:
    import asyncio

    async def wait() -> Any:
        return await awaitable

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    if inspect.iscoroutine(awaitable):
        awaitable.close()
    raise TypeError("returned an awaitable: define it with 'async def'")


def _is_its_own(error: BaseException, *, cancelled: bool) -> bool:
    """Whether an exception is the scorer's own failure, rather than a wish to stop the program.

    `sys.exit` in an evaluator would end the run; a CancelledError that nobody asked for would pass as a
    cancelled run item and be lost.
    """
    if isinstance(error, (Exception, SystemExit)):
        return True
    import asyncio

    return isinstance(error, asyncio.CancelledError) and not cancelled


def _is_being_cancelled() -> bool:
    import asyncio

    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
