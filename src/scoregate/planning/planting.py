"""Drops that are planted in the candidate of a build, to see how often they are found.

Concentrated: some items fail in all of the candidate's trials. Diffuse: every cell loses a little, or a passing one
fails now and then. Either way the mean falls by the drop, in the score's unit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scoregate.catalog import Contract
from scoregate.errors import ConfigError
from scoregate.gate_file import Gate
from scoregate.gates.coding import code_for_regression
from scoregate.gates.pairing import PairedScore, paired_score, universe
from scoregate.gates.table import NOT_APPLICABLE
from scoregate.planning.assigning import TrialPool

DropKind = Literal["concentrated", "diffuse"]
KINDS: tuple[DropKind, ...] = ("concentrated", "diffuse")
_BROKEN_SHARE = 0.1
"""Of the items, where a score without a worst value is to fall in some of them only."""
_OTHER = "planted failure"
"""A category that no rule lets pass."""


@dataclass(frozen=True, slots=True)
class Target:
    """A score in which drops are planted."""

    score: str
    pair: PairedScore
    levels: NDArray[np.float64]
    """(N,): the items' means, larger is better, missing cells failed; NaN where the score does not apply."""
    worst: object
    """The raw value that fails, None where there is none."""
    graded: bool
    """The raw values are names of grades."""
    ignored: tuple[str, ...]
    """Categories that do not count."""
    unit: str | None

    @property
    def has_end(self) -> bool:
        """Whether an item has a worst value that it can fall to."""
        return self.pair.scale != "ratio" and math.isfinite(self.pair.low)

    @property
    def room(self) -> float:
        """By how much the mean can fall."""
        return float(np.nanmean(self.levels)) - self.pair.low if self.has_end else math.inf


def target(gate: Gate, pool: TrialPool, score: str) -> Target:
    """The score as it is in the stored trials. Raises ConfigError for one that cannot fall."""
    everything = universe(pool.table, pool.table)
    contract = gate.contract(score)
    pair = paired_score(score, contract, everything, pool.table, pool.table)
    coded = code_for_regression(pair)
    levels = np.where(coded.counted, coded.baseline.mean(axis=1), np.nan)[: len(pool.table.items)]
    if np.isnan(levels).all():
        raise ConfigError(
            f"score '{score}' applies to no item of the stored trials, so nothing can be planted"
        )
    graded = contract is not None and contract.ordered
    ignored = contract.ignore if contract is not None else ()
    unit = contract.unit if contract is not None else None
    return Target(score, pair, levels, _worst(pair, contract), graded, ignored, unit)


def check_drop(chosen: Target, drop: float) -> None:
    """Raise ConfigError for a drop that is larger than the score can fall."""
    if drop > chosen.room:
        raise ConfigError(
            f"a drop of {drop:g} cannot be planted in {chosen.score}, which is only {chosen.room:.3g} above its worst",
            where="--drop",
            hint="give a smaller --drop, or another --score",
        )


class Planted:
    """One drop in one build."""

    def __init__(self, target: Target, drop: float, kind: DropKind, random: np.random.Generator) -> None:
        """`drop` is in the score's unit; relative for latency, cost and tokens."""
        self.score = target.score
        self._target, self._kind, self._random = target, kind, random
        self._loss = math.log1p(drop) if target.pair.scale == "ratio" else drop
        self._broken = _broken(target, self._loss, random) if kind == "concentrated" else None

    def __call__(self, cells: NDArray[np.object_], rows: NDArray[np.intp]) -> NDArray[np.object_]:
        """The cells (n, k) of the items `rows` (n,) after the damage; those without a value stay as they are."""
        target, scored = self._target, _scored(cells, self._target.ignored)
        if self._broken is not None:
            hit = scored & self._broken[rows][:, None]
            if target.has_end:
                return np.where(hit, np.array(target.worst, dtype=object), cells)
            return self._moved(cells, hit, self._loss / _BROKEN_SHARE)
        share = self._loss / target.room if target.has_end else 0.0
        if target.pair.scale == "rate" or target.graded:
            hit = scored & (self._random.random(cells.shape) < share)
            return np.where(hit, np.array(target.worst, dtype=object), cells)
        if target.has_end:
            return self._shrunk(cells, scored, share)
        return self._moved(cells, scored, self._loss)

    def _shrunk(
        self, cells: NDArray[np.object_], hit: NDArray[np.bool_], share: float
    ) -> NDArray[np.object_]:
        """Each value goes the same part of its way to the worst, so that none leaves its scale."""
        worst = self._target.pair.sign * self._target.pair.low
        changed = cells.copy()
        changed[hit] = [value + share * (worst - value) for value in cells[hit].tolist()]
        return changed

    def _moved(self, cells: NDArray[np.object_], hit: NDArray[np.bool_], loss: float) -> NDArray[np.object_]:
        pair, changed = self._target.pair, cells.copy()
        if pair.scale == "ratio":
            changed[hit] = [value * math.exp(-pair.sign * loss) for value in cells[hit].tolist()]
        else:
            changed[hit] = [value - pair.sign * loss for value in cells[hit].tolist()]
        return changed


def _broken(target: Target, loss: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """(N,): items at random, just so many that the mean falls by the loss on average."""
    applies = np.flatnonzero(~np.isnan(target.levels))
    order = random.permutation(applies)
    broken = np.zeros(len(target.levels), dtype=bool)
    if not target.has_end:
        broken[order[: max(1, round(_BROKEN_SHARE * len(order)))]] = True
        return broken
    lost = np.cumsum(target.levels[order] - target.pair.low)
    wanted = loss * len(applies)
    whole = int(np.searchsorted(lost, wanted, side="right"))
    broken[order[:whole]] = True
    if whole < len(order):
        before = lost[whole - 1] if whole else 0.0
        # The last item goes with the probability that makes up for the rest.
        broken[order[whole]] = random.random() < (wanted - before) / max(lost[whole] - before, 1e-12)
    return broken


def _scored(cells: NDArray[np.object_], ignored: tuple[str, ...]) -> NDArray[np.bool_]:
    """Cells that hold a value which counts."""
    there = [
        value is not None and value is not NOT_APPLICABLE and value not in ignored
        for value in cells.ravel().tolist()
    ]
    return np.array(there, dtype=bool).reshape(cells.shape)


def _worst(pair: PairedScore, contract: Contract | None) -> object:
    worst = pair.sign * pair.low
    if contract is not None and contract.ordered:
        return contract.grades[int(worst)]
    if contract is not None and contract.type == "categorical":
        failing = (c for c in contract.categories if c not in contract.passing and c not in contract.ignore)
        return next(failing, _OTHER if contract.inferred else None)
    if pair.scale == "rate":
        return bool(worst)
    return worst if math.isfinite(worst) else None
