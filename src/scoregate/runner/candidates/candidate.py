"""What the engine calls: a candidate, and the answer that it gives for one item.

An answer's output is a JSON value: None, bool, int, float, str, list or dict with text keys. What has other types
(see `json_form`) is written as JSON, and kept beside that for evaluators in the same process.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoregate.records import JSON, DatasetItem, Tokens
from scoregate.runner.candidates.failures import (
    CandidateError,
    TransientError,
    UnwritableOutput,
    classify,
    reason_of,
)
from scoregate.runner.candidates.json_form import JsonForm, NoJson
from scoregate.wording import first_line

if TYPE_CHECKING:
    from scoregate.runner.candidates.script import Script

__all__ = ["Answer", "Candidate", "CandidateError", "TransientError", "as_answer", "classify"]

_MAX_COST = sys.float_info.max


@dataclass(frozen=True, slots=True)
class Answer:
    """What a candidate gave for one item. A task that knows its cost returns this instead of a plain output."""

    output: JSON
    cost_usd: float | None = None
    tokens: Tokens | None = None
    trace_id: str | None = None


@dataclass(frozen=True, slots=True)
class TypedAnswer(Answer):
    """An answer whose output holds other types than JSON has, such as a pydantic model."""

    given: Any = None
    """A copy of what was returned, as it was then."""


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
    in_process: bool = False
    """Whether the user's code is called in this process, on this event loop or in a thread."""
    script: Script | None = None
    """The script that gave the task, and waits for the results; None for any other candidate."""


def as_answer(returned: object) -> Answer:
    """What a candidate returned, as a checked Answer; a plain value is an output without measures.

    Its output is JSON that shares nothing with what was returned (see `json_form`), so that whatever is done to that
    later changes no answer. A TypedAnswer where that held other types than JSON has.

    Raises UnwritableOutput for an output that is no JSON, naming the type and the place, and CandidateError for
    measures that are none: a negative or infinite cost, tokens that are no counts.
    """
    if isinstance(returned, Answer):
        _check_measures(returned)
        given, measures = returned.output, (returned.cost_usd, returned.tokens, returned.trace_id)
    else:
        if type(returned) is str and returned.isascii():  # most answers
            return Answer(returned)
        given, measures = returned, (None, None, None)
    form = JsonForm()
    try:
        output = form.of(given)
    except NoJson as problem:
        place = first_line(".".join(["output", *reversed(problem.path)]))
        raise UnwritableOutput(
            f"returned something that is no JSON: {problem.what} at {place}",
            remedy=problem.remedy,
            of_type=problem.of_type,
        ) from None
    except Exception as error:  # user code: a property or a `model_dump` that fails
        raise UnwritableOutput(f"returned something that is no JSON: {reason_of(error)}") from error
    if form.typed:
        try:
            return TypedAnswer(output, *measures, given=copy.deepcopy(given))
        except Exception:  # noqa: BLE001  user code: what cannot be copied is given as JSON
            return Answer(output, *measures)
    return Answer(output, *measures)


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
