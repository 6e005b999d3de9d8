"""What the runner measured of a run item, as scores: latency, cost and tokens."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from scoregate.scorers.outcome import Scored
from scoregate.scorers.reading import Check, scored, unscored
from scoregate.scorers.scorer import Scorer

MEASURED_VERSION = "1"

Quantity = Literal["latency_seconds", "cost_usd", "tokens_input", "tokens_output", "tokens_total"]

QUANTITIES: Mapping[Quantity, Check] = MappingProxyType(
    {
        "latency_seconds": lambda *, latency_seconds: _given("latency", latency_seconds),
        "cost_usd": lambda *, cost_usd: _given("cost", cost_usd),
        "tokens_input": lambda *, tokens: _given("tokens", tokens and tokens.input),
        "tokens_output": lambda *, tokens: _given("tokens", tokens and tokens.output),
        "tokens_total": lambda *, tokens: _given("tokens", tokens and tokens.total),
    }
)


def quantity_of_item(*, quantity: Quantity) -> Check:
    """A quantity that was measured of the run item, as a number."""
    return QUANTITIES[quantity]


def measured(name: str) -> Scorer | None:
    """The scorer that returns a measured quantity under its own name; None if nothing of that name is measured.

    `latency_seconds` (seconds around the candidate's call), `cost_usd`, `tokens_input`, `tokens_output` and
    `tokens_total`, all numeric. A quantity that the candidate did not give is an error cell.
    """
    for quantity, check in QUANTITIES.items():
        if quantity == name:
            accepts = frozenset(inspect.signature(check).parameters)
            version = f"{name}/{MEASURED_VERSION}"
            return Scorer(name=name, version=version, call=check, scores=(name,), accepts=accepts)
    return None


def _given(what: str, measurement: float | None) -> Scored:
    if measurement is None:
        return unscored(f"the {what} of this run item was not measured")
    return scored(measurement)
