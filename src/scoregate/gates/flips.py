"""The items that moved between baseline and candidate, worst first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scoregate.gates.evidence import Evidence
from scoregate.gates.pairing import Universe
from scoregate.gates.table import NOT_APPLICABLE, RunTable, value_text
from scoregate.records import Flip

_TINY = 1e-12


def flips_of(
    evidence: Evidence, everything: Universe, baseline: RunTable, candidate: RunTable, *, broken: bool
) -> list[Flip]:
    """Items of one score that got worse or better: any change of a rate, a change beyond the margin of a number.

    Of a number whose rule is `broken` every item that got worse is one of those that broke it. Ratios are left out:
    every latency differs a little, and none of them is an event.
    """
    pair, coded = evidence.pair, evidence.coded
    if pair.scale == "ratio":
        return []
    moved = coded.candidate.mean(axis=1) - coded.baseline.mean(axis=1)
    least = _TINY if pair.scale == "rate" else max(_TINY, evidence.margin or 0.0)
    events = (moved > least) | (moved < -(_TINY if broken else least))
    critical = set(evidence.critical_items)
    changed = [int(i) for i in np.flatnonzero(coded.counted & events) if i < len(everything.ids)]
    shown_before = _shown(evidence, baseline, everything, pair.baseline.values, changed)
    shown_now = _shown(evidence, candidate, everything, pair.candidate.values, changed)
    return [
        Flip(
            item=(item := everything.ids[i]),
            score=evidence.name,
            baseline_value=shown_before[i],
            candidate_value=shown_now[i],
            worse=bool(moved[i] < 0),
            critical=i in critical,
            comment=candidate.comments.get((item, evidence.name)) or candidate.failures.get(item),
        )
        for i in changed
    ]


def worst_first(flips: list[Flip]) -> tuple[Flip, ...]:
    """Critical ones, then lost, then won; each by score, the largest change first, then by item."""
    return tuple(sorted(flips, key=lambda f: (not f.critical, not f.worse, f.score, -_size(f), f.item)))


def _size(flip: Flip) -> float:
    """Of the change; infinite where one of its values is no number, or is missing."""
    before, now = flip.baseline_value, flip.candidate_value
    if isinstance(before, int | float) and isinstance(now, int | float):
        return abs(now - before)
    return np.inf


def _shown(
    evidence: Evidence,
    table: RunTable,
    everything: Universe,
    values: NDArray[np.float64],
    positions: list[int],
) -> dict[int, float | str | None]:
    """What a person reads: the value itself for one trial, the share or mean over the valid trials for more."""
    if values.shape[1] == 1:
        column = table.columns.get(evidence.name)
        if column is None:
            return dict.fromkeys(positions)
        cells = {table.items[i]: v for i, v in zip(column.items, column.values, strict=True)}
        return {i: _cell_text(cells.get(everything.ids[i])) for i in positions}
    chosen = values[positions]
    there = ~np.isnan(chosen)
    counts = there.sum(axis=1)
    means = np.where(there, chosen, 0.0).sum(axis=1) / np.maximum(1, counts)
    return {
        i: mean if count else None
        for i, mean, count in zip(positions, means.tolist(), counts.tolist(), strict=True)
    }


def _cell_text(value: object) -> float | str | None:
    if value is None:
        return None
    if value is NOT_APPLICABLE:
        return "not applicable"
    if isinstance(value, bool):
        return value_text(value)
    return value if isinstance(value, int | float) else str(value)
