"""Simulated agents whose true behaviour is known, to measure what the gate makes of them.

An item passes in a trial when item difficulty and trial noise together stay above a threshold, and a judge then
errs in a share of the cells:

    true pass  = [ mu + sqrt(rho) * difficulty + sqrt(1 - rho) * noise > 0 ]
    seen value = true pass, flipped with probability `judge_flips`

Difficulty and noise are standard normal and correlated between scores. The reference world has an observed pass rate
of 0.85, a run-to-run phi of the true pass of 0.70, 5 % judge flips and a phi of 0.30 between scores of one trial.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from run_tables import Items
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

Kind = Literal["diffuse", "concentrated", "churn"]
Values = NDArray[np.float64]
"""Shape (N, k, M); NaN = missing."""
Positions = NDArray[np.intp]
"""Which items of the dataset, ascending."""


@dataclass(frozen=True, slots=True)
class Change:
    """What the candidate does differently. The default is nothing."""

    drop: float = 0.0
    """Points of the true pass rate lost by the first `worse_scores` scores."""
    kind: Kind = "diffuse"
    """diffuse: every item is a little harder; concentrated: a random share of the items always fails;
    churn: as many points are won on other items as are lost on the broken ones."""
    worse_scores: int = 1
    first_slice_only: bool = False
    lost_failures: float = 0.0
    """Share of its failing cells that the candidate loses: the crash that makes an average rise."""


class Agents(Protocol):
    """Baseline and candidate of one build, met once and run as often as anybody asks."""

    def fresh(self, positions: Positions, trials: int) -> tuple[Values, Values]:
        """Fresh trials of these items in both arms, baseline first: the same agents, new noise."""


@dataclass(frozen=True, slots=True)
class World:
    """A dataset, its scores, and how agents behave on it. Rates are probabilities."""

    items: int
    scores: int = 1
    base: float = 0.8889
    """True pass rate; 0.85 is seen with 5 % judge flips."""
    stability: float = 0.70
    """Phi of the true pass between two runs of one agent."""
    judge_flips: float = 0.05
    between_scores: float = 0.30
    turns: tuple[int, int] = (1, 1)
    """Fewest and most items of a conversation; all turns of one conversation run share their trial noise."""
    tenths: Literal["none", "odd", "all"] = "none"
    """Which scores are grades in tenths instead of booleans."""
    missing: float = 0.0
    """Share of all cells that vanish, whatever they hold."""
    slices: int = 0
    first_slice: int = 0
    """Items of the first slice; the others share the rest evenly."""

    def meet(self, rng: np.random.Generator, change: Change) -> Agents:
        """The two agents of one build. `rng` stays theirs."""
        return PassFailAgents(self, change, rng)

    def score_names(self) -> tuple[str, ...]:
        return tuple(f"score_{number}" for number in range(self.scores))

    def graded(self, score: int) -> bool:
        """This score is a number in tenths."""
        return self.tenths == "all" or (self.tenths == "odd" and score % 2 == 1)

    def dataset(self) -> Items:
        return Items(self.items, self.turns, self.slices, self.first_slice)

    @property
    def mean(self) -> float:
        return _normal_quantile(self.base)

    @property
    def item_share(self) -> float:
        """Share of the latent variance that is item difficulty."""
        return latent_correlation(self.stability, self.base)


class PassFailAgents:
    """Difficulty of every item, what the candidate broke, and noise for as many trials as are wanted."""

    def __init__(self, world: World, change: Change, rng: np.random.Generator) -> None:
        self._world, self._change, self._rng = world, change, rng
        self._difficulty = self._correlated((world.items,))
        affected = np.ones(world.items, dtype=bool)
        if change.first_slice_only:
            affected = world.dataset().slice() == 0
        worse = np.arange(world.scores) < change.worse_scores
        touched = affected[:, None] & worse
        self._shift = np.zeros((world.items, world.scores))
        self._broken = np.zeros((world.items, world.scores), dtype=bool)
        self._mended = self._broken
        if change.drop and change.kind == "diffuse":
            self._shift[touched] = _normal_quantile(world.base - change.drop) - world.mean
        elif change.drop:
            self._broken = touched & (rng.random(touched.shape) < change.drop / world.base)
        if change.kind == "churn":
            self._mended = (
                touched & ~self._broken & (self._difficulty < mending_threshold(world, change.drop))
            )

    def fresh(self, positions: Positions, trials: int) -> tuple[Values, Values]:
        baseline = self._run(positions, trials, changed=False)
        candidate = self._run(positions, trials, changed=True)
        if self._change.lost_failures:
            gone = (candidate == 0) & (self._rng.random(candidate.shape) < self._change.lost_failures)
            candidate[gone] = np.nan
        return baseline, candidate

    def _run(self, positions: Positions, trials: int, *, changed: bool) -> Values:
        world, rng = self._world, self._rng
        groups = world.dataset().conversation()[positions]
        conversations, group = np.unique(groups, return_inverse=True)
        noise = self._correlated((len(conversations), trials))
        if len(conversations) < len(positions):
            noise = noise[group]
        signal = world.mean + math.sqrt(world.item_share) * self._difficulty[positions, None, :]
        if changed:
            signal += self._shift[positions, None, :]
        passed = signal + math.sqrt(1 - world.item_share) * noise > 0
        if changed:
            passed &= ~self._broken[positions, None, :]
            passed |= self._mended[positions, None, :]
        if world.judge_flips:
            passed ^= rng.random(passed.shape) < world.judge_flips
        values = passed.astype(float)
        if world.tenths != "none":
            graded = [score for score in range(world.scores) if world.graded(score)]
            values[:, :, graded] = _in_tenths(rng, values[:, :, graded])
        if world.missing:
            values[rng.random(values.shape) < world.missing] = np.nan
        return values

    def _correlated(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Standard normal of shape (*shape, M), correlated between the scores."""
        scores = self._world.scores
        own = self._rng.standard_normal((*shape, scores))
        if scores == 1:
            return own
        common = latent_correlation(self._world.between_scores, self._world.base)
        own *= math.sqrt(1 - common)
        own += math.sqrt(common) * self._rng.standard_normal((*shape, 1))
        return own


def _in_tenths(rng: np.random.Generator, passed: Values) -> Values:
    """A graded judgment: passing answers get 0.7 to 1.0, failing ones 0.1 to 0.6."""
    grade = np.where(passed == 1, rng.integers(7, 11, passed.shape), rng.integers(1, 7, passed.shape))
    return np.asarray(grade / 10.0)


@cache
def _normal_quantile(share: float) -> float:
    return float(norm.ppf(share))


@cache
def latent_correlation(phi: float, rate: float) -> float:
    """Correlation of two normal variables whose indicators, each true with probability `rate`, have this phi."""
    threshold = float(norm.ppf(rate))

    def gap(correlation: float) -> float:
        both = float(
            multivariate_normal.cdf([threshold, threshold], cov=[[1.0, correlation], [correlation, 1.0]])
        )
        return (both - rate**2) / (rate * (1 - rate)) - phi

    return float(brentq(gap, 1e-6, 0.9999))


@cache
def mending_threshold(world: World, points: float) -> float:
    """Difficulty below which mending the items that are not broken wins as many points as breaking others loses."""
    rho = world.item_share
    unbroken = 1 - points / world.base

    def won(threshold: float) -> float:
        # P(difficulty below threshold and the true pass fails), from the bivariate normal of difficulty and signal.
        both = multivariate_normal.cdf(
            [threshold, -world.mean], cov=[[1.0, math.sqrt(rho)], [math.sqrt(rho), 1.0]]
        )
        return unbroken * float(both) - points

    return float(brentq(won, -8.0, 8.0))
