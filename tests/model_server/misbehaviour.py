"""A script that behaves only some of the time: for runs in which every kind of fault has to be met."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping

from tests.model_server.answers import Answer, Scripted, broken, failed, page, slow
from tests.model_server.malformed import MALFORMED, Factory
from tests.model_server.request import ModelRequest

FAULTS: dict[str, Factory] = {
    "429": lambda rng: failed(429, "Rate limit reached."),
    "429_retry_after": lambda rng: failed(429, "Rate limit reached.", retry_after=0.05),
    "429_no_quota": lambda rng: failed(429, "You exceeded your current quota."),
    "500": lambda rng: failed(500, "The server had an error."),
    "502_page": lambda rng: page("<html><body>502 Bad Gateway</body></html>", status=502),
    "503": lambda rng: failed(503, "The engine is overloaded.", retry_after=0.05),
    "slow": lambda rng: slow(30),
    "reset": lambda rng: broken("reset"),
    "closed": lambda rng: broken("closed"),
    "truncated": lambda rng: broken("truncated"),
    "ends_early": lambda rng: broken("ends_early"),
}
"""What goes wrong below the reply, by kind: no reply arrives, or no whole one. `slow` takes 30 s: set a time-out."""


class Misbehaving:
    """A script: `behaved`'s answer, but for a `share` of the requests, by lot, one of the faults.

    `met` counts how often each kind was met, by its name. The lot is drawn in the order of arrival.
    """

    def __init__(
        self,
        behaved: Callable[[ModelRequest], Scripted],
        *,
        share: float = 1.0,
        faults: Mapping[str, Factory] | None = None,
        seed: int = 0,
    ) -> None:
        self.met: Counter[str] = Counter()
        self._behaved = behaved
        self._share = share
        self._faults = faults if faults is not None else {**FAULTS, **MALFORMED}
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def __call__(self, request: ModelRequest) -> Scripted:
        """The answer of one request."""
        with self._lock:
            fault = self._draw()
        return self._behaved(request) if fault is None else fault

    def _draw(self) -> Answer | None:
        if self._random.random() >= self._share:
            return None
        name = self._random.choice(list(self._faults))
        self.met[name] += 1
        return self._faults[name](self._random)
