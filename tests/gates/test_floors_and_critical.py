"""Rules that need no baseline value, or only one item: floors, and scores that may not fail anew."""

import pytest

from scoregate import Gate, Rule, compare
from scoregate.errors import ConfigError
from tests.gates.runs import RunMaker, passing


def test_below_the_floor_beyond_doubt_is_a_regression(make: RunMaker) -> None:
    run = passing(200, 100)
    verdict = compare(make("a", correct=run), make("b", correct=run), {"correct": Rule(min=0.8)})
    assert verdict.outcome == "regression"
    assert "50.0 % is below its minimum of 80.0 %" in verdict.reason


def test_astride_the_floor_is_inconclusive(make: RunMaker) -> None:
    run = passing(200, 40)
    verdict = compare(make("a", correct=run), make("b", correct=run), {"correct": Rule(min=0.8)})
    assert verdict.outcome == "inconclusive"
    assert "may lie below its minimum" in verdict.reason


def test_strict_lets_the_plain_value_decide(make: RunMaker) -> None:
    run = passing(200, 41)
    rule = {"correct": Rule(min=0.8, strict=True)}
    assert compare(make("a", correct=run), make("b", correct=run), rule).outcome == "regression"
    kept = passing(200, 40)
    assert compare(make("a", correct=kept), make("b", correct=kept), rule).outcome == "pass"


def test_the_end_of_the_scale_is_always_strict(make: RunMaker) -> None:
    rule = {"correct": Rule(min=1.0)}
    good, bad = passing(200), passing(200, 1)
    assert compare(make("a", correct=good), make("b", correct=good), rule).outcome == "pass"
    assert compare(make("a", correct=good), make("b", correct=bad), rule).outcome == "regression"


def test_a_missing_value_counts_against_the_floor(make: RunMaker) -> None:
    run = dict(passing(100), q000=None)
    verdict = compare(make("a", correct=passing(100)), make("b", correct=run), {"correct": Rule(min=1.0)})
    assert verdict.outcome == "regression"


RULE = {"policy": Rule(critical=True)}


def test_one_item_that_passed_and_fails_now_breaks_the_gate(make: RunMaker) -> None:
    verdict = compare(make("a", policy=passing(200)), make("b", policy=passing(200, 1)), RULE)
    assert verdict.outcome == "regression"
    assert "critical: 1 item did not fail in the baseline and fails now: q000" in verdict.reason
    assert verdict.flips[0].critical


def test_an_item_that_failed_before_may_go_on_failing(make: RunMaker) -> None:
    run = passing(200, 1)
    assert compare(make("a", policy=run), make("b", policy=run), RULE).outcome == "pass"


def test_an_item_that_is_missing_now_counts_as_failing(make: RunMaker) -> None:
    verdict = compare(make("a", policy=passing(200)), make("b", policy=dict(passing(200), q007=None)), RULE)
    assert verdict.outcome == "regression"
    assert "q007" in verdict.reason


def test_with_trials_one_bad_trial_is_chance_and_five_are_not(make: RunMaker) -> None:
    before = {f"q{i:03d}": [True] * 5 for i in range(100)}
    once = dict(before, q000=[False, True, True, True, True])
    never = dict(before, q000=[False] * 5)
    assert compare(make("a", policy=before), make("b", policy=once), RULE).outcome == "pass"
    assert compare(make("a", policy=before), make("b", policy=never), RULE).outcome == "regression"


def test_a_number_has_no_pass_or_fail(make: RunMaker) -> None:
    values = {f"q{i:03d}": 0.5 for i in range(20)}
    with pytest.raises(ConfigError, match="cannot be critical"):
        compare(
            make("a", s=values), make("b", s=values),
            Gate(name="", rules={"s": Rule(critical=True, direction="higher", max_drop=0.1)}),
        )  # fmt: skip
