"""What must hold between two comparisons whose inputs are related, whatever the inputs are (row 21)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from run_tables import SLICE, run_table
from worlds import Change, Values, World

from scoregate import Gate, Rule, compare
from scoregate.errors import ResultsError
from scoregate.gates.table import Column, RunTable
from scoregate.records import Verdict


def metamorphic_failures(rounds: int, seed: int) -> list[str]:
    """One line for each relation that did not hold."""
    broken = []
    for number in range(rounds):
        case = _random_case(np.random.default_rng((seed, number)))
        broken += [f"round {number}: {line}" for line in _broken_relations(case)]
    return broken


@dataclass(frozen=True, slots=True)
class _Case:
    """Two random runs and a gate."""

    rng: np.random.Generator
    world: World
    before: Values
    now: Values
    gate: Gate

    def table(self, values: Values, label: str) -> RunTable:
        return run_table(self.world.dataset(), values, label, self.world.score_names())


def _random_case(rng: np.random.Generator) -> _Case:
    world = World(
        int(rng.integers(24, 80)),
        int(rng.integers(1, 4)),
        turns=(1, 3) if rng.integers(3) == 0 else (1, 1),
        slices=3 if rng.integers(2) else 0,
        first_slice=12,
    )
    trials = int(rng.choice([1, 3]))
    agents = world.meet(rng, Change(float(rng.choice([0.0, 0.1, 0.3]))))
    before, now = agents.fresh(np.arange(world.items), trials)
    numeric = bool(rng.integers(2))
    if numeric:
        before, now = (np.round(0.7 * arm + 0.3 * rng.random(arm.shape), 3) for arm in (before, now))
    rule = Rule(max_drop=0.05, direction="higher" if numeric else None)
    slices = {SLICE: f"metadata.{SLICE}"} if world.slices else {}
    gate = Gate(name="", rules=dict.fromkeys(world.score_names(), rule), slices=slices)
    return _Case(rng, world, before, now, gate)


def _broken_relations(case: _Case) -> Iterator[str]:
    gate = case.gate
    baseline, candidate = case.table(case.before, "baseline"), case.table(case.now, "candidate")
    verdict = compare(baseline, candidate, gate)
    if compare(baseline, candidate, gate).to_json() != verdict.to_json():
        yield "the same input gave another output"
    if (
        compare(_shuffled(case.rng, baseline), _shuffled(case.rng, candidate), gate).to_json()
        != verdict.to_json()
    ):
        yield "the order of rows changed the output"
    reordered = compare(baseline, candidate, replace(gate, rules=dict(reversed(list(gate.rules.items())))))
    if _p_values(reordered) != _p_values(verdict):
        yield "the order of scores changed a p-value"
    renamed = compare(_renamed(baseline), _renamed(candidate), gate)
    if _p_values(renamed) != _p_values(verdict):
        yield "renaming the items changed a p-value"
    if case.world.slices:
        other = compare(_slices_renamed(baseline), _slices_renamed(candidate), gate)
        if sorted(_p_values(other).values(), key=str) != sorted(_p_values(verdict).values(), key=str):
            yield "renaming the slices changed a p-value"
    mirrored = compare(candidate, baseline, gate)
    for place, difference in _differences(verdict).items():
        if not np.isclose(difference, -_differences(mirrored).get(place, np.nan), atol=1e-12):
            yield f"swapping the arms did not mirror the difference of {place}"
    if verdict.outcome == "regression":
        for what, value in (("lowering a score", 0.0), ("losing a cell", np.nan)):
            worse = case.now.copy()
            worse.flat[int(case.rng.integers(worse.size))] = value
            if compare(baseline, case.table(worse, "candidate"), gate).outcome == "pass":
                yield f"{what} turned a regression into a pass"
    try:
        compare(baseline, _doubled(candidate), gate)
        yield "a doubled trial record was accepted"
    except ResultsError:
        pass


def _p_values(verdict: Verdict) -> dict[tuple[str, str | None], tuple[float | None, float | None]]:
    return {(rule.score, rule.slice): (rule.p_value, rule.adjusted_p_value) for rule in verdict.rules}


def _differences(verdict: Verdict) -> dict[tuple[str, str | None], float]:
    return {(rule.score, rule.slice): rule.difference or 0.0 for rule in verdict.rules}


def _shuffled(rng: np.random.Generator, table: RunTable) -> RunTable:
    columns = {}
    for name, column in table.columns.items():
        order = rng.permutation(len(column.items))
        columns[name] = Column(column.items[order], column.trials[order], column.values[order])
    return replace(table, columns=columns)


def _renamed(table: RunTable) -> RunTable:
    """Other ids that sort the other way round."""
    last = len(table.items) - 1
    columns = {
        name: Column(last - column.items, column.trials, column.values)
        for name, column in table.columns.items()
    }
    new = {item: f"other-{last - position:05d}" for position, item in enumerate(table.items)}
    return replace(
        table,
        items=tuple(sorted(new.values())),
        columns=columns,
        clusters={new[item]: cluster for item, cluster in table.clusters.items()},
        slices={new[item]: values for item, values in table.slices.items()},
    )


def _slices_renamed(table: RunTable) -> RunTable:
    """Other slice values that sort the other way round."""
    return replace(
        table,
        slices={
            item: {name: f"other-{9 - int(value[-1])}" for name, value in values.items()}
            for item, values in reversed(list(table.slices.items()))
        },
    )


def _doubled(table: RunTable) -> pd.DataFrame:
    """Every trial record twice, as a table that somebody concatenated with itself."""
    frames = [
        pd.DataFrame(
            {
                "item": [table.items[i] for i in column.items],
                "trial": column.trials,
                "score": name,
                "value": column.values,
            }
        )
        for name, column in table.columns.items()
    ]
    return pd.concat([*frames, *frames], ignore_index=True)
