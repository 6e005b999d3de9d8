"""Bounds that move one way: what gets better never proves less, what gets worse never proves more."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoregate.statistics.bounds import MonotoneMean, estimate_mean


def mean_of(
    differences: np.ndarray, *, sizes: np.ndarray | None = None, skewed: bool = False
) -> MonotoneMean:
    sizes = np.ones(len(differences)) if sizes is None else sizes
    return MonotoneMean(differences * sizes, sizes, -1.0, 1.0, skewed=skewed)


values = st.lists(st.floats(-3, 3), min_size=8, max_size=40)


@given(values, st.data(), st.sampled_from([0.05, 1.0, 400.0, 1e6]))
@settings(max_examples=80, deadline=None)
def test_a_better_value_never_lowers_the_lower_bound(
    differences: list[float], data: st.DataObject, rise: float
) -> None:
    before = np.array(differences)
    now = before.copy()
    now[data.draw(st.integers(0, len(now) - 1))] += rise
    slack = 1e-5 * (1 + np.abs(before).max())
    assert mean_of(now).lower_bound(0.05) >= mean_of(before).lower_bound(0.05) - slack
    assert mean_of(now).upper_bound(0.05) >= mean_of(before).upper_bound(0.05) - slack
    # Mirrored: what gets worse.
    assert mean_of(-now).upper_bound(0.05) <= mean_of(-before).upper_bound(0.05) + slack
    assert mean_of(-now).lower_bound(0.05) <= mean_of(-before).lower_bound(0.05) + slack


@pytest.mark.parametrize("skewed", [True, False])
@pytest.mark.parametrize("turns", [1, 3])
def test_ordinary_data_have_the_bounds_that_they_always_had(turns: int, *, skewed: bool) -> None:
    rng = np.random.default_rng(turns)
    differences, sizes = 0.3 * rng.normal(size=50), rng.integers(1, turns + 1, 50).astype(float)
    plain = estimate_mean(differences * sizes, sizes, low=-1.0, high=1.0, skewed=skewed)
    mean = mean_of(differences, sizes=sizes, skewed=skewed)
    assert mean.value == pytest.approx(plain.value)
    assert mean.standard_error == plain.standard_error
    assert mean.lower_bound(0.05) == plain.lower_bound(0.05)
    assert mean.upper_bound(0.05) == pytest.approx(plain.upper_bound(0.05))


def test_a_gain_that_outweighs_everything_counts_as_a_part_of_itself() -> None:
    differences = np.tile([0.1, -0.1], 20)
    plain = mean_of(differences).lower_bound(0.05)
    differences[7] += 400
    assert estimate_mean(differences, np.ones(40), low=-1.0, high=1.0).lower_bound(0.05) < -6
    assert plain <= mean_of(differences).lower_bound(0.05) < 0.1


def test_without_ends_the_ends_of_the_data_are_cut_with_them() -> None:
    own = np.full(40, 50.0)
    own[3] = 90_000.0
    mean = MonotoneMean(own, np.ones(40), 50.0, 90_000.0, open_ended=True)
    assert mean.lower_bound(0.05) == pytest.approx(50.0, abs=0.1)
    lost = MonotoneMean(-own, np.ones(40), -90_000.0, -50.0, open_ended=True)
    assert lost.upper_bound(0.05) == pytest.approx(-50.0, abs=0.1)


def test_a_sum_is_the_mean_so_many_times() -> None:
    once = MonotoneMean(np.arange(9.0), np.ones(9), 0.0, 8.0)
    nine = MonotoneMean(np.arange(9.0), np.ones(9), 0.0, 8.0, times=9)
    assert nine.value == pytest.approx(36.0)
    assert nine.lower_bound(0.05) == pytest.approx(9 * once.lower_bound(0.05))
    assert nine.upper_bound(0.05) == pytest.approx(9 * once.upper_bound(0.05))
