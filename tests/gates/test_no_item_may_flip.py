"""A rule that no item may flip is broken by one item and holds where none is lost, however few there are."""

import pytest

from scoregate import Rule, compare
from tests.gates.runs import Cells, RunMaker, passing

RULE = {"correct": Rule(critical=True)}


@pytest.mark.parametrize("items", [1, 2, 6, 7, 10, 25])
def test_equal_answers_pass_with_any_number_of_items(make: RunMaker, items: int) -> None:
    before = make("a", correct=passing(items))
    verdict = compare(before, make("b", correct=passing(items)), RULE)
    assert verdict.outcome == "pass"
    assert "no item flipped" in verdict.reason
    assert verdict.rules[0].margin == 0.0
    assert compare(before, make("b", correct=passing(items, 1)), RULE).outcome == "regression"


@pytest.mark.parametrize(
    "now",
    [
        {"q000": None},
        {"q001": None},
        {"q001": "n/a"},
        {"q000": None, "q001": None},
    ],
)
def test_what_is_missing_is_never_unchanged(make: RunMaker, now: Cells) -> None:
    before = {**passing(25), "q000": False}
    verdict = compare(make("a", correct=before), make("b", correct={**before, **now}), RULE)
    assert verdict.outcome != "pass"


def test_an_item_that_is_won_makes_nothing_worse(make: RunMaker) -> None:
    verdict = compare(make("a", correct=passing(7, 2)), make("b", correct=passing(7, 1)), RULE)
    assert verdict.outcome == "pass"
    assert "none worse than before" in verdict.reason


def test_what_failed_and_applies_no_more_is_not_lost(make: RunMaker) -> None:
    before = {**passing(7), "x": False}
    now = {**passing(7), "x": "n/a"}
    assert compare(make("a", correct=before), make("b", correct=now), RULE).outcome == "pass"


def test_what_applies_nowhere_is_not_asked(make: RunMaker) -> None:
    run = {**passing(7), "x": "n/a"}
    assert compare(make("a", correct=run), make("b", correct=run), RULE).outcome == "pass"


def trials(items: int, first: list[bool]) -> Cells:
    return {f"q{i:03d}": first if i == 0 else [True] * 3 for i in range(items)}


def test_fewer_passes_in_several_trials_are_no_pass(make: RunMaker) -> None:
    before = make("a", correct=trials(6, [True] * 3))
    assert compare(before, make("b", correct=trials(6, [True] * 3)), RULE).outcome == "pass"
    verdict = compare(before, make("b", correct=trials(6, [True, False, False])), RULE)
    assert verdict.outcome == "inconclusive"
    assert "1 item that is not shown to be as good as before: q000" in verdict.reason


def test_among_enough_items_one_lost_trial_is_chance(make: RunMaker) -> None:
    before, now = (
        make(run, correct=trials(200, first))
        for run, first in (("a", [True] * 3), ("b", [True, True, False]))
    )
    assert compare(before, now, RULE).outcome == "pass"


def test_more_trials_than_the_baseline_has(make: RunMaker) -> None:
    once = make("a", correct=passing(7))
    assert compare(once, make("b", correct=trials(7, [True] * 3)), RULE).outcome == "pass"
    assert compare(once, make("b", correct=trials(7, [True, True, False])), RULE).outcome == "inconclusive"


def test_a_floor_beside_it_is_kept_as_well(make: RunMaker) -> None:
    rule = {"correct": Rule(critical=True, min=1.0)}
    assert compare(make("a", correct=passing(7)), make("b", correct=passing(7)), rule).outcome == "pass"
    below = make("a", correct=passing(7, 1)), make("b", correct=passing(7, 1))
    assert compare(*below, rule).outcome == "regression"


def test_a_margin_beside_it_asks_for_the_number_that_it_needs(make: RunMaker) -> None:
    rule = {"correct": Rule(critical=True, max_drop=0.05)}
    verdict = compare(make("a", correct=passing(25)), make("b", correct=passing(25)), rule)
    assert verdict.outcome == "inconclusive"


def test_inconclusive_without_a_change_says_that_first(make: RunMaker) -> None:
    runs = make("a", correct=passing(25)), make("b", correct=passing(25))
    verdict = compare(*runs, {"correct": Rule(max_drop=0.05)})
    assert verdict.outcome == "inconclusive"
    assert verdict.reason.startswith("correct: nothing moved, but with so few items a drop of 5.0 points")
    assert "critical = true" in verdict.reason
    moved = compare(runs[0], make("b", correct={**passing(25, 1)}), {"correct": Rule(max_drop=0.05)})
    assert "nothing moved" not in moved.reason


def test_so_few_that_nothing_can_be_told_names_the_way_out(make: RunMaker) -> None:
    runs = make("a", correct=passing(4)), make("b", correct=passing(4))
    verdict = compare(*runs, {"correct": Rule(max_drop=0.05)})
    assert verdict.outcome == "invalid"
    assert "or ask with critical = true instead of a margin that no item flips" in verdict.reason
