"""The support agent as it is in production."""

from __future__ import annotations

from support import agent, retrieval
from support.scorers import answer_correctness, groundedness, policy_compliance
from support.shapes import Item, Reply

version = "support-agent-1"
evaluators = [answer_correctness, policy_compliance, groundedness]

retrieval.bodies()  # built here, so that no item's latency holds it


def task(*, item: Item, **_: object) -> Reply:
    return agent.answer(item.input)
