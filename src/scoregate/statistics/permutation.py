"""Within-cluster label permutation for scores of any kind, with step-down minP over the whole family.

The labels "baseline" and "candidate" of a cluster's runs are drawn anew at random, the same way for every
hypothesis, so that their dependence is kept (Westfall and Young 1993, algorithm 2.8). Each difference is compared with
its own relabellings before it is compared with other hypotheses: a single difference that outweighs all others makes
a standard deviation large, and statistics that are divided by it small, but not the share of relabellings that lie
below. The familywise error is at most alpha by construction, whatever the distribution of the scores, and
p = (1 + hits) / (B + 1) is valid for any number of relabellings B (Phipson and Smyth 2010).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scoregate.statistics.canonical import canonical_order
from scoregate.statistics.exact import step_down
from scoregate.statistics.relabelling import LabelDraws, Parts, cut_in_layers, drawn_tables, without_rounding
from scoregate.statistics.step_down_minp import Tail, tail_starts

_RELABELLINGS = (999, 9_999, 99_999)
"""So many at first; more as long as chance in the relabelling could decide on which side of alpha a p-value lies."""
_UNSURE = 4.0
"""Ranks among the first relabellings are rough: what lies below so many alphas is drawn again."""
_FIRST_TAIL = 0.3
_TAIL, _TAIL_ALPHAS = 0.02, 2.5
"""Share of the relabellings of each hypothesis that is kept: of the first, and of more at least and in alphas."""
MOST_TABLE_PATTERNS = 5_000
"""A table of contributions has a row for each way to label a cluster; with more ways it would not fit in memory."""
_MOST_WORK = 40_000_000_000
"""Cells that are relabelled at most; the last step is left out where it would take many minutes."""
_TIE = 1e-9
"""Statistics that differ by less are rounding of the same number and count as ties."""


@dataclass(frozen=True, slots=True)
class FamilyRuns:
    """A family of hypotheses as scores × slices: "the candidate is lower in this score on the items of this slice"."""

    runs: NDArray[np.float64]
    """(N, k_b + k_c, M) item values, the baseline's first, larger is better, 0 where the item does not count for the
    score."""
    clusters: NDArray[np.intp]
    """(N,) cluster number of each item, 0..G-1. A cluster may cross slices."""
    members: NDArray[np.bool_]
    """(S, N): which items belong to each slice; row 0 is everything."""
    hypotheses: tuple[tuple[int, int], ...]
    """(score, slice) pairs that are tested."""


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """One-sided p-values for "the candidate is lower", arrays of length H."""

    p_values: NDArray[np.float64]
    adjusted: NDArray[np.float64]
    """Step-down minP."""
    variances: NDArray[np.float64]
    """Variance of each difference of means under relabelling (known exactly)."""
    relabellings: int


def permutation_test(
    runs: NDArray[np.float64], baseline_trials: int, *, seed: int, alpha: float
) -> PermutationTest:
    """Test H hypotheses jointly.

    `runs` has shape (G, k_b + k_c, H): the total of each cluster run, the baseline's runs first, larger is
    better. A hypothesis without any variation within clusters gets p = 1: no information is not evidence.
    """
    clusters, _, hypotheses = runs.shape
    family = FamilyRuns(
        runs=runs,
        clusters=np.arange(clusters),
        members=np.ones((1, clusters), dtype=bool),
        hypotheses=tuple((h, 0) for h in range(hypotheses)),
    )
    return permutation_test_family(family, baseline_trials, seed=seed, alpha=alpha)


def permutation_test_family(
    family: FamilyRuns,
    baseline_trials: int,
    *,
    seed: int,
    alpha: float,
    relabellings: Sequence[int] = _RELABELLINGS,
    tables: NDArray[np.float64] | None = None,
    weights: NDArray[np.float64] | None = None,
) -> PermutationTest:
    """Test all hypotheses of the family jointly, in the order of `family.hypotheses`, then of `tables`.

    `tables` (G, P, H2) adds hypotheses whose statistic is no sum of run values, such as pass^k: what a cluster adds
    to the difference (candidate − baseline) under each of the P label patterns of `label_patterns`, the clusters in
    the order of their numbers. `weights` (H,) say by their proportion how much of the level each hypothesis has, all
    alike by default; they must not come from the candidate. The result depends on the data, the seed and alpha, never
    on the order of items, scores or slices. As many relabellings as `relabellings` says, in stages; a p-value that
    could be below alpha is never left to the first stage alone. Raises ValueError for values that are not finite, and
    for tables of another shape or of more than 5,000 patterns.
    """
    sample = _Sample.of(family, baseline_trials, tables)
    draws = _Drawing(sample, np.random.default_rng(seed))
    first, *more = relabellings
    seen = draws.kept(first)
    weights = np.ones(len(sample.observed)) if weights is None else weights
    test = _test(sample, *_counted(sample, _FIRST_TAIL, seen), weights)
    if not more or not _undecided(test, alpha, rough=True):
        return test
    share = max(_TAIL, _TAIL_ALPHAS * alpha)
    raw, tail = _counted(sample, share, seen)
    for step, total in enumerate(more):
        if step and total * sample.cells > _MOST_WORK:
            break
        for block in draws.blocks(total - tail.drawn):
            raw += (block <= sample.observed + tail.tie).sum(axis=0)
            tail.add(block)
        test = _test(sample, raw, tail, weights)
        if not _undecided(test, alpha, rough=False):
            break
    return test


def _counted(sample: _Sample, share: float, seen: NDArray[np.float64]) -> tuple[NDArray[np.intp], Tail]:
    """How many of these relabellings (B, H) are as bad as the observed labels, and their tails."""
    tie = _TIE * sample.deviations
    tail = Tail(tail_starts(seen, share, tie), tie)
    tail.add(seen)
    return (seen <= sample.observed + tail.tie).sum(axis=0), tail


def _test(
    sample: _Sample, raw: NDArray[np.intp], tail: Tail, weights: NDArray[np.float64]
) -> PermutationTest:
    p_values = (1 + raw) / (tail.drawn + 1)
    adjusted = tail.adjusted(sample.observed, sample.deviations, weights)
    # Outside of the tail, where nothing is decided, Holm's are near enough.
    adjusted = np.where(np.isnan(adjusted), step_down(p_values.tolist(), weights=weights), adjusted)
    informative = sample.variances > 0
    return PermutationTest(
        np.where(informative, p_values, 1.0),
        np.where(informative, np.maximum(adjusted, p_values), 1.0),
        sample.variances,
        tail.drawn,
    )


def _undecided(test: PermutationTest, alpha: float, *, rough: bool) -> bool:
    """Whether chance in the relabelling could decide on which side of alpha a p-value lies."""
    close = 3.0 * np.sqrt(np.maximum(test.adjusted, alpha) / test.relabellings)
    if rough:
        # A p-value that could be below alpha is never left to the first relabellings alone.
        return bool((test.adjusted < np.maximum(alpha + close, _UNSURE * alpha)).any())
    return bool((np.abs(test.adjusted - alpha) < close).any())


@dataclass(frozen=True)
class _Sample:
    """A family ready to be relabelled: in canonical order.

    Clusters that carry no information get labels as well: so the others keep theirs where one of them comes to vary.
    """

    draws: LabelDraws
    layers: tuple[Parts, ...]
    """Each holds some of the slices, one layer after the other."""
    tables: NDArray[np.float64]
    """(clusters, P, H2), centred at the mean over patterns, so that relabelling moves it about 0."""
    clusters: int
    hypotheses: tuple[NDArray[np.intp], NDArray[np.intp]]
    """Slice and score of each linear hypothesis, as numbered here."""
    table_order: NDArray[np.intp]

    @classmethod
    def of(cls, family: FamilyRuns, baseline_trials: int, tables: NDArray[np.float64] | None) -> _Sample:
        candidate_trials = family.runs.shape[1] - baseline_trials
        clusters = int(family.clusters.max(initial=-1)) + 1
        if tables is None:
            tables = np.zeros((clusters, 1, 0))
        else:
            _require_patterns(tables, clusters, baseline_trials, candidate_trials)
        if not (np.isfinite(family.runs).all() and np.isfinite(tables).all()):
            raise ValueError("runs and tables must be finite; give 0 where an item does not count")

        order = canonical_order(
            family.runs, family.clusters, family.members, tables, baseline_trials=baseline_trials
        )
        rank = np.empty(clusters, dtype=np.intp)
        rank[order.clusters] = np.arange(clusters)
        layers = cut_in_layers(
            family.runs[order.items][:, :, order.scores],
            rank[family.clusters[order.items]],
            family.members[order.slices][:, order.items],
        )
        tables = tables[order.clusters][:, :, order.tables]
        largest = np.abs(tables).max(axis=1, keepdims=True, initial=0.0)
        tables = without_rounding(tables - tables.mean(axis=1, keepdims=True), largest)

        score_rank, slice_rank = np.argsort(order.scores), np.argsort(order.slices)
        pairs = np.array(family.hypotheses, dtype=np.intp).reshape(-1, 2)
        return cls(
            draws=LabelDraws.of(baseline_trials, candidate_trials),
            layers=layers,
            tables=tables,
            clusters=clusters,
            hypotheses=(slice_rank[pairs[:, 1]], score_rank[pairs[:, 0]]),
            table_order=np.argsort(order.tables),
        )

    @property
    def cells(self) -> int:
        """Numbers that one relabelling touches."""
        cells: int = sum(parts.runs.size for parts in self.layers) + self.clusters * self.tables.shape[2]
        return cells

    @cached_property
    def variances(self) -> NDArray[np.float64]:
        """Of each hypothesis under relabelling, known exactly."""
        linear = np.concatenate([parts.variances(self.draws.baseline_trials) for parts in self.layers])
        of_tables = (self.tables**2).mean(axis=1).sum(axis=0)[self.table_order]
        return np.concatenate([linear[self.hypotheses], of_tables])

    @property
    def deviations(self) -> NDArray[np.float64]:
        """Standard deviations, 1 where nothing varies."""
        return np.where(self.variances > 0, np.sqrt(self.variances), 1.0)

    @cached_property
    def observed(self) -> NDArray[np.float64]:
        """(H,): the differences of means as the labels are."""
        linear = np.concatenate([parts.observed(self.draws) for parts in self.layers])
        return np.concatenate([linear[self.hypotheses], self.tables[:, -1].sum(axis=0)[self.table_order]])

    def drawn(self, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
        """The differences under `count` relabellings, (count, H)."""
        drawn = self.draws.draw(rng, count, self.clusters)
        slices, scores = self.hypotheses
        linear = np.concatenate([parts.drawn(self.draws, drawn) for parts in self.layers], axis=1)
        linear = linear[:, slices, scores]
        if not self.tables.shape[2]:
            return linear
        return np.concatenate([linear, drawn_tables(self.tables, drawn)[:, self.table_order]], axis=1)


@dataclass(frozen=True, slots=True)
class _Drawing:
    """Relabellings of a sample, one after the other."""

    sample: _Sample
    rng: np.random.Generator

    def kept(self, relabellings: int) -> NDArray[np.float64]:
        """All of them at once, (relabellings, H)."""
        empty = np.empty((0, len(self.sample.observed)))
        return np.concatenate([empty, *self.blocks(relabellings)])

    def blocks(self, relabellings: int) -> Iterator[NDArray[np.float64]]:
        """A block at a time."""
        at_once = self.sample.draws.draws_at_once(relabellings, self.sample.clusters)
        if not (self.sample.variances > 0).any():
            at_once = relabellings
        for done in range(0, relabellings, max(1, at_once)):
            yield self.sample.drawn(self.rng, min(at_once, relabellings - done))


def _require_patterns(
    tables: NDArray[np.float64], clusters: int, baseline_trials: int, candidate_trials: int
) -> None:
    patterns = math.comb(baseline_trials + candidate_trials, candidate_trials)
    if patterns > MOST_TABLE_PATTERNS:
        raise ValueError(
            f"{baseline_trials} and {candidate_trials} trials can be labelled in {patterns} ways; "
            f"tables are for at most {MOST_TABLE_PATTERNS}"
        )
    if tables.ndim != 3 or tables.shape[:2] != (clusters, patterns):
        raise ValueError(f"tables must have shape ({clusters}, {patterns}, hypotheses), not {tables.shape}")
