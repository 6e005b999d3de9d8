"""A script for Langfuse's experiment action, as it was before there was a gate: nothing here knows of scoregate."""

from __future__ import annotations

from typing import Any

from langfuse import Evaluation, RegressionError, RunnerContext
from langfuse.experiment import ExperimentResult

SIGNS = {
    "billing": ("invoice", "charged", "card", "price"),
    "delivery": ("parcel", "courier", "delivered", "tracking"),
    "returns": ("return", "refund", "exchange", "broken"),
    "account": ("password", "sign in", "e-mail address", "profile"),
    "devices": ("pairing", "firmware", "battery", "screen"),
}
"""Queue -> words that a ticket for it has."""


def route(*, item: Any, **_: Any) -> str:
    text = item.input["ticket"].lower()
    hits = {queue: sum(word in text for word in words) for queue, words in SIGNS.items()}
    best = max(hits, key=lambda queue: hits[queue])
    return best if hits[best] else "nobody"


def right_queue(*, output: Any, expected_output: Any, **_: Any) -> Evaluation:
    return Evaluation(
        name="right_queue", value=1.0 if output == expected_output else 0.0, comment=f"went to {output}"
    )


def share_routed(*, item_results: Any, **_: Any) -> Evaluation:
    values = [e.value for result in item_results for e in result.evaluations]
    return Evaluation(name="share_routed", value=sum(values) / len(values))


def experiment(context: RunnerContext) -> ExperimentResult:
    result = context.run_experiment(
        name="Ticket router", task=route, evaluators=[right_queue], run_evaluators=[share_routed]
    )
    share = result.run_evaluations[0].value
    assert isinstance(share, float)
    if share < 0.75:
        raise RegressionError(result=result, metric="share_routed", value=share, threshold=0.75)
    return result
