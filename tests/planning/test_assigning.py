"""Builds that are dealt from stored trials of one version."""

from __future__ import annotations

import numpy as np
import pytest

from scoregate.gates.rounds import RoundRequest
from scoregate.gates.table import RunTable, table_from_run
from scoregate.planning.assigning import AssignedTrials, assign_two_arms, trial_pool_of
from tests.gates.runs import RunMaker

TRIALS = 4
ITEMS = [f"q{n}" for n in range(6)]
NUMBERED = {item: [10 * n + trial for trial in range(TRIALS)] for n, item in enumerate(ITEMS)}
"""Every value says of which item and trial it is."""


def stored(**parts: object) -> RunTable:
    run = RunMaker()("stored", number=NUMBERED, twin=NUMBERED, **parts)  # type: ignore[arg-type]
    return table_from_run(run)


def cells(table: RunTable, score: str = "number") -> dict[str, list[int]]:
    """Item -> its values, by trial."""
    column = table.columns[score]
    found: dict[str, list[int]] = {}
    for place, value in zip(column.items.tolist(), column.values.tolist(), strict=True):
        found.setdefault(table.items[place], []).append(value)
    return found


def test_every_stored_trial_goes_to_one_arm_only() -> None:
    baseline, candidate = assign_two_arms(trial_pool_of(stored()), 2, np.random.default_rng(0))
    before, now = cells(baseline), cells(candidate)
    for item, values in NUMBERED.items():
        assert sorted(before[item] + now[item]) == values
    assert baseline.header.run != candidate.header.run
    assert (baseline.header.trials, candidate.header.trials) == (2, 2)


def test_all_scores_of_a_trial_are_dealt_together() -> None:
    baseline, candidate = assign_two_arms(trial_pool_of(stored()), 2, np.random.default_rng(0))
    assert cells(baseline) == cells(baseline, "twin")
    assert cells(candidate) == cells(candidate, "twin")


def test_a_conversation_is_dealt_as_a_whole() -> None:
    clusters = {item: f"c{n // 3}" for n, item in enumerate(ITEMS)}
    baseline, _ = assign_two_arms(trial_pool_of(stored(clusters=clusters)), 2, np.random.default_rng(0))
    trials = {item: [value % 10 for value in values] for item, values in cells(baseline).items()}
    assert trials["q0"] == trials["q1"] == trials["q2"]
    assert trials["q3"] == trials["q4"] == trials["q5"]


def test_items_that_stand_alone_are_dealt_each_for_itself() -> None:
    baseline, _ = assign_two_arms(trial_pool_of(stored()), 2, np.random.default_rng(0))
    assert len({tuple(value % 10 for value in values) for values in cells(baseline).values()}) > 1


def test_too_few_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="4 stored trials cannot be dealt to two arms of 3"):
        assign_two_arms(trial_pool_of(stored()), 3, np.random.default_rng(0))


def test_rounds_get_fresh_trials_where_enough_are_stored() -> None:
    values = {item: [100 * n + trial for trial in range(8)] for n, item in enumerate(ITEMS)}
    pool = trial_pool_of(table_from_run(RunMaker()("stored", number=values)))
    serve = AssignedTrials(pool, whole=2, confirm=2, random=np.random.default_rng(0))
    requests = (RoundRequest("A", None, 1), RoundRequest("B", ("q4", "q1"), 2), RoundRequest("C", None, 1))
    served = [serve(request) for request in requests]
    assert served[1][0].items == ("q1", "q4")
    for item in ("q1", "q4"):
        seen = [value for arms in served for arm in arms for value in cells(arm)[item]]
        assert sorted(seen) == values[item]


def test_trials_are_drawn_anew_where_too_few_are_stored() -> None:
    serve = AssignedTrials(trial_pool_of(stored()), whole=5, confirm=5, random=np.random.default_rng(0))
    arms = serve(RoundRequest("A", None, 5))
    for arm in arms:
        for item, values in cells(arm).items():
            assert set(values) <= set(NUMBERED[item])
    assert any(len(set(values)) < 5 for values in cells(arms[0]).values())


def test_what_is_missing_stays_missing() -> None:
    holes = {"a": [None, None], "b": [True, "n/a"]}
    pool = trial_pool_of(table_from_run(RunMaker()("stored", correct=holes)))  # type: ignore[arg-type]
    baseline, _ = assign_two_arms(pool, 1, np.random.default_rng(0))
    assert cells(baseline, "correct")["a"] == [None]
