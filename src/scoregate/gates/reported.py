"""What a verdict reports and is not decided by: notes on the two runs, the items that moved, how calls spread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scoregate.catalog import MEASURED_UNITS
from scoregate.gate_file import Gate
from scoregate.gates.bill import bill_notes
from scoregate.gates.evidence import Evidence
from scoregate.gates.pairing import ArmCells, Universe
from scoregate.gates.provenance import age_note, best_of_note, rescored_note
from scoregate.gates.slices import changed_places, unknown_slices
from scoregate.gates.table import NOT_APPLICABLE, RunTable, value_text
from scoregate.records import Flip, Spread
from scoregate.wording import count

_QUANTILES = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99}
_TINY = 1e-12


def notes_of(
    gate: Gate,
    measured: Sequence[Evidence],
    everything: Universe,
    baseline: RunTable,
    candidate: RunTable,
) -> tuple[str, ...]:
    """One sentence each. `measured` are the scores that were compared, on the items of `everything`."""
    notes = []
    before, now = baseline.header, candidate.header
    same_content = bool(before.dataset_fingerprint and now.dataset_fingerprint)
    if before.dataset and now.dataset and before.dataset != now.dataset and not same_content:
        notes.append(f"the runs name different datasets ('{before.dataset}' and '{now.dataset}')")
    unknown = [e.name for e in measured if (e.name in before.scorers) != (e.name in now.scorers)]
    if unknown:
        notes.append(f"only one run says which scorer made {', '.join(unknown)}")
    if gate.slices:
        for name in unknown_slices(gate, baseline, candidate):
            notes.append(f"no item of either run has the gate's slice '{name}', so nothing was sought in it")
    if baseline.slices or baseline.clusters:
        notes += changed_places(everything, baseline, candidate)
    for evidence in measured:
        arms = (evidence.pair.baseline, evidence.pair.candidate)
        then, here = (int(arm.not_applicable.sum()) for arm in arms)
        filled = (
            int((evidence.pair.baseline.missing & ~evidence.pair.candidate.missing).sum())
            if (evidence.pair.baseline.values.shape == evidence.pair.candidate.values.shape)
            else 0
        )
        if filled:
            notes.append(
                f"{evidence.name}: {count(filled, 'cell')} that the baseline lacked counted as failed there, "
                "so gains among them may only be gaps that were filled"
            )
        if then or here:
            skipped = f"{count(then, 'cell')} of the baseline, {here:,} now"
            if then == here:
                skipped = f"{count(here, 'cell')} of each run"
            first = _failing_where_first_applied(evidence)
            more = f"; {first}" if first else ""
            notes.append(f"{evidence.name} did not apply to {skipped}{_its_items(evidence)}{more}")
    if any(evidence.bill is not None for evidence in measured):
        notes += bill_notes(measured)
    notes += filter(None, (age_note(gate, before, now), best_of_note(before), rescored_note(before)))
    if now.facts.dirty:
        notes.append(f"the candidate was run from a working tree with {now.facts.uncommitted_changes}")
    return tuple(notes)


def _its_items(evidence: Evidence) -> str:
    """Of how many items the values of a score are that does not apply everywhere."""
    if evidence.reported is None:
        return ""
    items = int(evidence.reported.coded.counted.sum())
    if not items:
        return "; no item has it in both, so nothing of it was compared"
    return f"; its values are of the {count(items, 'item')} that it applies to in both"


def _failing_where_first_applied(evidence: Evidence) -> str | None:
    """Items of a rate that fail now and to which it did not apply before: nothing that they could have fallen from."""
    pair = evidence.pair
    new = pair.baseline.not_applicable.all(axis=1) & ~pair.candidate.not_applicable.all(axis=1)
    if pair.scale != "rate" or not new.any():
        return None
    bad = pair.low if pair.sign > 0 else -pair.low
    failing = int((new & (pair.candidate.missing | (pair.candidate.values == bad)).any(axis=1)).sum())
    items = count(int(new.sum()), "item")
    return f"of the {items} that it did not apply to before {count(failing, 'fails', 'fail')} now"


def spreads_of(measured: Sequence[Evidence]) -> tuple[Spread, ...]:
    """One for each measured score among the evidence."""
    return tuple(
        Spread(
            evidence.name,
            tuple(_QUANTILES),
            _quantiles(evidence, evidence.pair.baseline),
            _quantiles(evidence, evidence.pair.candidate),
            evidence.bill or (None, None),
        )
        for evidence in measured
        if evidence.name in MEASURED_UNITS
    )


def _quantiles(evidence: Evidence, arm: ArmCells) -> tuple[float | None, ...]:
    values = arm.values[~np.isnan(arm.values)]
    if not len(values):
        return (None,) * len(_QUANTILES)
    if evidence.pair.scale == "ratio":
        values = np.maximum(np.exp(values) - evidence.pair.offset, 0.0)
    found = np.quantile(values, list(_QUANTILES.values()), method="inverted_cdf")
    return tuple(float(value) for value in found)


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
    moved = coded.moved
    least = _TINY if pair.scale == "rate" else max(_TINY, evidence.margin or 0.0)
    events = (moved > least) | (moved < -(_TINY if broken else least))
    critical = set(evidence.critical_items)
    changed = [i for i in np.flatnonzero(coded.counted & events).tolist() if i < len(everything.ids)]
    worse = (moved < 0).tolist()
    shown_before = _shown(evidence, baseline, everything, pair.baseline.values, changed)
    shown_now = _shown(evidence, candidate, everything, pair.candidate.values, changed)
    return [
        Flip(
            item=(item := everything.ids[i]),
            score=evidence.name,
            baseline_value=shown_before[i],
            candidate_value=shown_now[i],
            worse=worse[i],
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
        cells = dict(zip(everything.rows_of(table)[column.items].tolist(), column.values, strict=True))
        return {i: _cell_text(cells.get(i)) for i in positions}
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
