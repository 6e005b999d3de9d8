"""Faults on request: what goes wrong with which requests.

| fault | applied |
|---|---|
| a `status`: 401, 403 as for a token without rights, 404, 410, 422, 500, 502 | no |
| `secondary_rate_limit`: 403 with `Retry-After` | no |
| `slow`: the right answer, late | yes |
| `lost_answer`: 502 instead of the right answer | yes |
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Any

from tests.github_server.shapes import invalid, problem

_MESSAGES = {
    401: "Bad credentials",
    403: "Resource not accessible by integration",
    404: "Not Found",
    410: "Gone",
    500: "Server Error",
    502: "Bad Gateway",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One answer that is not the one that was asked for."""

    status: int | None = None
    """None: the right answer, after `seconds`."""
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    applied: bool = False
    seconds: float = 0.0


def status(code: int) -> Fault:
    body = invalid("was submitted too quickly", field="data", resource="IssueComment") if code == 422 else {}
    return Fault(status=code, body=body or problem(_MESSAGES[code], status=str(code)))


def secondary_rate_limit(retry_after: float) -> Fault:
    message = (
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
        "For more on scraping GitHub and how it may affect your rights, see the terms of service."
    )
    return Fault(status=403, body=problem(message), headers={"retry-after": f"{retry_after:g}"})


def slow(seconds: float) -> Fault:
    return Fault(seconds=seconds)


def lost_answer() -> Fault:
    return Fault(status=502, body=problem("Bad Gateway"), applied=True)


@dataclass(slots=True)
class _Plan:
    fault: Fault
    method: str
    path: re.Pattern[str]
    left: int | None
    after: int


class Faults:
    """The plans of one server, of which the first that fits a request is met."""

    def __init__(self) -> None:
        self.met = 0
        """How often a fault was met, counted when it begins."""
        self._plans: list[_Plan] = []
        self._lock = threading.Lock()

    def add(
        self, fault: Fault, *, method: str = ".*", path: str = ".*", times: int | None = 1, after: int = 0
    ) -> None:
        """Meet so many requests (None: all) whose method and path these patterns fit, after `after` that go right."""
        with self._lock:
            self._plans.append(_Plan(fault, method, re.compile(path), times, after))

    def clear(self) -> None:
        with self._lock:
            self._plans.clear()

    def draw(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for plan in self._plans:
                if plan.left == 0 or not re.fullmatch(plan.method, method) or not plan.path.search(path):
                    continue
                if plan.after:
                    plan.after -= 1
                    continue
                if plan.left is not None:
                    plan.left -= 1
                self.met += 1
                return plan.fault
        return None
