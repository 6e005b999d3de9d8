"""How likely one score of an unchanged candidate passes one look, by a normal approximation of the shipped bound."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scoregate.datasets import cluster_of, slices_of
from scoregate.gate_file import Gate
from scoregate.gates.levels import GUARD_SHARE
from scoregate.gates.slices import SMALLEST_SLICE
from scoregate.planning.noise import Noise
from scoregate.records import Dataset
from scoregate.statistics.power import passes_unchanged
from scoregate.statistics.rare import fewest_items


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is run."""

    items: int
    clusters: int
    """As many clusters of one size as the real ones are worth."""
    hypotheses: int
    """Scores and their slices, in which a drop is sought."""
    baseline_trials: int | None = None
    """Trials of the stored baseline; None: as many as the candidate has."""

    def times(self, factor: float) -> Size:
        return replace(self, items=round(self.items * factor), clusters=max(1, round(self.clusters * factor)))


def size_of_dataset(gate: Gate, dataset: Dataset, *, baseline_trials: int | None = None) -> Size:
    """Of all items of the dataset."""
    items = dataset.items
    clusters = {item.id: cluster_of(item, gate.cluster) if gate.cluster else None for item in items}
    size = size_of(gate, clusters, {item.id: slices_of(item, gate.slices) for item in items})
    return replace(size, baseline_trials=baseline_trials)


def size_of(gate: Gate, clusters: Mapping[str, str | None], slices: Mapping[str, Mapping[str, str]]) -> Size:
    """Of items in these clusters and slices; `clusters` names every item."""
    named = Counter(cluster for cluster in clusters.values() if cluster is not None)
    alone = len(clusters) - sum(named.values())
    squares = alone + sum(size**2 for size in named.values())
    values = Counter((name, value) for own in slices.values() for name, value in own.items())
    large = [name for (name, _), number in values.items() if number >= SMALLEST_SLICE]
    hypotheses = 0
    for score in gate.gated_scores:
        own = gate.rules[score].slices
        wanted = gate.slices if own is None else own
        hypotheses += 1 + sum(name in wanted for name in large)
    # As many clusters of one size as the real ones are worth: a large one is not one of many.
    return Size(
        items=len(clusters), clusters=max(1, round(len(clusters) ** 2 / squares)), hypotheses=hypotheses
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """What becomes of an unchanged candidate."""

    passes: float
    """Share of builds."""
    inconclusive: float
    """Share of builds, without those that are false alarms."""
    scores: tuple[float, ...]
    """Share of builds in which each score passes for itself, at the last look."""
    calls: float
    """Calls of a candidate that a build takes on average, both arms where both are run."""
    most_calls: int
    """The same at the cap."""


def trials_of(gate: Gate) -> tuple[int, ...]:
    """Trials of an arm after each whole-set look that the gate allows."""
    return gate.rounds.whole_set_trials(gate.trials) if gate.side_by_side else (gate.trials,)


def chance_to_pass(noise: Noise, size: Size, trials: int, level: float, pass_level: float) -> float:
    """Probability that the bound at `level` lies above −margin, both arms with so many trials.

    `pass_level` is the gate's, of which `level` is the look's share.

    Floors are taken to hold or not: where a version stands to them varies little from build to build.
    """
    items, clusters = items_counted(noise, size)
    if not all(floor.holds(items, level) for floor in noise.floors):
        return 0.0
    if noise.margin is None:
        return 1.0
    if not math.isfinite(noise.gaps):
        return 0.0
    if noise.scale == "ratio" and clusters < fewest_items(noise.margin, pass_level, of_sum=False):
        return 0.0
    ruled_out = passes_unchanged(
        within_arms(noise, size, trials),
        items=items,
        trials=trials,
        margin=noise.margin - noise.gaps,
        level=level,
        clusters=clusters,
        value_range=noise.reach,
        design_effect=noise.design_effect,
    )
    return max(ruled_out, _chance_of_no_flip(noise, items)) if noise.no_flips else ruled_out


def _chance_of_no_flip(noise: Noise, items: int) -> float:
    """Of no item that passed by chance before and fails by chance now; 0 where cells lack a value."""
    return 0.0 if noise.gaps else (1.0 - min(1.0, noise.within)) ** items


def within_arms(noise: Noise, size: Size, trials: int) -> float:
    """The variance with which two arms of `trials` are as noisy as those trials of theirs that are compared."""
    return noise.within * trials / compared_trials(size, trials)


def compared_trials(size: Size, trials: int) -> int:
    """Of each arm: those at positions that both have."""
    return min(size.baseline_trials or trials, trials)


def items_counted(noise: Noise, size: Size) -> tuple[int, int]:
    """Items and clusters that the score says something about."""
    items = max(1, round(size.items * noise.counted))
    return items, max(1, min(items, round(size.clusters * noise.counted)))


def inconclusive_share(gate: Gate, noises: Sequence[Noise], passes: float) -> float:
    """What is left of the builds beside those that pass and the false alarms that are allowed."""
    alarms = (1.0 - GUARD_SHARE) * gate.alpha if any(noise.within > 0 for noise in noises) else 0.0
    return max(0.0, 1.0 - passes - alarms)
