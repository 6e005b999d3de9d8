"""The replies that are kept: what their key covers, and how they are looked up during a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scoregate.judging.identity import JudgeIdentity, digest
from scoregate.records import JSON
from scoregate.scorers.judge import ChatMessage
from scoregate.store import Store
from scoregate.store.judging import KeptReply


@dataclass(frozen=True, slots=True)
class Draw:
    """Which of several equal questions this is. No two draws share a reply: each trial is a trial of the judge too, and
    each item is judged by itself, or one mistake about an answer that many items got would count as many."""

    trial: int = 0
    vote: int = 0
    series: str = ""
    """Tells trials apart that have the same number: those of a confirmation from those of the whole set."""
    item: str = ""


def reply_key(identity: JudgeIdentity, messages: Sequence[ChatMessage], draw: Draw) -> str:
    """Hash of everything that can change a reply: the judge's identity, what it is asked, and the draw.

    The number of votes, their rule and the scores that must have passed are no part of it: they change what becomes
    of a reply, or whether there is one, not the reply.
    The prompt's text is no part of it either, but what it became with its variables in place.
    """
    asked: dict[str, JSON] = {
        **identity.as_dict(),
        "messages": [dict(message) for message in messages],
        "draw": [draw.series, draw.trial, draw.vote, draw.item],
    }
    for key in ("prompt", "votes", "rule", "after"):
        asked.pop(key, None)
    return digest(asked)


@dataclass(frozen=True, slots=True)
class ReplyCache:
    """The store's replies as a judge uses them in one session."""

    store: Store
    read: bool = True
    """False: a reply that this run has not paid for itself is asked for anew, and takes the place of what was kept."""
    newer_than: float | None = None
    """Unix time: replies from before it are asked for anew; None: a reply does not grow old."""
    series: Mapping[str, str] = field(default_factory=dict)
    """Run -> series of its trials, for runs whose trials are not those of the whole set."""

    def get(self, key: str, run: str | None = None) -> KeptReply | None:
        """The reply that may be used by `run`: its own always, for a run that is gone on with has paid for it."""
        kept = self.store.replies.get(key)
        if kept is None or (run is not None and kept.run == run):
            return kept
        if not self.read or (self.newer_than is not None and kept.made_at < self.newer_than):
            return None
        return kept

    def put(self, reply: KeptReply) -> None:
        self.store.replies.put(reply)
