"""What a session may use, what it has used, and what it will probably need."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scoregate.gate_file import Limits
from scoregate.scorers.scorer import OutOfBudget
from scoregate.store import Totals

if TYPE_CHECKING:
    import asyncio

_ROUNDING = 1e-9
"""Takes up the rounding of sums such as 10 × 0.1, as a share of the cap."""


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """What a run will take, told before it starts."""

    calls: int
    """Calls of the candidate, without retries; no more than the limit on calls allows."""
    cost_usd: float | None
    """With what services behind scorers cost; None if nothing says what either costs."""
    services_usd: float | None
    """Of this, what those services cost at most: replies that are kept already cost nothing."""
    seconds: float | None
    """None if there is no earlier run."""
    exceeds: tuple[str, ...] = ()
    """Limits that will probably stop the run before its end."""


def estimate(
    calls: int,
    limits: Limits,
    previous: Totals | None,
    *,
    services_usd: float | None = None,
    before: Totals | None = None,
) -> RunEstimate:
    """Expected use of so many calls, from the means of a previous run where there is one.

    `services_usd` is what services behind scorers will cost at most, where that is known better than from that run.
    `before` is what was used already and counts towards the caps, and nothing else.
    """
    used = before or Totals()
    cost, seconds = services_usd, None
    if previous is not None and previous.items:
        seconds = math.ceil(calls / limits.concurrency) * previous.latency_seconds / previous.items
        if previous.cost_usd is not None:
            known = 0.0 if services_usd is None else previous.services_usd or 0.0
            cost = (services_usd or 0.0) + calls * (previous.cost_usd - known) / previous.items
    needs = (
        ("max_calls", calls + used.calls, limits.max_calls),
        ("max_cost_usd", None if cost is None else cost + (used.cost_usd or 0.0), limits.max_cost_usd),
        ("max_seconds", seconds, limits.max_seconds),
    )
    exceeds = tuple(name for name, need, cap in needs if need is not None and cap is not None and need > cap)
    return RunEstimate(calls, cost, services_usd, seconds, exceeds)


class Budget:
    """The caps on calls and cost, of all arms together. Made within an event loop."""

    def __init__(
        self,
        limits: Limits,
        before: Totals,
        *,
        elsewhere_usd: float = 0.0,
        paid: Callable[[float], None] | None = None,
    ) -> None:
        """`before` counts as well: what the runs used in earlier rounds and before they were resumed.

        `elsewhere_usd` was spent under the same cap, and says nothing of what an answer costs.
        `paid` is told every cost of a service behind a scorer.
        """
        self._limits = limits
        self._elsewhere = elsewhere_usd
        self._calls = before.calls
        self._answers = before.items
        self._answered_cost = (before.cost_usd or 0.0) - (before.services_usd or 0.0)
        self._in_flight = 0
        self.cost_cap = CostCap(
            limits.max_cost_usd,
            spent_usd=elsewhere_usd + (before.cost_usd or 0.0),
            paid=paid,
            in_flight_usd=self._cost_in_flight,
        )
        """What services behind scorers pay from."""

    def refusal(self) -> str | None:
        """The cap that forbids another call, if one does.

        A call in flight is taken to cost what the others did on average, so that the cap holds for all that
        is started and not only for what has been paid.
        """
        if self._limits.max_calls is not None and self._calls >= self._limits.max_calls:
            return "max_calls"
        cap, cost = self._limits.max_cost_usd, self.cost_cap.spent_usd
        if cap is not None:
            # Nobody knows how much of their scoring the answers before have paid; what is left of it is paid from
            # the cap or refused. To reckon with more here would end runs that their cap is enough for.
            mean = (cost - self._elsewhere) / self._answers if self._answers else 0.0
            committed = cost + mean * self._in_flight
            # The slack takes up the rounding of sums such as 10 × 0.1.
            if cost >= cap or committed + mean > cap * (1 + 1e-9):
                return "max_cost_usd"
        return None

    def started(self) -> None:
        self._calls += 1
        self._in_flight += 1

    def ended(self, cost_usd: float | None) -> None:
        self._in_flight -= 1
        self._answers += 1
        self._answered_cost += cost_usd or 0.0
        self.cost_cap.spent_usd += cost_usd or 0.0
        self.cost_cap.look_again()

    def answered_before(self, attempts: int, cost_usd: float | None) -> None:
        """An answer that an earlier session paid for and did not see scored."""
        self._calls += attempts
        self._answers += 1
        self._answered_cost += cost_usd or 0.0
        self.cost_cap.spent_usd += cost_usd or 0.0

    def _cost_in_flight(self) -> float:
        return self._in_flight * self._answered_cost / self._answers if self._answers else 0.0


class CostCap:
    """The money of one session, under a cap or without one. For one event loop's thread.

    A call reserves what it may cost before it is made, so that the cap holds for all that is started and not only
    for what has been paid. Nobody knows the price of the first call: it has all that is left to itself.
    """

    def __init__(
        self,
        cap_usd: float | None,
        *,
        spent_usd: float = 0.0,
        paid: Callable[[float], None] | None = None,
        in_flight_usd: Callable[[], float] | None = None,
    ) -> None:
        """`spent_usd` was spent before. `paid` is told every cost. `in_flight_usd` says what else is under
        way: calls that come to an end without being settled here, after which `look_again` is to be called."""
        self.cap_usd = cap_usd
        self.spent_usd = spent_usd
        """All that was paid, with what was spent before."""
        self.reserved_usd = 0.0
        """For calls that are under way."""
        self._paid = paid
        self._in_flight_usd = in_flight_usd
        self._changed: asyncio.Event | None = None
        """Made by the first that waits for it, as most sessions have nobody who does."""

    async def reserve(self, expected: Callable[[], float | None]) -> float:
        """Dollars for a call, as soon as there are enough. `expected` says what it may cost, None where nobody knows.

        Waits while calls under way may leave enough; raises OutOfBudget when there are none.
        """
        while True:
            in_flight_usd = self._in_flight_usd() if self._in_flight_usd is not None else 0.0
            left = self._left(in_flight_usd)
            amount = expected()
            if amount is None:
                amount = left if self.cap_usd is not None else 0.0
            if self.cap_usd is None or (left > 0 and amount <= left + _ROUNDING * self.cap_usd):
                self.reserved_usd += amount
                return amount
            if not self.reserved_usd and not in_flight_usd:
                raise OutOfBudget(f"max_cost_usd = {self.cap_usd:g} is reached")
            if self._changed is None:
                self._changed = _event()
            await self._changed.wait()

    def settle(self, reserved_usd: float, cost_usd: float | None) -> None:
        """The call is over: give back what was reserved for it, and pay what it cost."""
        self.reserved_usd -= reserved_usd
        # Never a rest of rounding, which would be waited for for ever.
        if self.reserved_usd < _ROUNDING * (self.cap_usd or 0.0):
            self.reserved_usd = 0.0
        if cost_usd is not None:
            self.spent_usd += cost_usd
            if self._paid is not None:
                self._paid(cost_usd)
        self.look_again()

    def look_again(self) -> None:
        """Something that stood in the way may be gone."""
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    def _left(self, in_flight_usd: float) -> float:
        return (
            0.0 if self.cap_usd is None else self.cap_usd - self.spent_usd - self.reserved_usd - in_flight_usd
        )


def _event() -> asyncio.Event:
    import asyncio  # Not at the top: who only reads the scorers' names does not pay for it.

    return asyncio.Event()


class Patience:
    """How long a caller waits for a service that says nothing but "later", since it said anything else."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self.seconds = seconds
        self._clock = clock
        self._since: float | None = None

    def asked_to_wait(self, retry_after: float | None) -> float | None:
        """Seconds to wait now, which is what was asked for or what is left; None once the patience is at its end."""
        if self._since is None:
            self._since = self._clock()
        left = self._since + self.seconds - self._clock()
        return min(retry_after or 0.0, left) if left > 0 else None

    def heard(self) -> None:
        """The service answered something else."""
        self._since = None
