"""Tails of latency: an exact rate, a ratio with an honest bound, a budget by order statistics."""

import math

import numpy as np
import pytest

from scoregate.statistics.quantiles import exceedance, quantile_bounds, quantile_ratio_bound


def latencies(seed: int, items: int, trials: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.exp(rng.normal(scale=0.5, size=(items, 1)) + rng.normal(scale=0.25, size=(items, trials)))


def test_exceedance_counts_cells_above_the_quantile_of_both_arms() -> None:
    before, now = np.arange(1.0, 51).reshape(25, 2), np.arange(51.0, 101).reshape(25, 2)
    above_before, above_now = exceedance(before, now, 0.9)
    assert above_before.sum() == 0
    assert (now[above_now] > 90).all()
    assert above_now.sum() == 10


def test_exceedance_depends_on_the_cells_and_not_on_their_labels() -> None:
    before, now = latencies(0, 40, 2), latencies(1, 40, 2)
    one, two = exceedance(before, now, 0.95)
    three, four = exceedance(now, before, 0.95)
    assert (one == four).all()
    assert (two == three).all()


def test_a_value_equal_to_the_threshold_exceeds_it_only_where_hardly_any_lies_above() -> None:
    same = np.full((10, 1), 3.0)
    assert not any(arm.any() for arm in exceedance(same, same, 0.9))
    slow = np.array([[3.0]] * 9 + [[60.0]])  # two of twenty cells at a time limit
    assert [int(arm.sum()) for arm in exceedance(slow, slow, 0.95)] == [
        1,
        1,
    ]  # the 95 % quantile is the limit
    assert [int(arm.sum()) for arm in exceedance(slow, slow, 0.9)] == [1, 1]
    two_above = np.array([[3.0]] * 9 + [[9.0]])
    assert [int(arm.sum()) for arm in exceedance(two_above, two_above, 0.8)] == [1, 1]


def test_missing_cells_neither_count_nor_exceed() -> None:
    before, now = np.array([[1.0], [np.nan]]), np.array([[2.0], [9.0]])
    assert [arm.ravel().tolist() for arm in exceedance(before, now, 0.6)] == [[False, False], [False, True]]
    nothing = np.full((2, 1), np.nan)
    assert not any(arm.any() for arm in exceedance(nothing, nothing, 0.9))


def test_the_ratio_of_quantiles_and_its_bounds() -> None:
    before = latencies(2, 400, 3)
    bound = quantile_ratio_bound(
        before, before * 1.25, np.arange(400), 0.95, level=0.05, seed=0, resamples=299
    )
    assert bound.ratio == pytest.approx(1.25)
    assert bound.lower_bound == pytest.approx(1.25)
    noisy = quantile_ratio_bound(
        before, latencies(3, 400, 3), np.arange(400), 0.95, level=0.05, seed=0, resamples=299
    )
    assert noisy.interval[0] <= noisy.lower_bound < noisy.ratio < noisy.upper_bound <= noisy.interval[1]


def test_the_quantile_is_the_smallest_value_that_the_share_does_not_exceed() -> None:
    before, now = np.arange(1.0, 101)[:, None], 2 * np.arange(1.0, 101)[:, None]
    for q in (0.05, 0.5, 0.9, 0.95):
        bound = quantile_ratio_bound(before, now, np.arange(100), q, level=0.1, seed=0, resamples=19)
        assert bound.ratio == np.quantile(now, q, method="inverted_cdf") / np.quantile(
            before, q, method="inverted_cdf"
        )


def test_a_tail_that_was_never_seen_has_no_bound() -> None:
    before = latencies(4, 58)
    few = quantile_ratio_bound(before, before, np.arange(58), 0.95, level=0.05, seed=0, resamples=49)
    assert few.upper_bound == math.inf
    assert few.lower_bound == 0.0
    conversations = quantile_ratio_bound(
        latencies(5, 400), latencies(6, 400), np.arange(400) // 10, 0.95, level=0.05, seed=0, resamples=49
    )
    assert conversations.upper_bound == math.inf


def test_the_order_of_clusters_names_does_not_change_the_ratio_and_the_seed_fixes_the_bound() -> None:
    before, now, clusters = latencies(7, 100, 2), latencies(8, 100, 2), np.arange(100) // 2
    one, two = (
        quantile_ratio_bound(before, now, clusters + shift, 0.5, level=0.05, seed=3, resamples=99)
        for shift in (0, 50)
    )
    assert one == two


def test_values_without_a_logarithm_are_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        quantile_ratio_bound(np.zeros((3, 1)), np.ones((3, 1)), np.arange(3), 0.5, level=0.05, seed=0)


def test_fifty_nine_values_bound_the_95_percent_quantile() -> None:
    values = np.arange(59.0)
    assert quantile_bounds(values, 0.95, 0.05)[1] == 58.0
    assert quantile_bounds(values[:58], 0.95, 0.05)[1] == math.inf
    assert quantile_bounds(np.empty(0), 0.95, 0.05) == (-math.inf, math.inf)


@pytest.mark.parametrize(("count", "q", "level"), [(100, 0.95, 0.05), (20, 0.5, 0.025), (300, 0.9, 0.01)])
def test_the_ranks_are_the_tightest_that_keep_the_error(count: int, q: float, level: float) -> None:
    from scipy.stats import binom

    low, high = quantile_bounds(np.arange(1.0, count + 1), q, level)
    assert binom.cdf(low - 1, count, q) <= level < binom.cdf(low, count, q)
    assert binom.sf(high - 1, count, q) <= level < binom.sf(high - 2, count, q)
