"""Slices of the dataset: the items of one intent, one language, one tier, in which a drop is sought as well."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoregate.errors import ConfigError, did_you_mean
from scoregate.gate_file import Gate, Rule
from scoregate.gates.pairing import Universe
from scoregate.gates.sentences import named_ids
from scoregate.gates.table import RunTable
from scoregate.wording import count

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
            if not made[name] and name not in _known(baseline, candidate):
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
    """Of a quantile or a sum no drop is sought in the gate's slices: too few calls of one lie in the tail."""
    if rule.slices and rule.quantile is not None:
        raise ConfigError(
            f"{rule.statistic} is compared on the whole dataset only: too few calls of a slice lie in its tail",
            where=rule.where,
            hint="leave out `slices`, or take the mean",
        )
    return () if rule.slices is None and rule.statistic != "mean" else rule.slices


def unknown_slices(gate: Gate, baseline: RunTable, candidate: RunTable) -> list[str]:
    """The gate's slices that no item of either run has a value of."""
    known = _known(baseline, candidate)
    return sorted(name for name in gate.slices if name not in known)


def changed_places(everything: Universe, baseline: RunTable, candidate: RunTable) -> list[str]:
    """A note for each slice, and one for the clusters, in which the two runs put an item in different places.

    The baseline's place holds, and the candidate's where the baseline names none.
    """
    both = set(baseline.items) & set(candidate.items)
    items = [item for item in everything.ids if item in both]
    notes = []
    for name in sorted(_known(baseline) & _known(candidate)):
        then, now = (
            {item: table.slices.get(item, {}).get(name) for item in items} for table in (baseline, candidate)
        )
        notes += _moved(f"slice '{name}'", items, then, now)
    if baseline.clusters:
        then, now = ({item: table.clusters.get(item) for item in items} for table in (baseline, candidate))
        notes += _moved("cluster", items, then, now)
    return notes


def _moved(
    what: str, items: Sequence[str], then: Mapping[str, str | None], now: Mapping[str, str | None]
) -> list[str]:
    moved = [item for item in items if now[item] is not None and then[item] != now[item]]
    if not moved:
        return []
    return [
        f"{count(len(moved), 'item')} changed the {what} since the baseline, whose own holds where it names one: "
        f"{named_ids(moved)}"
    ]


def _slices(name: str, everything: Universe, baseline: RunTable, candidate: RunTable) -> list[Slice]:
    values: dict[str, list[int]] = {}
    for position, item in enumerate(everything.ids):
        # The baseline's word holds: a candidate that could move its failures elsewhere would look better.
        value = baseline.slices.get(item, {}).get(name)
        value = candidate.slices.get(item, {}).get(name) if value is None else value
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
