"""Faults on request: which requests meet which one.

Whether the write of a faulty answer was applied is part of each fault:

| fault | applied |
|---|---|
| `status` (401, 404, 400, 429, 500, 502 or any other) | no |
| `slow` | yes: the right answer, late |
| `truncated` | yes: the right status, and half of the announced body |
| `reset_before` | no: the connection is reset instead of an answer |
| `reset_after` | yes: the connection is reset instead of an answer |
| `answers` | no: status 200 with a body of another's making |
| `rejects` | an array of scores: all but each `every`-th score; anything else: yes |
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Literal

Kind = Literal["status", "slow", "truncated", "reset_before", "reset_after", "answers", "rejects"]
KINDS: tuple[Kind, ...] = ("status", "slow", "truncated", "reset_before", "reset_after", "answers", "rejects")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. `status` and `retry_after` (seconds) are of kind status, `seconds` of slow, `every` of rejects."""

    kind: Kind = "status"
    status: int = 500
    retry_after: float | None = None
    seconds: float = 0.5
    every: int = 2
    body: str = ""
    """Of kind answers."""

    @property
    def name(self) -> str:
        """What the counts call it: `429 with Retry-After`, `reset_after`."""
        if self.kind != "status":
            return self.kind
        return f"{self.status} with Retry-After" if self.retry_after is not None else str(self.status)


# One of each; for "a share of all answers is one of the faults".
EVERY_FAULT = (
    Fault(status=401),
    Fault(status=404),
    Fault(status=400),
    Fault(status=429),
    Fault(status=429, retry_after=0.2),
    Fault(status=500),
    Fault(status=502),
    Fault(kind="slow", seconds=0.1),
    Fault(kind="truncated"),
    Fault(kind="reset_before"),
    Fault(kind="reset_after"),
    Fault(kind="rejects"),
)


@dataclass(slots=True, kw_only=True)
class _Plan:
    faults: tuple[Fault, ...]
    share: float
    every: int
    left: int | None
    path: str
    method: str | None
    containing: bytes
    random: random.Random
    met: int = 0

    def draw(self, method: str, path: str, body: bytes) -> Fault | None:
        """The fault of this request, None where it goes right or the plan is not about it."""
        if not path.startswith(self.path) or self.method not in (None, method) or self.left == 0:
            return None
        if self.containing and self.containing not in body:
            return None
        self.met += 1
        if self.left is not None:
            self.left -= 1
        elif self.every:
            if self.met % self.every:
                return None
        elif self.random.random() >= self.share:
            return None
        return self.random.choice(self.faults)


class Faults:
    """The plans in force. A request meets the first plan that has a fault for it."""

    def __init__(self) -> None:
        self.met: Counter[str] = Counter()  # how often each fault was met, by its name
        self._plans: list[_Plan] = []
        self._lock = threading.Lock()

    def plan(
        self,
        *faults: Fault,
        share: float = 1.0,
        every: int = 0,
        next_requests: int | None = None,
        path: str = "/api/public/",
        method: str | None = None,
        containing: bytes = b"",
        seed: int = 0,
    ) -> None:
        """Add a plan; with several faults each request that meets it gets one of them by lot.

        It is met by the next `next_requests` requests, or by each `every`-th one, or by a `share` of them by lot;
        only requests whose path starts with `path`, that have the `method`, and whose body holds `containing` count.
        """
        planned = _Plan(
            faults=faults or EVERY_FAULT,
            share=share,
            every=every,
            left=next_requests,
            path=path,
            method=method,
            containing=containing,
            random=random.Random(seed),
        )
        with self._lock:
            self._plans.append(planned)

    def clear(self) -> None:
        """Forget all plans; the counts stay."""
        with self._lock:
            self._plans.clear()

    def draw(self, method: str, path: str, body: bytes = b"") -> Fault | None:
        """The fault of this request; None where it goes right. `body` is as it was before it was packed."""
        with self._lock:
            for plan in self._plans:
                fault = plan.draw(method, path, body)
                if fault is not None:
                    self.met[fault.name] += 1
                    return fault
        return None
