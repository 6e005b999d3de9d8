"""What candidates, and the services behind scorers, do before the first call and after the last one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from scoregate.records import DatasetItem
from scoregate.runner.candidates.candidate import Candidate


def distinct(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Each once: a candidate may stand in both arms, when it is compared with itself."""
    return list({id(candidate): candidate for candidate in candidates}.values())


def prepare(candidates: Sequence[Candidate], items: Sequence[DatasetItem]) -> None:
    """Whatever the candidates' own `prepare` raises ends the session before its first call."""
    for candidate in candidates:
        if candidate.prepare is not None:
            candidate.prepare(items)


async def close(candidates: Sequence[Candidate], seconds: float) -> None:
    """Let the candidates close what they hold, side by side, for at most so long."""
    await close_all([candidate.close for candidate in candidates if candidate.close is not None], seconds)


async def close_all(closers: Sequence[Callable[[], Awaitable[None]]], seconds: float) -> None:
    """Call them side by side and wait at most so long; what they raise changes nothing."""
    closing = [asyncio.ensure_future(close()) for close in closers]
    if not closing:
        return
    done, late = await asyncio.wait(closing, timeout=seconds)
    for task in late:
        task.cancel()
    for task in done:
        if not task.cancelled():
            task.exception()  # The session is over; an error while closing changes nothing about it.
