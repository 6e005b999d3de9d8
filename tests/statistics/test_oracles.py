"""Our tests beside those of statsmodels and scipy, wherever they have the method, and where theirs give up."""

import gc
import importlib
import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoregate.statistics.bounds import estimate_mean
from scoregate.statistics.exact import benjamini_hochberg, exact_permutation_test, step_down
from scoregate.statistics.permutation import permutation_test


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """Before the first example of a property, whose time is limited."""
    importlib.import_module("scipy.stats")
    importlib.import_module("statsmodels.stats.contingency_tables")
    importlib.import_module("statsmodels.stats.multitest")


def booleans(lost: int, won: int, kept: int = 20, failing: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """One trial an arm, of so many items that passed before and fail now, fail before and pass now, and the rest."""
    before = np.repeat([1, 0, 1, 0], [lost, won, kept, failing])[:, None]
    now = np.repeat([0, 1, 1, 0], [lost, won, kept, failing])[:, None]
    return before, now


@given(st.integers(0, 40), st.integers(0, 40))
def test_one_trial_of_booleans_is_the_exact_one_sided_mcnemar_test(lost: int, won: int) -> None:
    from scipy import stats

    ours = exact_permutation_test(*booleans(lost, won)).p_value
    if lost + won:
        assert ours == pytest.approx(stats.binomtest(won, lost + won, alternative="less").pvalue, rel=1e-9)
    else:
        assert ours == 1.0


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_smaller_side_doubled_is_the_two_sided_mcnemar_test_of_statsmodels(lost: int, won: int) -> None:
    from statsmodels.stats.contingency_tables import mcnemar

    if not lost + won:
        return
    worse = exact_permutation_test(*booleans(lost, won)).p_value
    better = exact_permutation_test(*booleans(won, lost)).p_value
    theirs = mcnemar(np.array([[20, lost], [won, 3]]), exact=True).pvalue
    assert min(1.0, 2 * min(worse, better)) == pytest.approx(theirs, rel=1e-9)


@pytest.fixture(scope="module")
def _quick_collections() -> Iterator[None]:
    """statsmodels collects garbage in each call of Holm's method: let it not look at all that was there before."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("_quick_collections")
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40))
def test_holm(p_values: list[float]) -> None:
    from statsmodels.stats.multitest import multipletests

    assert step_down(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40))
def test_benjamini_and_hochberg(p_values: list[float]) -> None:
    from scipy import stats
    from statsmodels.stats.multitest import multipletests

    ours = benjamini_hochberg(p_values)
    assert ours == pytest.approx(multipletests(p_values, method="fdr_bh")[1])
    assert ours == pytest.approx(stats.false_discovery_control(p_values, method="bh"))


def test_no_p_values_have_no_adjustment_and_no_number_is_none() -> None:
    assert benjamini_hochberg([]).tolist() == step_down([]).tolist() == []
    with pytest.raises(ValueError, match="between 0 and 1"):
        benjamini_hochberg([0.1, math.nan])


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=2, max_size=9))
def test_one_trial_of_numbers_is_the_exhaustive_paired_permutation_test(pairs: list[tuple[int, int]]) -> None:
    from scipy import stats

    before, now = np.array(pairs).T
    theirs = stats.permutation_test(
        (now, before),
        lambda x, y, axis: (x - y).sum(axis=axis),
        permutation_type="samples",
        n_resamples=10_000,
        alternative="less",
        vectorized=True,
    ).pvalue
    assert exact_permutation_test(before[:, None], now[:, None]).p_value == pytest.approx(theirs, abs=1e-12)


def test_the_drawn_relabellings_come_near_the_exhaustive_test() -> None:
    from scipy import stats

    rng = np.random.default_rng(1)
    before = rng.normal(size=12)
    now = before + rng.normal(loc=-0.4, size=12)
    theirs = stats.permutation_test(
        (now - before,),
        lambda d, axis: d.sum(axis=axis),
        permutation_type="samples",
        n_resamples=10_000,
        alternative="less",
        vectorized=True,
    ).pvalue
    ours = permutation_test(np.stack([before, now], axis=1)[:, :, None], 1, seed=0, alpha=float(theirs))
    assert ours.p_values[0] == pytest.approx(theirs, abs=5 * math.sqrt(float(theirs) / ours.relabellings))


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 200))
def test_the_bound_of_one_trial_of_booleans_is_bonett_and_price_with_a_t_quantile(
    lost: int, won: int, concordant: int
) -> None:
    from scipy import stats

    items = lost + won + concordant
    p_lost, p_won = (lost + 1) / (items + 2), (won + 1) / (items + 2)
    # Their variance divides by n + 2; a sample variance, as a t quantile wants it, by n + 1.
    variance = (p_lost + p_won - (p_won - p_lost) ** 2) / (items + 2) * (items + 2) / (items + 1)
    expected = p_won - p_lost - stats.t.ppf(0.95, items + 1) * math.sqrt(variance)
    differences = np.repeat([-1.0, 1.0, 0.0], [lost, won, concordant])
    bound = estimate_mean(differences, np.ones(items), low=-1.0, high=1.0).lower_bound(0.05)
    assert bound == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=60), st.floats(0.001, 0.2))
def test_the_bound_of_numbers_is_the_t_interval_of_scipy(differences: list[float], level: float) -> None:
    from scipy import stats

    sample = np.array([*differences, -1.0, 1.0])
    theirs = stats.ttest_1samp(sample, 0.0, alternative="greater").confidence_interval(1 - level).low
    bound = estimate_mean(np.array(differences), np.ones(len(differences)), low=-1.0, high=1.0)
    assert bound.lower_bound(level) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("arms", [booleans(0, 0), (np.full((9, 3), 4), np.full((9, 3), 4))])
def test_data_without_a_difference_are_no_evidence_and_never_nan(arms: tuple[np.ndarray, np.ndarray]) -> None:
    """Where `binomtest(0, 0)` raises, a paired t-test and Wilcoxon's test give NaN, and NaN < alpha is False."""
    assert exact_permutation_test(*arms).p_value == 1.0
    runs = np.concatenate(arms, axis=1)[:, :, None].astype(float)
    drawn = permutation_test(runs, arms[0].shape[1], seed=0, alpha=0.01)
    assert (drawn.p_values.tolist(), drawn.adjusted.tolist()) == ([1.0], [1.0])
    estimate = estimate_mean(np.zeros(len(runs)), np.ones(len(runs)), low=-1.0, high=1.0)
    assert math.isfinite(estimate.lower_bound(0.05))
    assert estimate.lower_bound(0.05) < 0 < estimate.upper_bound(0.05)


def test_a_constant_difference_is_no_variation_to_a_t_test_and_plain_evidence_here() -> None:
    before = np.linspace(0.0, 1.0, 12)
    runs = np.stack([before, before - 0.5], axis=1)[:, :, None]
    drawn = permutation_test(runs, 1, seed=0, alpha=0.01)
    assert drawn.p_values[0] == pytest.approx(2**-12, abs=4 * math.sqrt(2**-12 / drawn.relabellings))
