"""What a judge did in a session, and the line that says so."""

from __future__ import annotations

from dataclasses import dataclass

from scoregate.judging.votes import Silence
from scoregate.records import Tokens
from scoregate.scorers.outcome import shortened
from scoregate.wording import count, dollars

_LONGEST_REASON = 200


@dataclass(slots=True)
class Usage:
    """Counters of one judge. A reply is one vote on one answer."""

    replies: int = 0
    from_cache: int = 0
    calls: int = 0
    """Requests, with those that were repeated and those that asked for a repair."""
    repaired: int = 0
    """Replies that became valid after the model was told what was wrong."""
    fenced: int = 0
    """Valid replies in a code fence, which the judge allows."""
    invalid: int = 0
    """Replies that stayed invalid."""
    invalid_because: str = ""
    """What is wrong with the first of them that came in this session."""
    failed: int = 0
    """Replies that never came, and may come another time."""
    failed_because: str = ""
    """Reason of the first of them."""
    refused: int = 0
    """Replies that the endpoint refused to give to their prompt."""
    refused_because: str = ""
    """Reason of the first of them."""
    judged: int = 0
    """Answers that were judged, each by all its votes."""
    disagreed: int = 0
    """Of these, answers whose votes were not all the same."""
    rate_limited: int = 0
    tokens_input: int = 0
    tokens_output: int = 0
    cost_usd: float | None = None
    """None if the judge has no price, or was not called."""
    uncounted: int = 0
    """Calls of a judge with a price whose cost is unknown: the endpoint did not say how many tokens they took."""
    untraced: int = 0
    """Calls that could not be told to whoever traces."""
    untraced_because: str = ""
    """Reason of the first of them."""

    def answered(self, tokens: Tokens | None, cost_usd: float | None, *, has_price: bool) -> None:
        """A call was answered, by a judge with a price or without one."""
        if tokens is not None:
            self.tokens_input += tokens.input
            self.tokens_output += tokens.output
        self.uncounted += has_price and tokens is None
        if cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + cost_usd

    def silent(self, silence: Silence) -> None:
        """A reply did not come."""
        self.failed += silence == "in passing"
        self.refused += silence == "final"

    def not_traced(self, reason: str) -> None:
        self.untraced += 1
        self.untraced_because = self.untraced_because or reason

    def line(self, judge: str) -> str:
        """`judge relevance: 247 replies, 240 from the cache, 7 calls, 2 repaired, $0.01`."""
        parts = [
            count(self.replies, "reply", "replies"),
            f"{self.from_cache:,} from the cache",
            count(self.calls, "call", "calls"),
        ]
        parts += [
            f"{count:,} {word}"
            for count, word in (
                (self.repaired, "repaired"),
                (self.fenced, "in a code fence"),
                (self.invalid, "invalid"),
                (self.failed, "failed"),
                (self.refused, "refused by the endpoint"),
                (self.rate_limited, "rate limited"),
            )
            if count
        ]
        if self.disagreed:
            parts.append(f"votes differ on {self.disagreed:,} of {self.judged:,} answers")
        if self.uncounted:
            parts.append(f"{count(self.uncounted, 'call', 'calls')} of unknown cost")
        if self.untraced:
            parts.append(f"{count(self.untraced, 'call', 'calls')} not traced ({self.untraced_because})")
        if self.cost_usd is not None:
            parts.append(dollars(self.cost_usd))
        reasons = [
            f"the first {word} because: {shortened(' '.join(reason.split()), _LONGEST_REASON)}"
            for word, reason in (
                ("failed", self.failed_because),
                ("was refused", self.refused_because),
                ("is invalid", self.invalid_because),
            )
            if reason
        ]
        return "; ".join([f"judge {judge}: {', '.join(parts)}", *reasons])
