"""Before any run: what becomes of an unchanged candidate under a gate, and which drops the gate sees.

From the noise of each score alone, by normal approximations of the shipped bound. The verdict itself uses none of this.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scoregate.gate_file import Gate
from scoregate.gates.findings import FEWEST_CLUSTERS
from scoregate.gates.levels import GUARD_SHARE, one_look, round_shares, rounds_of
from scoregate.planning.chances import (
    Size,
    Unchanged,
    chance_to_pass,
    inconclusive_share,
    items_counted,
    trials_of,
    within_arms,
)
from scoregate.planning.noise import Noise
from scoregate.statistics.exact import smallest_attainable_p
from scoregate.statistics.power import drop_found, smallest_provable_loss


@dataclass(frozen=True, slots=True, kw_only=True)
class VisibleDrop:
    """The smallest true drop of one score that is found in four of five builds, in the scale of the test."""

    diffuse: float
    """Spread over all items; infinite where none is found."""
    concentrated: float | None
    """Items that are lost for good; None for a scale without ends."""


def cannot_gate(gate: Gate, size: Size) -> bool:
    """Whether so few independent items and trials end every build `invalid`."""
    now = trials_of(gate)[-1]
    before = size.baseline_trials or now
    fewest = size.clusters < FEWEST_CLUSTERS
    return fewest or smallest_attainable_p(size.clusters, before, now) > gate.alpha


def unchanged(gate: Gate, noises: Sequence[Noise], size: Size) -> Unchanged:
    """The fate of an unchanged candidate of this gate."""
    if gate.side_by_side and rounds_of(gate) != ("A",):
        from scoregate.planning.expected_rounds import unchanged_in_rounds

        return unchanged_in_rounds(gate, noises, size)
    levels = one_look(gate)
    each = tuple(
        min(
            chance_to_pass(noise, size, gate.trials, levels.bound),
            1.0 - levels.suspicion * (noise.within > 0),
        )
        for noise in noises
    )
    passes = math.prod(p for p, noise in zip(each, noises, strict=True) if noise.decides)
    arms = 2 if gate.side_by_side else 1
    calls = arms * size.items * gate.trials
    return Unchanged(
        passes=passes,
        inconclusive=inconclusive_share(gate, noises, passes),
        scores=each,
        calls=calls,
        most_calls=calls,
    )


def visible_drops(gate: Gate, noises: Sequence[Noise], size: Size) -> tuple[VisibleDrop, ...]:
    """For each score the drop that is seen: in one look, or in the last whole-set round at its level."""
    share, trials = 1.0 - GUARD_SHARE, gate.trials
    if gate.side_by_side and rounds_of(gate) != ("A",):
        fail, _ = round_shares(gate)
        whole = [name for name in rounds_of(gate) if name != "B"]
        share, trials = share * fail[whole[-1]], trials_of(gate)[-1]
    alpha = share * gate.alpha / size.hypotheses
    return tuple(_visible(noise, size, trials, alpha) for noise in noises)


def _visible(noise: Noise, size: Size, trials: int, alpha: float) -> VisibleDrop:
    items, clusters = items_counted(noise, size)

    def drop(*, concentrated: bool) -> float:
        return drop_found(
            within_arms(noise, size, trials),
            items=items,
            trials=trials,
            alpha=alpha,
            concentrated=concentrated,
            clusters=clusters,
            value_range=noise.reach if noise.bounded else max(noise.reach, 100 * math.sqrt(noise.within)),
            design_effect=noise.design_effect,
        )

    def possible(drop: float) -> float:
        return drop if drop <= noise.loss else math.inf

    diffuse = drop(concentrated=False)
    if noise.scale == "rate":
        # So many cells have to be lost before any p-value is small enough, however little noise there is.
        least = smallest_provable_loss(clusters, alpha, size.baseline_trials or trials, trials)
        diffuse = max(diffuse, least)
    return VisibleDrop(
        diffuse=possible(diffuse), concentrated=possible(drop(concentrated=True)) if noise.bounded else None
    )
