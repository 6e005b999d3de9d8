"""An order of items and clusters that is told by their content alone.

Random labels are drawn for the clusters one after another, so the order of the clusters must not come from the order
of rows, the names of items or the order of scores and slices: the same data must give the same p-value. Every item,
cluster, score, slice and table gets a colour, a number made from its values and from the colours of what it meets;
sums of mixed colours do not depend on the order of what is summed. After a few rounds two things have the same colour
only where exchanging them changes nothing (colour refinement of Weisfeiler and Leman).

Clusters stand in the order of what the baseline holds of them, as far as that tells them apart. So a candidate that
changes one answer leaves all others their labels, and the luck of the draw is no part of what the change makes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Colours = NDArray[np.uint64]
_ROUNDS = 3
_ODD = 0x9E3779B97F4A7C15
"""The golden ratio in 64 bits: multiples of it are spread evenly."""


@dataclass(frozen=True, slots=True)
class _CanonicalOrder:
    """Positions in the order of content; equal colours keep the order of the input, which then makes no difference."""

    clusters: NDArray[np.intp]
    """(G,) cluster numbers."""
    items: NDArray[np.intp]
    """(N,) items, those of one cluster together, the clusters in their order."""
    scores: NDArray[np.intp]
    slices: NDArray[np.intp]
    tables: NDArray[np.intp]


def canonical_order(
    runs: NDArray[np.float64],
    clusters: NDArray[np.intp],
    members: NDArray[np.bool_],
    tables: NDArray[np.float64],
    *,
    baseline_trials: int,
) -> _CanonicalOrder:
    """Order the content of a family: `runs` (N, k, M), `clusters` (N,), `members` (S, N), `tables` (G, P, H).

    The first `baseline_trials` runs decide the order of the clusters; then, smaller first, the total of the others.
    """
    content = _colours(runs, clusters, members, tables)
    units = content.clusters
    before = _colours(runs[:, :baseline_trials], clusters, members, np.zeros((len(units), 1, 0))).clusters
    # Summed in an order of their own: in that of the rows the rounding would differ.
    items, scores = np.argsort(content.items), np.argsort(content.scores)
    totals = np.zeros(len(units))
    np.add.at(totals, clusters[items], runs[items][:, baseline_trials:, scores].sum(axis=(1, 2)))
    order = np.lexsort((units, totals, before))
    place = np.empty(len(units), dtype=np.intp)
    place[order] = np.arange(len(units))
    return _CanonicalOrder(
        clusters=order,
        items=np.lexsort((content.items, place[clusters])),
        scores=np.argsort(content.scores, kind="stable"),
        slices=np.argsort(content.slices, kind="stable"),
        tables=np.argsort(content.tables, kind="stable"),
    )


@dataclass(frozen=True, slots=True)
class _Content:
    """The colour of each cluster, item, score, slice and table."""

    clusters: _Colours
    items: _Colours
    scores: _Colours
    slices: _Colours
    tables: _Colours


def _colours(
    runs: NDArray[np.float64],
    clusters: NDArray[np.intp],
    members: NDArray[np.bool_],
    tables: NDArray[np.float64],
) -> _Content:
    cells = _hash_runs(runs)
    rows = _hash_runs(tables)
    items = np.zeros(len(runs), dtype=np.uint64)
    scores, slices, columns = (
        np.zeros(count, dtype=np.uint64) for count in (runs.shape[2], len(members), tables.shape[2])
    )
    for _ in range(_ROUNDS):
        items = _mix(items + _mix(cells ^ scores).sum(axis=1, dtype=np.uint64))
        for row, colour in zip(members, _mix(slices), strict=True):
            items += np.where(row, colour, np.uint64(0))
        units = _mix(rows ^ columns).sum(axis=1, dtype=np.uint64)
        np.add.at(units, clusters, _mix(items))
        units = _mix(units)
        items = _mix(items ^ units[clusters])
        scores = _mix(cells ^ items[:, None]).sum(axis=0, dtype=np.uint64)
        columns = _mix(rows ^ units[:, None]).sum(axis=0, dtype=np.uint64)
        mixed = _mix(items)
        slices = np.array([mixed[row].sum(dtype=np.uint64) for row in members], dtype=np.uint64)
    return _Content(units, items, scores, slices, columns)


def _hash_runs(values: NDArray[np.float64]) -> _Colours:
    """(N, k, M) to (N, M): one number for the values of all runs, in their order."""
    result = np.zeros((values.shape[0], values.shape[2]), dtype=np.uint64)
    for run in range(values.shape[1]):
        bits = np.ascontiguousarray(values[:, run] + 0.0).view(np.uint64)  # adding 0 makes −0 the same as 0
        result = _mix(result + bits)
    return result


def _mix(colours: _Colours) -> _Colours:
    """Finalizer of splitmix64: every bit of the input moves about half of the bits of the output."""
    mixed: _Colours = colours + np.uint64(_ODD)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
