"""Random relabellings of cluster runs, and what each makes of the differences of all scores in all slices.

The work is a matrix product: the drawn weights of all runs times the values of all scores. Slices cost next to nothing
more, because clusters are cut into parts, the items of a cluster that belong to the same slices: each part is
multiplied once and its sums are added to every slice that holds it. Where no cluster crosses a slice a part is a whole
cluster. Weights and values are taken in blocks that fit a processor's cache, so memory does not grow with the number of
relabellings.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoregate.statistics.bounds import number_of_clusters

_Labels = NDArray[np.uint16] | NDArray[np.bool_]
_MOST_PATTERNS = 5_000
"""With more ways to label one cluster, runs are drawn one by one instead of from the list of all ways."""
_BLOCK_BYTES = 1_000_000
_KEPT_BYTES, _FEW_ROWS = 100_000, 16
"""A larger block of memory is given back and given anew each time, page by page, which takes longer than the work."""
_RELABELLINGS_AT_ONCE = 256
_DRAWN_BYTES = 32_000_000
_FEW_BLOCKS = 100
_ROUNDING = 1e-12
"""Sums that differ by less, relative to their size, are rounding of the same number."""


def label_patterns(baseline_trials: int, candidate_trials: int) -> NDArray[np.bool_]:
    """All ways to call `candidate_trials` of a cluster's runs the candidate's: (patterns, k_b + k_c).

    In the order of `itertools.combinations`; the last is the labelling as observed, the candidate's runs last.
    """
    pooled = baseline_trials + candidate_trials
    patterns = np.zeros((math.comb(pooled, candidate_trials), pooled), dtype=bool)
    for row, chosen in enumerate(itertools.combinations(range(pooled), candidate_trials)):
        patterns[row, list(chosen)] = True
    return patterns


@dataclass(frozen=True, slots=True)
class LabelDraws:
    """Draws labels for clusters: the number of a pattern each or, with too many patterns, the labels themselves."""

    baseline_trials: int
    candidate_trials: int
    patterns: NDArray[np.float64] | None
    """(patterns, k_b + k_c − 1): 1/k_c or −1/k_b. The weights of a run sum to 0, so the last is left out and the last
    run's value is taken off the others instead."""

    @classmethod
    def of(cls, baseline_trials: int, candidate_trials: int) -> LabelDraws:
        """Of arms of this many trials."""
        if math.comb(baseline_trials + candidate_trials, candidate_trials) > _MOST_PATTERNS:
            return cls(baseline_trials, candidate_trials, None)
        chosen = label_patterns(baseline_trials, candidate_trials)[:, :-1]
        return cls(
            baseline_trials,
            candidate_trials,
            np.where(chosen, 1.0 / candidate_trials, -1.0 / baseline_trials),
        )

    def observed(self) -> NDArray[np.float64]:
        """The weights of the labels as they are: (k_b + k_c − 1,)."""
        weights = np.full(self.baseline_trials + self.candidate_trials - 1, 1.0 / self.candidate_trials)
        weights[: self.baseline_trials] = -1.0 / self.baseline_trials
        return weights

    def draw(self, rng: np.random.Generator, count: int, clusters: int) -> _Labels:
        """`count` relabellings: pattern numbers (count, G), or whether a run is the candidate's (count, G, k − 1)."""
        if self.patterns is not None:
            return rng.integers(len(self.patterns), size=(count, clusters), dtype=np.uint16)
        pooled = self.baseline_trials + self.candidate_trials
        left = np.full((count, clusters), self.candidate_trials)
        labels = np.empty((count, clusters, pooled - 1), dtype=bool)
        for run in range(pooled - 1):
            labels[:, :, run] = rng.random((count, clusters)) * (pooled - run) < left
            left -= labels[:, :, run]
        return labels

    def weights(self, drawn: _Labels, clusters: NDArray[np.intp]) -> NDArray[np.float64]:
        """The drawn weights of these clusters: (count, clusters × (k_b + k_c − 1))."""
        labels = drawn.take(clusters, axis=1)
        if self.patterns is not None:
            # Numbers of another type would be made such ones piece by piece, at several times the cost.
            weights = self.patterns.take(labels.astype(np.intp), axis=0)
        else:
            weights = np.where(labels, 1.0 / self.candidate_trials, -1.0 / self.baseline_trials)
        return weights.reshape(len(labels), -1)

    def draws_at_once(self, relabellings: int, clusters: int) -> int:
        """How many relabellings to draw together."""
        size = 2 if self.patterns is not None else 3 * (self.baseline_trials + self.candidate_trials) + 16
        most = max(1, _DRAWN_BYTES // (size * max(1, clusters)))
        return min(relabellings, _RELABELLINGS_AT_ONCE, max(16, most))


@dataclass(frozen=True, slots=True)
class Parts:
    """Sums over the items of each part, less the value of the last run: what the labels are drawn for."""

    runs: NDArray[np.float64]
    """(Q, k_b + k_c − 1, M); parts of the same slices stand together."""
    clusters: NDArray[np.intp]
    """(Q,) which cluster each part belongs to."""
    blocks: tuple[tuple[int, int, NDArray[np.intp]], ...]
    """First and last part of a run of parts, and the slices that hold them."""
    slices: int

    @classmethod
    def cut(cls, runs: NDArray[np.float64], clusters: NDArray[np.intp], members: NDArray[np.bool_]) -> Parts:
        """From items: `runs` (N, k, M), `clusters` (N,), `members` (S, N). Parts that never vary are left out."""
        signatures, kind = np.unique(np.packbits(members, axis=0).T, axis=0, return_inverse=True)
        key = kind.ravel().astype(np.int64) * (int(clusters.max(initial=0)) + 1) + clusters
        order = np.argsort(key, kind="stable")
        starts = np.flatnonzero(np.diff(key[order], prepend=-1))
        first = order[starts]
        sums = runs[order] if len(starts) == len(order) else np.add.reduceat(runs[order], starts, axis=0)
        shifted = without_rounding(sums[:, :-1] - sums[:, -1:], np.abs(sums).max(axis=1, keepdims=True))
        varying = shifted.any(axis=(1, 2))
        kinds, first = kind.ravel()[first][varying], first[varying]
        bounds = np.searchsorted(kinds, np.arange(len(signatures) + 1))
        blocks = tuple(
            (int(start), int(stop), np.flatnonzero(members[:, first[start]]))
            for start, stop in itertools.pairwise(bounds)
            if stop > start
        )
        return cls(np.ascontiguousarray(shifted[varying]), clusters[first], blocks, len(members))

    def variances(self, baseline_trials: int) -> NDArray[np.float64]:
        """Variance of each difference of means under relabelling, (S, M)."""
        pooled = self.runs.shape[1] + 1
        factor = 1.0 / baseline_trials + 1.0 / (pooled - baseline_trials)
        result: NDArray[np.float64] = np.zeros((self.slices, self.runs.shape[2]))
        crossing = number_of_clusters(self.clusters) < len(self.clusters)
        if not crossing:
            for start, stop, slices in self.blocks:
                result[slices] += _sample_variance(self.runs[start:stop]).sum(axis=0)
            result *= factor
            return result
        for number in range(self.slices):
            held = np.concatenate(
                [np.arange(start, stop) for start, stop, slices in self.blocks if number in slices]
                or [np.empty(0, dtype=np.intp)]
            )
            order = held[np.argsort(self.clusters[held], kind="stable")]
            starts = np.flatnonzero(np.diff(self.clusters[order], prepend=-1))
            if len(starts):
                whole = np.add.reduceat(self.runs[order], starts, axis=0)
                largest = np.maximum.reduceat(np.abs(self.runs[order]), starts, axis=0)
                whole = without_rounding(whole, largest)
                result[number] = _sample_variance(whole).sum(axis=0)
        result *= factor
        return result

    def observed(self, draws: LabelDraws) -> NDArray[np.float64]:
        """Difference of means as observed, (S, M)."""
        result = np.zeros((self.slices, self.runs.shape[2]))
        for start, stop, slices in self.blocks:
            result[slices] += np.einsum("qkm,k->m", self.runs[start:stop], draws.observed())
        return result

    def drawn(self, draws: LabelDraws, drawn: _Labels) -> NDArray[np.float64]:
        """Difference of means under each relabelling that was drawn, (count, S, M)."""
        count, free, scores = len(drawn), self.runs.shape[1], self.runs.shape[2]
        result = np.zeros((self.slices, count, scores))
        step = max(1, _BLOCK_BYTES // (8 * count * free))
        for start, stop, slices in self.blocks:
            total = np.zeros((count, scores))
            for low, high in _steps(start, stop, step):
                runs, of_these = self.runs[low:high].reshape(-1, scores), self.clusters[low:high]
                for first, last in _steps(0, count, max(_FEW_ROWS, _KEPT_BYTES // (8 * len(runs)))):
                    total[first:last] += draws.weights(drawn[first:last], of_these) @ runs
            result[slices] += total
        return result.transpose(1, 0, 2)


def cut_in_layers(
    runs: NDArray[np.float64], clusters: NDArray[np.intp], members: NDArray[np.bool_]
) -> tuple[Parts, ...]:
    """`Parts.cut` of some slices at a time, their order kept, so that each layer has few and therefore large blocks.

    Slices of several kinds (intent × language × length) cut the items into ever smaller parts; then it costs less
    to multiply all items again for the next slices than to handle every part by itself.
    """
    most = max(_FEW_BLOCKS, len(clusters) // _FEW_BLOCKS)
    layers, first = [], 0
    kind = np.zeros(len(clusters), dtype=np.intp)
    for number, row in enumerate(members):
        kinds, kind = np.unique(2 * kind + row, return_inverse=True)
        if len(kinds) > most and number > first:
            layers.append(Parts.cut(runs, clusters, members[first:number]))
            first, kind = number, row.astype(np.intp)
    return (*layers, Parts.cut(runs, clusters, members[first:]))


def drawn_tables(tables: NDArray[np.float64], drawn: _Labels) -> NDArray[np.float64]:
    """Sum of the contributions that each drawn pattern has in `tables` (G, patterns, H): (count, H)."""
    clusters, patterns, hypotheses = tables.shape
    result = np.zeros((len(drawn), hypotheses))
    step = max(1, _BLOCK_BYTES // (8 * len(drawn) * hypotheses))
    for low, high in _steps(0, clusters, step):
        rows = drawn[:, low:high].astype(np.intp) + np.arange(high - low) * patterns
        result += tables[low:high].reshape(-1, hypotheses).take(rows, axis=0).sum(axis=1)
    return result


def without_rounding(values: NDArray[np.float64], size: NDArray[np.float64]) -> NDArray[np.float64]:
    """`values` with 0 in place of what is only rounding of numbers as large as `size`."""
    values[np.abs(values) <= _ROUNDING * size] = 0.0
    return values


def _sample_variance(shifted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the runs (axis 1) and the last run, which is 0 here."""
    pooled = shifted.shape[1] + 1
    variance: NDArray[np.float64] = ((shifted**2).sum(axis=1) - shifted.sum(axis=1) ** 2 / pooled) / (
        pooled - 1
    )
    return variance


def _steps(start: int, stop: int, step: int) -> Iterator[tuple[int, int]]:
    return ((low, min(low + step, stop)) for low in range(start, stop, step))
