"""Intervals for a mean over clusters that never have zero width.

The t-interval of a mean is too short when differences are rare: thirty items without one difference would prove that
nothing can ever differ. Two pseudo-clusters, one at each end of the scale and of the size of a typical item's cluster,
are added before the interval is taken; for single booleans this is the interval of Bonett and Price (2012) with a t
quantile. Clusters of unequal size enter through the delete-one-cluster jackknife, with as many degrees of freedom as
clusters of one size would give: a cluster that holds half of all items is not one of many (MacKinnon and Webb 2017). A
paired difference of few losses and no wins is skewed, which the t quantile does not know and Hall's transformation
does.

A bound that is a mean less so many standard errors falls where one value rises far enough: the mean gains a share of
1 / n of the rise, the standard error nearly all of the rest. But whoever can rule a loss out with a value cut down can
rule it out with the whole. So the lower bound is the largest that any smaller values give, and the upper one the
smallest that any larger ones give. Of values that count alike the best are those cut at one level (winsorised), and the
data are left alone as long as no value carries more than about a third of the variance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scoregate.statistics.special import special_function

_SYMMETRIC = 1e-9
_HALVINGS = 32
"""Levels to cut at that are tried, each half of the one before."""
_SECTIONS = 24
"""Steps towards the best of all levels beside the best of those."""
_GOLDEN = (5**0.5 - 1) / 2
_ROUNDS = 12
"""Steps towards the mean of values that are cut relative to it."""


@dataclass(frozen=True, slots=True)
class MeanEstimate:
    """A mean over items, with the centre and standard error of its augmented interval."""

    value: float
    """The plain mean: Σ totals / Σ sizes."""
    centre: float
    standard_error: float
    degrees_of_freedom: float
    skewness: float = 0.0
    """Skewness of the clusters' contributions over the root of their number; 0: taken to be symmetric."""

    def lower_bound(self, level: float) -> float:
        """One-sided lower confidence bound with error `level`."""
        return self.centre - self._unskewed(self._quantile(level)) * self.standard_error

    def upper_bound(self, level: float) -> float:
        """One-sided upper confidence bound with error `level`."""
        return self.centre - self._unskewed(-self._quantile(level)) * self.standard_error

    def _unskewed(self, quantile: float) -> float:
        """The quantile of the studentised mean, corrected for skewness (Hall 1992) where that gives it more room."""
        skew = self.skewness
        if abs(skew) < _SYMMETRIC:
            return quantile
        corrected = 3.0 / skew * (math.cbrt(1.0 + skew * (quantile - skew / 6.0)) - 1.0)
        # Never less room than for symmetric data: the skewness itself is only an estimate.
        return max(corrected, quantile) if quantile > 0 else min(corrected, quantile)

    def _quantile(self, level: float) -> float:
        return float(special_function("stdtrit")(self.degrees_of_freedom, 1.0 - level))


def estimate_mean(
    totals: NDArray[np.float64], sizes: NDArray[np.float64], *, low: float, high: float, skewed: bool = False
) -> MeanEstimate:
    """Mean of items in G clusters, with bounds that are corrected for skewness where `skewed` says so.

    `totals` (G,) holds the sum of each cluster's items, `sizes` (G,) their number, `low` and `high` the ends of
    the scale of one item: −R and R for a difference of scores with range R. Needs at least one cluster.
    """
    average = float((sizes**2).sum() / sizes.sum())
    all_totals = np.concatenate([totals, [low * average, high * average]])
    all_sizes = np.concatenate([sizes, [average, average]])
    items = float(all_sizes.sum())
    centre = float(all_totals.sum()) / items
    clusters = len(all_totals)
    without = (all_totals - all_sizes * centre) / (items - all_sizes)
    variance = (clusters - 1) / clusters * float((without**2).sum())
    effective = items**2 / float((all_sizes**2).sum())
    # The pseudo-clusters stand at the same distance on both sides: far from the mean of a large effect they would be
    # skewed by themselves, and a candidate that gains much would prove less than one that gains little.
    reach = (high - low) / 2 * average
    parts = np.concatenate([totals - sizes * centre, [-reach, reach]])
    spread = float((parts**2).sum())
    return MeanEstimate(
        value=float(totals.sum() / sizes.sum()),
        centre=centre,
        standard_error=math.sqrt(variance),
        degrees_of_freedom=max(1.0, effective - 1.0),
        skewness=float((parts**3).sum()) / spread**1.5 if skewed and spread > 0 else 0.0,
    )


@dataclass(frozen=True)
class MonotoneMean:
    """A mean of items in G clusters, with one-sided bounds that move one way only."""

    totals: NDArray[np.float64]
    """(G,) sum of each cluster's items."""
    sizes: NDArray[np.float64]
    """(G,) number of its items."""
    low: float
    """Worst end of the scale of one item, or where it has none the worst item."""
    high: float
    open_ended: bool = False
    """`low` and `high` are those of the data and not of a scale, and are cut with them."""
    skewed: bool = False
    times: float = 1.0
    """What the mean is multiplied with: the number of items for a sum."""

    @property
    def value(self) -> float:
        """The plain mean."""
        return float(self.totals.sum() / self.sizes.sum()) * self.times

    @property
    def standard_error(self) -> float:
        """Of the data as they are."""
        return self.estimate.standard_error * self.times

    def lower_bound(self, level: float) -> float:
        """One-sided with error `level`: the largest that any smaller values give."""
        return self._lower_bound(level) * self.times

    def upper_bound(self, level: float) -> float:
        """One-sided with error `level`: the smallest that any larger values give."""
        mirrored = MonotoneMean(-self.totals, self.sizes, -self.high, -self.low, self.open_ended, self.skewed)
        return -mirrored._lower_bound(level) * self.times

    @cached_property
    def estimate(self) -> MeanEstimate:
        """Of the data as they are, with bounds that a better value may make worse; not multiplied."""
        return estimate_mean(self.totals, self.sizes, low=self.low, high=self.high, skewed=self.skewed)

    def _lower_bound(self, level: float) -> float:
        plain = self.estimate
        bound = plain.lower_bound(level)
        pulls, room = self._pulls(self.totals, self.high)
        items = float(self.sizes.sum()) + 2 * self._average
        if plain.standard_error <= 0 or len(self.totals) < 2:
            return bound
        factor = (
            (plain.centre - bound) / plain.standard_error * (len(self.totals) + 1) / (len(self.totals) + 2)
        )
        outweighs = 1.0 / items - factor * (pulls - room) / plain.standard_error
        if outweighs.min() >= 0:
            return bound
        pull = float(pulls.max())
        tried = [(self._cut(pull * 0.5**halved).lower_bound(level), halved) for halved in range(_HALVINGS)]
        best, halved = max(tried)
        lower, upper = pull * 0.5 ** (halved + 1), pull * 0.5 ** max(0, halved - 1)
        return max(bound, best, self._best_between(lower, upper, level))

    def _best_between(self, lower: float, upper: float, level: float) -> float:
        """The largest lower bound of values cut between two pulls, by golden section: it has one peak."""
        ends, inner = [lower, upper], [upper - _GOLDEN * (upper - lower), lower + _GOLDEN * (upper - lower)]
        bounds = [self._cut(pull).lower_bound(level) for pull in inner]
        for _ in range(_SECTIONS):
            if bounds[0] >= bounds[1]:
                ends[1], inner[1], bounds[1] = inner[1], inner[0], bounds[0]
                inner[0] = ends[1] - _GOLDEN * (ends[1] - ends[0])
                bounds[0] = self._cut(inner[0]).lower_bound(level)
            else:
                ends[0], inner[0], bounds[0] = inner[0], inner[1], bounds[1]
                inner[1] = ends[0] + _GOLDEN * (ends[1] - ends[0])
                bounds[1] = self._cut(inner[1]).lower_bound(level)
        return max(bounds)

    @property
    def _average(self) -> float:
        """Size of the two clusters that `estimate_mean` adds."""
        return float((self.sizes**2).sum() / self.sizes.sum())

    def _pulls(self, totals: NDArray[np.float64], high: float) -> tuple[NDArray[np.float64], float]:
        """How much each cluster's excess over the mean adds to the variance as it grows, and that of the mean itself.

        The last is the added cluster at the upper end where that is one of the data.
        """
        average = self._average
        sizes = np.concatenate([self.sizes, [average, average]])
        all_totals = np.concatenate([totals, [high * average, self.low * average]])
        items = float(sizes.sum())
        excess = all_totals - sizes * (float(all_totals.sum()) / items)
        pulls = excess / (items - sizes) ** 2
        common = float((pulls * sizes).sum()) / items
        return pulls[: len(totals) + self.open_ended], common

    def _cut(self, pull: float) -> MeanEstimate:
        """The estimate of values none of which pulls more than this."""
        average = self._average
        items = float(self.sizes.sum()) + 2 * average
        totals, high = self.totals, self.high
        for _ in range(_ROUNDS):
            centre = (float(totals.sum()) + (high + self.low) * average) / items
            totals = np.minimum(self.totals, self.sizes * centre + pull * (items - self.sizes) ** 2)
            if self.open_ended:
                high = min(self.high, centre + pull * (items - average) ** 2 / average)
        return estimate_mean(totals, self.sizes, low=self.low, high=high, skewed=self.skewed)


def estimate_unchanged(variance: float, clusters: int, *, value_range: float) -> MeanEstimate:
    """What `estimate_mean` makes on average of differences without a true one, in clusters of one size.

    `variance` is that of one cluster's mean difference, `value_range` the range R of the score: the ends are −R and R.
    """
    augmented = clusters + 2
    spread = (clusters * variance + 2.0 * value_range**2) / (augmented - 1) / augmented
    return MeanEstimate(0.0, 0.0, math.sqrt(spread), augmented - 1)


def observed_range(differences: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Range R of a score without ends, told from what was seen of it; 0 only where every value is 0.

    The larger of the 99th percentile of |difference| and the spread of the values without their outer 1 %; where all
    values are one and the same, their size. Without the values, data that hardly differ would have hardly a range.
    """
    if not len(differences):
        return 0.0
    low, high = np.quantile(values, [0.01, 0.99])
    spread = float(high - low) or float(np.abs(values).max())
    return max(float(np.quantile(np.abs(differences), 0.99)), spread)


def number_of_clusters(codes: NDArray[np.intp]) -> int:
    """How many different codes there are, each 0 or more. `np.unique` would load the masked arrays for it."""
    return int(np.count_nonzero(np.bincount(codes)))
