"""Confirming a suspicion: which items to run again, and what their fresh trials say.

The items are chosen by what was seen before; the decision rests on the fresh trials alone, of both arms alike. So under
"the version makes no difference" their p-value is valid whatever was chosen (Bauer and Köhne 1994), and no re-run ever
enters an estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoregate.catalog import LATENCY, SCORED
from scoregate.gate_file import Gate, Rule
from scoregate.gates.evidence import Evidence
from scoregate.gates.family import Hypothesis, examine_family
from scoregate.gates.guards import (
    APPLICABLE,
    IN_TIME,
    applicability,
    completeness,
    lateness,
)
from scoregate.gates.levels import LookLevels
from scoregate.gates.look import Seen, Tested
from scoregate.gates.measuring import gather
from scoregate.gates.pairing import Universe, paired_score, universe_of
from scoregate.gates.slices import Slice
from scoregate.gates.table import RunTable
from scoregate.records import FreshItem
from scoregate.statistics.exact import smallest_attainable_p, step_down, within_item_p

LARGEST_SHARE = 0.25
"""Of the items of a numeric score, those that moved most are run again."""
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Suspect:
    """A hypothesis that fresh trials are to confirm."""

    tested: Tested
    items: tuple[str, ...]
    """Ids of the items that speak for it or against it: those that moved."""

    @property
    def name(self) -> str:
        return self.tested.name

    @property
    def slice(self) -> Slice | None:
        return self.tested.hypothesis.slice


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the fresh trials say of one suspect."""

    suspect: Suspect
    p_value: float
    """One-sided, of the fresh trials alone."""
    adjusted_p_value: float
    """By Holm's method over the suspects."""
    baseline_value: float | None
    """Mean of the suspect's items in the fresh trials, missing cells failed, in the score's unit."""
    candidate_value: float | None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """All of a round's findings."""

    suspects: tuple[Confirmation, ...]
    critical: dict[str, tuple[str, ...]]
    """Score -> ids of the critical items that fail now beyond chance."""
    items: tuple[FreshItem, ...]
    missing: float
    """Share of the fresh cells of these scores that hold no value, in the arm that lacks more."""


def suspects_of(seen: Seen, most: int, screen: float) -> tuple[Suspect, ...]:
    """The hypotheses with the smallest unadjusted p-values up to `screen`, with the items behind each."""
    assert seen.everything is not None
    worst_first = sorted(
        (tested for tested in seen.tested if tested.result.informative and tested.result.p_value <= screen),
        key=_worst_first,
    )
    chosen = []
    for tested in worst_first[:most]:
        positions = _moved(tested.hypothesis)
        ids = seen.everything.ids
        items = tuple(ids[i] for i in positions if i < len(ids))
        if items:
            chosen.append(Suspect(tested, items))
    return tuple(chosen)


def _worst_first(tested: Tested) -> tuple[float, float, str, str]:
    """By p-value, then by how far the mean moved in its own noise; by name only where the data say the same."""
    estimate, part = tested.hypothesis.evidence.estimate, tested.hypothesis.slice
    moved = (
        estimate.value / tested.result.standard_error if estimate and tested.result.standard_error else 0.0
    )
    return tested.result.p_value, moved, tested.name, part.label if part else ""


def _moved(hypothesis: Hypothesis) -> list[int]:
    """Positions of the discordant items; of a number, those that moved most."""
    coded, members = hypothesis.evidence.coded, hypothesis.members
    moved = np.where(members, np.abs(coded.moved), 0.0)
    positions = np.flatnonzero(moved > _TINY)
    if hypothesis.evidence.pair.scale != "rate" and len(positions):
        most = max(1, int(np.ceil(LARGEST_SHARE * members.sum())))
        positions = positions[np.argsort(-moved[positions], kind="stable")[:most]]
    return sorted(positions.tolist())


def trials_needed(gate: Gate, suspects: Sequence[Suspect], critical: dict[str, tuple[str, ...]]) -> int:
    """Fresh trials of each item in each arm: what the gate says, or more where fewer could prove nothing.

    A critical item that is lost outright must be provable among all of them, and a reducer needs its own number. The
    number depends on what was seen before alone, so that the fresh trials are as good as any.
    """
    needed = gate.rounds.confirm_trials
    items = max((len(ids) for ids in critical.values()), default=0)
    while items and items * smallest_attainable_p(1, needed, needed) > gate.alpha:
        needed += 1
    reducers = [s.tested.hypothesis.evidence.reducer for s in suspects]
    return max([needed, *(reducer.k for reducer in reducers if reducer is not None)])


def critical_suspects(seen: Seen) -> dict[str, tuple[str, ...]]:
    """Score -> ids of the items that seem to break a critical rule, in however few trials."""
    assert seen.everything is not None
    ids = seen.everything.ids
    found = {
        e.name: tuple(ids[i] for i in (*e.critical_items, *e.suspect_items) if i < len(ids))
        for e in seen.measured
    }
    return {name: items for name, items in found.items() if items}


def with_their_clusters(items: Sequence[str], everything: Universe) -> tuple[str, ...]:
    """The items and all others of their clusters: a conversation is run as a whole."""
    wanted = set(items)
    numbers = {int(c) for c, item in zip(everything.clusters, everything.ids, strict=False) if item in wanted}
    return tuple(
        item for c, item in zip(everything.clusters, everything.ids, strict=False) if int(c) in numbers
    )


def confirm(
    gate: Gate,
    suspects: Sequence[Suspect],
    critical: dict[str, tuple[str, ...]],
    items: Sequence[str],
    baseline: RunTable,
    candidate: RunTable,
    levels: LookLevels,
    *,
    seed: int,
) -> Confirmed:
    """Test each suspect on the fresh trials of its own items. `baseline` and `candidate` hold those alone."""
    everything = universe_of(items, len(items), baseline, candidate)
    measured = {
        e.name: e
        for e in (
            _measure(gate, name, everything, baseline, candidate, levels)
            for name in _needed(gate, suspects, critical)
        )
    }
    evidence = {
        **measured,
        **_guards(gate, tuple(measured.values()), everything, baseline, candidate, levels),
    }
    # What guards a score has no evidence where nothing was amiss in the fresh trials: that confirms nothing.
    hypotheses = [
        _on_its_items(evidence[s.name], s, everything) if s.name in evidence else None for s in suspects
    ]
    p_values = []
    for hypothesis in hypotheses:
        if hypothesis is None:
            p_values.append(1.0)
            continue
        (result,) = examine_family(
            [hypothesis],
            everything.clusters,
            alpha=levels.alpha / len(suspects),
            seed=seed,
            inference=gate.inference,
        )
        p_values.append(result.p_value)
    adjusted = step_down(p_values)
    tested = tuple(
        Confirmation(suspect, p, float(a), *(_values(hypothesis) if hypothesis else (None, None)))
        for suspect, hypothesis, p, a in zip(suspects, hypotheses, p_values, adjusted, strict=True)
    )
    broken = {
        name: _critical_items(evidence[name], ids, everything, gate.alpha) for name, ids in critical.items()
    }
    named: dict[str, set[str]] = {name: set(ids) for name, ids in critical.items()}
    for suspect in suspects:
        if suspect.name in measured:
            named.setdefault(suspect.name, set()).update(suspect.items)
    fresh = [f for name, ids in named.items() for f in _fresh_items(measured[name], ids, everything)]
    # Critical items that fail first, as each of them breaks the gate alone; then the largest losses.
    fresh.sort(
        key=lambda found: (
            found[1].item not in broken.get(found[1].score, ()),
            found[0],
            found[1].score,
            found[1].item,
        )
    )
    missing = max(
        (float(arm.missing.mean()) for e in measured.values() for arm in (e.pair.baseline, e.pair.candidate)),
        default=0.0,
    )
    return Confirmed(
        tested,
        {name: ids for name, ids in broken.items() if ids},
        tuple(item for _, item in fresh),
        missing,
    )


def _needed(gate: Gate, suspects: Sequence[Suspect], critical: dict[str, tuple[str, ...]]) -> list[str]:
    """Scores to be measured: all that gate, where completeness is suspected."""
    names = {suspect.name for suspect in suspects} | set(critical)
    gating = [name for name, rule in gate.rules.items() if name != SCORED and not rule.advisory]
    if SCORED in names:
        return gating
    if IN_TIME in names:
        names.add(LATENCY)
    return [name for name in gating if name in names or name + APPLICABLE in names]


def _measure(
    gate: Gate, name: str, everything: Universe, baseline: RunTable, candidate: RunTable, levels: LookLevels
) -> Evidence:
    contract, rule = gate.contract(name), gate.rules[name]
    pair = paired_score(name, contract, everything, baseline, candidate, rule.statistic, rule.absent)
    return gather(name, pair, contract, rule, everything, alpha=levels.total, level=levels.bound)


def _guards(
    gate: Gate,
    measured: Sequence[Evidence],
    everything: Universe,
    baseline: RunTable,
    candidate: RunTable,
    levels: LookLevels,
) -> dict[str, Evidence]:
    level = levels.of(1.0, family=1)
    complete = completeness(measured, gate.rules.get(SCORED, Rule()), everything, level)
    applies = applicability(measured, everything, level)
    late = lateness(measured, everything, baseline, candidate, level)
    return {e.name: e for e in (complete, *applies, *late)}


def _on_its_items(evidence: Evidence, suspect: Suspect, everything: Universe) -> Hypothesis:
    own = set(suspect.items)
    members = np.array([item in own for item in everything.ids], dtype=bool)
    return Hypothesis(evidence, Slice("items", "of the suspicion", members))


def _values(hypothesis: Hypothesis) -> tuple[float | None, float | None]:
    coded, members, pair = hypothesis.evidence.coded, hypothesis.members, hypothesis.evidence.pair
    if not members.any() or hypothesis.evidence.rule.quantile is not None:
        return None, None
    shown = hypothesis.evidence.shown.coded
    if (members & shown.counted).any():
        # What people read is of the items that the score applies to in both arms.
        coded, members = shown, members & shown.counted
    before, now = (pair.sign * float(arm[members].mean()) for arm in (coded.baseline, coded.candidate))
    if pair.scale == "ratio":
        return float(np.exp(before)), float(np.exp(now))
    return before + 0.0, now + 0.0


def _critical_items(
    evidence: Evidence, ids: Sequence[str], everything: Universe, alpha: float
) -> tuple[str, ...]:
    """Those of the items that fail beyond chance in their fresh trials (Fisher's exact test, Holm over the items)."""
    low = evidence.pair.low
    passes = [np.rint(arm - low).astype(int) for arm in (evidence.coded.baseline, evidence.coded.candidate)]
    position = {item: i for i, item in enumerate(everything.ids)}
    p_values = [
        within_item_p(
            int(passes[0][position[item]].sum()),
            passes[0].shape[1],
            int(passes[1][position[item]].sum()),
            passes[1].shape[1],
        )
        for item in ids
    ]
    adjusted = step_down(p_values)
    return tuple(item for item, p in zip(ids, adjusted, strict=True) if p <= alpha)


def _fresh_items(evidence: Evidence, ids: set[str], everything: Universe) -> list[tuple[float, FreshItem]]:
    """Each item with how its mean moved, a loss below 0."""
    coded = evidence.coded
    moved = np.where(coded.counted, coded.moved, 0.0)
    return [
        (
            float(moved[i]),
            FreshItem(
                item,
                evidence.name,
                _shown(evidence, evidence.pair.baseline.values[i]),
                _shown(evidence, evidence.pair.candidate.values[i]),
                worse=bool(moved[i] < -_TINY),
            ),
        )
        for i, item in enumerate(everything.ids)
        if item in ids
    ]


def _shown(evidence: Evidence, values: NDArray[np.float64]) -> tuple[float | None, ...]:
    pair = evidence.pair
    shown = np.exp(values) - pair.offset if pair.scale == "ratio" else values
    return tuple(None if np.isnan(value) else float(value) for value in shown)
