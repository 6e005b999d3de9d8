"""Slices of the dataset: the items of one intent, one language, one tier, in which a drop is sought as well."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoregate.errors import ConfigError, did_you_mean
from scoregate.gate_file import Gate, Rule
from scoregate.gates.pairing import Universe
from scoregate.gates.table import RunTable

SMALLEST_SLICE = 10
"""Fewer items of a slice than this are too few to say anything about it."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The items of one value of one slice."""

    name: str
    value: str
    members: NDArray[np.bool_]
    """(N,): which items of the universe."""

    @property
    def label(self) -> str:
        return f"{self.name}={self.value}"


def slices_by_score(
    gate: Gate, scores: Collection[str], everything: Universe, baseline: RunTable, candidate: RunTable
) -> dict[str, tuple[Slice, ...]]:
    """For each score the slices that its rule, or else the gate, names, with at least `SMALLEST_SLICE` items.

    Raises ConfigError for a slice that a rule names and no item has.
    """
    wanted = {name: _named(gate.rules[name]) for name in scores}
    names = {slice_ for own in wanted.values() for slice_ in (gate.slices if own is None else own)}
    made = {name: _slices(name, everything, baseline, candidate) for name in sorted(names)}
    for score, own in wanted.items():
        for name in own or ():
            if not made[name]:
                _refuse(score, name, gate, baseline, candidate)
    return {
        score: tuple(
            part
            for name in sorted(gate.slices if own is None else own)
            for part in made[name]
            if int(part.members.sum()) >= SMALLEST_SLICE
        )
        for score, own in wanted.items()
    }


def _named(rule: Rule) -> tuple[str, ...] | None:
    """Of a quantile or a sum no drop is sought in slices: too few calls of one lie in the tail."""
    return () if rule.slices is None and rule.statistic != "mean" else rule.slices


def unknown_slices(gate: Gate, baseline: RunTable, candidate: RunTable) -> list[str]:
    """The gate's slices that no item of either run has a value of."""
    known = _known(baseline, candidate)
    return sorted(name for name in gate.slices if name not in known)


def _slices(name: str, everything: Universe, baseline: RunTable, candidate: RunTable) -> list[Slice]:
    values: dict[str, list[int]] = {}
    for position, item in enumerate(everything.ids):
        value = candidate.slices.get(item, {}).get(name) or baseline.slices.get(item, {}).get(name)
        if value is not None:
            values.setdefault(value, []).append(position)
    slices = []
    for value in sorted(values):
        members = np.zeros(len(everything), dtype=bool)
        members[values[value]] = True
        slices.append(Slice(name, value, members))
    return slices


def _known(*tables: RunTable) -> set[str]:
    return {name for table in tables for slices in table.slices.values() for name in slices}


def _refuse(score: str, name: str, gate: Gate, baseline: RunTable, candidate: RunTable) -> None:
    known = _known(baseline, candidate)
    raise ConfigError(
        f"no item of either run has a slice '{name}'",
        where=gate.rules[score].where or f"[scores.{score}]",
        hint=did_you_mean(name, known) or "the runs hold no slices: run them again with the gate's [slices]",
    )
