"""`scoregate selftest`: the gate's own decision on many builds made of stored trials of one version."""

from __future__ import annotations

import math
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from scoregate.errors import ConfigError, did_you_mean
from scoregate.gate_file import Gate
from scoregate.gates.compare import compared
from scoregate.gates.levels import main_share
from scoregate.gates.rounds import decide_in_rounds
from scoregate.judge_trust.own_replies import gating_judges
from scoregate.planning.assigning import (
    AssignedTrials,
    TrialPool,
    assign_two_arms,
    enough_for_rounds,
    trial_pool_of,
)
from scoregate.planning.margins import next_margins
from scoregate.planning.planting import KINDS, DropKind, Planted, Target, check_drop, target
from scoregate.planning.self_test_result import Detection, SelfTest, Share
from scoregate.planning.stored_trials import StoredTrials, more_trials_command
from scoregate.records import Verdict
from scoregate.statistics.estimate import exact_interval

DROPS = (0.05, 0.10)
_DETECTION_BUILDS = 100
"""Builds of each planted drop, at most: enough for a share, where false alarms need many more."""
T = TypeVar("T")
_FEWEST_TO_FORK = 20
"""Fewer builds than this are not worth a second process."""
_work: Callable[[int], Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be measured."""

    builds: int = 300
    drops: tuple[float, ...] = DROPS
    scores: tuple[str, ...] = ()
    """In which drops are planted; empty: the first primary score, else the first rate."""
    seed: int = 0


def self_test(gate: Gate, trials: StoredTrials | None, wanted: Wanted) -> SelfTest:
    """Decide A/A builds and builds with planted drops.

    Raises ConfigError where too little is stored or a drop cannot be planted, and what a comparison of these trials
    would raise.
    """
    if trials is None or trials.trials < 2:
        apart = " that share no reply of a judge" if gating_judges(gate) else ""
        raise ConfigError(
            f"no stored version of this gate has two trials of its items{apart}, so there is nothing to deal to two "
            "arms",
            where=gate.place,
            hint=f"run: {more_trials_command(gate)}",
        )
    pool = trial_pool_of(trials.table)
    margins = next_margins(gate)
    gate = main_share(margins.gate)
    tested = gate if gate.side_by_side else replace(gate, trials=min(gate.trials, pool.trials // 2))
    chosen = [target(gate, pool, name) for name in _planted_scores(gate, pool, wanted.scores)]
    drops = [(one, drop, kind) for one in chosen for drop in wanted.drops for kind in KINDS]
    for one, drop, _ in drops:
        check_drop(one, drop)

    unchanged = _Build(tested, pool, wanted.seed)
    builds = _build_all(unchanged, wanted.builds)
    outcomes = Counter(build.outcome for build in builds)
    few = min(wanted.builds, _DETECTION_BUILDS)
    found = [
        _build_all(_Build(_without_limits(tested), pool, wanted.seed, _Drop(*drop), stream), few)
        for stream, drop in enumerate(drops, 1)
    ]
    return SelfTest(
        gate=gate.place,
        trials_from=trials.origin,
        runs=trials.runs,
        items=len(pool.table.items),
        side_by_side=gate.side_by_side,
        trials=tested.trials,
        gate_trials=gate.trials,
        drawn_again=gate.side_by_side and not enough_for_rounds(pool, *_asked(gate)),
        alpha=gate.alpha,
        anchored=gate.anchor is not None,
        seed=wanted.seed,
        notes=margins.notes,
        false_alarms=_share_of_builds(outcomes["false alarm"], wanted.builds),
        outcomes=dict(outcomes),
        by_score=dict(Counter(name for build in builds for name in build.broken).most_common()),
        invalid_reason=next((build.reason for build in builds if build.outcome == "invalid"), None),
        detections=tuple(
            Detection(
                score=one.score,
                drop=drop,
                scale=one.pair.scale,
                unit=one.unit,
                kind=kind,
                found=_share_of_builds(sum(build.outcome == "false alarm" for build in builds), few),
            )
            for (one, drop, kind), builds in zip(drops, found, strict=True)
        ),
    )


def _share_of_builds(count: int, builds: int) -> Share:
    """With the 95 % interval of Clopper and Pearson."""
    low, high = exact_interval(count, builds)
    return Share(count=count, builds=builds, low=low, high=high)


@dataclass(frozen=True, slots=True)
class _BuildOutcome:
    """What became of one build."""

    outcome: str
    """pass, inconclusive, invalid, false alarm or floor."""
    reason: str
    broken: tuple[str, ...] = ()
    """Scores, with their slices, that were proved to be worse."""


@dataclass(frozen=True, slots=True)
class _Drop:
    target: Target
    size: float
    kind: DropKind


@dataclass(frozen=True, slots=True)
class _Build:
    """One build, by its number alone: the same however many are made and in whatever order."""

    gate: Gate
    pool: TrialPool
    seed: int
    drop: _Drop | None = None
    stream: int = 0

    def __call__(self, number: int) -> _BuildOutcome:
        verdict = self._decided(self.gate, number)
        if verdict.outcome != "regression":
            return _BuildOutcome(verdict.outcome, verdict.reason)
        # A limit on the candidate's own value may be broken by any version; an alarm is a difference that is none.
        free = _without_limits(self.gate)
        if free != self.gate:
            verdict = self._decided(free, number)
            if verdict.outcome != "regression":
                return _BuildOutcome("floor", verdict.reason)
        broken = tuple(
            rule.score if rule.slice is None else f"{rule.score} on {rule.slice}"
            for rule in verdict.rules
            if rule.outcome == "regression" and rule.role != "advisory"
        )
        return _BuildOutcome("false alarm", verdict.reason, broken)

    def _decided(self, gate: Gate, number: int) -> Verdict:
        random = np.random.default_rng([self.seed, self.stream, number])
        planted = self.drop
        damage = Planted(planted.target, planted.size, planted.kind, random) if planted else None
        if not gate.side_by_side:
            baseline, candidate = assign_two_arms(self.pool, gate.trials, random, damage)
            return compared(baseline, candidate, gate, seed=number)
        whole, confirm = _asked(gate)
        assigned = AssignedTrials(self.pool, whole=whole, confirm=confirm, random=random, damage=damage)
        return decide_in_rounds(gate, assigned, seed=number)


def _asked(gate: Gate) -> tuple[int, int]:
    """Most trials of an arm in whole-set rounds, and in the confirmation."""
    return gate.rounds.whole_set_trials(gate.trials)[
        -1
    ], gate.rounds.confirm_trials if gate.rounds.suspects else 0


def _without_limits(gate: Gate) -> Gate:
    """The gate with limits on the candidate's own value that every value keeps."""
    rules = {
        name: replace(
            rule,
            min=None if rule.min is None else -math.inf,
            max=None if rule.max is None else math.inf,
        )
        for name, rule in gate.rules.items()
    }
    return replace(gate, rules=rules)


def _planted_scores(gate: Gate, pool: TrialPool, asked: Sequence[str]) -> list[str]:
    known = gate.gated_scores
    for name in asked:
        if name not in known:
            raise ConfigError(
                f"the gate does not gate '{name}'", where="--score", hint=did_you_mean(name, known)
            )
    if asked:
        return list(dict.fromkeys(asked))
    primary = [name for name in known if gate.rules[name].primary]
    there = [name for name in known if name in pool.values]
    rates = (name for name in there if target(gate, pool, name).pair.scale == "rate")
    return [*primary, *rates, *known][:1]


def _build_all(build: Callable[[int], T], builds: int) -> list[T]:
    """Results of builds 0, 1, … in that order.

    Other processes are forked, which hands them the build as it is; where that is not safe there is only this one.
    """
    workers = min(os.cpu_count() or 1, builds // _FEWEST_TO_FORK)
    if workers < 2 or sys.platform != "linux":
        return [build(number) for number in range(builds)]
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, mp_context=fork, initializer=_begin, initargs=(build,)) as pool:
        return list(pool.map(_one, range(builds), chunksize=max(1, builds // (4 * workers))))


def _begin(build: Callable[[int], Any]) -> None:
    global _work
    _work = build


def _one(number: int) -> Any:
    assert _work is not None
    return _work(number)
