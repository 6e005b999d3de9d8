"""The counter of a session: all that stays in memory of what is committed."""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter

from scoregate.runner.committer import Finished
from scoregate.runner.plan import RunReport
from scoregate.store import Totals


class Tally:
    """Counts committed run items and started calls."""

    def __init__(self, before: Totals, expected: int) -> None:
        """`before` is what the arms' runs held of the session's trials when it began."""
        self.stopped: str | None = None
        self.interrupted = False
        self._expected = expected
        self._resumed = before.items
        self._statuses = {"ok": before.ok, "error": before.error, "timeout": before.timeout}
        self._scores_ok = before.scores_ok
        self._scores_error = before.scores_error
        self._cost = before.cost_usd
        self._calls = 0
        self._retries = 0
        self._started = perf_counter()

    def start(self) -> None:
        """The clock starts here."""
        self._started = perf_counter()

    def call_started(self, *, is_retry: bool) -> None:
        self._calls += 1
        self._retries += is_retry

    def spent(self, cost_usd: float) -> None:
        """A scorer's service was paid."""
        self._cost = (self._cost or 0.0) + cost_usd

    def committed(self, batch: Iterable[Finished]) -> None:
        for _, run_item, scores in batch:
            self._statuses[run_item.status] += 1
            if run_item.cost_usd is not None:
                self._cost = (self._cost or 0.0) + run_item.cost_usd
            for score in scores:
                if score.status == "error":
                    self._scores_error += 1
                else:
                    self._scores_ok += 1

    def report(self) -> RunReport:
        return RunReport(
            expected=self._expected,
            resumed=self._resumed,
            ok=self._statuses["ok"],
            error=self._statuses["error"],
            timeout=self._statuses["timeout"],
            scores_ok=self._scores_ok,
            scores_error=self._scores_error,
            cost_usd=self._cost,
            calls=self._calls,
            retries=self._retries,
            seconds=perf_counter() - self._started,
            stopped=self.stopped,
            interrupted=self.interrupted,
        )
