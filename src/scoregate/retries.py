"""When a request that failed in passing is made again: of a candidate, of a judge, of Langfuse.

Exponential backoff with jitter: the pause is drawn around a bound that doubles with each attempt, so that callers who
failed together do not come back together. What the service asked for in `Retry-After` comes first.
"""

from __future__ import annotations

import time
from random import Random

TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
"""HTTP statuses that may be gone at the next call; 529 is what model services answer when overloaded."""
RATE_LIMIT_STATUSES = frozenset({429, 529})

_FIRST_BOUND_SECONDS = 0.5
_LONGEST_BOUND_SECONDS = 30.0
_LONGEST_RETRY_AFTER_SECONDS = 60.0
"""A service that asks for more is asked again after this."""
_MOST_DOUBLINGS = 16
_BEYOND_ALL = 1e300
"""Seconds. What is more is no time; an integer may be more than a float can hold."""


def wait_before_retry(attempt: int, pause: float, random: Random) -> float:
    """Seconds to wait after attempt number `attempt` (1 for the first) of a call has failed.

    Drawn evenly from zero to the bound, which is half a second at first and 30 s at most; the `pause` that the service
    asked for (`asked_pause`) is added.
    """
    return pause + random.uniform(0.0, min(_LONGEST_BOUND_SECONDS, _doubled(_FIRST_BOUND_SECONDS, attempt)))


def asked_pause(retry_after: float | None) -> float:
    """Seconds of a Retry-After that are honoured, before any call to that service: 60 at most."""
    return min(retry_after or 0.0, _LONGEST_RETRY_AFTER_SECONDS)


def pause_of_request(attempt: int, *, first: float, longest: float, random: Random) -> float:
    """Seconds to wait after attempt number `attempt` of a request that asked for no pause: `longest` at most.

    For requests that are few and must not wait long: `first`, doubled with each attempt, give or take a half.
    """
    return min(longest, _doubled(first, attempt) * random.uniform(0.5, 1.5))


def is_transient(status: int) -> bool:
    """Whether a server's failure may be gone at the next request: it is busy, or the fault is its own (5xx)."""
    return status in TRANSIENT_STATUSES or status >= 500


def seconds_to_wait(value: object) -> float | None:
    """Seconds that a Retry-After asks for: a number, its text, or an HTTP date. None if it is none of these."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if 0 <= value < _BEYOND_ALL else None
    if not isinstance(value, str):
        return None
    try:
        return seconds_to_wait(float(value))
    except ValueError:
        return _seconds_until(value)


def _doubled(first: float, attempt: int) -> float:
    return first * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS)


def _seconds_until(date: str) -> float | None:
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - time.time())
