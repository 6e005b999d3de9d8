"""What a gate can see and how often an unchanged candidate passes: check values, and simulation of the real tests."""

import math

import numpy as np
import pytest

from scoregate.statistics.bounds import estimate_mean
from scoregate.statistics.exact import exact_permutation_test
from scoregate.statistics.power import (
    difference_error,
    drop_found,
    items_needed,
    minimum_detectable_drop,
    pairs_needed,
    passes_unchanged,
    within_variance,
    within_variance_of_two_runs,
)

WITHIN = 0.0714
"""Of the reference agent: one item in seven differs between two runs."""
TABLE = {
    # trial pairs: standard error, visible drop of one score and of ten, passable margin of one score and of ten
    30: (6.9, 21.9, 27.1, 17.2, 25.2),
    100: (3.8, 12.0, 14.9, 9.4, 13.8),
    300: (2.2, 6.9, 8.6, 5.4, 8.0),
    500: (1.7, 5.4, 6.6, 4.2, 6.2),
    1000: (1.2, 3.8, 4.7, 3.0, 4.4),
    3000: (0.7, 2.2, 2.7, 1.7, 2.5),
    10000: (0.4, 1.2, 1.5, 0.9, 1.4),
}


def test_the_published_sample_size_of_miller() -> None:
    assert items_needed(0.03, alpha=0.05, within=(0.0, 0.0), between=1 / 9, two_sided=True) == 969


@pytest.mark.parametrize("pairs", TABLE)
def test_what_each_number_of_trial_pairs_can_see(pairs: int) -> None:
    from scipy.stats import norm

    error, one, ten, margin, margin_of_ten = TABLE[pairs]
    standard_error = difference_error(WITHIN, items=pairs, trials=1)
    assert 100 * standard_error == pytest.approx(error, abs=0.06)
    assert 100 * minimum_detectable_drop(standard_error, 0.01) == pytest.approx(one, abs=0.06)
    assert 100 * minimum_detectable_drop(standard_error, 0.001) == pytest.approx(ten, abs=0.06)
    assert 100 * (norm.isf(0.05) + norm.isf(0.2)) * standard_error == pytest.approx(margin, abs=0.06)
    joint = norm.isf(0.05) + norm.ppf(0.8**0.1)
    assert 100 * joint * standard_error == pytest.approx(margin_of_ten, abs=0.06)


@pytest.mark.parametrize("pairs", [1_000, 10_000])
def test_many_items_pass_the_margins_of_the_table_in_four_of_five_builds(pairs: int) -> None:
    from scipy.stats import norm

    error = difference_error(WITHIN, items=pairs, trials=1)
    for scores, factor in ((1, norm.isf(0.05) + norm.isf(0.2)), (10, norm.isf(0.05) + norm.ppf(0.8**0.1))):
        passes = passes_unchanged(
            WITHIN, items=pairs, trials=1, margin=factor * error, level=0.05, scores=scores
        )
        assert passes == pytest.approx(0.8, abs=0.03)


def test_trials_and_items_are_worth_the_same_to_an_unchanged_candidate() -> None:
    assert difference_error(WITHIN, items=300, trials=3) == difference_error(WITHIN, items=900, trials=1)
    assert pairs_needed(100, difference_error(WITHIN, items=100, trials=1), 0.05, 0.05) == pytest.approx(
        350, abs=10
    )


def rates(rng: np.random.Generator, items: int) -> np.ndarray:
    """Pass probabilities of items: half of them always pass, the others pass in 6 of 7 trials or less."""
    return np.where(rng.random(items) < 0.5, 1.0, rng.choice([0.6, 0.8, 0.9], size=items))


def within_of(probabilities: np.ndarray) -> float:
    return float((probabilities * (1 - probabilities)).mean())


@pytest.mark.parametrize(
    ("items", "trials", "margin"), [(100, 1, 0.1), (100, 3, 0.07), (300, 1, 0.05), (40, 5, 0.1)]
)
def test_the_share_that_passes_is_the_one_of_the_bound_itself(items: int, trials: int, margin: float) -> None:
    rng = np.random.default_rng(4)
    probabilities = rates(rng, items)
    expected = passes_unchanged(
        within_of(probabilities), items=items, trials=trials, margin=margin, level=0.05
    )
    builds, passed = 1_000, 0
    for _ in range(builds):
        before, now = (rng.binomial(trials, probabilities) / trials for _ in range(2))
        bound = estimate_mean(now - before, np.ones(items), low=-1.0, high=1.0).lower_bound(0.05)
        passed += bound > -margin
    assert passed / builds == pytest.approx(expected, abs=0.06)


def test_clusters_of_one_size_pass_as_often_as_their_own_bound() -> None:
    rng = np.random.default_rng(6)
    builds, passed = 1_000, 0
    for _ in range(builds):
        totals = rng.normal(scale=math.sqrt(5 * 2 * 0.1), size=60)
        bound = estimate_mean(totals, np.full(60, 5.0), low=-1.0, high=1.0).lower_bound(0.05)
        passed += bound > -0.08
    expected = passes_unchanged(0.1, items=300, trials=1, clusters=60, margin=0.08, level=0.05)
    assert passed / builds == pytest.approx(expected, abs=0.05)


def test_thirty_items_without_noise_cannot_pass_five_points_and_pass_eight() -> None:
    assert passes_unchanged(0.0, items=30, trials=1, margin=0.05, level=0.05) == 0.0
    assert passes_unchanged(0.0, items=30, trials=1, margin=0.08, level=0.05) == 1.0


@pytest.mark.parametrize("concentrated", [True, False])
@pytest.mark.parametrize(("items", "trials"), [(100, 1), (300, 3), (40, 5)])
def test_the_drop_that_is_found_is_found_in_four_of_five_builds(
    items: int, trials: int, concentrated: bool
) -> None:
    rng = np.random.default_rng(8)
    probabilities = np.full(items, 0.9)
    drop = drop_found(0.09, items=items, trials=trials, alpha=0.01, concentrated=concentrated)
    now = probabilities - drop
    within = 0.09
    if concentrated:
        now = probabilities.copy()
        probabilities[: round(drop * items)] = 1.0
        now[: round(drop * items)] = 0.0
    else:
        within = (0.09 + within_of(now)) / 2
        drop = drop_found(within, items=items, trials=trials, alpha=0.01, concentrated=False)
        now = probabilities - drop
    found = 0
    for _ in range(400):
        before, after = (rng.binomial(1, p[:, None], size=(items, trials)) for p in (probabilities, now))
        found += exact_permutation_test(before, after).p_value <= 0.01
    assert found / 400 == pytest.approx(0.8, abs=0.12)


def test_a_claim_about_other_items_takes_a_larger_drop() -> None:
    ours = drop_found(WITHIN, items=300, trials=5, alpha=0.01, concentrated=True)
    others = drop_found(WITHIN, items=300, trials=5, alpha=0.01, concentrated=True, population=True)
    assert others > ours


def test_a_broken_item_in_fourteen_is_the_least_that_one_trial_of_a_hundred_items_can_show() -> None:
    assert drop_found(0.0, items=100, trials=1, alpha=0.01, concentrated=True) >= 0.07
    assert drop_found(0.0, items=5, trials=1, alpha=0.01, concentrated=True) == math.inf


def test_a_drop_larger_than_the_scale_is_none() -> None:
    assert drop_found(5.0, items=5, trials=1, alpha=0.01, concentrated=False) == math.inf


def test_within_variance_of_trials_and_of_two_runs_of_one_version() -> None:
    values = np.array([[1.0, 0.0], [1.0, 1.0], [0.5, 0.0]])
    assert within_variance(values) == pytest.approx((0.5 + 0.0 + 0.125) / 3)
    assert within_variance_of_two_runs(values[:, 0], values[:, 1]) == pytest.approx((1 + 0.25) / 6)
    with pytest.raises(ValueError, match="two trials"):
        within_variance(values[:, :1])
    with pytest.raises(ValueError, match="same items"):
        within_variance_of_two_runs(np.ones(3), np.ones(2))
