"""Several votes of one judge on one answer, and the rule that makes them one score."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scoregate.judging.spec import VoteRule
from scoregate.records import ScoreValue

Silence = Literal["in passing", "final"]
"""Why no reply came: for a reason that may be gone the next time, or for one that this prompt meets every time."""


@dataclass(frozen=True, slots=True)
class Vote:
    """One final reply: a value with its reasoning, or an error."""

    value: ScoreValue
    reasoning: str | None = None
    error: str | None = None
    silence: Silence | None = None
    """None where a reply came, be it one that cannot be used. Never kept: who asks again may be answered."""

    @property
    def valid(self) -> bool:
        return self.error is None


@dataclass(frozen=True, slots=True)
class VotedScore:
    """What the votes come to. `value` is None where they come to none, and `comment` says why."""

    value: ScoreValue
    comment: str
    unanimous: bool


def decide_votes(votes: Sequence[Vote], rule: VoteRule | None) -> VotedScore:
    """One score of an odd number of votes; never a number that rests on a bad reply.

    A majority is more than half of all votes, bad ones included; mean and median need every vote to be valid.
    """
    if len(votes) == 1:
        vote = votes[0]
        return VotedScore(vote.value, (vote.reasoning if vote.valid else vote.error) or "", True)
    bad = [vote for vote in votes if not vote.valid]
    valid = [vote.value for vote in votes if vote.valid]
    unanimous = not bad and len({_key(value) for value in valid}) == 1
    if rule == "majority":
        value = _majority(valid, len(votes))
    else:
        numbers = [float(value) for value in valid if isinstance(value, (int, float))]
        whole = len(numbers) == len(votes)
        # The exact mean, rounded once: it is never outside the votes (3 × 0.8 by floats is more than 0.8).
        value = (statistics.mean if rule == "mean" else statistics.median)(numbers) if whole else None
    said = _votes_in_words(votes)
    if value is None:
        why = f"; {bad[0].error}" if bad else ""
        needs = "no majority" if rule == "majority" else f"no {rule} without every vote"
        return VotedScore(None, f"{needs}: {said}{why}", unanimous)
    nearest = next((vote for vote in votes if vote.valid and _key(vote.value) == _key(value)), None)
    spoken = nearest or next(vote for vote in votes if vote.valid)
    return VotedScore(value, f"[{rule} of {said}] {spoken.reasoning or ''}".rstrip(), unanimous)


def _votes_in_words(votes: Sequence[Vote]) -> str:
    """`2 × true, 1 × false`, the most frequent first."""
    counts = Counter("invalid" if not vote.valid else _shown(vote.value) for vote in votes)
    return ", ".join(f"{number} × {value}" for value, number in counts.most_common())


def _majority(values: Sequence[ScoreValue], votes: int) -> ScoreValue:
    for value, count in Counter(map(_key, values)).items():
        if 2 * count > votes:
            return next(each for each in values if _key(each) == value)
    return None


def _key(value: ScoreValue) -> tuple[bool, ScoreValue]:
    """Equal for equal values; true is not 1."""
    return isinstance(value, bool), value


def _shown(value: ScoreValue) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
