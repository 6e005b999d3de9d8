"""Runs with different numbers of trials: what a first trial does in both versions is no difference between them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from scoregate import Gate, Rule, Verdict, compare
from scoregate.errors import ConfigError, ResultsError
from scoregate.gates.anchors import with_anchor
from scoregate.records import LeftOutTrials
from tests.gates.runs import Cells, RunMaker
from tests.gates.test_corners import table

FIVE_POINTS = {"correct": Rule(max_drop=0.05)}
BUILDS = 80


def cold(random: np.random.Generator, easy: np.ndarray, trials: int, *, lost: float = 0.0) -> np.ndarray:
    """(items, trials): easy items, a third, are always right; over all 85 % are, and 77 % in the first trial."""
    chance = np.where(easy[:, None], 1.0, np.full((len(easy), trials), 0.775))
    chance[~easy, 0] -= 0.12
    result: np.ndarray = random.random(chance.shape) < chance - lost
    return result


@pytest.mark.parametrize(("before", "now"), [(3, 1), (5, 1), (1, 3), (5, 3)])
def test_a_first_trial_that_is_worse_in_both_is_no_regression(before: int, now: int) -> None:
    alarms = 0
    for build in range(BUILDS):
        random = np.random.default_rng([build, before, now])
        easy = np.arange(200) % 3 == 0
        main, branch = (
            table("correct", cold(random, easy, k), name) for k, name in ((before, "main"), (now, "branch"))
        )
        alarms += compare(main, branch, FIVE_POINTS).outcome == "regression"
    # 1 % of 80 builds is less than one; with all positions compared 3 against 1 fail in a third of them.
    assert alarms <= 4


@pytest.mark.parametrize(("before", "now"), [(3, 1), (5, 1), (1, 3)])
def test_a_real_drop_is_still_found(before: int, now: int) -> None:
    found = 0
    for build in range(20):
        random = np.random.default_rng([build, before, now])
        easy = np.arange(200) % 3 == 0
        main = table("correct", cold(random, easy, before), "main")
        branch = table("correct", cold(random, easy, now, lost=0.25), "branch")
        found += compare(main, branch, FIVE_POINTS).outcome == "regression"
    assert found >= 18


def same(value: Callable[[int, int], bool | None], trials: int, items: int = 200) -> Cells:
    return {f"q{i:03d}": [value(i, trial) for trial in range(trials)] for i in range(items)}


def first_fails(item: int, trial: int) -> bool:
    """Every twelfth item fails in the first trial."""
    return trial > 0 or item % 12 != 0


def test_the_verdict_says_which_trials_were_left_out(make: RunMaker) -> None:
    verdict = compare(
        make("main", correct=same(first_fails, 3)), make("branch", correct=same(first_fails, 1)), FIVE_POINTS
    )
    assert verdict.outcome == "pass"
    assert verdict.rules[0].baseline_value == verdict.rules[0].candidate_value == pytest.approx(183 / 200)
    assert verdict.notes == (
        "the baseline has 3 trials of every item and the candidate 1, and a first trial may differ from later ones in "
        "both: compared at equal positions, trial 0, without trials 1 to 2 of the baseline",
    )
    assert json.loads(verdict.to_json())["left_out_trials"] == {"run": "baseline", "trials": [1, 2]}


def test_nothing_is_left_out_where_both_have_as_many(make: RunMaker) -> None:
    cells = same(first_fails, 3)
    verdict = compare(make("main", correct=cells), make("branch", correct=cells), FIVE_POINTS)
    assert (verdict.notes, verdict.left_out_trials) == ((), None)
    assert json.loads(verdict.to_json())["left_out_trials"] is None
    assert verdict.rules[0].n_expected == 600


def test_a_candidate_with_fewer_trials_than_its_gate_asks_for_is_said_to_have(make: RunMaker) -> None:
    gate = Gate(name="g", rules=FIVE_POINTS, trials=3)
    runs = make("main", correct=same(first_fails, 3)), make("branch", correct=same(first_fails, 1))
    assert compare(*runs, gate).notes[0].endswith("of the baseline; the gate asks for 3 trials")


def test_items_that_moved_are_told_by_the_trials_that_were_compared(make: RunMaker) -> None:
    before = same(lambda item, trial: trial == 0 or item > 0, 3)
    now = same(lambda item, _: item > 0, 1)
    (flip,) = compare(make("main", correct=before), make("branch", correct=now), FIVE_POINTS).flips
    assert (flip.item, flip.baseline_value, flip.candidate_value) == ("q000", "true", "false")


class TestACandidateWithMoreTrials:
    """Its further trials prove no drop, and hide none."""

    def verdict(self, make: RunMaker, now: Callable[[int, int], bool | None], rule: Rule) -> Verdict:
        once, thrice = same(lambda *_: True, 1), same(now, 3)
        return compare(make("main", correct=once), make("branch", correct=thrice), {"correct": rule})

    def test_later_trials_that_fail_do_not_pass(self, make: RunMaker) -> None:
        verdict = self.verdict(make, lambda item, trial: trial == 0 or item % 4 > 0, Rule(max_drop=0.05))
        assert verdict.outcome == "inconclusive"
        assert verdict.left_out_trials == LeftOutTrials("candidate", (1, 2))
        assert "trials 1 to 2 of the candidate, which its floors, critical items, missing" in verdict.notes[0]

    def test_later_trials_that_are_as_good_pass(self, make: RunMaker) -> None:
        assert self.verdict(make, lambda *_: True, Rule(max_drop=0.05)).outcome == "pass"

    def test_a_floor_is_of_all_trials(self, make: RunMaker) -> None:
        verdict = self.verdict(make, lambda item, trial: trial == 0 or item % 2 > 0, Rule(min=0.9))
        assert verdict.outcome == "regression"
        assert "66.7 % is below its minimum of 90.0 %" in verdict.reason

    def test_cells_that_later_trials_lack_are_told_and_counted(self, make: RunMaker) -> None:
        verdict = self.verdict(
            make, lambda item, trial: None if trial == 2 and item < 12 else True, Rule(max_drop=0.05)
        )
        scored = verdict.rules[-1]
        assert (scored.score, scored.n_expected, scored.missing) == ("scored", 600, 12)
        assert verdict.missing_items == tuple(f"q{i:03d}" for i in range(12))

    def test_a_run_that_lost_most_of_its_later_trials_is_invalid(self, make: RunMaker) -> None:
        verdict = self.verdict(make, lambda _, trial: True if trial == 0 else None, Rule(max_drop=0.05))
        assert verdict.outcome == "invalid"
        assert verdict.reason.startswith(
            "66.7 % of the candidate's values of 'correct' are missing or failed"
        )


class TestACriticalItem:
    def verdict(self, make: RunMaker, before: Cells, now: Cells) -> Verdict:
        return compare(make("main", c=before), make("branch", c=now), {"c": Rule(critical=True)})

    def test_that_failed_in_a_trial_of_the_baseline_may_fail(self, make: RunMaker) -> None:
        before = same(lambda item, trial: item > 0 or trial != 2, 3)
        now = same(lambda item, _: item > 0, 1)
        assert self.verdict(make, before, now).outcome == "pass"

    def test_that_passed_every_trial_of_the_baseline_may_not(self, make: RunMaker) -> None:
        before, now = same(lambda *_: True, 3), same(lambda item, _: item > 0, 1)
        assert self.verdict(make, before, now).outcome == "regression"

    def test_is_not_broken_by_later_trials_that_the_baseline_does_not_have(self, make: RunMaker) -> None:
        """From the sixth trial on a rate limit refuses one item, in whichever version runs so often."""
        before = same(lambda *_: True, 5, items=60)
        now = same(lambda item, trial: item > 0 or trial < 5, 20, items=60)
        verdict = self.verdict(make, before, now)
        assert verdict.outcome == "inconclusive"
        assert "q000" in verdict.reason

    def test_that_no_trial_passes_any_more_is_proved_by_all_of_them(self, make: RunMaker) -> None:
        before, now = same(lambda *_: True, 20, items=60), same(lambda item, _: item > 0, 3, items=60)
        assert self.verdict(make, before, now).outcome == "regression"


def test_a_reducer_names_the_run_that_has_too_few_trials(make: RunMaker) -> None:
    rules = {"correct": Rule(max_drop=0.05, reducer="pass^3")}
    with pytest.raises(ConfigError, match=r"needs 3 trials of every item, and the candidate has 1"):
        compare(
            make("main", correct=same(first_fails, 3)), make("branch", correct=same(first_fails, 1)), rules
        )


def test_the_anchors_trials_are_cut_as_well(make: RunMaker) -> None:
    gate = Gate(name="g", rules=FIVE_POINTS, anchor="run:release")
    branch = make("branch", correct=same(first_fails, 1))
    verdict = compare(make("main", correct=same(first_fails, 1)), branch, gate)
    held = with_anchor(gate, verdict, make("release", correct=same(first_fails, 5)), branch, seed=0)
    assert held.outcome == "pass"
    assert "without trials 1 to 4 of the anchor" in held.notes[-1]


def test_a_cell_beyond_the_runs_own_trials_is_no_trial_that_is_left_out(make: RunMaker) -> None:
    long = make("main", correct=same(first_fails, 3))
    wrong = replace(long, header=replace(long.header, trials=2))
    with pytest.raises(ResultsError, match="has trial 2 in a run of 2 trials"):
        compare(wrong, make("branch", correct=same(first_fails, 1)), FIVE_POINTS)
