"""Simulated agents that answer in a log-normal time.

    log(seconds) = log(2) + 0.5 * item + 0.4 * trial      (+ log(ratio) for a slower candidate)

Items differ by a standard deviation of 0.5 in the logarithm, two runs of one item by 0.4 each: the middle half of
all answers takes between 1.3 and 3.1 seconds, and one answer in twenty more than 5.7.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from run_tables import Items
from worlds import Agents, Change, Positions, Values

_TYPICAL_SECONDS = 2.0
_ITEM_SIGMA = 0.5
_TRIAL_SIGMA = 0.4


@dataclass(frozen=True, slots=True)
class LatencyWorld:
    """A dataset of which only the time of the answers is gated."""

    items: int
    slower: float = 1.0
    """The candidate's time as a multiple of the baseline's, on every item."""

    scores = 1

    def meet(self, rng: np.random.Generator, change: Change) -> Agents:
        del change  # a slower candidate is the world's own
        return LatencyAgents(self, rng)

    def score_names(self) -> tuple[str, ...]:
        return ("latency_seconds",)

    def dataset(self) -> Items:
        return Items(self.items)


class LatencyAgents:
    """Typical time of every item, and noise for as many trials as are wanted."""

    def __init__(self, world: LatencyWorld, rng: np.random.Generator) -> None:
        self._rng = rng
        self._slower = math.log(world.slower)
        self._typical = math.log(_TYPICAL_SECONDS) + _ITEM_SIGMA * rng.standard_normal(world.items)

    def fresh(self, positions: Positions, trials: int) -> tuple[Values, Values]:
        shape = (len(positions), trials)
        noise = [_TRIAL_SIGMA * self._rng.standard_normal(shape) for _ in ("baseline", "candidate")]
        typical = self._typical[positions, None]
        return np.exp(typical + noise[0])[..., None], np.exp(typical + noise[1] + self._slower)[..., None]
