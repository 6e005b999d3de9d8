"""Familywise adjustment of discrete p-values: never less than it needs and never more than Holm's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoregate.statistics.exact import exact_permutation_test, step_down


def test_a_hypothesis_that_cannot_reach_small_p_values_costs_nothing() -> None:
    strong = exact_permutation_test(np.ones((10, 1), dtype=int), np.zeros((10, 1), dtype=int))
    silent = exact_permutation_test(np.ones((10, 1), dtype=int), np.ones((10, 1), dtype=int))
    adjusted = step_down(
        [strong.p_value, silent.p_value], [strong.probability_at_most, silent.probability_at_most]
    )
    assert adjusted[0] == pytest.approx(strong.p_value)
    assert adjusted[1] == 1.0


def test_two_alike_share_the_level() -> None:
    test = exact_permutation_test(np.ones((10, 1), dtype=int), np.zeros((10, 1), dtype=int))
    adjusted = step_down([test.p_value] * 2, [test.probability_at_most] * 2)
    assert adjusted == pytest.approx([2 * test.p_value] * 2)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=6))
def test_discrete_adjustment_is_never_above_holm_nor_below_the_raw_p(losses: list[int]) -> None:
    tests = [
        exact_permutation_test(np.array([[1]] * lost + [[0]] * 3), np.array([[0]] * lost + [[1]] * 3))
        for lost in losses
    ]
    p_values = [t.p_value for t in tests]
    adjusted = step_down(p_values, [t.probability_at_most for t in tests])
    assert (adjusted <= step_down(p_values) + 1e-9).all()
    assert (adjusted >= np.array(p_values) - 1e-12).all()
