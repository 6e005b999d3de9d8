"""Values with their interval and the items behind them, or why there is none; above all shares of items."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scoregate.statistics.special import special_function

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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


def estimated(value: float, low: float, high: float, n: int) -> Estimate:
    """An estimate with value and interval, the interval never without the value."""
    return Estimate(value, min(low, value), max(high, value), n)


def not_estimated(n: int, reason: str) -> Estimate:
    """An estimate that cannot be made."""
    return Estimate(None, None, None, n, reason)


def two_sided_z(level: float) -> float:
    """z of a two-sided interval with error `level`: 1.96 for 0.05."""
    return float(special_function("ndtri")(1.0 - level / 2.0))


def t_quantile(level: float, degrees_of_freedom: float) -> float:
    """Student's t of a two-sided interval with error `level`."""
    return float(special_function("stdtrit")(degrees_of_freedom, 1.0 - level / 2.0))


def exact_interval(hits: int, n: int, level: float = 0.05) -> tuple[float, float]:
    """Two-sided interval of a share, by Clopper and Pearson: it never claims more than 1 − level. (0, 1) for n = 0."""
    betaincinv = special_function("betaincinv")

    low = float(betaincinv(hits, n - hits + 1, level / 2)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - level / 2)) if hits < n else 1.0
    return low, high


def share(hits: int, n: int, *, nothing: str, level: float = 0.05) -> Estimate:
    """hits / n with its exact interval; `nothing` is the reason where n is 0."""
    if not n:
        return not_estimated(0, nothing)
    return estimated(hits / n, *exact_interval(hits, n, level), n)


def difference_interval(
    hits_1: int, n_1: int, hits_2: int, n_2: int, level: float = 0.05
) -> tuple[float, float]:
    """Interval of share 2 − share 1 of two independent samples, none of them empty (Newcombe 1998, hybrid score).

    Built from the two Wilson intervals, so it has width where both shares are 0 or 1.
    """
    z = two_sided_z(level)
    low_1, high_1 = _wilson(hits_1, n_1, z)
    low_2, high_2 = _wilson(hits_2, n_2, z)
    share_1, share_2 = hits_1 / n_1, hits_2 / n_2
    difference = share_2 - share_1
    below = math.hypot(share_2 - low_2, high_1 - share_1)
    above = math.hypot(high_2 - share_2, share_1 - low_1)
    return max(-1.0, difference - below), min(1.0, difference + above)


def fewer_hits_p(hits_before: int, n_before: int, hits_now: int, n_now: int) -> float:
    """Fisher's exact one-sided p-value for "a smaller share than before", in time linear in the hits."""
    import numpy as np
    from scipy.special import logsumexp

    hits, everything = hits_before + hits_now, n_before + n_now
    counts = np.arange(max(0, hits - n_before), hits_now + 1)

    chosen = _log_ways(hits, counts) + _log_ways(everything - hits, n_now - counts)
    return min(1.0, float(np.exp(logsumexp(chosen - _log_ways(everything, np.array([n_now]))))))


def _log_ways(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
    """Logarithm of n over k."""
    gammaln = special_function("gammaln")

    ways: NDArray[np.float64] = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
    return ways


def _wilson(hits: int, n: int, z: float) -> tuple[float, float]:
    centre = (hits + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(hits * (n - hits) / n + z * z / 4)
    return max(0.0, centre - half), min(1.0, centre + half)
