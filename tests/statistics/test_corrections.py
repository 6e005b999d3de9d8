"""The true mean behind a judge with errors: recovered from labels of a part of the items, else refused."""

import numpy as np
import pytest
from numpy.typing import NDArray

from scoregate.statistics.corrections import corrected_difference, corrected_mean, rogan_gladen, with_known
from scoregate.statistics.estimate import Estimate, not_estimated

Floats = NDArray[np.float64]


def drawn(rng: np.random.Generator, n: int, share: float) -> Floats:
    """n zeros and ones."""
    return (rng.random(n) < share).astype(np.float64)


def labelled_part(rng: np.random.Generator, truth: Floats, n: int) -> Floats:
    """The truth of a random part, NaN elsewhere."""
    human = np.full(len(truth), np.nan)
    chosen = rng.choice(len(truth), n, replace=False)
    human[chosen] = truth[chosen]
    return human


def judged(rng: np.random.Generator, truth: Floats, *, sensitivity: float, specificity: float) -> Floats:
    return (
        np.where(truth == 1, rng.random(len(truth)) < sensitivity, rng.random(len(truth)) >= specificity)
        * 1.0
    )


def test_rogan_and_gladen_by_hand() -> None:
    """60 of 100 judged to pass; of 20 true passes 17 seen, of 16 true failures 14: 18/22, 15/18, 61/102."""
    judge = np.concatenate([np.ones(17), np.zeros(3), np.ones(2), np.zeros(14), np.ones(41), np.zeros(23)])
    human = np.concatenate([np.ones(20), np.zeros(16), np.full(64, np.nan)])
    estimate = rogan_gladen(judge, human)
    se, sp, q = 18 / 22, 15 / 18, 61 / 102
    share = (q + sp - 1) / (se + sp - 1)
    variance = q * (1 - q) / 100 + (1 - share) ** 2 * sp * (1 - sp) / 16 + share**2 * se * (1 - se) / 20
    half = 1.959964 * np.sqrt(variance) / (se + sp - 1)
    assert estimate.value == pytest.approx(share)
    assert (estimate.low, estimate.high) == pytest.approx((share - half, share + half), abs=1e-6)
    assert estimate.n == 36


def test_rogan_and_gladen_refuse_a_judge_that_knows_nothing() -> None:
    rng = np.random.default_rng(0)
    truth = drawn(rng, 1000, 0.5)
    coin = drawn(rng, 1000, 0.5)
    estimate = rogan_gladen(coin, labelled_part(rng, truth, 200))
    assert estimate.value is None
    assert estimate.reason is not None
    assert estimate.reason.startswith("the judge is hardly better than chance")


def test_rogan_and_gladen_need_labels_of_both_kinds() -> None:
    judge = np.ones(50)
    human = np.full(50, np.nan)
    assert (
        rogan_gladen(judge, human).reason == "no labelled item is a pass, so that this error rate is unknown"
    )
    human[:10] = 1.0
    assert (
        rogan_gladen(judge, human).reason == "no labelled item is a fail, so that this error rate is unknown"
    )


def test_a_judge_that_knows_nothing_gets_no_weight() -> None:
    rng = np.random.default_rng(1)
    truth = drawn(rng, 400, 0.7)
    human = labelled_part(rng, truth, 100)
    result = corrected_mean(np.full(400, 0.5), human)
    assert result.judge_weight == 0.0
    assert result.estimate.value == pytest.approx(np.nanmean(human))


def test_a_perfect_judge_gives_the_mean_of_all_items_in_a_shorter_interval() -> None:
    rng = np.random.default_rng(2)
    truth = drawn(rng, 1000, 0.7)
    human = labelled_part(rng, truth, 100)
    estimate = corrected_mean(truth, human).estimate
    labels_alone = corrected_mean(np.zeros(1000), human).estimate
    assert estimate.value == pytest.approx(truth.mean(), abs=0.02)
    assert estimate.value is not None
    assert estimate.low is not None
    assert estimate.high is not None
    assert labels_alone.low is not None
    assert labels_alone.high is not None
    assert estimate.high - estimate.low < 0.7 * (labels_alone.high - labels_alone.low)
    assert estimate.low < estimate.value < estimate.high


def test_with_all_items_labelled_the_labels_alone_count() -> None:
    human = np.array([1.0, 0.0, 1.0, 1.0])
    result = corrected_mean(np.zeros(4), human)
    assert (result.judge_weight, result.estimate.value) == (0.0, 0.75)


def test_one_label_is_too_few() -> None:
    human = np.full(20, np.nan)
    human[3] = 1.0
    assert (
        corrected_mean(np.ones(20), human).estimate.reason == "1 labelled item is too few to correct anything"
    )


def test_labels_without_spread_still_leave_room() -> None:
    human = np.concatenate([np.ones(30), np.full(70, np.nan)])
    estimate = corrected_mean(np.ones(100), human).estimate
    assert estimate.value == estimate.high == 1.0
    assert estimate.low is not None
    assert 0.85 < estimate.low < 0.97


def test_the_tuned_estimate_follows_its_formula() -> None:
    rng = np.random.default_rng(3)
    truth = rng.random(300)
    judge = np.clip(truth + rng.normal(0.1, 0.2, 300), 0, 1)
    human = labelled_part(rng, truth, 80)
    known = ~np.isnan(human)
    slope = np.cov(human[known], judge[known])[0, 1] / judge[known].var(ddof=1)
    weight = min(1.0, slope) / (1 + 80 / 220)
    result = corrected_mean(judge, human)
    assert result.judge_weight == pytest.approx(weight)
    expected = weight * judge[~known].mean() + (human[known] - weight * judge[known]).mean()
    assert result.estimate.value == pytest.approx(expected)


def test_a_perfect_judge_and_few_labels_lean_to_neither_side() -> None:
    rng = np.random.default_rng(14)
    values, differences = [], []
    for _ in range(500):
        before = drawn(rng, 300, 0.9)
        now = before * drawn(rng, 300, 0.94)
        value = corrected_mean(before, labelled_part(rng, before, 50)).estimate.value
        difference = corrected_difference(now - before, labelled_part(rng, now - before, 50)).estimate.value
        assert value is not None
        assert difference is not None
        values.append(value - before.mean())
        differences.append(difference - (now - before).mean())
    assert abs(float(np.mean(values))) < 0.003
    assert abs(float(np.mean(differences))) < 0.004


@pytest.mark.parametrize("n", [50, 200])
def test_both_intervals_hold_the_truth_as_often_as_they_say(n: int) -> None:
    held = np.zeros(2)
    rng = np.random.default_rng(n)
    for _ in range(300):
        truth = drawn(rng, 1000, 0.85)
        judge = judged(rng, truth, sensitivity=0.9, specificity=0.8)
        human = labelled_part(rng, truth, n)
        for place, estimate in enumerate((corrected_mean(judge, human).estimate, rogan_gladen(judge, human))):
            assert estimate.low is not None
            assert estimate.high is not None
            held[place] += estimate.low <= 0.85 <= estimate.high
    assert (held >= 0.92 * 300).all()


def test_a_judge_that_flatters_the_candidate_is_corrected() -> None:
    """A true drop of 10 points, which a judge with a specificity of .95 and then of .5 sees as none."""
    rng = np.random.default_rng(5)
    held, errors, seen = 0, [], []
    for _ in range(200):
        before = drawn(rng, 600, 0.8)
        now = np.multiply(before, drawn(rng, 600, 0.875))
        seen_now = judged(rng, now, sensitivity=0.95, specificity=0.5)
        judge = np.subtract(seen_now, judged(rng, before, sensitivity=0.95, specificity=0.95))
        result = corrected_difference(judge, labelled_part(rng, np.subtract(now, before), 120)).estimate
        assert result.value is not None
        assert result.low is not None
        assert result.high is not None
        errors.append(result.value + 0.1)
        seen.append(judge.mean())
        held += result.low <= -0.1 <= result.high
    assert float(np.mean(seen)) > 0
    assert abs(float(np.mean(errors))) < 0.01
    assert held >= 184


def test_items_that_need_no_label_are_a_part_of_their_own() -> None:
    of_the_rest = Estimate(0.8, 0.7, 0.9, 40)
    whole = with_known(of_the_rest, 75, np.zeros(25))
    assert whole.value == pytest.approx(0.6)
    assert whole.n == 40
    assert whole.low is not None
    assert whole.high is not None
    # Narrower than the rest's, scaled; wider than that alone, as the number of such items is chance too.
    assert 0.075 < whole.high - 0.6 < 0.125
    assert whole.high - 0.6 == pytest.approx(0.6 - whole.low)
    assert with_known(of_the_rest, 75, np.zeros(0)) is of_the_rest
    assert with_known(not_estimated(1, "too few"), 75, np.zeros(3)).reason == "too few"


def test_with_a_part_known_the_interval_still_holds_the_truth() -> None:
    """Half of the items get the same answer from both versions; a true drop of 8 points in all."""
    rng = np.random.default_rng(6)
    held = 0
    for _ in range(300):
        known = int((rng.random(400) < 0.5).sum())
        before = drawn(rng, 400 - known, 0.8)
        now = np.multiply(before, drawn(rng, 400 - known, 0.8))
        seen = judged(rng, now, sensitivity=0.95, specificity=0.6)
        judge = np.subtract(seen, judged(rng, before, sensitivity=0.95, specificity=0.95))
        labels = labelled_part(rng, np.subtract(now, before), 80)
        rest = corrected_difference(judge, labels).estimate
        whole = with_known(rest, len(judge), np.zeros(known), limits=(-1.0, 1.0))
        assert whole.low is not None
        assert whole.high is not None
        held += whole.low <= -0.08 <= whole.high
    assert held >= 0.92 * 300
