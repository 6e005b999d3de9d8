"""Progress of a run on stderr: one line that is redrawn on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from typing import TextIO

from scoregate.runner.plan import RunReport
from scoregate.wording import running_dollars

REDRAW_SECONDS = 0.1
PLAIN_SECONDS = 10.0
"""Between two lines where nothing can be redrawn, such as the log of a CI job."""
_RED, _RESET, _CLEAR_LINE = "\x1b[31m", "\x1b[0m", "\r\x1b[2K"


class Progress:
    """Shows the reports that it is called with. `close` leaves the last one standing.

    On a terminal, unless `CI` is set: a line redrawn at most ten times a second, failures in red unless
    `NO_COLOR` is set. A stream that is closed by its reader ends the showing and not the run.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = sys.stderr if stream is None else stream
        environment = os.environ if environment is None else environment
        self._redraws = (
            self._stream.isatty() and not environment.get("CI") and environment.get("TERM") != "dumb"
        )
        self._colour = self._redraws and not environment.get("NO_COLOR")
        self._clock = clock
        self._interval = REDRAW_SECONDS if self._redraws else PLAIN_SECONDS
        self._next = clock() + (0.0 if self._redraws else self._interval)
        self._last: RunReport | None = None
        self._shown: RunReport | None = None

    def __call__(self, report: RunReport) -> None:
        self._last = report
        if self._clock() >= self._next:
            self._next = self._clock() + self._interval
            self._show(report)

    def close(self) -> None:
        if self._last is None:
            return
        # Without redrawing, a short run is silent until the report that follows.
        if self._redraws or (self._shown is not None and self._shown != self._last):
            self._show(self._last)
        if self._redraws:
            self._write("\n")
        self._last = None

    def _show(self, report: RunReport) -> None:
        self._shown = report
        text = progress_text(report)
        if not self._redraws:
            self._write(f"{text}\n")
            return
        text = text[: shutil.get_terminal_size().columns - 1]
        if self._colour and report.failed:
            failed = _failed_text(report)
            text = text.replace(failed, f"{_RED}{failed}{_RESET}")
        self._write(f"{_CLEAR_LINE}{text}")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._next = float("inf")


def progress_text(report: RunReport) -> str:
    """Counts, rate, failures, cost and the time that is left, in one line."""
    parts = [f"{report.done}/{report.expected}"]
    here = report.done - report.resumed
    rate = here / report.seconds if report.seconds > 0 else 0.0
    if here:
        parts.append(f"{rate:.1f}/s" if rate >= 1 else f"{rate * 60:.1f}/min")
    if report.failed:
        parts.append(_failed_text(report))
    if report.scores_error:
        parts.append(f"{report.scores_error} scores failed")
    if report.retries:
        parts.append(f"{report.retries} retried")
    if report.cost_usd is not None:
        parts.append(running_dollars(report.cost_usd))
    left = report.expected - report.done
    if left and rate:
        parts.append(f"{_duration(left / rate)} left")
    return "  ".join(parts)


def _failed_text(report: RunReport) -> str:
    return f"{report.failed} failed"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
