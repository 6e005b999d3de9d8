"""A/A builds from stored trials of one version, which are assigned at random to a baseline and a candidate.

Assigned is whole: all scores of a trial together, and all items of a conversation. So the two arms of a build are
exchangeable, whatever the trials hold, and a gate that fails more of these builds than its alpha is broken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scoregate.gates.pairing import universe
from scoregate.gates.rounds import RoundRequest
from scoregate.gates.table import Column, RunTable
from scoregate.records import RunHeader


class _Damage(Protocol):
    """What makes the candidate of a build worse."""

    score: str

    def __call__(self, cells: NDArray[np.object_], rows: NDArray[np.intp]) -> NDArray[np.object_]:
        """The cells (n, k) of its score after the damage; `rows` (n,) says of which items."""


@dataclass(frozen=True, slots=True)
class TrialPool:
    """The stored trials of a version, as cells."""

    table: RunTable
    values: Mapping[str, NDArray[np.object_]]
    """Score -> (N, K): what a column of a run holds."""
    clusters: NDArray[np.intp]
    """(N,): number of each item's cluster."""
    late: NDArray[np.bool_]
    """(N, K): calls that timed out."""

    @property
    def trials(self) -> int:
        return self.table.header.trials

    def share(
        self,
        rows: NDArray[np.intp],
        trials: NDArray[np.intp],
        arm: str,
        damage: _Damage | None = None,
    ) -> RunTable:
        """A run of the items `rows` (n,), whose trials are the stored `trials` (n, k)."""
        count, k = trials.shape
        places, numbers = np.repeat(np.arange(count), k), np.tile(np.arange(k), count)
        columns = {}
        for name, values in self.values.items():
            cells = values[rows[:, None], trials]
            if damage is not None and damage.score == name:
                cells = damage(cells, rows)
            columns[name] = Column(places, numbers, cells.ravel())
        ids = tuple(self.table.items[row] for row in rows.tolist())
        late = np.argwhere(self.late[rows[:, None], trials]).tolist() if self.late.any() else []
        whole = len(rows) == len(self.table.items)
        expected = self.table.header.expected_items if whole else len(rows)
        return replace(
            self.table,
            header=_header(self.table.header, arm, k, expected),
            items=ids,
            columns=columns,
            timeouts=frozenset((ids[place], trial) for place, trial in late),
        )


def trial_pool_of(table: RunTable) -> TrialPool:
    """The cells of a run, with nothing in those that are not there."""
    shape = (len(table.items), table.header.trials)
    values = {}
    for name, column in table.columns.items():
        cells = np.full(shape, None, dtype=object)
        cells[column.items, column.trials] = column.values
        values[name] = cells
    late = np.zeros(shape, dtype=bool)
    position = {item: place for place, item in enumerate(table.items)}
    for item, trial in table.timeouts:
        late[position[item], trial] = True
    plain = replace(table, failures={}, comments={})
    return TrialPool(plain, values, universe(table, table).clusters[: len(table.items)], late)


def assign_two_arms(
    pool: TrialPool, trials: int, random: np.random.Generator, damage: _Damage | None = None
) -> tuple[RunTable, RunTable]:
    """Baseline and candidate of so many trials each, without replacement. Raises ValueError where there are too few."""
    if 2 * trials > pool.trials:
        raise ValueError(f"{pool.trials} stored trials cannot be dealt to two arms of {trials}")
    assigned = _order(pool, 2 * trials, random, again=False)
    rows = np.arange(len(pool.table.items))
    return (
        pool.share(rows, assigned[:, :trials], "baseline"),
        pool.share(rows, assigned[:, trials:], "candidate", damage),
    )


def enough_for_rounds(pool: TrialPool, whole: int, confirm: int) -> bool:
    """Whether every request can be served by trials that were not used before."""
    return pool.trials >= 2 * (whole + confirm)


class AssignedTrials:
    """The `serve` of a side-by-side build: fresh trials for both arms, as long as the rounds ask for them.

    Where the stored trials do not suffice for fresh ones in every round, each is drawn anew from those of its item,
    so that one may come twice. The arms are as exchangeable as before, but differ less than real trials would.
    """

    def __init__(
        self,
        pool: TrialPool,
        *,
        whole: int,
        confirm: int,
        random: np.random.Generator,
        damage: _Damage | None = None,
    ) -> None:
        """`whole` and `confirm` are the most trials of an arm that whole-set rounds and the confirmation ask for."""
        again = not enough_for_rounds(pool, whole, confirm)
        self._pool, self._damage = pool, damage
        self._assigned = _order(pool, 2 * (whole + confirm), random, again=again)
        self._confirming = 2 * whole
        self._next = 0
        self._rows = {item: row for row, item in enumerate(pool.table.items)}

    def __call__(self, request: RoundRequest) -> tuple[RunTable, RunTable]:
        start = self._next if request.items is None else self._confirming
        middle, stop = start + request.trials, start + 2 * request.trials
        if request.items is None:
            self._next = stop
        rows = self._places(request.items)
        assigned = self._assigned[rows]
        return (
            self._pool.share(rows, assigned[:, start:middle], "baseline"),
            self._pool.share(rows, assigned[:, middle:stop], "candidate", self._damage),
        )

    def _places(self, items: Sequence[str] | None) -> NDArray[np.intp]:
        if items is None:
            return np.arange(len(self._rows))
        return np.array(sorted(self._rows[item] for item in items if item in self._rows), dtype=np.intp)


def _order(pool: TrialPool, wanted: int, random: np.random.Generator, *, again: bool) -> NDArray[np.intp]:
    """(N, wanted): stored trials in random order, the same for all items of a cluster."""
    groups = int(pool.clusters.max(initial=-1)) + 1
    if again:
        order = random.integers(0, pool.trials, size=(groups, wanted))
    else:
        order = np.argsort(random.random((groups, pool.trials)), axis=1)[:, :wanted]
    return np.asarray(order[pool.clusters], dtype=np.intp)


def _header(header: RunHeader, arm: str, trials: int, expected: int) -> RunHeader:
    return replace(header, run=arm, trials=trials, expected_items=expected)
