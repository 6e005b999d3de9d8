"""The exact label permutation: equal to the textbook tests where they exist, to enumeration elsewhere."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoregate.statistics.exact import exact_permutation_test, smallest_attainable_p, within_item_p


def arms(lost: int, won: int, same: int = 5) -> tuple[np.ndarray, np.ndarray]:
    baseline = np.array([[1]] * lost + [[0]] * won + [[1]] * same)
    candidate = np.array([[0]] * lost + [[1]] * won + [[1]] * same)
    return baseline, candidate


@pytest.mark.parametrize(("lost", "won"), [(1, 0), (7, 0), (5, 3), (0, 4), (209, 152), (360, 76)])
def test_one_trial_is_mcnemar(lost: int, won: int) -> None:
    from scipy.stats import binomtest

    expected = binomtest(won, lost + won, 0.5, alternative="less").pvalue
    assert exact_permutation_test(*arms(lost, won)).p_value == pytest.approx(expected, rel=1e-6, abs=1e-14)


def test_no_discordant_item_is_no_evidence() -> None:
    test = exact_permutation_test(*arms(0, 0))
    assert test.p_value == 1.0
    assert test.attainable.tolist() == [1.0]


def test_no_items_is_no_evidence() -> None:
    assert exact_permutation_test(np.zeros((0, 1), dtype=int), np.zeros((0, 1), dtype=int)).p_value == 1.0


@given(
    st.integers(1, 3),
    st.integers(1, 3),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_equals_enumeration_of_all_relabellings(
    baseline_trials: int, candidate_trials: int, data: st.DataObject
) -> None:
    clusters = data.draw(st.integers(1, 4))
    pooled = baseline_trials + candidate_trials
    runs = np.array(
        data.draw(
            st.lists(
                st.lists(st.integers(-2, 4), min_size=pooled, max_size=pooled),
                min_size=clusters,
                max_size=clusters,
            )
        )
    )
    observed = runs[:, baseline_trials:].sum()
    choices = list(itertools.combinations(range(pooled), candidate_trials))
    # A cluster's sums, one a choice of its candidate trials; then every choice with every one of the others.
    totals = np.zeros(1, dtype=int)
    for cluster in runs:
        sums = np.array([cluster[list(chosen)].sum() for chosen in choices])
        totals = np.add.outer(totals, sums).ravel()
    assert len(totals) == len(choices) ** clusters
    expected = np.mean(totals <= observed)
    test = exact_permutation_test(runs[:, :baseline_trials], runs[:, baseline_trials:])
    assert test.p_value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("unit", [2, 70, 300])
def test_the_unit_of_the_totals_does_not_matter(unit: int) -> None:
    """Also where ten runs of a cluster are too large to be told apart by one number of 64 bits."""
    runs = np.random.default_rng(4).integers(0, 3, (2, 12, 5))
    plain, scaled = (exact_permutation_test(*(runs * times)) for times in (1, unit))
    assert scaled.p_value == pytest.approx(plain.p_value, rel=1e-9)


def test_the_chance_of_a_small_p_value_is_one_that_could_have_come_up() -> None:
    test = exact_permutation_test(*arms(3, 1))
    assert test.attainable == pytest.approx([1 / 16, 5 / 16, 11 / 16, 15 / 16, 1.0])
    assert test.probability_at_most(0.04) == 0.0
    assert test.probability_at_most(0.1) == pytest.approx(1 / 16)
    assert test.probability_at_most(5 / 16) == pytest.approx(5 / 16)


def test_within_item_is_fishers_exact_test() -> None:
    from scipy.stats import fisher_exact

    for before, now in ((5, 0), (4, 1), (3, 3), (0, 5)):
        table = np.array([[now, 5 - now], [before, 5 - before]])
        assert within_item_p(before, 5, now, 5) == pytest.approx(
            fisher_exact(table, alternative="less").pvalue
        )


def test_seven_items_are_the_fewest_that_can_prove_a_drop_at_one_percent() -> None:
    assert smallest_attainable_p(6, 1, 1) > 0.01
    assert smallest_attainable_p(7, 1, 1) < 0.01
