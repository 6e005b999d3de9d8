"""What the engine calls: a candidate, and the answer that it gives for one item.

An answer's output is a JSON value: None, bool, int, float, str, list or dict with text keys, of any subclass.
A tuple is none, although `json.dumps` writes it as a list: it would not equal what is read back.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoregate.records import JSON, DatasetItem, Tokens
from scoregate.runner.candidates.failures import CandidateError, TransientError, classify
from scoregate.wording import first_line

if TYPE_CHECKING:
    from scoregate.runner.candidates.script import Script

__all__ = ["Answer", "Candidate", "CandidateError", "TransientError", "as_answer", "classify"]

_MAX_DEPTH = 200
"""Deepest nesting of an output. Python's own JSON writer gives up at about 1,000 levels, on a cycle as well."""
_MAX_COST = sys.float_info.max
_MAX_INTEGER_BITS = 14_000
"""Python reads and writes integers of at most 4,300 digits."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a candidate gave for one item. A task that knows its cost returns this instead of a plain output."""

    output: JSON
    cost_usd: float | None = None
    tokens: Tokens | None = None
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version of the thing under test, and how to call it."""

    version: str
    """Label of the version."""
    commit: str | None
    dirty: bool | None
    """Whether the checkout held uncommitted changes; None where there is no checkout."""
    kind: str
    """python, command, http or replay."""
    call: Callable[[DatasetItem, int], Any]
    """`(item, trial)` to an Answer, a plain output, or an awaitable of either. Safe to call side by side."""
    is_async: bool
    """False: `call` blocks, so the engine runs it in a thread."""
    evaluators: tuple[Callable[..., Any], ...] = ()
    """Evaluators that the candidate's own file defines."""
    prepare: Callable[[Sequence[DatasetItem]], None] | None = None
    """Called once with the items before the first call, so that no call's latency holds what it does."""
    close: Callable[[], Awaitable[None]] | None = None
    """Called once after the last call, in the event loop of the calls."""
    file: Path | None = None
    """The Python file that is called, in this process or in workers; None for any other kind."""
    script: Script | None = None
    """The script that gave the task, and waits for the results; None for any other candidate."""


def as_answer(returned: object) -> Answer:
    """What a candidate returned, as a checked Answer; a plain value is an output without measures.

    Raises CandidateError for an output that is no JSON, naming the type and the place, and for measures that
    are none: a negative or infinite cost, tokens that are no counts.
    """
    if isinstance(returned, Answer):
        _check_measures(returned)
        answer = returned
    else:
        answer = Answer(returned)
    try:
        _check(answer.output, 0)
    except _NoJson as problem:
        place = first_line(".".join(["output", *reversed(problem.path)]))
        raise CandidateError(f"returned something that is no JSON: {problem.what} at {place}") from None
    return answer


class _NoJson(Exception):
    """`path` grows from the inside out while the error rises: a path is only made when one is needed."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.path: list[str] = []
        super().__init__(what)


def _check(value: object, depth: int) -> None:
    if value is None or value is True or value is False:
        return
    if isinstance(value, str):
        if not value.isascii():
            _check_text(value)
    elif isinstance(value, int):
        if value.bit_length() > _MAX_INTEGER_BITS:
            raise _NoJson("an integer with too many digits")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise _NoJson(repr(float(value)))
    elif depth >= _MAX_DEPTH:
        raise _NoJson(f"more than {_MAX_DEPTH} levels")
    elif isinstance(value, dict):
        for key, member in value.items():
            if not isinstance(key, str):
                raise _NoJson(f"a key of type {type(key).__name__}")
            try:
                _check_text(key)
                _check(member, depth + 1)
            except _NoJson as problem:
                problem.path.append(key)
                raise
    elif isinstance(value, list):
        for index, element in enumerate(value):
            try:
                _check(element, depth + 1)
            except _NoJson as problem:
                problem.path.append(str(index))
                raise
    else:
        hint = " (make it a list)" if isinstance(value, (tuple, set, frozenset)) else ""
        raise _NoJson(f"{type(value).__name__}{hint}")


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _NoJson("text with half of a surrogate pair") from None


def _check_measures(answer: Answer) -> None:
    cost = answer.cost_usd
    if cost is not None and not _is_amount(cost):
        raise CandidateError(f"cost_usd is no amount of dollars: {cost!r:.60}")
    tokens = answer.tokens
    if tokens is not None and not (
        isinstance(tokens, Tokens) and _is_count(tokens.input) and _is_count(tokens.output)
    ):
        raise CandidateError(f"tokens are no scoregate.Tokens of two counts: {tokens!r:.60}")
    if answer.trace_id is not None and not isinstance(answer.trace_id, str):
        raise CandidateError(f"trace_id is no text: {answer.trace_id!r:.60}")


def _is_amount(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _MAX_COST


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
