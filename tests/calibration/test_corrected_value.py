"""The candidate's value, raw and corrected, beside each other."""

import numpy as np
import pytest

from scoregate.calibration.corrected_value import corrected_difference_of, corrected_value


def test_a_lenient_judge_is_corrected_by_both() -> None:
    rng = np.random.default_rng(0)
    truth = np.where(rng.random(1000) < 0.6, 1.0, 0.0)
    judge = np.where(rng.random(1000) < 0.3, 1.0, truth)
    human = np.where(rng.random(1000) < 0.2, truth, np.nan)
    told = corrected_value(judge, human)
    assert told.raw.low is not None
    assert told.raw.low > 0.65  # the judge alone is sure of something wrong
    for estimate in (told.prediction_powered, told.rogan_gladen):
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low < 0.6 < estimate.high < 0.7
    assert (told.items, told.labelled) == (1000, int((~np.isnan(human)).sum()))
    assert told.raw.n == 1000
    assert told.prediction_powered.n == told.labelled
    assert 0 < told.judge_weight < 1
    assert told.decides.startswith("The judge's own scores decide")


def test_numbers_have_no_error_rates() -> None:
    rng = np.random.default_rng(1)
    truth = rng.uniform(1, 5, 400)
    judge = np.clip(truth + 0.5, 1, 5)
    human = np.where(np.arange(400) % 4 == 0, truth, np.nan)
    told = corrected_value(judge, human, low=1, high=5)
    assert told.rogan_gladen.reason == "it is for scores that pass or fail"
    assert told.prediction_powered.value == pytest.approx(truth.mean(), abs=0.15)


def test_without_labels_only_the_raw_value_is_told() -> None:
    told = corrected_value(np.ones(10), np.full(10, np.nan))
    assert told.raw.value == 1.0
    assert told.prediction_powered.reason == "0 labelled items are too few to correct anything"
    assert told.rogan_gladen.value is None


@pytest.mark.parametrize(
    ("judge", "human", "message"),
    [
        (np.zeros(0), np.zeros(0), "0 scores of the judge"),
        (np.zeros(3), np.zeros(2), "3 scores of the judge and 2 places"),
        (np.full(3, 2.0), np.zeros(3), "must lie within 0 and 1"),
        (np.array([0.0, np.nan]), np.zeros(2), "must lie within 0 and 1"),
    ],
)
def test_what_is_on_no_scale_is_refused(judge: np.ndarray, human: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        corrected_value(judge, human)


def test_items_without_an_answer_count_as_the_worst_and_need_no_label() -> None:
    rng = np.random.default_rng(2)
    truth = np.where(rng.random(400) < 0.8, 1.0, 0.0)
    human = np.where(np.arange(400) % 4 == 0, truth, np.nan)
    told = corrected_value(truth, human, known=np.zeros(100))
    assert (told.items, told.labelled, told.raw.n) == (500, 100, 500)
    for estimate in (told.raw, told.prediction_powered, told.rogan_gladen):
        assert estimate.value == pytest.approx(0.64, abs=0.04)


def test_the_raw_value_is_of_all_trials() -> None:
    told = corrected_value(np.ones(10), np.ones(10), raw=np.full(10, 0.5))
    assert told.raw.value == 0.5
    assert told.prediction_powered.value == 1.0


def test_a_flattered_candidate_has_no_drop_until_the_labels_of_both_versions_are_asked() -> None:
    rng = np.random.default_rng(3)
    before = np.where(rng.random(600) < 0.8, 1.0, 0.0)
    now = np.where(rng.random(600) < 0.2, 0.0, before)
    flattered = np.where((now == 0) & (rng.random(600) < 0.6), 1.0, now)
    human = np.where(np.arange(600) % 4 == 0, now - before, np.nan)
    judge = flattered - before
    told = corrected_difference_of(judge, human, same=200, raw=np.append(judge, np.zeros(200)))
    assert told.raw.value is not None
    assert told.raw.value > 0
    assert (told.items, told.labelled, told.same, told.raw.n) == (800, 150, 200, 800)
    assert told.prediction_powered.high is not None
    assert told.prediction_powered.high < 0
    assert told.prediction_powered.value == pytest.approx(0.75 * float((now - before).mean()), abs=0.04)


def test_a_difference_without_labels_says_what_is_lacking() -> None:
    nobody = corrected_difference_of(np.ones(4), np.full(4, np.nan), same=3, raw=np.ones(7))
    assert nobody.prediction_powered.reason == (
        "0 of the 4 items with two different answers are labelled in both versions"
    )
    one = corrected_difference_of(np.ones(4), np.array([0.0, np.nan, np.nan, np.nan]), same=3, raw=np.ones(7))
    assert one.prediction_powered.reason == (
        "1 of the 4 items with two different answers is labelled in both versions"
    )
    same = corrected_difference_of(np.zeros(0), np.zeros(0), same=7, raw=np.zeros(7))
    assert same.prediction_powered.reason == "both versions gave the same answers"
