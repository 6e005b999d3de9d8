"""What calls of paid services may cost together: reserved before each call, settled after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


_ROUNDING = 1e-9
"""Takes up the rounding of sums such as 10 × 0.1, as a share of the cap."""


class Postponed(Exception):
    """The service behind a scorer gave no score, for a reason that may be gone the next time. `str(error)` is why."""


class OutOfBudget(Postponed):
    """A call was not made, because a cap on cost forbids it."""


class OutOfTime(Postponed):
    """A call was not made, because the session's time is over."""


class Unanswered(Postponed):
    """The service did not reply, in a session that is repeated rather than left with a gap."""


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
        self._changed = _event()

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
        self._changed.set()
        self._changed = _event()

    def _left(self, in_flight_usd: float) -> float:
        return (
            0.0 if self.cap_usd is None else self.cap_usd - self.spent_usd - self.reserved_usd - in_flight_usd
        )


def _event() -> asyncio.Event:
    import asyncio  # Not at the top: who only reads the scorers' names does not pay for it.

    return asyncio.Event()
