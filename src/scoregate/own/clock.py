"""Time as it passes, also while the user's code holds it still or replaces the functions of `time`.

Partials, as libraries that freeze time look for the functions of `time` in every module, and put theirs in their place.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial

seconds = (
    partial(time.clock_gettime, time.CLOCK_MONOTONIC)
    if hasattr(time, "clock_gettime")
    else partial(time.perf_counter)
)
"""Seconds from some moment on: for durations and time limits."""
unix_time = partial(time.time)
"""Seconds since 1970."""
sleep = partial(time.sleep)
_moment = partial(datetime.fromtimestamp, tz=UTC)


def now() -> datetime:
    """This moment, in UTC."""
    return _moment(unix_time())


def iso_now() -> str:
    """The same as text, to the millisecond."""
    return now().isoformat(timespec="milliseconds")
