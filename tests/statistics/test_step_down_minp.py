"""The smallest of several p-values: each statistic is ranked among its own relabellings before it meets the others."""

import itertools

import numpy as np
import pytest
from scipy.stats import rankdata

from scoregate.statistics.exact import step_down
from scoregate.statistics.permutation import FamilyRuns, permutation_test_family


def family(differences: np.ndarray) -> FamilyRuns:
    """One trial an arm; (G, H) differences, candidate − baseline."""
    clusters, hypotheses = differences.shape
    return FamilyRuns(
        np.stack([np.zeros(differences.shape), differences], axis=1),
        np.arange(clusters),
        np.ones((1, clusters), dtype=bool),
        tuple((h, 0) for h in range(hypotheses)),
    )


def enumerated(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P-values and adjusted ones from every relabelling there is, as the method is written down."""
    signs = np.array(list(itertools.product((-1, 1), repeat=len(differences))))
    statistics = np.round(signs @ differences, 9)
    p_values = rankdata(statistics, method="max", axis=0) / len(signs)
    observed = p_values[-1]
    order = np.argsort(observed, kind="stable")
    adjusted = np.empty(len(observed))
    for rank, hypothesis in enumerate(order):
        smallest = p_values[:, order[rank:]].min(axis=1)
        adjusted[hypothesis] = (smallest <= observed[hypothesis] + 1e-12).mean()
    adjusted[order] = np.maximum.accumulate(adjusted[order])
    return observed, adjusted


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_enumeration_of_all_relabellings(seed: int) -> None:
    rng = np.random.default_rng(seed)
    differences = np.column_stack(
        [
            rng.integers(-2, 2, 8),  # a lattice, with ties
            rng.standard_t(1.5, 8) - 1,
            np.where(np.arange(8) == 3, -40.0, rng.normal(size=8)),
        ]
    )
    p_values, adjusted = enumerated(differences)
    drawn = permutation_test_family(family(differences), 1, seed=0, alpha=1.0, relabellings=(20_000,))
    assert drawn.p_values == pytest.approx(p_values, abs=0.02)
    told = adjusted < 0.3
    assert drawn.adjusted[told] == pytest.approx(adjusted[told], abs=0.02)


def test_one_difference_that_outweighs_all_others_hides_nothing() -> None:
    worse = np.where(np.arange(60) < 24, -2.0, 0.0)
    wandering = np.where(np.arange(60) < 20, np.tile([1.0, -1.0], 30), 0.0)
    for lost in (0.0, -90.0, -90_000.0):
        worse[50] = lost
        test = permutation_test_family(family(np.column_stack([worse, wandering])), 1, seed=0, alpha=0.01)
        assert test.adjusted[0] < 0.001
        assert test.adjusted[1] > 0.3


def test_is_never_far_above_holms_method_on_the_same_p_values() -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        differences = rng.lognormal(0, 1.5, (40, 6)) * rng.choice([-1, 1], (40, 6)) - 0.8
        test = permutation_test_family(family(differences), 1, seed=0, alpha=0.01)
        holm = step_down(test.p_values.tolist())
        assert (test.adjusted <= holm + 4 * np.sqrt(holm / test.relabellings)).all()


def test_a_hundred_hypotheses_are_told_apart_beyond_the_last_rank() -> None:
    """Of ten thousand relabellings a hundred hypotheses hold the last rank of their own in a hundredth of them."""
    differences = np.random.default_rng(0).normal(size=(80, 100))
    differences[:, 7] -= 1.0
    test = permutation_test_family(family(differences), 1, seed=0, alpha=0.009, relabellings=(999, 9_999))
    assert test.adjusted[7] < 0.002


def test_false_alarms_stay_at_their_level_where_one_cluster_outweighs_all() -> None:
    rng = np.random.default_rng(5)
    alarms = 0
    for seed in range(200):
        differences = rng.normal(size=(12, 4))
        differences[0] *= 30
        test = permutation_test_family(family(differences), 1, seed=seed, alpha=0.5, relabellings=(499,))
        alarms += bool((test.adjusted <= 0.1).any())
    assert alarms <= 34  # 10 % of 200 is 20; 35 or more has a chance of about 0.1 %


def test_one_more_loss_leaves_all_other_clusters_their_labels() -> None:
    """The same clusters, in other orders of the rows, keep their relabellings when one of them gets worse."""
    rng = np.random.default_rng(1)
    before, now = rng.normal(size=(2, 30, 1))
    last = 1.0
    for _ in range(12):
        runs = np.stack([before, now], axis=1)
        order = rng.permutation(30)
        shuffled = FamilyRuns(runs[order], np.arange(30), np.ones((1, 30), dtype=bool), ((0, 0),))
        p_value = permutation_test_family(shuffled, 1, seed=0, alpha=0.0, relabellings=(999,)).p_values[0]
        assert p_value <= last
        last = p_value
        now[int(rng.integers(30))] -= rng.choice([0.1, 1.0, 100.0])


def test_a_hypothesis_may_have_a_larger_share_of_the_level() -> None:
    assert step_down([0.02, 0.5], weights=np.array([3.0, 1.0])).tolist() == pytest.approx([0.08 / 3, 0.5])
    differences = np.random.default_rng(3).normal(size=(60, 12))
    differences[:, 0] -= 0.35
    weights = np.array([11.0] + [1.0] * 11)
    alike, preferred = (
        permutation_test_family(family(differences), 1, seed=0, alpha=0.01, weights=w)
        for w in (None, weights)
    )
    assert preferred.p_values[0] == alike.p_values[0]
    assert preferred.adjusted[0] == pytest.approx(2 * alike.p_values[0], rel=0.3)
    assert preferred.adjusted[0] < alike.adjusted[0] / 3
