"""Simulated values as the columns of a run: what the comparison reads of a real one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from scoregate.gates.table import Column, RunTable
from scoregate.records import RunHeader

_BOOLEANS = np.array([False, True, None], dtype=object)
_CONVERSATION_SEED = 20
SLICE = "intent"
"""Name of the slice that simulated items have."""


@dataclass(frozen=True, slots=True)
class Items:
    """A dataset without content: how many items, in which conversations and slices."""

    number: int
    turns: tuple[int, int] = (1, 1)
    """Fewest and most items of a conversation."""
    slices: int = 0
    first_slice: int = 0
    """Items of the first slice; the others share the rest evenly."""

    def conversation(self) -> NDArray[np.intp]:
        """Number of each item's conversation: sizes at random, but the same in every build."""
        return _conversation(self)

    def slice(self) -> NDArray[np.intp]:
        """Number of each item's slice."""
        return _slice(self)

    def ids(self) -> NDArray[np.object_]:
        """Id of each item, ascending."""
        return _ids(self)


@cache
def _conversation(items: Items) -> NDArray[np.intp]:
    if items.turns == (1, 1):
        return np.arange(items.number)
    low, high = items.turns
    sizes = np.random.default_rng(_CONVERSATION_SEED).integers(low, high + 1, size=items.number)
    return np.repeat(np.arange(items.number), sizes)[: items.number]


@cache
def _slice(items: Items) -> NDArray[np.intp]:
    numbers = np.zeros(items.number, dtype=np.intp)
    numbers[items.first_slice :] = 1 + np.arange(items.number - items.first_slice) % (items.slices - 1)
    return numbers


@cache
def _ids(items: Items) -> NDArray[np.object_]:
    return np.array([f"item-{i:05d}" for i in range(items.number)], dtype=object)


@cache
def _clusters(items: Items) -> Mapping[str, str]:
    if items.turns == (1, 1):
        return {}
    return {item: f"talk-{c}" for item, c in zip(items.ids(), items.conversation(), strict=True)}


@cache
def _slices(items: Items) -> Mapping[str, Mapping[str, str]]:
    if not items.slices:
        return {}
    return {item: {SLICE: f"intent-{s}"} for item, s in zip(items.ids(), items.slice(), strict=True)}


@cache
def _positions(items: int, trials: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.repeat(np.arange(items), trials), np.tile(np.arange(trials), items)


def run_table(
    items: Items,
    values: NDArray[np.float64],
    label: str,
    scores: Sequence[str],
    positions: NDArray[np.intp] | None = None,
) -> RunTable:
    """Values of shape (n, k, M) as a run; `positions` are the n items that were run, ascending (None: all).

    A run of a part says so in its header, as the engine's does.
    """
    chosen, trials, _ = values.shape
    names = items.ids() if positions is None else items.ids()[positions]
    rows, numbers = _positions(chosen, trials)
    columns = {
        score: Column(rows, numbers, cells(values[:, :, position].ravel()))
        for position, score in enumerate(scores)
    }
    clusters, slices = _clusters(items), _slices(items)
    if positions is not None:
        clusters = {item: clusters[item] for item in names if item in clusters}
        slices = {item: slices[item] for item in names if item in slices}
    header = RunHeader(run=label, dataset="simulated", candidate=label, expected_items=chosen, trials=trials)
    return RunTable(header, tuple(names.tolist()), columns, clusters, slices)


def cells(flat: NDArray[np.float64]) -> NDArray[np.object_]:
    """Numbers as score values: booleans where all are 0 or 1, None where there is none."""
    gone = np.isnan(flat)
    if ((flat == 0) | (flat == 1) | gone).all():
        return np.asarray(_BOOLEANS[np.where(gone, 2, flat).astype(np.intp)])
    cells = np.empty(flat.size, dtype=object)
    cells[:] = flat.tolist()
    cells[gone] = None
    return cells
