"""What a session may use, what it has used, and what it will probably need."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scoregate.gate_file import Limits
from scoregate.store import Totals


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take, told before it starts."""

    calls: int
    """Calls of the candidate, without retries; no more than the limit on calls allows."""
    cost_usd: float | None
    """None if no earlier run says what a call costs."""
    seconds: float | None
    """None if there is no earlier run."""
    exceeds: tuple[str, ...] = ()
    """Limits that will probably stop the run before its end."""


def estimate(items: int, trials: int, limits: Limits, previous: Totals | None) -> Estimate:
    """Expected use of a run of `items` × `trials`, from the means of a previous run where there is one."""
    calls = items * trials
    cost = seconds = None
    if previous is not None and previous.items:
        seconds = math.ceil(calls / limits.concurrency) * previous.latency_seconds / previous.items
        if previous.cost_usd is not None:
            cost = calls * previous.cost_usd / previous.items
    needs = (
        ("max_calls", calls, limits.max_calls),
        ("max_cost_usd", cost, limits.max_cost_usd),
        ("max_seconds", seconds, limits.max_seconds),
    )
    exceeds = tuple(name for name, need, cap in needs if need is not None and cap is not None and need > cap)
    return Estimate(calls, cost, seconds, exceeds)


class Budget:
    """The caps on calls and cost, of all arms together."""

    def __init__(self, limits: Limits, before: Totals) -> None:
        """`before` counts as well: what the runs used in earlier rounds and before they were resumed."""
        self._limits = limits
        self._calls = before.calls
        self._answers = before.items
        self._in_flight = 0
        self._cost = before.cost_usd or 0.0
        self._unscored = 0
        self._scored = 0
        self._scoring_cost = 0.0

    def refusal(self) -> str | None:
        """The cap that forbids another call, if one does.

        A call in flight is taken to cost what the others did on average, so that the cap holds for all that
        is started and not only for what has been paid.
        """
        if self._limits.max_calls is not None and self._calls >= self._limits.max_calls:
            return "max_calls"
        cap = self._limits.max_cost_usd
        if cap is not None:
            # What was answered is scored whatever it costs, so that this is as good as spent.
            expected = self._cost + self._unscored * (self._scoring_cost / max(1, self._scored))
            mean = expected / self._answers if self._answers else 0.0
            committed = expected + mean * self._in_flight
            # The slack takes up the rounding of sums such as 10 × 0.1.
            if self._cost >= cap or committed + mean > cap * (1 + 1e-9):
                return "max_cost_usd"
        return None

    def started(self) -> None:
        self._calls += 1
        self._in_flight += 1

    def ended(self, cost_usd: float | None) -> None:
        self._in_flight -= 1
        self._answers += 1
        self._cost += cost_usd or 0.0

    def scoring_started(self) -> None:
        """An answer goes to the scorers."""
        self._unscored += 1

    def scoring_cost(self, cost_usd: float) -> None:
        """A service behind a scorer was paid."""
        self._cost += cost_usd
        self._scoring_cost += cost_usd

    def scoring_ended(self, answers: int) -> None:
        self._unscored -= answers
        self._scored += answers
