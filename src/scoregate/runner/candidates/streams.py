"""Answers that come in pieces: a generator is gone through to its end, within its call and under that's time limit."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

from scoregate.runner.candidates.candidate import Answer
from scoregate.runner.candidates.failures import CandidateError

_MOST_PIECES = 1_000_000
"""A generator without end cannot be stopped from outside, and must not fill the memory."""

IN_ONE_PIECE = frozenset((str, dict, list, int, float, bool, type(None)))
"""Types of most answers, which are no streams, so that `collected` need not be called with them."""


def collected(returned: Any) -> object:
    """What a sync task returned, its pieces put together if it is a stream, also an async one.

    A stream of texts is one text, one of bytes is bytes, any other a list, and one of nothing an empty text.
    """
    if isinstance(returned, Answer) and _is_stream(returned.output):
        return replace(returned, output=collected(returned.output))
    if isinstance(returned, AsyncIterator):
        import asyncio

        return asyncio.run(_gathered(returned))
    if not _is_stream(returned):
        return returned
    pieces: list[Any] = []
    for piece in returned:
        _add(piece, pieces)
    return _joined(pieces)


async def collected_async(returned: object) -> object:
    """`collected` on an event loop."""
    if isinstance(returned, Answer) and _is_stream(returned.output):
        return replace(returned, output=await collected_async(returned.output))
    return await _gathered(returned) if isinstance(returned, AsyncIterator) else collected(returned)


def _is_stream(value: object) -> bool:
    return isinstance(value, (Iterator, AsyncIterator)) and not isinstance(value, io.IOBase)


async def _gathered(stream: AsyncIterator[Any]) -> object:
    pieces: list[Any] = []
    try:
        async for piece in stream:
            _add(piece, pieces)
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
    return _joined(pieces)


def _add(piece: Any, pieces: list[Any]) -> None:
    if len(pieces) >= _MOST_PIECES:
        raise CandidateError(f"returned a stream of more than {_MOST_PIECES:,} pieces")
    pieces.append(piece)


def _joined(pieces: list[Any]) -> object:
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(pieces)
    return b"".join(pieces) if all(isinstance(piece, bytes) for piece in pieces) else pieces
