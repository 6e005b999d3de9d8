"""One simulated build: agents meet, the shipped gate decides, and what it said is written down."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from latency import LatencyWorld
from run_tables import SLICE, run_table
from worlds import Agents, Change, Positions, Values, World

from scoregate import Gate, Rule, compare
from scoregate.catalog import Catalog, Contract
from scoregate.gate_file import Inference, Rounds
from scoregate.gate_file.project import SharedAlpha
from scoregate.gates.rounds import RoundRequest, decide_in_rounds
from scoregate.gates.table import RunTable
from scoregate.records import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Situation:
    """What is simulated again and again. Two rows of the table that ask of one situation share its builds."""

    what: str
    world: World | LatencyWorld
    change: Change = field(default_factory=Change)
    trials: tuple[int, int] | Literal["rounds"] = "rounds"
    """Stored trials of baseline and candidate for one look; or the gate asks for more by itself."""
    gated: int = 1
    """Scores that have to be shown not worse for a pass, from the first; all of them gate regressions."""
    margin: float | None = 0.05
    """None: the gate's default."""
    max_failed_items: float = 1.0
    """1: no number of missing cells is refused, so that every build is decided."""
    first_trials: int = 1
    """Whole-set trials of the first round."""
    rounds: Rounds = field(default_factory=Rounds)
    inference: Inference = "dataset"
    gates: int = 1
    """Gates of one build that share its alpha, each with agents of its own; only the first one's may be worse."""
    builds: int = 1000


@dataclass(frozen=True, slots=True)
class Build:
    """What the gate said of one build."""

    outcome: Outcome
    cost: float
    """Trials an item and arm: all of them, targeted ones included, over the number of items."""
    error: float
    """Reported difference of the first score, in points, minus the true one; NaN where there is none."""
    broken: frozenset[tuple[str, str | None]]
    """Score and slice of every rule that is a regression."""


class Serving:
    """Answers the gate's requests with fresh trials of the simulated agents, and counts them."""

    def __init__(self, world: World | LatencyWorld, agents: Agents) -> None:
        self._world, self._agents = world, agents
        self._index = {name: position for position, name in enumerate(world.dataset().ids())}
        self._trials = 0

    @property
    def cost(self) -> float:
        """Trials an item and arm so far."""
        return self._trials / self._world.items

    def __call__(self, request: RoundRequest) -> tuple[RunTable, RunTable]:
        chosen = None
        if request.items is not None:
            chosen = np.array(sorted(self._index[item] for item in request.items), dtype=np.intp)
        positions = np.arange(self._world.items) if chosen is None else chosen
        values = self._agents.fresh(positions, request.trials)
        self._trials += len(positions) * request.trials
        return tables_of(self._world, values, chosen)


def one_build(situation: Situation, seed: int, number: int) -> Build:
    """Build `number` of a situation. The same arguments give the same build, whatever else is simulated.

    Of several gates it is the worst outcome of all; where the first one's candidate is worse, what that gate said.
    """
    named = (seed, zlib.crc32(situation.what.encode()), number)
    first = _one_gate(situation, situation.change, named)
    if situation.change != Change():
        return first
    others = [_one_gate(situation, Change(), (*named, gate)) for gate in range(1, situation.gates)]
    return min((first, *others), key=lambda build: _WORST.index(build.outcome))


_WORST: tuple[Outcome, ...] = ("invalid", "regression", "inconclusive", "pass")


def _one_gate(situation: Situation, change: Change, named: tuple[int, ...]) -> Build:
    """`named`: seed, situation and number of the build, and of which of its other gates it is."""
    world, number = situation.world, named[2]
    agents = world.meet(np.random.default_rng(named), change)
    if situation.trials == "rounds":
        serving = Serving(world, agents)
        verdict = decide_in_rounds(gate_of(situation), serving, seed=number)
        return _build(situation, verdict, serving.cost)
    before, now = situation.trials
    baseline, candidate = stored_runs(world, agents, before, now)
    verdict = compare(baseline, candidate, gate_of(situation), seed=number)
    return _build(situation, verdict, float(now))


def stored_runs(
    world: World | LatencyWorld, agents: Agents, before: int, now: int
) -> tuple[RunTable, RunTable]:
    """Finished runs of baseline and candidate, with so many trials each."""
    baseline, candidate = agents.fresh(np.arange(world.items), max(before, now))
    return tables_of(world, (baseline[:, :before], candidate[:, :now]))


def tables_of(
    world: World | LatencyWorld, arms: tuple[Values, Values], positions: Positions | None = None
) -> tuple[RunTable, RunTable]:
    """Values of baseline and candidate as runs; `positions` are the items that were run (None: all)."""
    items, names = world.dataset(), world.score_names()
    baseline, candidate = arms
    return (
        run_table(items, baseline, "baseline", names, positions),
        run_table(items, candidate, "candidate", names, positions),
    )


def _build(situation: Situation, verdict: Verdict, cost: float) -> Build:
    first = next((rule for rule in verdict.rules if (rule.score, rule.slice) == ("score_0", None)), None)
    error = float("nan")
    if first is not None and first.difference is not None and isinstance(situation.world, World):
        error = 100 * (first.difference + seen_drop(situation.world, situation.change))
    broken = frozenset((rule.score, rule.slice) for rule in verdict.rules if rule.outcome == "regression")
    return Build(verdict.outcome, cost, error, broken)


def seen_drop(world: World, change: Change) -> float:
    """True drop of a boolean score as it is seen through the judge's errors."""
    return 0.0 if change.kind == "churn" else change.drop * (1 - 2 * world.judge_flips)


@cache
def gate_of(situation: Situation) -> Gate:
    """The gate of a situation: one rule a score."""
    world = situation.world
    names = world.score_names()
    contracts, rules = {}, {}
    for number, name in enumerate(names):
        primary = number < situation.gated < len(names)
        rule = Rule(max_drop=situation.margin, primary=primary)
        if isinstance(world, LatencyWorld):
            rule = Rule(fails_on="any proved drop" if situation.trials != "rounds" else None)
        elif world.graded(number):
            contracts[name] = Contract(name=name, type="numeric", min=0.0, max=1.0)
        rules[name] = rule
    dataset = world.dataset()
    whole = Gate(name="simulated", rules=rules).alpha
    return Gate(
        name="simulated",
        alpha=SharedAlpha(whole, situation.gates, Path()).share,
        rules=rules,
        catalog=Catalog(contracts),
        max_failed_items=situation.max_failed_items,
        slices={SLICE: f"metadata.{SLICE}"} if dataset.slices else {},
        trials=situation.first_trials,
        rounds=situation.rounds,
        inference=situation.inference,
    )
