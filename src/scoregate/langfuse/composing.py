"""A script's composite evaluator, which scores an item from what the other evaluators have said of it."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from langfuse import Evaluation

Evaluator = Callable[..., Any]
_Cell = tuple[str, int]
"""Item and trial."""


def composed(evaluators: tuple[Evaluator, ...], composite: Evaluator) -> tuple[Evaluator, ...]:
    """The evaluators, each noting what it says, and behind them the composite one, which is given that.

    The composite is async, whatever it was, because the engine calls async scorers of an item after all sync ones,
    and one after another.
    """
    made: dict[_Cell, list[Evaluation]] = {}

    @functools.wraps(composite)
    async def compose(*, item: Any, trial: int, **offered: Any) -> Any:
        evaluations = made.pop((item.id, trial), [])
        if not evaluations:
            raise ValueError("no evaluator made anything to compose")
        # In a thread, for it may be slow; what it returns may still have to be awaited.
        returned = await asyncio.to_thread(composite, **offered, evaluations=evaluations)
        return await returned if inspect.isawaitable(returned) else returned

    return (*(_noting(evaluator, made) for evaluator in evaluators), _offered(compose, composite))


def _noting(evaluator: Evaluator, made: dict[_Cell, list[Evaluation]]) -> Evaluator:
    """The evaluator under its own name and version, whose evaluations are kept for the composite one."""

    def note(item: Any, trial: int, returned: Any) -> Any:
        made.setdefault((item.id, trial), []).extend(evaluations_of(returned))
        return returned

    if inspect.iscoroutinefunction(evaluator):

        @functools.wraps(evaluator)
        async def noting_async(*, item: Any, trial: int, **offered: Any) -> Any:
            return note(item, trial, await evaluator(**offered))

        return _offered(noting_async, evaluator)

    @functools.wraps(evaluator)
    def noting(*, item: Any, trial: int, **offered: Any) -> Any:
        return note(item, trial, awaited(evaluator(**offered)))

    return _offered(noting, evaluator)


def _offered(function: Evaluator, wrapped: Evaluator) -> Evaluator:
    """The function with its own signature, by which the engine gives it item and trial, and not the wrapped one's."""
    while isinstance(wrapped, functools.partial):
        wrapped = wrapped.func
    function.__name__ = getattr(wrapped, "__name__", type(wrapped).__name__)
    function.__signature__ = inspect.signature(function, follow_wrapped=False)  # type: ignore[attr-defined]  # of any
    return function


def evaluations_of(returned: object) -> list[Evaluation]:
    """What an evaluator returned, as the SDK reads it: evaluations and dictionaries, one or a list of them."""
    several = returned if isinstance(returned, list) else [returned]
    return [
        Evaluation(**one) if isinstance(one, dict) else one
        for one in several
        if isinstance(one, dict | Evaluation)
    ]


def awaited(returned: Any) -> Any:
    """What was returned, waited for if it has to be, also where this thread runs an event loop already."""
    if not inspect.isawaitable(returned):
        return returned
    ended: list[Any] = []
    failed: list[BaseException] = []

    def wait() -> None:
        try:
            ended.append(asyncio.run(_result_of(returned)))
        except BaseException as error:  # noqa: BLE001  user code: raised again where it was called
            failed.append(error)

    thread = threading.Thread(target=wait, name="scoregate-awaiting", daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return ended[0]


async def _result_of(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
