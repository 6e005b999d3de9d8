"""Runs that cannot be compared, and what is said of them."""

import pytest

from scoregate import Rule, compare
from scoregate.errors import ConfigError, ResultsError
from scoregate.records import Run
from tests.gates.runs import RunMaker, passing

FIVE_POINTS = {"correct": Rule(max_drop=0.05)}


def test_a_run_is_not_its_own_baseline(make: RunMaker) -> None:
    run = make("same", correct=passing(100))
    verdict = compare(run, run, FIVE_POINTS)
    assert verdict.outcome == "invalid"
    assert "its own baseline" in verdict.reason
    assert verdict.rules == ()


def test_a_dataset_that_changed_names_the_items(make: RunMaker) -> None:
    verdict = compare(
        make("a", correct=passing(100), header={"dataset_fingerprint": "1"}),
        make("b", correct={**passing(99), "new": True}, header={"dataset_fingerprint": "2"}),
        FIVE_POINTS,
    )
    assert verdict.outcome == "invalid"
    assert "(1 new (new), 1 gone (q099))" in verdict.reason
    assert 'on_dataset_change = "intersection" in the gate to compare the 99 items' in verdict.reason


def test_a_scorer_that_changed_makes_scores_mean_something_else(make: RunMaker) -> None:
    verdict = compare(
        make("a", correct=passing(100), header={"scorers": {"correct": "v1"}}),
        make("b", correct=passing(100), header={"scorers": {"correct": "v2"}}),
        FIVE_POINTS,
    )
    assert verdict.outcome == "invalid"
    assert "the scorer of correct changed since the baseline (v1 then, v2 now)" in verdict.reason


def test_a_score_that_the_baseline_never_had(make: RunMaker) -> None:
    verdict = compare(
        make("a", correct=passing(100)),
        make("b", correct=passing(100), polite=passing(100)),
        {"correct": Rule(), "polite": Rule()},
    )
    assert verdict.outcome == "invalid"
    assert "the baseline has no score 'polite'" in verdict.reason


def test_nothing_in_common(make: RunMaker) -> None:
    verdict = compare(make("a", correct={"x": True}), make("b", correct={"y": True}), FIVE_POINTS)
    assert "no item in common" in verdict.reason


def test_a_partial_baseline_is_none(make: RunMaker) -> None:
    verdict = compare(
        make("a", correct=passing(100), header={"metadata": {"selection": "limit 100"}}),
        make("b", correct=passing(100)),
        FIVE_POINTS,
    )
    assert "accept a whole run" in verdict.reason


def test_a_partial_candidate_never_passes_and_is_never_waved_through(make: RunMaker) -> None:
    part = {"metadata": {"selection": "limit 60"}}
    verdict = compare(
        make("a", correct=passing(200)), make("b", correct=passing(100), header=part), FIVE_POINTS
    )
    assert (verdict.outcome, verdict.exit_code) == ("inconclusive", 3)
    assert verdict.partial
    assert verdict.rules[0].n_items == 100
    worse = compare(
        make("a", correct=passing(200)), make("b", correct=passing(100, 30), header=part), FIVE_POINTS
    )
    assert worse.outcome == "regression"


def test_an_unknown_score_is_named_with_the_nearest(make: RunMaker) -> None:
    with pytest.raises(ConfigError, match="did you mean 'correct'"):
        compare(make("a", correct=passing(9)), make("b", correct=passing(9)), {"corect": Rule()})


def test_two_records_of_one_cell_are_refused(make: RunMaker) -> None:
    run = make("b", correct=passing(10))
    doubled = Run(run.header, run.items, run.scores + run.scores[:1])
    with pytest.raises(ResultsError, match="'q000' is there twice in trial 0"):
        compare(make("a", correct=passing(10)), doubled, FIVE_POINTS)
    with pytest.raises(ResultsError, match="'q000' is there twice in trial 0"):
        compare(make("a", correct=passing(10)), Run(run.header, run.items * 2, run.scores), FIVE_POINTS)
