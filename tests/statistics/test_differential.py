"""A judge's errors in two versions: told apart where they differ, and not where one version merely is worse."""

from __future__ import annotations

import numpy as np
import pytest

from scoregate.statistics.differential import compare_errors, offset_at_equal_labels


def errors(name: str, wrong: int, n: int) -> dict[str, bool]:
    return {f"{name}{i}": i < wrong for i in range(n)}


def test_without_pairs_it_is_fishers_test() -> None:
    from scipy import stats

    found = compare_errors(errors("a", 3, 60), errors("b", 14, 55))
    assert found.p_value == pytest.approx(stats.fisher_exact(np.array([[3, 57], [14, 41]])).pvalue)
    assert (found.baseline, found.candidate) == ((3, 60), (14, 55))
    assert found.excess == pytest.approx(14 - 17 * 55 / 115)


def test_of_pairs_alone_it_is_mcnemars_test() -> None:
    from scipy import stats

    candidate = {f"a{i}": 4 <= i < 17 for i in range(60)}  # 4 wrong only before, 12 only now, 1 in both
    found = compare_errors(errors("a", 5, 60), candidate)
    assert found.p_value == pytest.approx(stats.binomtest(12, 16).pvalue)


def test_where_some_are_pairs_the_clearer_test_counts_twice() -> None:
    from scipy import stats

    before = errors("a", 2, 40) | errors("b", 1, 20)
    now = {f"a{i}": i >= 31 for i in range(40)} | errors("c", 19, 20)
    found = compare_errors(before, now)
    of_all = float(stats.fisher_exact(np.array([[3, 57], [28, 32]])).pvalue)
    assert found.p_value == pytest.approx(2 * of_all)
    assert found.excess == pytest.approx(12.5)
    alike = {f"a{i}": 2 <= i < 11 for i in range(40)} | errors("c", 0, 20)
    assert compare_errors(before, alike).p_value == pytest.approx(2 * stats.binomtest(9, 11).pvalue)


def test_new_failures_that_a_judge_does_not_see_are_found_though_they_have_no_pair() -> None:
    """The candidate fails what the baseline answered well, and the judge passes all of that."""
    before = errors("a", 2, 30)
    now = before | errors("b", 18, 18)
    assert compare_errors(before, now).p_value < 0.01


def test_nothing_to_compare_proves_nothing() -> None:
    assert compare_errors({}, {}).p_value == 1.0
    assert compare_errors(errors("a", 0, 30), errors("a", 0, 30)).p_value == 1.0
    assert compare_errors({}, errors("a", 20, 30)).p_value == 1.0


def test_more_bad_answers_are_no_more_leniency() -> None:
    """Two of ten bad answers pass in either version, of which the candidate has three times as many."""
    assert compare_errors(errors("a", 10, 50), errors("b", 30, 150)).p_value == 1.0


def test_errors_that_wrong_labels_may_explain_are_taken_from_the_version_with_too_many() -> None:
    from scipy import stats

    found = compare_errors(errors("a", 3, 60), errors("b", 14, 55), explained=(2, 4))
    assert found.p_value == pytest.approx(stats.fisher_exact(np.array([[3, 57], [10, 41]])).pvalue)
    assert (found.baseline, found.candidate) == ((3, 60), (14, 55))
    turned = compare_errors(errors("b", 14, 55), errors("a", 3, 60), explained=(4, 2))
    assert turned.p_value == pytest.approx(found.p_value)
    assert turned.excess < 0


def test_no_difference_is_made_by_what_wrong_labels_explain() -> None:
    assert compare_errors(errors("a", 3, 60), errors("b", 14, 55), explained=(0, 14)).p_value == 1.0
    plain = compare_errors(errors("a", 3, 60), errors("b", 14, 55))
    assert compare_errors(errors("a", 3, 60), errors("b", 14, 55), explained=(3, 0)) == plain


def test_errors_that_both_versions_share_are_the_last_to_be_explained() -> None:
    before, now = errors("a", 2, 30), errors("a", 10, 30)
    found = compare_errors(before, now, explained=(0, 8))
    assert found.p_value == 1.0


def test_an_offset_is_found_at_equal_labels() -> None:
    rng = np.random.default_rng(0)
    human = np.round(rng.normal(0, 1.5, 80))
    found = offset_at_equal_labels(human + 0.8 + rng.normal(0, 1, 80), human)
    assert found is not None
    assert found.p_value < 1e-4
    assert found.low < 0.8 < found.high
    assert found.pairs == 80


def test_a_judge_that_shows_half_of_a_drop_has_no_offset() -> None:
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(200):
        human = np.where(rng.random(60) < 0.3, -4.0, 0.0) + np.round(rng.normal(0, 1, 60))
        judge = 0.5 * human + rng.normal(0, 1, 60)
        found = offset_at_equal_labels(judge, human)
        assert found is not None
        wrong += found.p_value <= 0.05
    assert wrong <= 20


def faults(seed: int, *, drop: float, noise: float, flattery: float = 0.0, pairs: int = 100) -> int:
    """Offsets that are called proved in 100 repetitions; the labels are the truth with noise, and so is the judge."""
    rng = np.random.default_rng(seed)
    proved = 0
    for _ in range(100):
        truth = rng.normal(-drop, 1.4, pairs)
        human = np.round(truth + noise * rng.normal(0, 1.4, pairs))
        found = offset_at_equal_labels(truth + flattery + rng.normal(0, 1, pairs), human)
        assert found is not None
        proved += found.p_value <= 0.05
    return proved


@pytest.mark.parametrize("drop", [-1.0, 1.0, 2.0])
def test_a_true_change_is_no_offset_where_people_err(drop: float) -> None:
    assert faults(5, drop=drop, noise=0.5) <= 10
    assert faults(6, drop=drop, noise=1.0) <= 10


def test_an_offset_that_hides_a_drop_is_found_though_people_err() -> None:
    assert faults(7, drop=1.0, noise=0.5, flattery=1.0) >= 90
    assert faults(8, drop=0.0, noise=0.5, flattery=1.0) >= 90


def test_a_judge_that_knows_only_good_and_bad_has_no_offset_where_a_part_of_the_items_drops() -> None:
    rng = np.random.default_rng(9)
    proved = 0
    for _ in range(100):
        before = np.clip(np.round(rng.normal(7, 1.8, 300)), 0, 10)
        now = np.where(rng.random(300) < 0.2, before - 4, before) + np.round(rng.normal(0, 1, 300))
        judge = [np.where(truth >= 5, 8.0, 2.0) + rng.normal(0, 0.5, 300) for truth in (before, now)]
        found = offset_at_equal_labels(judge[1] - judge[0], now - before)
        assert found is not None
        proved += found.p_value <= 0.05
    assert proved <= 10


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_rounding_is_no_offset_on_any_scale(scale: float) -> None:
    rng = np.random.default_rng(0)
    human = rng.integers(-5, 6, 60) / 10
    exact = offset_at_equal_labels(0.3 * human * scale, human * scale)
    assert exact is not None
    assert exact.p_value == 1.0
    noise = rng.normal(0, 0.1, 60)
    flattered = offset_at_equal_labels((human + 0.2 + noise) * scale, human * scale)
    same = offset_at_equal_labels(human + 0.2 + noise, human)
    assert flattered is not None
    assert same is not None
    assert flattered.p_value == pytest.approx(same.p_value)
    assert flattered.p_value < 1e-6
    assert flattered.value == pytest.approx(same.value * scale)


def test_where_people_see_no_difference_at_all_the_mean_is_the_offset() -> None:
    judge = np.array([1.0, 0.0, 2.0, 1.0, 0.0, 1.0, 3.0, 0.0, 1.0, 1.0])
    found = offset_at_equal_labels(judge, np.zeros(10))
    assert found is not None
    assert found.value == pytest.approx(1.0)
    certain = offset_at_equal_labels(np.ones(10), np.zeros(10))
    assert certain is not None
    assert certain.p_value == 0.0


def test_an_item_that_alone_moved_says_nothing_of_the_height() -> None:
    judge, human = np.zeros(20), np.zeros(20)
    judge[0], human[0] = 5.0, 7.0
    found = offset_at_equal_labels(judge, human)
    assert found is not None
    assert found.value == pytest.approx(0.0, abs=1e-12)
    assert found.p_value == 1.0


def test_too_few_pairs_and_a_drop_of_all_by_the_same_tell_no_offset() -> None:
    assert offset_at_equal_labels(np.ones(9), np.zeros(9)) is None
    assert offset_at_equal_labels(np.ones(20), np.full(20, -2.0)) is None
