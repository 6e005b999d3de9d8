"""How many calls may be in flight: fewer when the service says "too many", more again while it does not.

Additive increase, multiplicative decrease, as TCP does it: a rate-limit answer halves the limit (never below one),
as many successes as the limit is raise it by one. The answers of one burst count once.
"""

from __future__ import annotations

import asyncio


class Throttle:
    """A gate in front of the calls. For one event loop's thread."""

    def __init__(self, maximum: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._maximum = maximum
        self._limit = float(maximum)
        self._active = 0
        self._decreases = 0
        self._paused_until = 0.0
        self._stopped = False
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def limit(self) -> int:
        """Calls that may be in flight now."""
        return int(self._limit)

    async def enter(self) -> int | None:
        """Wait for a place; a ticket for `limited`, or None once the run starts no more calls."""
        while not self._stopped:
            if self._active < self.limit and self._loop.time() >= self._paused_until:
                self._active += 1
                return self._decreases
            place = self._loop.create_future()
            self._waiting.append(place)
            await place
        return None

    def leave(self) -> None:
        self._active -= 1
        self._wake()

    def succeeded(self) -> None:
        """A call was answered without complaint."""
        if self._limit < self._maximum:
            self._limit = min(self._maximum, self._limit + 1 / self._limit)

    def limited(self, ticket: int) -> None:
        """A call was answered with "too many requests". Calls that started before the last decrease do not count."""
        if ticket == self._decreases:
            self._limit = max(1.0, self._limit / 2)
            self._decreases += 1

    def pause(self, seconds: float) -> None:
        """Start nothing for a while."""
        self._paused_until = max(self._paused_until, self._loop.time() + seconds)
        self._loop.call_at(self._paused_until, self._wake)

    def stop(self) -> None:
        """Start nothing any more."""
        self._stopped = True
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for place in waiting:
            if not place.done():  # Who waited may have been cancelled.
                place.set_result(None)
