"""When a call that failed in passing is made again.

Exponential backoff with full jitter: a wait drawn evenly from zero to a bound that doubles with each attempt, so
that callers who failed together do not come back together.
"""

from __future__ import annotations

from random import Random

FIRST_BOUND_SECONDS = 0.5
LONGEST_BOUND_SECONDS = 30.0
LONGEST_RETRY_AFTER_SECONDS = 60.0
"""A service that asks for more is asked again after this."""


def wait_before_retry(attempt: int, retry_after: float | None, random: Random) -> float:
    """Seconds to wait after attempt number `attempt` (1 for the first) has failed.

    What the service asked for, if it did, comes first; the jitter is added to it.
    """
    bound = min(LONGEST_BOUND_SECONDS, FIRST_BOUND_SECONDS * 2 ** min(attempt - 1, 16))
    return asked_pause(retry_after) + random.uniform(0.0, bound)


def asked_pause(retry_after: float | None) -> float:
    """Seconds of a Retry-After that are honoured."""
    return min(retry_after or 0.0, LONGEST_RETRY_AFTER_SECONDS)
