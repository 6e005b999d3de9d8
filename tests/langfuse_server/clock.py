"""The server's time, which a replay may set; and its form in answers."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from functools import lru_cache


class Clock:
    """Real time until `set` fixes it."""

    def __init__(self) -> None:
        self._fixed: datetime | None = None
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time in UTC, to the millisecond."""
        with self._lock:
            moment = self._fixed or datetime.now(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def set(self, moment: datetime | None) -> None:
        """Fix the time, or let it run again with None."""
        with self._lock:
            self._fixed = moment


@lru_cache(10_000)  # a row is sorted and shown again by every request
def iso(moment: datetime) -> str:
    """`2026-01-31T12:00:00.000Z`."""
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
