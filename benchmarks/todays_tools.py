"""What people gate on today, beside this gate, on identical simulated builds: false alarms and what is found.

A tool fails a build when any of the 10 scores breaks its rule. Every tool sees the same trials: one of each item, or
the mean of five; this gate in rounds starts from the first of them, takes the others as it asks for whole-set
repeats, and gets fresh trials of the same agents for its suspects.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import click
import numpy as np
from builds import Serving, Situation, gate_of, tables_of
from figures import exact_interval
from measuring import worker_pool
from numpy.typing import NDArray
from scipy import stats
from tabulate import tabulate
from worlds import Agents, Change, Positions, Values, World

from scoregate import compare
from scoregate.gates.rounds import decide_in_rounds

_SCORES = 10
_MOST_TRIALS = 5
_CHUNK = 20
_RELABELLINGS = 1_999
_OURS_STORED = "scoregate, stored results"
_OURS_ROUNDS = "scoregate, in rounds"
Means = NDArray[np.float64]
"""(N, M): the mean over the trials of each item and score."""


@dataclass(frozen=True, slots=True)
class Column:
    """A kind of build."""

    items: int
    drop: float

    @property
    def title(self) -> str:
        what = f"{100 * self.drop:g} points worse" if self.drop else "unchanged"
        return f"N={self.items}: {what}"


COLUMNS = tuple(Column(items, drop) for items in (100, 300) for drop in (0.0, 0.05, 0.10))


def _mean_below(baseline: Means, candidate: Means, rng: np.random.Generator, *, by: float = 0.0) -> bool:
    del rng
    return bool((candidate.mean(axis=0) < baseline.mean(axis=0) - by - 1e-12).any())


def _unpaired_t(baseline: Means, candidate: Means, rng: np.random.Generator) -> bool:
    del rng
    test = stats.ttest_ind(candidate, baseline, equal_var=False, alternative="less")
    return bool((test.pvalue <= 0.05).any())


def _paired_t(baseline: Means, candidate: Means, rng: np.random.Generator) -> bool:
    del rng
    return bool((stats.ttest_rel(candidate, baseline, alternative="less").pvalue <= 0.05).any())


def _sign_flip(baseline: Means, candidate: Means, rng: np.random.Generator) -> bool:
    differences = candidate - baseline
    signs = rng.choice([-1.0, 1.0], size=(_RELABELLINGS, len(differences)))
    hits = (signs @ differences <= differences.sum(axis=0) + 1e-9).sum(axis=0)
    return bool(((1 + hits) / (1 + _RELABELLINGS) <= 0.05).any())


def _any_flip(baseline: Means, candidate: Means, rng: np.random.Generator) -> bool:
    del rng
    return bool(((baseline > 0.5) & (candidate < 0.5)).any())


TOOLS: Mapping[str, Callable[[Means, Means, np.random.Generator], bool]] = {
    "any item that passed fails now": _any_flip,
    "mean below the baseline's": _mean_below,
    "mean more than 2 points below": partial(_mean_below, by=0.02),
    "unpaired t-test of each score, .05": _unpaired_t,
    "paired t-test of each score, .05": _paired_t,
    "sign-flip test of each score, .05": _sign_flip,
}


class RecordedAgents:
    """Agents whose whole-set trials are recorded ones, in their order; trials of a part are fresh."""

    def __init__(self, agents: Agents, recorded: tuple[Values, Values]) -> None:
        self._agents, self._recorded, self._given = agents, recorded, 0

    def fresh(self, positions: Positions, trials: int) -> tuple[Values, Values]:
        if len(positions) < len(self._recorded[0]):
            return self._agents.fresh(positions, trials)
        first, self._given = self._given, self._given + trials
        assert self._given <= _MOST_TRIALS
        baseline, candidate = (arm[:, first : self._given] for arm in self._recorded)
        return baseline, candidate


def failures_of_one_build(column: Column, seed: int, number: int) -> tuple[set[str], float]:
    """Names of the tools, with their trials, that fail this build; and what the rounds cost.

    Every other build's drop is diffuse, the others' concentrated.
    """
    rng = np.random.default_rng((seed, column.items, round(1000 * column.drop), number))
    world = World(column.items, _SCORES)
    agents = world.meet(rng, Change(column.drop, "concentrated" if number % 2 else "diffuse"))
    recorded = agents.fresh(np.arange(world.items), _MOST_TRIALS)
    gate = gate_of(Situation("", world))
    failed = set()
    for trials in (1, _MOST_TRIALS):
        stored = (recorded[0][:, :trials], recorded[1][:, :trials])
        before, now = (arm.mean(axis=1) for arm in stored)
        failed |= {_key(name, trials) for name, tool in TOOLS.items() if tool(before, now, rng)}
        baseline, candidate = tables_of(world, stored)
        if compare(baseline, candidate, gate, seed=number).outcome == "regression":
            failed.add(_key(_OURS_STORED, trials))
    serving = Serving(world, RecordedAgents(agents, recorded))
    if decide_in_rounds(gate, serving, seed=number).outcome == "regression":
        failed.add(_OURS_ROUNDS)
    return failed, serving.cost


def _key(name: str, trials: int) -> str:
    return f"{name} ({trials} {'trial' if trials == 1 else 'trials'})"


def _some_builds(column: Column, seed: int, numbers: range) -> tuple[Counter[str], float]:
    failures, cost = Counter[str](), 0.0
    for number in numbers:
        failed, own = failures_of_one_build(column, seed, number)
        failures.update(failed)
        cost += own
    return failures, cost


@click.command(help=__doc__)
@click.option("--builds", default=1000, show_default=True, help="Builds of each kind.")
@click.option("--seed", default=0, show_default=True)
@click.option("--workers", default=2, show_default=True)
def main(builds: int, seed: int, workers: int) -> None:
    began = time.perf_counter()
    chunks = [range(first, min(first + _CHUNK, builds)) for first in range(0, builds, _CHUNK)]
    failures, costs = {}, {}
    with worker_pool(workers) as pool:
        for column in COLUMNS:
            parts = list(pool.map(partial(_some_builds, column, seed), chunks))
            failures[column] = sum((part[0] for part in parts), Counter[str]())
            costs[column] = sum(part[1] for part in parts) / builds
            click.echo(f"  {column.title}: {time.perf_counter() - began:.0f} s", err=True)
    names = [_key(name, trials) for trials in (1, _MOST_TRIALS) for name in (*TOOLS, _OURS_STORED)]
    names.append(_OURS_ROUNDS)
    lines = [[name, *(f"{100 * failures[c][name] / builds:.1f} %" for c in COLUMNS)] for name in names]
    lines.append(["trials an item and arm, in rounds", *(f"{costs[c]:.1f}" for c in COLUMNS)])
    low, high = exact_interval(builds // 2, builds)
    click.echo(
        f"builds that fail; {builds:,} builds of each kind, half of the drops diffuse, half concentrated;"
    )
    click.echo(f"seed {seed}; 95 % intervals reach at most {50 * (high - low):.1f} points to either side\n")
    headers = ["fails a build when", *(column.title for column in COLUMNS)]
    click.echo(tabulate(lines, headers=headers, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main()
