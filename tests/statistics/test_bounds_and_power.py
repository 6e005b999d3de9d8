"""Intervals that are never empty, and what data of a size can show."""

import importlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoregate.statistics.bounds import estimate_mean, estimate_unchanged, observed_range
from scoregate.statistics.power import minimum_detectable_drop, pairs_needed, smallest_provable_loss


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """Before the first example of a property, whose time is limited."""
    importlib.import_module("scipy.stats")


def test_thirty_items_without_a_difference_still_allow_a_drop_of_seven_and_a_half_points() -> None:
    estimate = estimate_mean(np.zeros(30), np.ones(30), low=-1.0, high=1.0)
    assert estimate.lower_bound(0.05) == pytest.approx(-0.076, abs=0.001)
    assert estimate.value == 0.0


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=50))
def test_equal_clusters_give_the_t_interval_of_the_augmented_sample(differences: list[float]) -> None:
    from scipy import stats

    sample = np.array([*differences, -1.0, 1.0])
    expected = stats.t.interval(0.95, len(sample) - 1, sample.mean(), stats.sem(sample))
    estimate = estimate_mean(np.array(differences), np.ones(len(differences)), low=-1.0, high=1.0)
    assert (estimate.lower_bound(0.025), estimate.upper_bound(0.025)) == pytest.approx(expected)


@pytest.mark.parametrize("clusters", [2, 30])
def test_the_expected_bound_without_a_true_difference_is_that_of_differences_that_cancel(
    clusters: int,
) -> None:
    differences = np.tile([0.2, -0.2], clusters // 2)
    measured = estimate_mean(differences, np.ones(clusters), low=-1.0, high=1.0)
    expected = estimate_unchanged(0.04, clusters, value_range=1.0)
    assert expected.lower_bound(0.05) == pytest.approx(measured.lower_bound(0.05))


def test_items_of_one_cluster_are_not_independent() -> None:
    differences = np.tile([-1.0, 0.0, 0.0, 0.0], 10)
    alone = estimate_mean(differences, np.ones(40), low=-1.0, high=1.0)
    clustered = estimate_mean(np.full(10, -4.0) * (np.arange(10) < 2.5), np.full(10, 4.0), low=-1.0, high=1.0)
    assert clustered.standard_error > alone.standard_error


def test_the_value_weighs_items_and_not_clusters() -> None:
    estimate = estimate_mean(np.array([4.0, 0.0]), np.array([4.0, 1.0]), low=0.0, high=1.0)
    assert estimate.value == pytest.approx(0.8)


def test_an_unbounded_scale_takes_its_range_from_the_data() -> None:
    values = np.linspace(0.0, 10.0, 201)
    assert observed_range(np.zeros(201), values) == pytest.approx(9.8)
    assert observed_range(np.full(201, -30.0), values) == pytest.approx(30.0)
    assert observed_range(np.zeros(5), np.full(5, 3.0)) == 3.0
    assert observed_range(np.zeros(5), np.zeros(5)) == 0.0
    assert observed_range(np.zeros(0), np.zeros(0)) == 0.0


@pytest.mark.parametrize(("pairs", "drop"), [(30, 0.219), (100, 0.120), (300, 0.069), (1000, 0.038)])
def test_visible_drops_of_the_reference_agent(pairs: int, drop: float) -> None:
    standard_error = math.sqrt(2 * 0.0714 / pairs)
    assert minimum_detectable_drop(standard_error, 0.01) == pytest.approx(drop, abs=0.0006)


def test_seven_of_all_items_must_be_lost_before_one_trial_can_prove_it() -> None:
    assert smallest_provable_loss(100, 0.01, 1, 1) == pytest.approx(0.07)
    assert smallest_provable_loss(100, 0.01, 5, 5) == pytest.approx(0.01)
    assert smallest_provable_loss(5, 0.01, 1, 1) == math.inf


def test_a_margin_of_five_points_takes_about_350_pairs() -> None:
    assert pairs_needed(100, math.sqrt(2 * 0.0714 / 100), 0.05, 0.05) == pytest.approx(350, abs=10)


class TestSkewness:
    """Losses without wins are skewed: the t quantile gives them too little room."""

    @staticmethod
    def bounds(losses: int, items: int, *, skewed: bool) -> tuple[float, float]:
        totals = np.zeros(items)
        totals[:losses] = -1.0
        estimate = estimate_mean(totals, np.ones(items), low=-1.0, high=1.0, skewed=skewed)
        return estimate.lower_bound(0.05), estimate.upper_bound(0.05)

    def test_losses_without_wins_are_bounded_about_as_exactly_counted_ones_are(self) -> None:
        """Clopper and Pearson: 9 of 300 may be as many as 5.17 %, 8 of 300 as 4.76 %."""
        from scipy.stats import beta

        for losses in (8, 9, 12):
            exact = float(beta.ppf(0.95, losses + 1, 300 - losses))
            corrected, plain = self.bounds(losses, 300, skewed=True), self.bounds(losses, 300, skewed=False)
            assert abs(corrected[0] + exact) < abs(plain[0] + exact)

    def test_the_correction_never_takes_room_away(self) -> None:
        for losses in (0, 1, 5, 60):
            corrected, plain = self.bounds(losses, 120, skewed=True), self.bounds(losses, 120, skewed=False)
            assert corrected[0] <= plain[0] + 1e-12
            assert corrected[1] >= plain[1] - 1e-12

    def test_symmetric_data_are_left_alone(self) -> None:
        totals = np.array([1.0, -1.0] * 20 + [0.0] * 60)
        both = [estimate_mean(totals, np.ones(100), low=-1.0, high=1.0, skewed=s) for s in (True, False)]
        assert both[0].lower_bound(0.05) == pytest.approx(both[1].lower_bound(0.05))
