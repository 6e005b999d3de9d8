"""When a judge's number and a human label agree, and which such comparisons say nothing.

A judge that is wrong everywhere must not meet a gate because the comparison lets everything agree. So a comparison that
a judge without any eyes would satisfy is refused, and the one that a gate demands is part of the gate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scoregate.catalog import Contract, Direction

_NEITHER = "numbers agree within the one, or on the same side of the other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How numbers agree; says nothing for other scores. At most one of both, and exactly equal without any."""

    tolerance: float | None = None
    """Largest difference that still agrees, in the score's unit."""
    pass_at: float | None = None
    """Numbers from here on pass; up to here where lower is better."""

    @property
    def given(self) -> bool:
        return self.tolerance is not None or self.pass_at is not None

    def __str__(self) -> str:
        """As a gate writes it."""
        if self.pass_at is not None:
            return f"pass_at = {self.pass_at!r}"
        return f"tolerance = {self.tolerance!r}" if self.tolerance else "exact agreement"

    def words(self, direction: Direction) -> str:
        """When a judge's value and a label agree."""
        if self.pass_at is not None:
            return f"both at {'most' if direction == 'lower' else 'least'} {self.pass_at:g}, or neither"
        return f"they differ by at most {self.tolerance:g}" if self.tolerance else "they are the same"

    def same_as(self, other: Comparison) -> bool:
        """Whether both let the same numbers agree; a tolerance of 0 is none."""
        return (self.tolerance or 0.0, self.pass_at) == (other.tolerance or 0.0, other.pass_at)


@dataclass(frozen=True, slots=True)
class _Unsuited:
    """Why a comparison is refused: the key, a message that reads on from its name, and what to do."""

    key: str
    message: str
    hint: str | None = None


def unsuited(contract: Contract, comparison: Comparison) -> _Unsuited | None:
    """What is wrong with a comparison of values of this score; None where it tells good judges from bad ones."""
    if not comparison.given:
        return None
    key = "tolerance" if comparison.tolerance is not None else "pass_at"
    if contract.type != "numeric":
        what = "ordered grades" if contract.ordered else contract.type
        message = f"is on a score that is {what}: a tolerance and a pass mark are for numbers"
        return _Unsuited(key, message, "leave it out: its values agree where they are the same")
    if comparison.tolerance is not None and comparison.pass_at is not None:
        return _Unsuited(
            key, "stands beside 'pass_at': the score has both a tolerance and a pass mark", _NEITHER
        )
    if comparison.tolerance is not None:
        return _too_wide(contract, comparison.tolerance)
    assert comparison.pass_at is not None
    return _no_mark(contract, comparison.pass_at)


def _too_wide(contract: Contract, tolerance: float) -> _Unsuited | None:
    if not math.isfinite(tolerance) or tolerance < 0:
        return _Unsuited("tolerance", f"is {tolerance:g}, and must be a finite number, 0 or more")
    if contract.min is None or contract.max is None or tolerance < (contract.max - contract.min) / 2:
        return None
    half = (contract.max - contract.min) / 2
    return _Unsuited(
        "tolerance",
        f"is {tolerance:g}, and by a tolerance of {half:g} or more a judge that always says {contract.min + half:g} "
        "agrees with everything",
        f"the score runs from {contract.min:g} to {contract.max:g}: give the largest difference that does not matter",
    )


def _no_mark(contract: Contract, pass_at: float) -> _Unsuited | None:
    if not math.isfinite(pass_at):
        return _Unsuited("pass_at", f"is {pass_at:g}, and must be a finite number")
    if contract.direction == "none":
        return _Unsuited(
            "pass_at",
            "is set on a score that does not say which way is better",
            'add direction = "higher" or "lower" to its contract',
        )
    lower = contract.direction == "lower"
    low, high = contract.min, contract.max
    outside = (low is not None and pass_at < low) or (high is not None and pass_at > high)
    easiest = high if lower else low
    if not outside and pass_at != easiest:
        return None
    ends = f"from {'any' if low is None else f'{low:g}'} to {'any' if high is None else f'{high:g}'}"
    if pass_at == easiest:
        return _Unsuited(
            "pass_at",
            f"is {pass_at:g}, where every value passes, so that every judge agrees",
            f"the score runs {ends}, and {'lower' if lower else 'higher'} is better",
        )
    return _Unsuited("pass_at", f"is {pass_at:g}, outside the values of the score", f"they run {ends}")
