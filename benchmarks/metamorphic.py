"""What must hold between two comparisons whose inputs are related, whatever the inputs are (row 21)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from worlds import Values, World, as_table

from scoregate import Gate, Rule, compare
from scoregate.errors import ResultsError
from scoregate.gates.table import Column, RunTable
from scoregate.records import Verdict


def metamorphic_failures(rounds: int, seed: int) -> list[str]:
    """One line for each relation that did not hold."""
    broken = []
    for number in range(rounds):
        rng = np.random.default_rng((seed, number))
        world = World(int(rng.integers(12, 80)), int(rng.integers(1, 4)))
        difficulty = world.difficulty(rng)
        trials = int(rng.choice([1, 3]))
        before = world.run(rng, difficulty, trials)
        now = world.run(rng, difficulty, trials, drop=float(rng.choice([0.0, 0.1, 0.3])))
        numeric = bool(rng.integers(2))
        if numeric:
            before, now = (np.round(0.7 * arm + 0.3 * rng.random(arm.shape), 3) for arm in (before, now))
        rule = Rule(max_drop=0.05, direction="higher" if numeric else None)
        gate = Gate(name="", rules={f"score_{i}": rule for i in range(world.scores)})
        broken += [f"round {number}: {line}" for line in _relations(rng, world, before, now, gate)]
    return broken


def _relations(rng: np.random.Generator, world: World, before: Values, now: Values, gate: Gate) -> list[str]:
    baseline, candidate = as_table(world, before, "baseline"), as_table(world, now, "candidate")
    verdict = compare(baseline, candidate, gate)
    failures = []
    if compare(baseline, candidate, gate).to_json() != verdict.to_json():
        failures.append("the same input gave another output")
    shuffled = compare(_shuffled(rng, baseline), _shuffled(rng, candidate), gate)
    if shuffled.to_json() != verdict.to_json():
        failures.append("the order of rows changed the output")
    reordered = compare(baseline, candidate, replace(gate, rules=dict(reversed(list(gate.rules.items())))))
    if _p_values(reordered) != _p_values(verdict):
        failures.append("the order of scores changed a p-value")
    renamed = compare(_renamed(baseline), _renamed(candidate), gate)
    if _p_values(renamed) != _p_values(verdict):
        failures.append("renaming the items changed a p-value")
    mirrored = compare(candidate, baseline, gate)
    for rule, other in zip(verdict.rules, mirrored.rules, strict=True):
        if not np.isclose(rule.difference or 0.0, -(other.difference or 0.0), atol=1e-12):
            failures.append("swapping the arms did not mirror the difference")
    lowered = now.copy()
    lowered.flat[int(rng.integers(now.size))] = 0.0
    worse = compare(baseline, as_table(world, lowered, "candidate"), gate)
    if verdict.outcome == "regression" and worse.outcome == "pass":
        failures.append("lowering a score turned a regression into a pass")
    lost = now.copy()
    lost.flat[int(rng.integers(now.size))] = np.nan
    gone = compare(baseline, as_table(world, lost, "candidate"), gate)
    if verdict.outcome == "regression" and gone.outcome == "pass":
        failures.append("losing a cell turned a regression into a pass")
    try:
        compare(baseline, _doubled(candidate), gate)
        failures.append("a doubled trial record was accepted")
    except ResultsError:
        pass
    return failures


def _p_values(verdict: Verdict) -> dict[str, tuple[float | None, float | None]]:
    return {rule.score: (rule.p_value, rule.adjusted_p_value) for rule in verdict.rules}


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
    return replace(table, items=tuple(f"other-{i:05d}" for i in range(last + 1)), columns=columns)


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
