"""Two answers beside each other: a judge says which is better, and is asked in both orders.

Judges prefer the answer that they read first (or last) more often than it deserves. An answer wins only if it does in
both orders; where the two replies contradict each other, it is a tie, and counted as a flip.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from scoregate.catalog import Contract
from scoregate.errors import ConfigError
from scoregate.judging.judge import Judge, Judgement
from scoregate.judging.spec import JudgeSpec, VoteRule
from scoregate.own import json_codec
from scoregate.records import JSON, DatasetItem

_Winner = Literal["a", "b", "tie"]

FIRST, SECOND, TIE = "first", "second", "tie"
_BETTER: dict[str, tuple[_Winner, _Winner]] = {FIRST: ("a", "b"), SECOND: ("b", "a"), TIE: ("tie", "tie")}
"""What a reply means where answer A stands first, and where it stands second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """What a judge says of two answers to one item."""

    item: str
    trial: int
    winner: _Winner | None
    """None where a reply is missing or invalid."""
    flipped: bool = False
    """The two orders contradict each other, which makes it a tie."""
    asked: bool = True
    """False for equal answers, which tie without a call."""
    comments: tuple[str, ...] = ()
    """Of the reply with A first, and of that with B first: the reasoning, or the reason why there is none."""


@dataclass(frozen=True, slots=True)
class _Preferences:
    """Counts over all pairs."""

    a: int
    b: int
    ties: int
    """With those of equal answers and of flips."""
    equal: int
    flips: int
    errors: int
    answered: int
    """Pairs that were asked about and answered in both orders."""


def pair_judge(spec: JudgeSpec) -> JudgeSpec:
    """The judge of pairs, of the same model under the same parameters. Raises ConfigError if it has no prompt."""
    if spec.pairwise is None:
        raise ConfigError(
            f"the judge '{spec.name}' has no prompt that compares two answers",
            where=spec.where,
            hint='add pairwise = "prompts/….md", with {{first}} and {{second}} for the answers',
        )
    contract = Contract(
        name=spec.name,
        type="categorical",
        categories=(FIRST, SECOND, TIE),
        description="Which of the two answers is better.",
        rubric=spec.contract.rubric,
    )
    rule: VoteRule | None = "majority" if spec.votes > 1 else None  # Words have no mean.
    return replace(spec, contract=contract, template=spec.pairwise, rule=rule, pairwise=None, after=())


async def prefer(judge: Judge, item: DatasetItem, a: JSON, b: JSON, *, trial: int = 0) -> Preference:
    """Ask a judge of `pair_judge` in both orders. Equal answers tie without a call. Raises as `Judge.judge`."""
    if equal_answers(a, b):
        return Preference(item=item.id, trial=trial, winner="tie", asked=False)
    found = await asyncio.gather(
        judge.judge_answers(item, {FIRST: a, SECOND: b}, trial=trial),
        judge.judge_answers(item, {FIRST: b, SECOND: a}, trial=trial),
        return_exceptions=True,  # One order that cannot be had does not stop the other, whose reply is kept.
    )
    replies: list[Judgement] = []
    for reply in found:
        if isinstance(reply, BaseException):
            raise reply
        replies.append(reply)
    comments = tuple(reply.comment for reply in replies)
    said = [_BETTER.get(str(reply.value)) if reply.status == "ok" else None for reply in replies]
    if said[0] is None or said[1] is None:
        return Preference(item=item.id, trial=trial, winner=None, comments=comments)
    with_a_first, with_b_first = said[0][0], said[1][1]
    flipped = with_a_first != with_b_first
    winner: _Winner = "tie" if flipped else with_a_first
    return Preference(item=item.id, trial=trial, winner=winner, flipped=flipped, comments=comments)


def equal_answers(a: JSON, b: JSON) -> bool:
    """Whether nobody has to be asked which is better. By their text: Python takes true for 1."""
    return json_codec.dumps(a, sort_keys=True) == json_codec.dumps(b, sort_keys=True)


def counted_preferences(preferences: Sequence[Preference]) -> _Preferences:
    """The counts of many pairs."""
    winners = [preference.winner for preference in preferences]
    return _Preferences(
        a=winners.count("a"),
        b=winners.count("b"),
        ties=winners.count("tie"),
        equal=sum(not preference.asked for preference in preferences),
        flips=sum(preference.flipped for preference in preferences),
        errors=winners.count(None),
        answered=sum(preference.asked and preference.winner is not None for preference in preferences),
    )
