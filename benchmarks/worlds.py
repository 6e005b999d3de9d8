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
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm

from scoregate.gates.table import Column, RunTable
from scoregate.records import RunHeader

Drop = Literal["diffuse", "concentrated"]
Values = NDArray[np.float64]
"""Shape (N, k, M); NaN = missing."""


@dataclass(frozen=True, slots=True)
class World:
    """How agents behave. Rates are probabilities."""

    items: int
    scores: int = 1
    base: float = 0.8889
    """True pass rate; 0.85 is seen with 5 % judge flips."""
    stability: float = 0.70
    """Phi of the true pass between two runs of one agent."""
    judge_flips: float = 0.05
    between_scores: float = 0.30
    turns: int = 1
    """Items a conversation; all turns of one conversation run share their trial noise."""

    def run(
        self,
        rng: np.random.Generator,
        difficulty: NDArray[np.float64],
        trials: int,
        *,
        drop: float = 0.0,
        kind: Drop = "diffuse",
        worse_scores: int = 1,
    ) -> Values:
        """One agent's seen values; `drop` lowers the true pass rate of the first `worse_scores` scores."""
        mean = float(norm.ppf(self.base))
        rho = latent_correlation(self.stability, self.base)
        shift = np.zeros(self.scores)
        if kind == "diffuse":
            shift[:worse_scores] = float(norm.ppf(self.base - drop)) - mean
        groups = self.items // self.turns
        noise = np.repeat(self._correlated(rng, (groups, trials)), self.turns, axis=0)
        signal = mean + shift + math.sqrt(rho) * difficulty[:, None, :] + math.sqrt(1 - rho) * noise
        passed = signal > 0
        if kind == "concentrated" and drop:
            broken = rng.random((self.items, worse_scores)) < drop / self.base
            passed[:, :, :worse_scores] &= ~broken[:, None, :]
        flipped = rng.random(passed.shape) < self.judge_flips
        return np.asarray(passed ^ flipped, dtype=float)

    def difficulty(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Item difficulty, shape (N, M): the same for every agent."""
        return self._correlated(rng, (self.items,))

    def _correlated(self, rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        common = latent_correlation(self.between_scores, self.base) if self.scores > 1 else 0.0
        shared = rng.standard_normal((*shape, 1))
        own = rng.standard_normal((*shape, self.scores))
        return np.asarray(math.sqrt(common) * shared + math.sqrt(1 - common) * own)

    def ids(self) -> tuple[str, ...]:
        return tuple(f"item-{i:05d}" for i in range(self.items))


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


def as_table(world: World, values: Values, label: str) -> RunTable:
    """Simulated values as the columns of a run, as the comparison reads them."""
    items, trials, scores = values.shape
    ids = world.ids()
    columns = {}
    for score in range(scores):
        flat = values[:, :, score].ravel()
        numeric = bool(((flat != 0) & (flat != 1) & ~np.isnan(flat)).any())
        cells = np.empty(flat.size, dtype=object)
        cells[:] = flat.tolist() if numeric else (flat == 1).tolist()
        cells[np.isnan(flat)] = None
        columns[f"score_{score}"] = Column(
            np.repeat(np.arange(items), trials), np.tile(np.arange(trials), items), cells
        )
    clusters = {item: f"talk-{i // world.turns}" for i, item in enumerate(ids)} if world.turns > 1 else {}
    header = RunHeader(run=label, dataset="simulated", candidate=label, expected_items=items, trials=trials)
    return RunTable(header, ids, columns, clusters)


Lose = Callable[[np.random.Generator, Values, Values], tuple[Values, Values]]
"""Makes cells of baseline and candidate missing."""


def lose_at_random(
    share: float, rng: np.random.Generator, baseline: Values, candidate: Values
) -> tuple[Values, Values]:
    """Cells vanish from both arms whatever they hold."""
    return (
        np.where(rng.random(baseline.shape) < share, np.nan, baseline),
        np.where(rng.random(candidate.shape) < share, np.nan, candidate),
    )


def lose_failures(
    share: float, rng: np.random.Generator, baseline: Values, candidate: Values
) -> tuple[Values, Values]:
    """The candidate loses this share of its failing cells: the crash that makes an average rise."""
    gone = (candidate == 0) & (rng.random(candidate.shape) < share)
    return baseline, np.where(gone, np.nan, candidate)
