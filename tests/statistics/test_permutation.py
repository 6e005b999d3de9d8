"""The Monte Carlo relabelling: near the exact test, indifferent to order and names, valid for whole families."""

import numpy as np
import pytest

from scoregate.statistics.exact import exact_permutation_test, label_variance
from scoregate.statistics.permutation import permutation_test


def runs(
    seed: int, clusters: int = 60, trials: int = 2, hypotheses: int = 3, drop: float = 0.0
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(clusters, 2 * trials, hypotheses))
    values[:, trials:, 0] -= drop
    return values


def test_agrees_with_the_exact_test_on_booleans() -> None:
    rng = np.random.default_rng(3)
    values = (rng.random((80, 4)) < np.array([0.9, 0.9, 0.78, 0.78])).astype(int)
    exact = exact_permutation_test(values[:, :2], values[:, 2:]).p_value
    drawn = permutation_test(values[:, :, None].astype(float), 2, seed=1, alpha=0.01)
    assert drawn.p_values[0] == pytest.approx(
        exact, abs=4 * np.sqrt(exact * (1 - exact) / drawn.relabellings)
    )


def test_finds_the_hypothesis_that_dropped_and_no_other() -> None:
    test = permutation_test(runs(0, drop=1.0), 2, seed=0, alpha=0.01)
    assert test.adjusted[0] < 0.01
    assert (test.adjusted[1:] > 0.05).all()


def test_the_order_of_clusters_and_of_hypotheses_does_not_matter() -> None:
    values = runs(1, drop=0.3)
    there = permutation_test(values, 2, seed=0, alpha=0.01)
    shuffled = values[np.random.default_rng(9).permutation(len(values))][:, :, ::-1]
    here = permutation_test(shuffled, 2, seed=0, alpha=0.01)
    assert here.p_values[::-1].tolist() == there.p_values.tolist()
    assert here.adjusted[::-1].tolist() == there.adjusted.tolist()


def test_no_variation_within_clusters_is_no_evidence() -> None:
    values = np.repeat(np.random.default_rng(0).normal(size=(20, 1, 1)), 2, axis=1)
    test = permutation_test(values, 1, seed=0, alpha=0.01)
    assert test.p_values.tolist() == [1.0]
    assert test.adjusted.tolist() == [1.0]


def test_a_p_value_next_to_alpha_is_drawn_more_finely() -> None:
    coarse = permutation_test(runs(1), 2, seed=0, alpha=0.0001).relabellings
    test = permutation_test(
        runs(1), 2, seed=0, alpha=float(permutation_test(runs(1), 2, seed=0, alpha=1e-9).adjusted[0])
    )
    assert test.relabellings > coarse


def test_arms_may_have_different_numbers_of_trials() -> None:
    values = np.random.default_rng(5).normal(size=(40, 16, 1))
    values[:, 15:] -= 2.0
    assert permutation_test(values, 15, seed=0, alpha=0.01).p_values[0] < 0.001


def test_adjusted_p_values_are_never_below_the_raw_ones() -> None:
    test = permutation_test(runs(7, hypotheses=12), 2, seed=0, alpha=0.01)
    assert (test.adjusted >= test.p_values).all()


def test_label_variance_is_the_variance_over_all_relabellings() -> None:
    values = np.array([[[1.0], [4.0]], [[2.0], [2.0]], [[0.0], [3.0]]])
    sums = [a * 3 + b * 3 for a in (-1, 1) for b in (-1, 1)]
    assert label_variance(values, 1)[0] == pytest.approx(np.var(sums))


def test_false_alarms_of_a_family_stay_at_their_level() -> None:
    alarms = sum(
        bool((permutation_test(runs(seed, 25, 1, 5), 1, seed=seed, alpha=0.5).adjusted <= 0.1).any())
        for seed in range(60)
    )
    assert alarms <= 14  # 10 % of 60 is 6; 14 or more has a chance of about 0.2 %
