"""Intervals of agreement: their width, their coverage, and what is said where there is none."""

import importlib
from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scoregate.statistics.agreement import (
    NO_SPREAD,
    ONE_VALUE,
    RARE,
    TOO_FEW,
    alpha_of_table,
    cohen_kappa,
    gwet_ac1,
    interval_alpha,
    numbers_estimate,
    quadratic_kappa,
    raw_agreement,
    table_estimate,
)
from scoregate.statistics.estimate import difference_interval, exact_interval, fewer_hits_p, share


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """Before the first example of a property, whose time is limited."""
    importlib.import_module("scipy.stats")


TABLE = np.array([[40, 20], [10, 130]])


def test_the_bootstrap_interval_is_near_the_asymptotic_one() -> None:
    from statsmodels.stats.inter_rater import cohens_kappa

    estimate = table_estimate(TABLE, cohen_kappa)
    oracle = cohens_kappa(TABLE)
    assert estimate.value == pytest.approx(oracle.kappa)
    assert (estimate.low, estimate.high) == pytest.approx((oracle.kappa_low, oracle.kappa_upp), abs=0.02)
    assert (estimate.n, estimate.reason) == (200, None)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    assert table_estimate(TABLE, cohen_kappa) == table_estimate(TABLE, cohen_kappa, seed=0)
    assert table_estimate(TABLE, cohen_kappa) != table_estimate(TABLE, cohen_kappa, seed=1)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """True shares .45, .10, .05, .40: agreement .85, chance .5 (rows .55/.45, columns .5/.5), κ = .7."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(200):
        table = rng.multinomial(150, [0.45, 0.10, 0.05, 0.40]).reshape(2, 2)
        estimate = table_estimate(table, cohen_kappa)
        assert estimate.low is not None
        assert estimate.high is not None
        held += estimate.low <= 0.7 <= estimate.high
    assert held >= 180


@pytest.mark.parametrize(
    "measure", [cohen_kappa, gwet_ac1, raw_agreement, partial(cohen_kappa, weights="linear")]
)
def test_agreement_without_an_exception_is_not_certain(measure: object) -> None:
    few = table_estimate(np.diag([10, 10]), measure)  # type: ignore[arg-type]  # measures of one shape, parametrised
    many = table_estimate(np.diag([100, 100]), measure)  # type: ignore[arg-type]  # the same
    assert few.value == few.high == 1.0
    assert few.low is not None
    assert many.low is not None
    assert few.low < 0.85 < 0.95 < many.low < 1.0


def test_one_class_only_is_said_and_not_nan() -> None:
    estimate = table_estimate(np.diag([30, 0]), cohen_kappa)
    assert (estimate.value, estimate.low, estimate.high, estimate.n) == (None, None, None, 30)
    assert estimate.reason == ONE_VALUE
    ac1 = table_estimate(np.diag([30, 0]), gwet_ac1)
    assert ac1.value == 1.0
    assert ac1.low is not None
    assert 0.7 < ac1.low < 1.0


def test_a_single_item_of_the_other_class_gives_a_value_without_an_interval() -> None:
    estimate = table_estimate(np.array([[30, 1], [0, 0]]), partial(alpha_of_table, level="nominal"))
    assert estimate.value is not None
    assert (estimate.low, estimate.high, estimate.reason) == (None, None, RARE)


@pytest.mark.parametrize(
    ("table", "measure", "value", "reason"),
    [
        ([[0, 1], [0, 0]], cohen_kappa, 0.0, TOO_FEW),
        ([[0, 1], [0, 0]], gwet_ac1, -1.0, TOO_FEW),
        ([[0, 10], [0, 0]], partial(alpha_of_table, level="nominal"), -0.9, NO_SPREAD),
        ([[0, 200], [0, 0]], gwet_ac1, -1.0, NO_SPREAD),
        ([[2, 1], [0, 3]], cohen_kappa, 2 / 3, TOO_FEW),
    ],
)
def test_a_bootstrap_without_a_spread_is_no_interval(
    table: list[list[int]], measure: object, value: float, reason: str
) -> None:
    estimate = table_estimate(np.array(table), measure)  # type: ignore[arg-type]  # measures of one shape, parametrised
    assert estimate.value == pytest.approx(value)
    assert (estimate.low, estimate.high, estimate.reason) == (None, None, reason)


def test_numbers_apart_in_one_and_the_same_way_have_no_interval_either() -> None:
    for many, reason in ((3, TOO_FEW), (30, NO_SPREAD)):
        estimate = numbers_estimate(np.zeros(many), np.ones(many), quadratic_kappa)
        assert (estimate.value, estimate.low, estimate.high, estimate.reason) == (0.0, None, None, reason)


def test_a_single_item_that_agrees_says_nearly_nothing() -> None:
    estimate = table_estimate(np.array([[1, 0], [0, 0]]), gwet_ac1)
    assert estimate.value == 1.0
    assert estimate.low is not None
    assert estimate.low < 0.0


def test_no_items_at_all_have_no_agreement() -> None:
    assert table_estimate(np.zeros((2, 2), dtype=np.int64), cohen_kappa).reason == "no item has both values"
    assert numbers_estimate(np.array([]), np.array([]), quadratic_kappa).value is None


def test_numbers_get_their_interval_too() -> None:
    rng = np.random.default_rng(3)
    first = rng.normal(size=200)
    second = first + 0.5 * rng.normal(size=200)
    for measure in (quadratic_kappa, interval_alpha):
        estimate = numbers_estimate(first, second, measure)
        assert estimate.low is not None
        assert estimate.high is not None
        assert 0.8 < estimate.low < 0.895 < estimate.high < 0.95
        assert numbers_estimate(first[::-1], second[::-1], measure) == estimate
    same = numbers_estimate(first[:20], first[:20], quadratic_kappa)
    assert same.value == 1.0
    assert same.low == pytest.approx(0.832, abs=0.001)
    constant = numbers_estimate(np.ones(9), np.ones(9), interval_alpha)
    assert (constant.value, constant.reason) == (None, ONE_VALUE)


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_share_is_that_of_clopper_and_pearson(counted: tuple[int, int]) -> None:
    from scipy.stats import binomtest

    expected = binomtest(*counted).proportion_ci(0.95, "exact")
    assert exact_interval(*counted) == pytest.approx((expected.low, expected.high))


def test_a_share_of_nothing_says_so() -> None:
    assert share(0, 0, nothing="no failures").reason == "no failures"


@pytest.mark.parametrize("counts", [(80, 100, 70, 100), (30, 40, 180, 200), (0, 10, 10, 10)])
def test_the_interval_of_a_difference_is_newcombes(counts: tuple[int, int, int, int]) -> None:
    from statsmodels.stats.proportion import confint_proportions_2indep

    before, n_before, now, n_now = counts
    expected = confint_proportions_2indep(now, n_now, before, n_before, method="newcomb", compare="diff")
    assert difference_interval(*counts) == pytest.approx(tuple(expected), abs=1e-9)


@given(st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60)))
def test_fewer_than_before_is_fishers_exact_test(counts: tuple[int, int, int, int]) -> None:
    from scipy.stats import hypergeom

    before, missed, now, missed_now = counts
    n_before, n_now = before + missed, now + missed_now
    assume(n_before + n_now > 0)
    expected = hypergeom.cdf(now, n_before + n_now, before + now, n_now)
    assert fewer_hits_p(before, n_before, now, n_now) == pytest.approx(expected, rel=1e-9, abs=1e-14)
