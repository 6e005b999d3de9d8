"""Many builds of many situations on all cores; the figures do not depend on how the work is split."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial

from builds import Build, Situation, one_build
from figures import Figure, Measured, Tally, tally
from kept_tallies import KeptTallies
from latency import LatencyWorld

_CHUNK_SECONDS = 2.0
"""About so long a worker is busy with one piece of work."""
_QUICK_SECONDS = 0.7
"""About so long the quick run spends on one situation."""
_FEWEST_QUICK, _MOST_QUICK = 6, 100


def measure(
    figures: Sequence[Figure],
    *,
    quick: bool,
    seed: int,
    workers: int,
    say: Callable[[str], None],
    max_builds: int | None = None,
    kept: KeptTallies | None = None,
) -> list[Measured]:
    """All figures, in their order. Situations that several figures ask of are simulated once.

    Those that are `kept` are not simulated again, and those that are done are kept.
    """
    situations = list(dict.fromkeys(figure.situation for figure in figures))
    clashes = len(situations) - len({situation.what for situation in situations})
    assert not clashes, "two situations of one name would share their random numbers"
    tallies = dict.fromkeys(situations, Tally())
    left = {}
    with worker_pool(workers) as pool:
        waiting = {}
        for situation in sorted(situations, key=_seconds_a_build, reverse=True):
            builds = _quick_builds(situation) if quick else situation.builds
            builds = min(builds, max_builds or builds)
            done_before = kept.of(situation, builds) if kept is not None else None
            if done_before is not None:
                tallies[situation] = done_before
                continue
            chunk = max(1, min(builds, round(_CHUNK_SECONDS / _seconds_a_build(situation))))
            firsts = range(0, builds, chunk)
            left[situation] = len(firsts)
            for first in firsts:
                numbers = range(first, min(first + chunk, builds))
                waiting[pool.submit(_some_builds, situation, seed, numbers)] = situation
        for done in as_completed(waiting):
            situation = waiting[done]
            tallies[situation] += done.result()
            left[situation] -= 1
            if not left[situation]:
                sums = tallies[situation]
                if kept is not None:
                    kept.keep(situation, sums)
                say(f"  {situation.what}: {sums.builds} builds, {sums.seconds:.1f} s")
    return [Measured(figure, tallies[figure.situation]) for figure in figures]


def worker_pool(workers: int) -> ProcessPoolExecutor:
    """Processes with one thread of linear algebra each, so that they do not take each other's cores."""
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def _some_builds(situation: Situation, seed: int, numbers: range) -> Tally:
    began = time.perf_counter()
    builds: list[Build] = list(map(partial(one_build, situation, seed), numbers))
    return tally(builds, time.perf_counter() - began)


def _quick_builds(situation: Situation) -> int:
    return max(_FEWEST_QUICK, min(_MOST_QUICK, round(_QUICK_SECONDS / _seconds_a_build(situation))))


def _seconds_a_build(situation: Situation) -> float:
    """A rough guess from the size of a build, the same everywhere: work is split by it, nothing else."""
    world = situation.world
    looks, trials = (3, 9) if situation.trials == "rounds" else (1, sum(situation.trials))
    hypotheses = world.scores * (1 + world.dataset().slices)
    relabelled = isinstance(world, LatencyWorld) or world.tenths != "none" or world.slices > 0
    cells = world.items * trials * hypotheses
    return looks * (0.001 + 0.0006 * hypotheses) + cells * (2e-6 if relabelled else 4e-7)
