"""The patience of a run with a service that asks to be left alone for a while."""

from __future__ import annotations

from collections.abc import Callable


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
