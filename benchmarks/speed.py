"""How long the comparison of two large runs takes, and what the command line loads before it is needed (row 22)."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from builds import Situation, gate_of, stored_runs
from worlds import Change, World

from scoregate import compare

_REPEATS = 3
_LARGE = Situation(
    "compare N=2,000, 5 trials, 20 scores × 11 hypotheses",
    World(2000, 20, slices=10, first_slice=200),
    trials=(5, 5),
)
_LARGE_TENTHS = Situation(
    "the same with scores in tenths",
    World(2000, 20, slices=10, first_slice=200, tenths="all"),
    trials=(5, 5),
)


@dataclass(frozen=True, slots=True)
class Speed:
    """A measured time, the best of three."""

    what: str
    seconds: float
    at_most: float

    @property
    def holds(self) -> bool:
        return self.seconds <= self.at_most


def measure_speed(seed: int) -> list[Speed]:
    """Row 22, in this process: nothing else should run meanwhile."""
    speeds = [
        Speed(situation.what, _best(_comparison(situation, seed)), 3.0)
        for situation in (_LARGE, _LARGE_TENTHS)
    ]
    return [*speeds, Speed("scoregate --help, without numpy and scipy", _best(_help), 0.15)]


def _best(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def _comparison(situation: Situation, seed: int) -> Callable[[], object]:
    """Decides two runs that are in memory already."""
    world, gate = situation.world, gate_of(situation)
    agents = world.meet(np.random.default_rng(seed), Change())
    baseline, candidate = stored_runs(world, agents, 5, 5)
    return lambda: compare(baseline, candidate, gate)


def _help() -> None:
    """Runs the command in an interpreter in which numpy and scipy cannot be imported."""
    blocked = (
        "import sys; sys.modules['numpy'] = sys.modules['scipy'] = None; sys.argv = ['scoregate', '--help']; "
    )
    command = blocked + "from scoregate.cli.main import main; main()"
    subprocess.run([sys.executable, "-c", command], check=True, stdout=subprocess.DEVNULL)
