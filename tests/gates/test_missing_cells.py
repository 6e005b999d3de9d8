"""Cells that are not there count against whoever lost them."""

import pytest

from scoregate import Rule, compare
from tests.gates.runs import RunMaker, passing

FIVE_POINTS = {"correct": Rule(max_drop=0.05)}


def test_a_missing_item_is_a_failure_even_when_the_rest_got_better(make: RunMaker) -> None:
    before = passing(1000, 500)
    now = dict.fromkeys(list(before)[20:], True)
    verdict = compare(make("a", correct=before), make("b", correct=now), FIVE_POINTS)
    assert verdict.outcome == "regression"
    assert verdict.reason.startswith("scored: 20 items of 1,000 without a valid score")
    assert "q000, q001, q002" in verdict.reason
    assert verdict.missing_items[:2] == ("q000", "q001")
    assert verdict.rules[0].candidate_value == pytest.approx(0.98)


def test_too_many_of_them_make_it_invalid(make: RunMaker) -> None:
    now = dict(list(passing(100).items())[:90])
    verdict = compare(make("a", correct=passing(100)), make("b", correct=now), FIVE_POINTS)
    assert (verdict.outcome, verdict.exit_code) == ("invalid", 4)
    assert "10.0 % of the candidate's values of 'correct' are missing" in verdict.reason


def test_so_do_they_in_the_baseline(make: RunMaker) -> None:
    before = dict(passing(100), **dict.fromkeys([f"q{i:03d}" for i in range(8)], None))
    verdict = compare(make("a", correct=before), make("b", correct=passing(100)), FIVE_POINTS)
    assert verdict.outcome == "invalid"
    assert "of the baseline's values" in verdict.reason


def test_an_item_that_neither_run_names_is_missing_in_both(make: RunMaker) -> None:
    run = passing(98)
    verdict = compare(make("a", correct=run, expected=100), make("b", correct=run, expected=100), FIVE_POINTS)
    assert verdict.rules[0].n_items == 100
    assert verdict.rules[0].missing == 2
    assert verdict.rules[0].candidate_value == pytest.approx(0.98)


def test_a_gate_may_have_a_rule_of_its_own_for_scored(make: RunMaker) -> None:
    now = dict(passing(400), q000=None)
    rules = {"correct": Rule(), "scored": Rule(min=1.0)}
    verdict = compare(make("a", correct=passing(400)), make("b", correct=now), rules)
    assert verdict.outcome == "regression"
    assert verdict.reason.startswith("scored: 99.8 % is below its minimum")


def test_a_drop_says_how_many_of_its_items_have_no_value(make: RunMaker) -> None:
    before = passing(300, failing=10)
    lost = dict.fromkeys([f"q{i:03d}" for i in range(100, 114)])
    verdict = compare(make("a", correct=before), make("b", correct=dict(before, **lost)), FIVE_POINTS)
    assert verdict.outcome == "regression"
    assert "14 items that have no valid value now count as failed" in verdict.reason
