"""Agreement of raters: equal to scikit-learn and the krippendorff package, and to numbers worked by hand."""

import importlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoregate.statistics.agreement import (
    MeasurementLevel,
    alpha_of_table,
    cohen_kappa,
    confusion_table,
    gwet_ac1,
    interval_alpha,
    krippendorff_alpha,
    quadratic_kappa,
    raw_agreement,
)


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """Before the first example of a property, whose time is limited."""
    importlib.import_module("sklearn.metrics")


PARADOX = np.array([[90, 3], [4, 3]])
"""93 % agreement where 93 % are of one class."""
CLASSES = 4
codes = st.lists(
    st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=2, max_size=60
).map(lambda pairs: np.array(pairs, dtype=np.intp).T)


def both(first: list[int], second: list[int], classes: int = CLASSES) -> np.ndarray:
    return confusion_table(np.array(first, dtype=np.intp), np.array(second, dtype=np.intp), classes)


@given(codes)
def test_the_confusion_table_is_that_of_scikit_learn(raters: np.ndarray) -> None:
    from sklearn.metrics import confusion_matrix

    expected = confusion_matrix(raters[0], raters[1], labels=range(CLASSES))
    assert np.array_equal(confusion_table(raters[0], raters[1], CLASSES), expected)


@given(codes, st.sampled_from([None, "linear", "quadratic"]))
@settings(max_examples=200)
def test_kappa_is_that_of_scikit_learn(raters: np.ndarray, weights: str | None) -> None:
    from sklearn.metrics import cohen_kappa_score

    ours = float(cohen_kappa(confusion_table(raters[0], raters[1], CLASSES), weights))  # type: ignore[arg-type]  # a Literal, drawn
    if len(np.unique(raters)) == 1:
        assert math.isnan(ours)  # scikit-learn divides by zero there
        return
    theirs = cohen_kappa_score(raters[0], raters[1], labels=range(CLASSES), weights=weights)
    assert ours == pytest.approx(theirs, abs=1e-12)


def _alpha_of_the_package(ratings: np.ndarray, level: MeasurementLevel) -> float:
    import krippendorff

    return float(krippendorff.alpha(reliability_data=ratings, level_of_measurement=level))


@given(
    st.integers(2, 4).flatmap(
        lambda raters: st.lists(
            st.lists(st.sampled_from([math.nan, 1.0, 2.0, 3.5, 5.0]), min_size=raters, max_size=raters),
            min_size=1,
            max_size=25,
        )
    ),
    st.sampled_from(["nominal", "ordinal", "interval"]),
)
@settings(max_examples=300)
def test_alpha_is_that_of_the_krippendorff_package(items: list[list[float]], level: MeasurementLevel) -> None:
    ratings = np.array(items).T
    pairable = ratings[:, (~np.isnan(ratings)).sum(axis=0) >= 2]
    if len(np.unique(pairable[~np.isnan(pairable)])) < 2:
        assert math.isnan(krippendorff_alpha(ratings, level))  # the package raises or divides by zero there
        return
    assert krippendorff_alpha(ratings, level) == pytest.approx(
        _alpha_of_the_package(ratings, level), abs=1e-10
    )


def test_alpha_of_the_published_example_with_missing_ratings() -> None:
    nan = math.nan
    ratings = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
            [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
        ]
    )
    assert krippendorff_alpha(ratings, "nominal") == pytest.approx(0.743, abs=0.0005)
    assert krippendorff_alpha(ratings, "ordinal") == pytest.approx(0.815, abs=0.0005)
    assert krippendorff_alpha(ratings, "interval") == pytest.approx(0.849, abs=0.0005)


@given(codes)
def test_alpha_of_a_table_is_alpha_of_its_two_raters(raters: np.ndarray) -> None:
    table = confusion_table(raters[0], raters[1], CLASSES)
    for level in ("nominal", "ordinal"):
        expected = krippendorff_alpha(raters.astype(float), level)
        assert float(alpha_of_table(table, level)) == pytest.approx(expected, abs=1e-10, nan_ok=True)


@given(codes)
def test_numbers_agree_as_grades_of_the_same_distance_do(raters: np.ndarray) -> None:
    first, second = raters.astype(float)
    kappa = float(cohen_kappa(confusion_table(raters[0], raters[1], CLASSES), "quadratic"))
    assert float(quadratic_kappa(first, second)) == pytest.approx(kappa, abs=1e-10, nan_ok=True)
    alpha = krippendorff_alpha(raters.astype(float), "interval")
    assert float(interval_alpha(first, second)) == pytest.approx(alpha, abs=1e-10, nan_ok=True)


def test_numbers_far_from_zero_lose_nothing_to_rounding() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(size=100)
    second = first + rng.normal(size=100)
    near, far = quadratic_kappa(first, second), quadratic_kappa(first + 1e8, second + 1e8)
    assert float(far) == pytest.approx(float(near), abs=1e-6)


def test_a_rare_class_pushes_kappa_down_and_ac1_not() -> None:
    assert float(raw_agreement(PARADOX)) == 0.93
    assert float(cohen_kappa(PARADOX)) == pytest.approx(0.42, abs=0.01)
    assert float(gwet_ac1(PARADOX)) == pytest.approx(0.92, abs=0.01)


def test_ac1_by_hand() -> None:
    """Shares .55 and .45, so that chance agrees in 2 · .55 · .45 = .495."""
    table = np.array([[40, 20], [10, 30]])
    assert float(gwet_ac1(table)) == pytest.approx((0.7 - 0.495) / (1 - 0.495))


def test_ac1_counts_classes_that_nobody_used() -> None:
    two, three = both([0, 1, 0], [0, 1, 1], 2), both([0, 1, 0], [0, 1, 1], 3)
    assert float(gwet_ac1(three)) > float(gwet_ac1(two))


def test_one_class_alone_determines_agreement_and_ac1_but_neither_kappa_nor_alpha() -> None:
    table = both([0, 0, 0], [0, 0, 0], 2)
    assert (float(raw_agreement(table)), float(gwet_ac1(table))) == (1.0, 1.0)
    assert math.isnan(float(cohen_kappa(table)))
    assert math.isnan(float(alpha_of_table(table, "nominal")))


def test_raters_who_always_contradict_each_other_have_kappa_minus_one() -> None:
    assert float(cohen_kappa(np.array([[0, 5], [5, 0]]))) == -1.0


def test_many_tables_at_once_give_what_each_gives_alone() -> None:
    tables = np.random.default_rng(1).integers(0, 9, size=(20, 3, 3))
    for measure in (cohen_kappa, gwet_ac1, raw_agreement, lambda t: alpha_of_table(t, "ordinal")):
        assert np.allclose(measure(tables), [float(measure(table)) for table in tables], equal_nan=True)
