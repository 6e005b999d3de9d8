"""pass@k and pass^k: averages over subsets of trials, and nothing where there are too few trials."""

import itertools

import numpy as np
import pytest

from scoregate.statistics.reliability import pass_at_k, pass_hat_k, reducer_table


@pytest.mark.parametrize(("passes", "trials", "k"), [(0, 5, 1), (3, 5, 2), (5, 5, 5), (2, 6, 4), (4, 6, 3)])
def test_both_are_averages_over_all_subsets_of_k_trials(passes: int, trials: int, k: int) -> None:
    outcomes = [True] * passes + [False] * (trials - passes)
    subsets = list(itertools.combinations(outcomes, k))
    assert pass_at_k(passes, trials, k) == pytest.approx(np.mean([any(s) for s in subsets]))
    assert pass_hat_k(passes, trials, k) == pytest.approx(np.mean([all(s) for s in subsets]))


def test_items_are_taken_together() -> None:
    assert pass_hat_k(np.array([0, 1, 2, 3]), 3, 2) == pytest.approx([0, 0, 1 / 3, 1])
    assert pass_at_k(np.array([0, 1]), np.array([2, 4]), 2) == pytest.approx([0, 0.5])


def test_they_are_unbiased() -> None:
    rng = np.random.default_rng(0)
    passes = rng.binomial(5, 0.7, size=200_000)
    assert pass_hat_k(passes, 5, 3).mean() == pytest.approx(0.7**3, abs=0.003)
    assert pass_at_k(passes, 5, 3).mean() == pytest.approx(1 - 0.3**3, abs=0.003)


def test_fewer_trials_than_k_say_nothing() -> None:
    with pytest.raises(ValueError, match="at least 3 trials"):
        pass_hat_k(np.array([1, 2]), np.array([3, 2]), 3)
    with pytest.raises(ValueError, match="at least 1"):
        pass_at_k(1, 1, 0)
    with pytest.raises(ValueError, match="whole numbers"):
        pass_at_k(4, 3, 1)


def test_the_table_holds_the_difference_for_every_labelling() -> None:
    passes = np.array([[True, True, False, False], [True, False, True, True], [False, True, True, False]])
    table = reducer_table(passes, np.array([0, 1, 1]), 2, reducer="pass^", k=2)
    assert table.shape == (2, 6, 1)
    assert table[:, 0, 0].tolist() == [1.0, 0.0 - 1.0]  # the first two runs as the candidate's
    assert table[:, -1, 0].tolist() == [-1.0, 1.0]  # as observed
    assert table.sum() == pytest.approx(0.0)


def test_the_table_counts_the_items_of_each_slice() -> None:
    passes = np.array([[True, False], [True, False], [False, True]])
    members = np.array([[True, True, True], [False, True, False]])
    table = reducer_table(passes, np.array([0, 0, 1]), 1, reducer="pass@", k=1, members=members)
    assert table[:, -1].tolist() == [[-2.0, -1.0], [1.0, 0.0]]


def test_the_table_wants_k_trials_in_both_arms() -> None:
    with pytest.raises(ValueError, match="at least 2 trials"):
        reducer_table(np.ones((3, 4), dtype=bool), np.arange(3), 3, reducer="pass@", k=2)
