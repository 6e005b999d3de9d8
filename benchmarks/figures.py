"""A published figure: what is counted over the builds of a situation, and the threshold it was promised to keep."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from builds import Build, Situation
from scipy.stats import beta, binom, norm

from scoregate.records import Outcome

Counted = Outcome | Literal["bias"]

HEADERS = (
    "row",
    "situation",
    "counted",
    "threshold",
    "measured",
    "95 % interval",
    "builds",
    "seed",
    "cost",
    "holds",
)
"""Of the columns of published figures."""
_BY_CHANCE = 0.001
"""The quick run calls a figure broken only where chance in so few builds is less likely than this."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. Without a threshold it is reported as it is."""

    row: str
    situation: Situation
    counted: Counted
    """Share of builds with this outcome; or the mean error of the reported difference, in points."""
    at_most: float | None = None
    at_least: float | None = None
    cost_at_most: float | None = None
    """Trials an item and arm, on average."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Many builds of one situation, summed."""

    builds: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    cost: float = 0.0
    cost_squares: float = 0.0
    error: float = 0.0
    error_squares: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.builds + other.builds,
            self.outcomes + other.outcomes,
            self.cost + other.cost,
            self.cost_squares + other.cost_squares,
            self.error + other.error,
            self.error_squares + other.error_squares,
            self.seconds + other.seconds,
        )


def tally(builds: list[Build], seconds: float) -> Tally:
    """The sums of some builds."""
    return Tally(
        len(builds),
        Counter(build.outcome for build in builds),
        sum(build.cost for build in builds),
        sum(build.cost**2 for build in builds),
        sum(build.error for build in builds),
        sum(build.error**2 for build in builds),
        seconds,
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure and the builds it was measured on."""

    figure: Figure
    tally: Tally

    @property
    def value(self) -> float:
        """A share of builds; points for a bias."""
        if self.figure.counted == "bias":
            return self.tally.error / self.tally.builds
        return self.tally.outcomes[self.figure.counted] / self.tally.builds

    @property
    def cost(self) -> float:
        """Mean trials an item and arm."""
        return self.tally.cost / self.tally.builds

    def interval(self) -> tuple[float, float]:
        """95 %: Clopper-Pearson for a share, normal for a bias."""
        builds = self.tally.builds
        if self.figure.counted == "bias":
            reach = float(norm.ppf(0.975)) * _error_of_mean(
                self.tally.error, self.tally.error_squares, builds
            )
            return self.value - reach, self.value + reach
        return exact_interval(self.tally.outcomes[self.figure.counted], builds)

    def holds(self, *, quick: bool) -> bool:
        """Whether the threshold is kept; in the quick run, whether chance cannot explain that it is not."""
        return self._value_holds(quick=quick) and self._cost_holds(quick=quick)

    def _value_holds(self, *, quick: bool) -> bool:
        figure, builds = self.figure, self.tally.builds
        if figure.counted == "bias":
            limit = figure.at_most or math.inf
            slack = _error_of_mean(self.tally.error, self.tally.error_squares, builds) if quick else 0.0
            return abs(self.value) <= limit + slack * float(norm.isf(_BY_CHANCE))
        hits = self.tally.outcomes[figure.counted]
        if figure.at_most is not None and self.value > figure.at_most:
            return quick and float(binom.sf(hits - 1, builds, figure.at_most)) > _BY_CHANCE
        if figure.at_least is not None and self.value < figure.at_least:
            return quick and float(binom.cdf(hits, builds, figure.at_least)) > _BY_CHANCE
        return True

    def _cost_holds(self, *, quick: bool) -> bool:
        limit = self.figure.cost_at_most
        if limit is None:
            return True
        error = _error_of_mean(self.tally.cost, self.tally.cost_squares, self.tally.builds)
        return self.cost <= limit + (error * float(norm.isf(_BY_CHANCE)) if quick else 0.0)


def exact_interval(hits: int, builds: int) -> tuple[float, float]:
    """Clopper-Pearson, 95 %."""
    low = beta.ppf(0.025, hits, builds - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, builds - hits) if hits < builds else 1.0
    return float(low), float(high)


def _error_of_mean(total: float, squares: float, count: int) -> float:
    variance = max(0.0, squares / count - (total / count) ** 2)
    return math.sqrt(variance / count)
