"""Pairing: the two runs of one score as aligned arrays, item by item and trial by trial.

Every expected cell of both runs has its place. A cell that is missing or failed is NaN here; what it counts as is
decided once, in `coding`, and is never better than what the arm could have had.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scoregate.catalog import LATENCY, MEASURED_UNITS, Contract
from scoregate.config.table import finite_float, shown
from scoregate.errors import ConfigError, ResultsError
from scoregate.gate_file import Statistic
from scoregate.gate_file.rule import Absent
from scoregate.gates.table import NOT_APPLICABLE, Column, RunTable, refuse_later_trials

LARGEST = 1e40
"""Larger numbers measure nothing, and sums and ratios of them would be beyond all numbers."""
_CLOCKS = 1.01
"""A call that ended just in time may be measured a little over its limit."""
Scale = Literal["rate", "numeric", "ratio"]
"""rate: passes or not; numeric: in the score's unit; ratio: measured quantities, compared by their log-ratio."""


@dataclass(frozen=True, slots=True)
class Universe:
    """The items that a comparison expects: known ids first, then those of which only the number is known."""

    ids: tuple[str, ...]
    anonymous: int
    """Expected items that neither run names: missing in both."""
    clusters: NDArray[np.intp]
    """Cluster number of each item, anonymous ones included; an item without a cluster is its own."""

    def __len__(self) -> int:
        return len(self.ids) + self.anonymous

    def rows_of(self, table: RunTable) -> NDArray[np.intp]:
        """Position here of each of the table's items, −1 for those that are not expected."""
        if table.items == self.ids:
            return np.arange(len(self.ids))
        positions = {item: position for position, item in enumerate(self.ids)}
        return np.array([positions.get(item, -1) for item in table.items], dtype=np.intp)


def universe(baseline: RunTable, candidate: RunTable) -> Universe:
    """Items expected of the candidate: those of both runs, or its own where it ran a selection on purpose."""
    known = set(candidate.items)
    expected = candidate.header.expected_items
    if not candidate.header.partial:
        known |= set(baseline.items)
        expected = max(expected, baseline.header.expected_items)
    return universe_of(known, expected, baseline, candidate)


def universe_of(items: Collection[str], expected: int, baseline: RunTable, candidate: RunTable) -> Universe:
    """The named items and those that are missing from `expected`, with the clusters that the runs give them."""
    ids = tuple(sorted(items))
    anonymous = max(0, expected - len(ids))
    # The baseline's word holds where both name one: a candidate could not even take its items together to hide a loss.
    names = {**candidate.clusters, **baseline.clusters}
    numbers: dict[tuple[str, str], int] = {}
    clusters = np.empty(len(ids) + anonymous, dtype=np.intp)
    for position, item in enumerate(ids):
        key = ("cluster", names[item]) if item in names else ("item", item)
        clusters[position] = numbers.setdefault(key, len(numbers))
    clusters[len(ids) :] = len(numbers) + np.arange(anonymous)
    return Universe(ids, anonymous, clusters)


@dataclass(frozen=True, slots=True)
class ArmCells:
    """One run's cells of one score: arrays of shape (N, k)."""

    values: NDArray[np.float64]
    """Rates: 1 pass, 0 fail; else the value. NaN where there is none."""
    not_applicable: NDArray[np.bool_]

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Expected cells without a valid value."""
        result: NDArray[np.bool_] = np.isnan(self.values) & ~self.not_applicable
        return result


@dataclass(frozen=True, slots=True)
class PairedScore:
    """Both arms of one score over the same items."""

    name: str
    scale: Scale
    sign: float
    """+1 where higher is better, −1 where lower is."""
    low: float
    """Worst end of the scale, larger is better; −inf where it has none."""
    high: float
    baseline: ArmCells
    candidate: ArmCells
    offset: float = 0.0
    """Ratios hold log(value + offset); not 0 only where a run holds a real zero, of which there is no logarithm."""
    opts_out: bool = False
    """That the score does not apply is what its scorer says of an answer (a category to be ignored): an answer of which
    it fails now has got worse. Else nobody looked at that answer, for a score before it had failed."""

    @property
    def complete(self) -> bool:
        """Whether the score applies to every expected cell of both runs, and every one holds a value."""
        arms = (self.baseline, self.candidate)
        return not any(arm.not_applicable.any() or np.isnan(arm.values).any() for arm in arms)

    @property
    def size(self) -> float:
        """Range of one item's value; infinite where the scale has no ends."""
        return self.high - self.low


def paired_score(
    name: str,
    contract: Contract | None,
    everything: Universe,
    baseline: RunTable,
    candidate: RunTable,
    statistic: Statistic = "mean",
    absent: Absent = "missing",
) -> PairedScore:
    """Align the cells of one score. A sum of measured quantities is compared as it is, all else of them as logs.

    `absent` is what a cell counts as that a run does not have, though the item's call did not fail.

    Raises ConfigError when the score's kind or direction cannot be told, ResultsError when a value breaks it.
    """
    sides = [(table, table.columns.get(name)) for table in (baseline, candidate)]
    present = [column for _, column in sides if column is not None]
    if contract is None or (contract.inferred and contract.type == "numeric"):
        contract = _inferred(name, contract, present)
    if contract.type == "text" or contract.direction == "none":
        raise ConfigError(f"score '{name}' cannot be gated: it has no better and worse", where=contract.where)
    arms = [_arm(name, contract, everything, table, column) for table, column in sides]
    if absent == "not_applicable":
        arms = [
            _without_absent(arm, everything, *side) if side[1] is not None else arm
            for arm, side in zip(arms, sides, strict=True)
        ]
    sign = -1.0 if contract.direction == "lower" else 1.0
    if name in MEASURED_UNITS:
        if name == LATENCY:
            arms = _censored(arms, (baseline, candidate), everything)
        _refuse_negative(name, arms)
        if statistic == "sum":
            return PairedScore(name, "numeric", sign, *_ends(0.0, math.inf, sign), arms[0], arms[1])
        return _ratio_pair(name, sign, arms[0], arms[1])
    if contract.ordered:
        return PairedScore(
            name, "numeric", sign, *_ends(0.0, len(contract.grades) - 1.0, sign), arms[0], arms[1]
        )
    if contract.type in ("boolean", "categorical"):
        return PairedScore(
            name, "rate", sign, *_ends(0.0, 1.0, sign), arms[0], arms[1], opts_out=bool(contract.ignore)
        )
    low = -math.inf if contract.min is None else float(contract.min)
    high = math.inf if contract.max is None else float(contract.max)
    return PairedScore(name, "numeric", sign, *_ends(low, high, sign), arms[0], arms[1])


def bill_of(pair: PairedScore) -> tuple[float, float] | None:
    """What baseline and candidate took or cost together, over the items with a value in both; None without any."""
    sums = []
    arms = [arm.values for arm in (pair.baseline, pair.candidate)]
    both = ~(np.isnan(arms[0]).all(axis=1) | np.isnan(arms[1]).all(axis=1))
    if not both.any():
        return None
    for values in arms:
        amounts = np.exp(values[both]) - pair.offset if pair.scale == "ratio" else values[both]
        there = ~np.isnan(amounts)
        sums.append(float((np.where(there, amounts, 0.0).sum(axis=1) / there.sum(axis=1)).sum()))
    return max(sums[0], 0.0), max(sums[1], 0.0)


def _ends(low: float, high: float, sign: float) -> tuple[float, float]:
    return (low, high) if sign > 0 else (-high, -low)


def _censored(arms: Sequence[ArmCells], tables: Sequence[RunTable], everything: Universe) -> list[ArmCells]:
    """Latencies cut at the lower of the two time limits: what took longer took at least so long, in both arms.

    A limit that its own run did not keep is none: else a run could name a short one and hide how slow it is.
    """
    limits = [
        limit
        for arm, table in zip(arms, tables, strict=True)
        if (limit := table.header.timeout_seconds) is not None and _kept(limit, arm, table, everything)
    ]
    if not limits:
        return list(arms)
    return [ArmCells(np.minimum(arm.values, min(limits)), arm.not_applicable) for arm in arms]


def _kept(limit: float, arm: ArmCells, table: RunTable, everything: Universe) -> bool:
    """Whether every call that took longer is recorded as timed out."""
    late = np.argwhere(arm.values > limit * _CLOCKS)
    ids = everything.ids
    return all(row < len(ids) and (ids[row], trial) in table.timeouts for row, trial in late.tolist())


def _refuse_negative(name: str, arms: Sequence[ArmCells]) -> None:
    for arm in arms:
        if (arm.values < 0).any():
            raise ResultsError(f"score '{name}' holds a negative value", hint="it is a measured quantity")
        if ((arm.values > 0) & (arm.values < 1.0 / LARGEST)).any():
            raise ResultsError(
                f"score '{name}' holds a value below {1 / LARGEST:g}, of which no ratio can be taken",
                hint="write 0 for what took or cost nothing",
            )


def _ratio_pair(name: str, sign: float, baseline: ArmCells, candidate: ArmCells) -> PairedScore:
    # Half of the smallest positive value: small beside every real one, and the same for both arms.
    pooled = np.concatenate([baseline.values.ravel(), candidate.values.ravel()])
    positive = pooled[pooled > 0]
    zeros = bool((pooled == 0).any())
    offset = (float(positive.min()) / 2 if len(positive) else 1.0) if zeros else 0.0
    logs = [ArmCells(np.log(arm.values + offset), arm.not_applicable) for arm in (baseline, candidate)]
    return PairedScore(name, "ratio", sign, -math.inf, math.inf, logs[0], logs[1], offset)


def _inferred(name: str, contract: Contract | None, columns: Sequence[Column]) -> Contract:
    """The contract of a score that the catalog does not describe, told from its values.

    Booleans, also written as 0 and 1 as Langfuse does, are a rate; anything else needs a direction.
    """
    kinds = {type(None), type(NOT_APPLICABLE), bool}
    if all(set(map(type, column.values.tolist())) <= kinds for column in columns):
        return Contract(name=name, type="boolean", direction=contract.direction if contract else "higher")
    values = [v for column in columns for v in column.values.tolist() if v is not None]
    values = [v for v in values if v is not NOT_APPLICABLE]
    if all(isinstance(v, bool) or (isinstance(v, int | float) and v in (0, 1)) for v in values):
        return Contract(name=name, type="boolean", direction=contract.direction if contract else "higher")
    if contract is not None:
        return contract
    example = next(v for v in values if not isinstance(v, bool))
    missing = "pass = [...]" if isinstance(example, str) else "direction = 'higher' or 'lower'"
    raise ConfigError(
        f"score '{name}' holds values such as {_shown(example)} and nothing says which are better",
        where=f"[scores.{name}]",
        hint=f"give {missing} in the gate, or an entry in gates/scores.toml",
    )


def _arm(
    name: str, contract: Contract, everything: Universe, table: RunTable, column: Column | None
) -> ArmCells:
    trials = table.header.trials
    values = np.full((len(everything), trials), np.nan)
    not_applicable = np.zeros(values.shape, dtype=bool)
    if column is None:
        return ArmCells(values, not_applicable)
    refuse_later_trials(name, column, table)
    rows = everything.rows_of(table)[column.items]
    keep = rows >= 0
    rows, at = rows[keep], (rows[keep], column.trials[keep])
    numbers, ignored = _numbers(name, contract, column.values[keep], lambda cell: everything.ids[rows[cell]])
    values[at] = numbers
    not_applicable[at] = ignored
    return ArmCells(values, not_applicable)


def _without_absent(arm: ArmCells, everything: Universe, table: RunTable, column: Column | None) -> ArmCells:
    """The cells, where those that a run does not have of an item that it answered do not apply."""
    there = np.zeros(arm.values.shape, dtype=bool)
    if column is not None:
        rows = everything.rows_of(table)[column.items]
        there[rows[rows >= 0], column.trials[rows >= 0]] = True
    answered = np.zeros((len(everything), 1), dtype=bool)
    known = set(table.items) - set(table.failures)
    answered[: len(everything.ids), 0] = [item in known for item in everything.ids]
    return replace(arm, not_applicable=arm.not_applicable | (answered & ~there))


def _numbers(
    name: str, contract: Contract, cells: NDArray[np.object_], item_of: Callable[[int], str]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Cells as numbers (NaN = none) and which of them do not apply. `item_of` names the item of a cell's position."""
    allowed: set[type] = {type(None), bool} if contract.type == "boolean" else {type(None), int, float}
    if contract.type != "categorical" and set(map(type, cells.tolist())) <= allowed:
        try:
            numbers = cells.astype(float)
        except OverflowError:  # a whole number beyond every float, which is named below
            numbers = np.full(len(cells), np.inf)
        if contract.type == "boolean" or _in_range(numbers, contract):
            return numbers, np.zeros(len(cells), dtype=bool)
    numbers = np.full(len(cells), np.nan)
    ignored = np.zeros(len(cells), dtype=bool)
    for position, cell in enumerate(cells.tolist()):
        if cell is None:
            continue
        if cell is NOT_APPLICABLE or (contract.type == "categorical" and cell in contract.ignore):
            ignored[position] = True
            continue
        bound = contract.bound_for(cell)
        number = _number(contract, cell) if bound is None else bound
        if number is None:
            raise ResultsError(
                f"score '{name}' of item '{item_of(position)}' is {_shown(cell)}, which {_refused(contract, cell)}",
                where=contract.where,
                hint="correct the value or the contract; no value is clipped or guessed",
            )
        numbers[position] = number
    return numbers, ignored


def _shown(cell: object) -> str:
    return repr(cell) if isinstance(cell, str | bool) else shown(cell)


def _refused(contract: Contract, cell: object) -> str:
    number = contract.type == "numeric" and isinstance(cell, int | float) and not isinstance(cell, bool)
    if number and not abs(cell) <= LARGEST:  # type: ignore[arg-type]  # a number, as just checked
        return f"is no finite number up to {LARGEST:g}"
    return f"its contract ({contract.type}) does not allow"


def _number(contract: Contract, cell: object) -> float | None:
    """One value as a number, or None where the contract does not allow it."""
    if contract.type == "categorical":
        known = isinstance(cell, str) and (contract.inferred or cell in contract.categories)
        if known and contract.ordered:
            return float(contract.grades.index(cell)) if cell in contract.grades else None
        return float(cell in contract.passing) if known else None
    if contract.type == "boolean":
        whole = isinstance(cell, bool) or (isinstance(cell, int | float) and cell in (0, 1))
        return float(cell) if whole else None  # type: ignore[arg-type]  # a number, as just checked
    if isinstance(cell, bool) or not isinstance(cell, int | float) or finite_float(cell) is None:
        return None
    return float(cell) if _in_range(np.array([float(cell)]), contract) else None


def _in_range(numbers: NDArray[np.float64], contract: Contract) -> bool:
    low = -math.inf if contract.min is None else contract.min
    high = math.inf if contract.max is None else contract.max
    there = numbers[~np.isnan(numbers)]
    return bool(((np.abs(there) <= LARGEST) & (there >= low) & (there <= high)).all())
