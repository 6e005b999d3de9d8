"""What goes around every call of a candidate, so that whatever it traces lands in its run item's trace.

The engine knows nothing of any tracing library. A candidate in this process finds its parent in the context that the
hook sets; one in another process or on another machine is told it as W3C trace context, which is plain text.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any, Protocol

from scoregate.records import DatasetItem
from scoregate.runner.candidates.candidate import Candidate

__all__ = ["Tracing", "current_traceparent", "traced"]

current_traceparent: ContextVar[str | None] = ContextVar("scoregate_traceparent", default=None)
"""The parent of what the present call traces, as the value of the header `traceparent`; None without tracing."""


class Tracing(Protocol):
    """The hook around calls."""

    def around(self, run: str, item: DatasetItem, trial: int) -> AbstractContextManager[None]:
        """Entered right before a call of the candidate and left right after it, in the call's own context.

        So context variables that it sets hold for that call only, and for the tasks and threads that take the
        context on. A call that is made again has the same arguments. It is part of the call's latency, and what
        it raises would be the call's error: it must be quick and must not raise.
        """
        ...


def traced(candidate: Candidate, tracing: Tracing, run: str) -> Callable[[DatasetItem, int], Any]:
    """The candidate's `call` with the hook around it; async if that is."""

    def call(item: DatasetItem, trial: int) -> Any:
        with tracing.around(run, item, trial):
            return candidate.call(item, trial)

    async def call_async(item: DatasetItem, trial: int) -> Any:
        with tracing.around(run, item, trial):
            return await candidate.call(item, trial)

    return call_async if candidate.is_async else call
