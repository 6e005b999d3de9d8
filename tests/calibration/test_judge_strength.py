"""How much of a true drop a calibrated judge shows, and what that makes of a margin."""

from __future__ import annotations

import pytest

from scoregate.calibration.judge_strength import (
    judge_strength,
    margin_sentence,
    too_weak,
    true_margin_sentence,
)
from scoregate.catalog import Contract
from scoregate.statistics.estimate import difference_interval
from tests.calibration.judged import CORRECT, boolean, calibrated, items


def test_it_is_sensitivity_and_specificity_less_one() -> None:
    found = judge_strength(calibrated(boolean(90, 5, 10, 45, missing=3)), CORRECT)
    assert found.value == pytest.approx(0.9 + 0.9 - 1)
    assert (found.low, found.high) == difference_interval(5, 50, 90, 100)
    assert found.n == 150


def test_a_lower_is_better_score_passes_where_it_is_false() -> None:
    contract = Contract(name="toxic", type="boolean", direction="lower")
    found = judge_strength(calibrated(boolean(20, 1, 0, 60), contract), contract)
    assert found.value == pytest.approx(60 / 61)


def test_categories_pass_or_fail_and_ignored_ones_do_not_count() -> None:
    tone = Contract(
        name="tone",
        type="categorical",
        categories=("kind", "neutral", "rude", "unclear"),
        passing=("kind", "neutral"),
        ignore=("unclear",),
    )
    judged = items(
        [("kind", "neutral", 30), ("rude", "rude", 18), ("kind", "rude", 2), ("unclear", "rude", 5)]
    )
    found = judge_strength(calibrated(judged, tone), tone)
    assert found.value == pytest.approx(1 + 0.9 - 1)
    assert found.n == 50


def test_what_cannot_be_told_says_why() -> None:
    assert judge_strength(calibrated(boolean(50, 0, 2, 0)), CORRECT).reason == "no label is a fail"
    grade = Contract(name="grade", type="numeric", min=0, max=10)
    found = judge_strength(calibrated(items([(1, 2, 30)]), grade), grade)
    assert found.reason == "it is for scores that pass or fail"
    assert margin_sentence("grade", 0.5, found) is None


def test_a_margin_of_the_judge_rules_out_a_larger_true_drop() -> None:
    strength = judge_strength(calibrated(boolean(92, 7, 8, 93)), CORRECT)
    low, high = strength.low, strength.high
    assert low is not None
    assert margin_sentence("correct", 0.05, strength) == (
        f"the judge 'correct' shows 0.85 of a true drop [{low:.2f}, {high:.2f}], by 200 calibrated items: a pass "
        "within its margin of 5.0 points would rule out true drops of more than 5.9 points, to be sure "
        f"{100 * 0.05 / low:.1f} points"
    )
    assert f"is {100 * 0.05 * low:.1f} points of its own scores" in true_margin_sentence(
        "correct", 0.05, strength
    )


def test_a_judge_hardly_better_than_chance_rules_out_nothing() -> None:
    strength = judge_strength(calibrated(boolean(30, 18, 20, 32)), CORRECT)
    assert too_weak(strength)
    sentence = margin_sentence("correct", 0.05, strength)
    assert sentence is not None
    assert sentence.endswith("a pass within its margin of 5.0 points may rule out no true drop at all")
