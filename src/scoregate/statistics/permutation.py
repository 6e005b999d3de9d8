"""Within-cluster label permutation for scores of any kind, with step-down maxT over the whole family.

The labels "baseline" and "candidate" of a cluster's runs are drawn anew at random, the same way for every
hypothesis, so that their dependence is kept (Westfall and Young 1993; Romano and Wolf 2005). The familywise error
is at most alpha by construction, whatever the distribution of the scores, and p = (1 + hits) / (B + 1) is valid
for any number of relabellings B (Phipson and Smyth 2010).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from scoregate.statistics.canonical import canonical_order
from scoregate.statistics.relabelling import LabelDraws, Parts, cut_in_layers, drawn_tables, without_rounding

_RELABELLINGS = (999, 9_999, 99_999)
"""So many at first; more as long as chance in the relabelling could decide on which side of alpha a p-value lies."""
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
    """Step-down maxT."""
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
) -> PermutationTest:
    """Test all hypotheses of the family jointly, in the order of `family.hypotheses`, then of `tables`.

    `tables` (G, P, H2) adds hypotheses whose statistic is no sum of run values, such as pass^k: what a cluster adds
    to the difference (candidate − baseline) under each of the P label patterns of `label_patterns`, the clusters in
    the order of their numbers. The result depends on the data, the seed and alpha, never on the order of items,
    scores or slices. As many relabellings as `relabellings` says, in stages; a p-value that could be below alpha is
    never left to the first stage alone. Raises ValueError for values that are not finite, and for tables of another
    shape or of more than 5,000 patterns.
    """
    sample = _Sample.of(family, baseline_trials, tables)
    test = sample.test(relabellings[0], seed)
    for step, more in enumerate(relabellings[1:]):
        # The adjusted p-value cannot be below 1 / (B + 1), so where alpha (B + 1) is small even the smallest lies
        # within these bounds of alpha and is drawn again, more finely.
        close = 3.0 * np.sqrt(np.maximum(test.adjusted, alpha) / test.relabellings)
        undecided = np.abs(test.adjusted - alpha) < close
        if not (undecided.any() or (step == 0 and (test.adjusted < alpha).any())):
            break
        if step and more * sample.cells > _MOST_WORK:
            break
        test = sample.test(more, seed)
    return test


@dataclass(frozen=True, slots=True)
class _Sample:
    """A family ready to be relabelled: in canonical order, without the clusters that carry no information."""

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

        order = canonical_order(family.runs, family.clusters, family.members, tables)
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

        informative = np.asarray(tables.any(axis=(1, 2)))
        for parts in layers:
            informative[parts.clusters] = True
        kept = np.cumsum(informative) - 1
        score_rank, slice_rank = np.argsort(order.scores), np.argsort(order.slices)
        pairs = np.array(family.hypotheses, dtype=np.intp).reshape(-1, 2)
        return cls(
            draws=LabelDraws.of(baseline_trials, candidate_trials),
            layers=tuple(replace(parts, clusters=kept[parts.clusters]) for parts in layers),
            tables=tables[informative],
            clusters=int(informative.sum()),
            hypotheses=(slice_rank[pairs[:, 1]], score_rank[pairs[:, 0]]),
            table_order=np.argsort(order.tables),
        )

    @property
    def cells(self) -> int:
        """Numbers that one relabelling touches."""
        cells: int = sum(parts.runs.size for parts in self.layers) + self.clusters * self.tables.shape[2]
        return cells

    def test(self, relabellings: int, seed: int) -> PermutationTest:
        variances = np.concatenate(
            [
                np.concatenate([parts.variances(self.draws.baseline_trials) for parts in self.layers])[
                    self.hypotheses
                ],
                (self.tables**2).mean(axis=1).sum(axis=0)[self.table_order],
            ]
        )
        observed = np.concatenate(
            [
                np.concatenate([parts.observed(self.draws) for parts in self.layers])[self.hypotheses],
                self.tables[:, -1].sum(axis=0)[self.table_order],
            ]
        )
        informative = variances > 0
        scale = np.where(informative, np.sqrt(np.where(informative, variances, 1.0)), np.inf)
        observed = observed / scale
        order = np.argsort(observed, kind="stable")
        raw_hits = np.zeros(len(scale))
        max_hits = np.zeros(len(scale))
        rng = np.random.default_rng(seed)
        at_once = self.draws.draws_at_once(relabellings, self.clusters)
        for done in range(0, relabellings if informative.any() else 0, at_once):
            drawn = self._drawn(rng, min(at_once, relabellings - done)) / scale
            raw_hits += (drawn <= observed + _TIE).sum(axis=0)
            # For rank j the reference is the most extreme of the hypotheses j..H.
            ordered = drawn[:, order]
            lowest = np.minimum.accumulate(ordered[:, ::-1], axis=1)[:, ::-1]
            max_hits += (lowest <= observed[order] + _TIE).sum(axis=0)
        p_values = (1 + raw_hits) / (relabellings + 1)
        adjusted = np.empty(len(scale))
        adjusted[order] = np.maximum.accumulate((1 + max_hits) / (relabellings + 1))
        return PermutationTest(
            np.where(informative, p_values, 1.0),
            np.where(informative, adjusted, 1.0),
            variances,
            relabellings,
        )

    def _drawn(self, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
        """Statistics of `count` relabellings before scaling, (count, H)."""
        drawn = self.draws.draw(rng, count, self.clusters)
        slices, scores = self.hypotheses
        linear = np.concatenate([parts.drawn(self.draws, drawn) for parts in self.layers], axis=1)
        linear = linear[:, slices, scores]
        if not self.tables.shape[2]:
            return linear
        return np.concatenate([linear, drawn_tables(self.tables, drawn)[:, self.table_order]], axis=1)


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
