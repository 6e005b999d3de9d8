"""One question to the model, until its reply is valid or final.

A reply that breaks the schema is sent back to the model with what is wrong, at most twice; then it is final, as an
error. Nothing is ever read out of a bad reply.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from scoregate.judging.cache import Draw
from scoregate.judging.calling import ModelAnswer, ModelClient
from scoregate.judging.failures import CallFailed
from scoregate.records import ScoreValue, Tokens
from scoregate.scorers.judge import ChatMessage, Fault, InvalidReply
from scoregate.scorers.judge.reply import is_fenced
from scoregate.scorers.outcome import short_reason, shortened
from scoregate.scorers.scorer import scored_run

_REPAIRS = 2
"""How often a bad reply is sent back."""
_FINAL = frozenset((Fault.REFUSAL, Fault.CONTENT_FILTER))
"""Faults that the model or its provider chose: to insist would be to ask until it says something else."""
LONGEST_REASON = 300
"""Characters of an error's reason."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the model is asked, about which item, and which of several equal questions it is."""

    item: str
    messages: tuple[ChatMessage, ...]
    draw: Draw
    key: str
    """Of the reply in the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """One call as it went, for whoever traces: the attempts of its retries are one call."""

    run: str | None
    item: str
    draw: Draw
    repair: int
    """0 for the question itself, 1 and 2 for bad replies that were sent back."""
    messages: tuple[ChatMessage, ...]
    content: str | None
    """What the model wrote; None where no reply came, or one without text."""
    error: str | None
    """Why no reply came, or what is wrong with it."""
    tokens: Tokens | None
    cost_usd: float | None
    started_at: float
    """Unix time."""
    ended_at: float


@dataclass(slots=True)
class Asked:
    """A final reply, and what it took."""

    value: ScoreValue = None
    reasoning: str | None = None
    error: str | None = None
    repairs: int = 0
    fenced: bool = False
    """A valid reply came in a code fence, which the judge allows."""
    calls: int = 0
    tokens: Tokens | None = None
    """Of all its calls; None where the endpoint never said."""
    cost_usd: float | None = None
    asked: list[ChatMessage] = field(default_factory=list)


async def ask(
    client: ModelClient,
    question: Question,
    *,
    requested: Callable[[], None],
    answered: Callable[[float | None], None],
    traced: Callable[[ModelCall], None] | None = None,
) -> Asked:
    """Ask, and send bad replies back. Raises CallFailed, OutOfBudget, and what `requested` and `answered` raise.

    `requested` is told of each request before it is made, `answered` what each call cost that brought a reply, usable
    or not, and `traced` every call when it is over.
    What `traced` raises is counted in the usage: a reply that was paid for is not lost to a tracer that fails.
    """
    reply, wrong, fenced = Asked(asked=list(question.messages)), "", False
    for repair in range(_REPAIRS + 1):
        reply.repairs = repair
        completion = await _call(client, question, reply, requested, answered, traced)
        read = completion.reply
        if read.success:
            reply.value, reply.reasoning = read.data.score, read.data.reasoning
            reply.fenced = Fault.FENCED in read.faults
            return reply
        wrong, fenced = read.error, is_fenced(completion.content)
        if _FINAL.intersection(read.faults):
            break
        reply.asked += _sent_back(completion, read)
    after = f" (after {reply.repairs} repairs)" if reply.repairs else ""
    if fenced:
        after += '; fence = "allow" in the judge\'s table reads such replies'
    room = LONGEST_REASON - len("invalid reply: ") - len(after)
    reply.error = f"invalid reply: {shortened(wrong, room)}{after}"
    return reply


async def _call(
    client: ModelClient,
    question: Question,
    reply: Asked,
    requested: Callable[[], None],
    answered: Callable[[float | None], None],
    traced: Callable[[ModelCall], None] | None,
) -> ModelAnswer:
    messages, started_at = tuple(reply.asked), time.time()
    completion: ModelAnswer | None = None
    error: str | None = None
    try:
        completion = await client.complete(messages, requested)
        error = completion.reply.error
        reply.calls += 1
        if completion.tokens is not None:
            _add(reply, completion.tokens, completion.cost_usd)
        answered(completion.cost_usd)
        return completion
    except CallFailed as failure:
        error = str(failure)
        raise
    finally:
        if traced is not None and (completion is not None or error is not None):
            call = ModelCall(
                run=scored_run.get(),
                item=question.item,
                draw=question.draw,
                repair=reply.repairs,
                messages=messages,
                content=completion.content if completion is not None else None,
                error=error,
                tokens=completion.tokens if completion is not None else None,
                cost_usd=completion.cost_usd if completion is not None else None,
                started_at=started_at,
                ended_at=time.time(),
            )
            _trace(traced, call, client)


def _trace(traced: Callable[[ModelCall], None], call: ModelCall, client: ModelClient) -> None:
    try:
        traced(call)
    except Exception as error:  # noqa: BLE001 - whoever traces may fail in any way; the usage's line says so
        client.usage.not_traced(short_reason(error))


def _add(reply: Asked, tokens: Tokens, cost: float | None) -> None:
    before = reply.tokens or Tokens(0, 0)
    reply.tokens = Tokens(before.input + tokens.input, before.output + tokens.output)
    if cost is not None:
        reply.cost_usd = (reply.cost_usd or 0.0) + cost


def _sent_back(completion: ModelAnswer, reply: InvalidReply) -> Sequence[ChatMessage]:
    """The bad reply as the model gave it, and what is wrong with it."""
    complaint: ChatMessage = {
        "role": "user",
        "content": f"Your reply cannot be used: {reply.error}. Reply again, with the JSON object that was asked for "
        "and nothing else.",
    }
    if not completion.content:
        return [complaint]
    return [{"role": "assistant", "content": completion.content}, complaint]
