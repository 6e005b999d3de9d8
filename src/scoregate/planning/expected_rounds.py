"""The rounds of an unchanged candidate, before any is run: how many builds pass, and what they cost on average.

The looks share their trials, so that each score is a short random walk; many sessions of them are drawn with a fixed
seed, and end by the rules of `rounds`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from scoregate.gate_file import Gate
from scoregate.gates.confirmation import LARGEST_SHARE
from scoregate.gates.levels import round_shares, rounds_of
from scoregate.gates.rounds import CLEAR, FUTILITY_ERRORS
from scoregate.planning.chances import (
    Size,
    Unchanged,
    chance_to_pass,
    inconclusive_share,
    items_counted,
    trials_of,
)
from scoregate.planning.noise import Noise
from scoregate.statistics.power import normal_quantile

_DRAWS = 20_000
"""Sessions that are drawn: shares are good to half a point."""
_CERTAIN = 1e-12


def unchanged_in_rounds(gate: Gate, noises: Sequence[Noise], size: Size) -> Unchanged:
    """What becomes of an unchanged candidate in the rounds of this gate."""
    fail, bound = round_shares(gate)
    looks = [name for name in rounds_of(gate) if name != "B"]
    trials = trials_of(gate)
    deciding = [noise for noise in noises if noise.decides]
    chances = np.array(
        [
            [
                chance_to_pass(noise, size, k, bound[name] * gate.pass_level, gate.pass_level)
                for noise in deciding
            ]
            for name, k in zip(looks, trials, strict=True)
        ]
    )
    walk = _walk(len(deciding), trials)
    others = max(0, sum(noise.within > 0 for noise in noises) * size.hypotheses // max(1, len(noises)))
    suspects = _Suspects(gate, noises, max(0, others - len(deciding)))
    noisy = np.array([noise.within > 0 for noise in deciding], dtype=bool)
    open_ = np.ones(_DRAWS, dtype=bool)
    passed = np.zeros(_DRAWS, dtype=bool)
    cost = np.zeros(_DRAWS)
    done = 0
    for look, (name, k) in enumerate(zip(looks, trials, strict=True)):
        cost[open_] += size.items * (k - done)
        done = k
        holds = (walk[look] > -_quantiles(chances[look])).all(axis=1)
        if name == "A" and "B" in fail:
            tails = np.where(noisy, walk[look], np.inf)
            clear = suspects.clear & (tails > normal_quantile(CLEAR)).all(axis=1)
            asked = open_ & ~(holds & clear)
            number = suspects.others + (tails <= normal_quantile(gate.rounds.screen)).sum(axis=1)
            cost[asked] += suspects.calls(number[asked], size, k)
        elif name == "A":
            # Nothing is confirmed, so that what is not clear goes on.
            holds &= suspects.clear & (np.where(noisy, walk[look], np.inf) > normal_quantile(CLEAR)).all(
                axis=1
            )
        passed |= open_ & holds
        open_ &= ~holds
        if look + 1 < len(looks):
            following = looks[look + 1]
            level = bound[following] * gate.pass_level
            alpha = fail[following] * gate.alpha / (size.hypotheses + 1)
            open_ &= ~_futile(deciding, size, walk[look], k, trials[-1], level, alpha)
    passes = float(passed.mean())
    confirming = gate.rounds.confirm_trials if "B" in fail else 0
    return Unchanged(
        passes=passes,
        inconclusive=inconclusive_share(gate, noises, passes),
        scores=tuple(
            chance_to_pass(noise, size, trials[-1], bound[looks[-1]] * gate.pass_level, gate.pass_level)
            for noise in noises
        ),
        calls=2.0 * float(cost.mean()),
        most_calls=2 * size.items * (trials[-1] + confirming),
    )


def _futile(
    deciding: Sequence[Noise],
    size: Size,
    standard: NDArray[np.float64],
    trials: int,
    most: int,
    level: float,
    alpha: float,
) -> NDArray[np.bool_]:
    """(_DRAWS,): sessions that end early, by the same reckoning as that of the rounds."""
    beyond = np.zeros(len(standard), dtype=bool)
    provable = np.zeros(len(standard), dtype=bool)
    needed = normal_quantile(1.0 - alpha)
    for position, noise in enumerate(deciding):
        if noise.margin is None or noise.within <= 0:
            continue
        items, _ = items_counted(noise, size)
        now = math.sqrt(2.0 * noise.within * noise.design_effect / (trials * items))
        cap = now * math.sqrt(trials / most)
        estimate = standard[:, position] * now
        beyond |= estimate - normal_quantile(1.0 - level) * cap < -noise.margin - FUTILITY_ERRORS * cap
        provable |= -estimate / cap + FUTILITY_ERRORS >= needed
    return beyond & ~provable


class _Suspects:
    """What round B takes of an unchanged candidate: rough, as only its cost depends on it."""

    def __init__(self, gate: Gate, noises: Sequence[Noise], others: int) -> None:
        random = np.random.default_rng(1)
        self._gate, self._noises = gate, [noise for noise in noises if noise.within > 0]
        self.others: NDArray[np.intp] = random.binomial(others, gate.rounds.screen, size=_DRAWS)
        self.clear: NDArray[np.bool_] = random.binomial(others, CLEAR, size=_DRAWS) == 0

    def calls(self, number: NDArray[np.intp], size: Size, trials: int) -> NDArray[np.float64]:
        """Calls of one arm, for as many hypotheses that look worse."""
        if not self._noises:
            return np.zeros(len(number))
        moved = np.mean([_moved(noise, trials) for noise in self._noises])
        together = max(1.0, size.items / size.clusters)
        share = 1.0 - (1.0 - moved) ** (np.minimum(number, self._gate.rounds.suspects) * together)
        return np.asarray(share * size.items * self._gate.rounds.confirm_trials, dtype=float)


def _moved(noise: Noise, trials: int) -> float:
    """Share of items that differ between two arms of one version."""
    if noise.scale != "rate":
        return LARGEST_SHARE * noise.counted
    return (1.0 - (1.0 - min(1.0, 2.0 * noise.within)) ** trials) * noise.counted


def _quantiles(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard normal quantiles of probabilities, infinite at the ends."""
    return np.array(
        [
            -math.inf if p <= _CERTAIN else math.inf if p >= 1 - _CERTAIN else normal_quantile(p)
            for p in chances.tolist()
        ]
    )


@cache
def _walk(scores: int, trials: tuple[int, ...]) -> NDArray[np.float64]:
    """(looks, _DRAWS, scores): standardised differences of an unchanged candidate at each look."""
    random = np.random.default_rng(0)
    total = np.zeros((_DRAWS, scores))
    looks, before = [], 0
    for k in trials:
        total = total + math.sqrt(k - before) * random.standard_normal((_DRAWS, scores))
        looks.append(total / math.sqrt(k))
        before = k
    return np.stack(looks)
