"""How many run items a thread is given at a time to score, learned from how long the last ones took.

Handing over costs some ten microseconds. A scorer that takes less gets many items at once, and waits until they have
gathered; a slow one gets one at a time, so that slow ones run side by side.
"""

from __future__ import annotations

QUICK_SECONDS = 0.005
"""A job that takes less was too small, and an item that waits this long for company has waited enough."""
SLOW_SECONDS = 4 * QUICK_SECONDS
LARGEST_CHUNK = 128


class Pace:
    """`chunk` doubles after a full job that was quick and halves after one that was slow."""

    def __init__(self) -> None:
        self.chunk = 1

    def job_took(self, seconds: float, items: int) -> None:
        if seconds > SLOW_SECONDS:
            self.chunk = max(1, self.chunk // 2)
        elif seconds < QUICK_SECONDS and items >= self.chunk:
            self.chunk = min(LARGEST_CHUNK, self.chunk * 2)

    def job_hung(self) -> None:
        self.chunk = 1
