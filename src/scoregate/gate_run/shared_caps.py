"""Caps that several gates share, which one command runs one after the other."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from scoregate.own import clock

if TYPE_CHECKING:
    from scoregate.gate_file import Limits
    from scoregate.gate_run.request import Request

_OPTIONS = {"max_cost": "max_cost_usd", "max_calls": "max_calls", "max_seconds": "max_seconds"}
"""Option -> the limit of a gate that it stands for."""


@dataclass(slots=True)
class SharedCaps:
    """What a command may use, of which each gate takes what it used."""

    request: Request
    """The command, whose options are the caps."""
    _began: float = field(default_factory=clock.seconds)
    _calls: int = 0
    _cost_usd: float = 0.0

    def used_up(self) -> str | None:
        """The cap that leaves nothing for another gate, as it was given: `--max-calls 40`; None where none does."""
        for option, left in self._left().items():
            if left <= 0:
                return f"--{option.replace('_', '-')} {getattr(self.request, option):g}"
        return None

    def of_next(self, request: Request) -> Request:
        """The request for a gate with what is left, or with the gate's own limit where that is less."""
        left = self._left()
        if not left:
            return request
        own = _own_limits(request)
        for option, amount in left.items():
            limit = getattr(own, _OPTIONS[option], None)
            left[option] = amount if limit is None else min(amount, limit)
        return replace(request, **left)

    def take(self, request: Request, since: str) -> None:
        """Count what the gate's runs that began at `since` or later have used, as the store has it."""
        if self.request.max_cost is None and self.request.max_calls is None:
            return
        from scoregate.errors import ScoregateError
        from scoregate.gate_file import read_gate
        from scoregate.sources import existing_store

        with suppress(ScoregateError):  # Then nothing was called, or its own command said what is wrong.
            gate = read_gate(request.gate_path)
            store = existing_store(gate.root, request.store_path)
            if store is None:
                return
            with store:
                for run in store.list_runs(gate=gate.name):
                    if (run.started_at or "") >= since:
                        self._cost_usd += run.cost_usd or 0.0
                        self._calls += 0 if run.rescored_from else store.totals(run.run).calls

    def _left(self) -> dict[str, Any]:
        """Option -> what is left of it."""
        used = {
            "max_cost": self._cost_usd,
            "max_calls": self._calls,
            "max_seconds": clock.seconds() - self._began,
        }
        caps = {option: getattr(self.request, option) for option in _OPTIONS}
        return {option: cap - used[option] for option, cap in caps.items() if cap is not None}


def _own_limits(request: Request) -> Limits | None:
    from scoregate.errors import ScoregateError
    from scoregate.gate_file import read_gate

    try:
        return read_gate(request.gate_path).limits
    except ScoregateError:
        return None  # Its own command says so.
