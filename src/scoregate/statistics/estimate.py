"""A number told with its interval and the items behind it, or why it cannot be told."""

from __future__ import annotations

from dataclasses import dataclass

from scoregate.statistics.special import special_function


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its two-sided interval. Never NaN: what is None has its reason in `reason`."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    """Items that it rests on."""
    reason: str | None = None
    """Why there is no value, or no interval; None where both are there."""


def told(value: float, low: float, high: float, n: int) -> Estimate:
    """An estimate with value and interval, the interval never without the value."""
    return Estimate(value, min(low, value), max(high, value), n)


def untold(n: int, reason: str) -> Estimate:
    """An estimate that cannot be made."""
    return Estimate(None, None, None, n, reason)


def normal_quantile(level: float) -> float:
    """z of a two-sided interval with error `level`: 1.96 for 0.05."""
    return float(special_function("ndtri")(1.0 - level / 2.0))


def t_quantile(level: float, degrees_of_freedom: float) -> float:
    """Student's t of a two-sided interval with error `level`."""
    return float(special_function("stdtrit")(degrees_of_freedom, 1.0 - level / 2.0))
