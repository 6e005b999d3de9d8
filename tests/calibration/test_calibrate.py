"""A calibration says how far a judge agrees with people, for every kind of score."""

import random

import numpy as np
import pytest

from scoregate.calibration.comparison import Comparison
from scoregate.calibration.scale import JudgedItem, labels_fingerprint
from scoregate.catalog import Contract
from scoregate.errors import ConfigError, ContractError, DatasetError
from tests.calibration.judged import CORRECT, IDENTITY, PARTS, boolean, calibrated, identity, items

GRADES = Contract(
    name="tone", type="categorical", categories=("bad", "fair", "good", "n/a"), ignore=("n/a",), ordered=True
)
CRITERION = Contract(
    name="verdict", type="categorical", categories=("fail", "pass", "unsure"), passing=("pass",)
)
SHARE = Contract(name="groundedness", type="numeric", min=0.0, max=1.0, direction="higher")
STARS = Contract(name="stars", type="numeric", min=1, max=5, direction="higher")


def test_a_boolean_judge_by_hand() -> None:
    found = calibrated(boolean(40, 10, 20, 30))
    assert (found.agreed, found.labelled, found.missing, found.disagreed) == (70, 100, 0, 30)
    assert found.agreement.value == 0.7
    assert found.kappa.value == pytest.approx(0.4)  # chance: .5·.6 + .5·.4 = .5
    assert found.weighted_kappa.reason == "its values have no order"
    assert found.classes == ("false", "true")
    assert found.confusion == ((30, 10), (20, 40))
    passing = found.rates[1]
    assert (passing.name, passing.true_positive.value, passing.false_positive.value) == (
        "true",
        40 / 60,
        0.25,
    )
    assert (passing.true_positive.n, passing.false_positive.n) == (60, 40)
    assert found.kappa.low is not None
    assert found.kappa.high is not None
    assert 0.2 < found.kappa.low < 0.4 < found.kappa.high < 0.6


def test_alpha_and_kappa_are_those_of_the_packages() -> None:
    import krippendorff
    from sklearn.metrics import cohen_kappa_score

    judged = boolean(40, 10, 20, 30)
    found = calibrated(judged)
    values = [[float(bool(one.judge)) for one in judged], [float(bool(one.label)) for one in judged]]
    assert found.kappa.value == pytest.approx(cohen_kappa_score(*values))
    assert found.alpha.value == pytest.approx(
        krippendorff.alpha(np.array(values), level_of_measurement="nominal")
    )


def test_an_item_without_a_reply_does_not_agree() -> None:
    found = calibrated(boolean(40, 0, 0, 40, missing=20))
    assert (found.agreement.value, found.agreement.n) == (0.8, 100)
    assert (found.kappa.value, found.kappa.n, found.missing) == (1.0, 80, 20)


def test_one_and_zero_are_booleans_as_langfuse_writes_them() -> None:
    found = calibrated(items([(1, True, 5), (0, False, 5)]))
    assert found.agreed == 10


def test_one_label_everywhere_says_why_there_is_no_kappa() -> None:
    found = calibrated(boolean(30, 0, 0, 0))
    assert found.kappa.value is None
    assert found.kappa.reason == "all values are the same, so that chance would agree as well"
    assert found.alpha.reason == found.kappa.reason
    assert found.rates[0].true_positive.reason == "no label is false"
    assert found.ac1.value == 1.0


def test_what_the_judge_passes_and_people_fail_is_read_first() -> None:
    found = calibrated(boolean(5, 2, 3, 5))
    assert [(one.judge, one.label) for one in found.disagreements] == [(True, False)] * 2 + [
        (False, True)
    ] * 3
    assert found.disagreements[0].reasoning == "because 5"


def test_at_most_twenty_disagreements_are_kept_and_a_long_reasoning_is_cut() -> None:
    judged = [JudgedItem(f"i{n:02}", True, False, "x" * 5000) for n in range(30)]
    found = calibrated(judged)
    assert (len(found.disagreements), found.disagreed) == (20, 30)
    assert found.disagreements[0].reasoning == "x" * 599 + "…"


def test_categories_agree_where_they_are_the_same() -> None:
    found = calibrated(items([("pass", "pass", 6), ("unsure", "pass", 2), ("pass", "fail", 1)]), CRITERION)
    assert found.kind == "categorical"
    assert found.classes == ("fail", "pass", "unsure")
    assert found.confusion == ((0, 1, 0), (0, 6, 2), (0, 0, 0))
    assert found.disagreements[0].label == "fail"


def test_grades_further_apart_disagree_more() -> None:
    from sklearn.metrics import cohen_kappa_score

    near = calibrated(items([("bad", "bad", 9), ("good", "good", 9), ("fair", "good", 4)]), GRADES)
    far = calibrated(items([("bad", "bad", 9), ("good", "good", 9), ("bad", "good", 4)]), GRADES)
    assert near.agreement.value == far.agreement.value
    assert near.weighted_kappa.value is not None
    assert far.weighted_kappa.value is not None
    assert near.weighted_kappa.value > far.weighted_kappa.value
    expected = cohen_kappa_score([0] * 9 + [2] * 13, [0] * 9 + [2] * 9 + [1] * 4, weights="quadratic")
    assert near.weighted_kappa.value == pytest.approx(expected)
    assert far.disagreements[0].gap == 2.0


def test_a_category_that_does_not_count_has_a_class_and_no_grade() -> None:
    found = calibrated(items([("good", "good", 8), ("bad", "bad", 8), ("n/a", "good", 2)]), GRADES)
    assert (found.agreed, found.kappa.n, found.weighted_kappa.n) == (16, 18, 16)
    assert found.weighted_kappa.value == 1.0
    assert found.disagreements[0].gap == 3.0


def test_numbers_agree_within_the_tolerance() -> None:
    judged = items([(0.8, 0.7, 10), (0.5, 0.9, 2), (0.2, 0.2, 10)])
    exact = calibrated(judged, SHARE)
    near = calibrated(judged, SHARE, comparison=Comparison(tolerance=0.1))
    assert (exact.agreed, near.agreed) == (10, 20)
    assert near.compared == "they differ by at most 0.1"
    assert near.disagreements[0].gap == pytest.approx(0.4)
    assert (
        near.weighted_kappa == exact.weighted_kappa
    )  # by the size of the differences, whatever the tolerance


def test_a_pass_mark_makes_two_classes_of_numbers() -> None:
    judged = items([(0.8, 0.9, 10), (0.65, 0.75, 3), (0.1, 0.3, 7)])
    found = calibrated(judged, SHARE, comparison=Comparison(pass_at=0.7))
    assert found.compared == "both at least 0.7, or neither"
    assert found.classes == ("fail", "pass")
    assert found.confusion == ((7, 0), (3, 10))
    lower = Contract(name="errors", type="numeric", direction="lower")
    cost = calibrated(items([(2, 3, 4), (9, 3, 1)]), lower, comparison=Comparison(pass_at=5))
    assert cost.compared == "both at most 5, or neither"
    assert cost.confusion == ((0, 0), (1, 4))


def test_few_numbers_are_classes_and_many_are_not() -> None:
    stars = calibrated(items([(1, 1, 5), (5, 5.0, 5), (3, 4, 2)]), STARS)
    assert stars.classes == ("1", "3", "4", "5")
    assert stars.kappa.value is not None
    many = calibrated([JudgedItem(f"i{n}", n / 100, n / 100 + 0.003) for n in range(50)], SHARE)
    assert (many.classes, many.confusion, many.rates) == ((), (), ())
    assert many.kappa.reason is not None
    assert many.kappa.reason.startswith("so many different numbers are no classes")
    assert many.alpha.value == pytest.approx(1.0, abs=0.001)


def test_the_order_of_the_items_is_no_difference() -> None:
    judged = boolean(40, 10, 20, 30)
    assert calibrated(random.Random(0).sample(judged, len(judged))) == calibrated(judged)


def test_a_change_since_the_last_calibration_is_told_with_its_interval() -> None:
    before = calibrated(boolean(50, 3, 2, 45))
    now = calibrated(
        boolean(40, 13, 12, 35), previous=before, identity=identity({**PARTS, "model": "smaller"})
    )
    assert now.drift is not None
    assert now.drift.difference == pytest.approx(-0.20)
    assert -0.30 < now.drift.low < -0.20 < now.drift.high < -0.10
    assert (now.drift.n_before, now.drift.n_now) == (100, 100)
    assert now.drift.more_disagreement
    assert now.drift.judge_changed == ("model",)
    same = calibrated(boolean(50, 3, 2, 45), previous=before)
    assert same.drift is not None
    assert not same.drift.more_disagreement
    assert (same.drift.difference, same.drift.judge_changed, same.drift.labels_changed) == (0.0, (), False)


def test_another_tolerance_is_no_drift_of_the_judge() -> None:
    judged = items([(0.8, 0.7, 50), (0.2, 0.2, 50)])
    before = calibrated(judged, SHARE, comparison=Comparison(tolerance=0.1))
    now = calibrated(judged, SHARE, previous=before)
    assert now.drift is not None
    assert now.drift.compared_differently
    assert not now.drift.more_disagreement


def test_a_value_that_breaks_its_contract_is_refused() -> None:
    with pytest.raises(ContractError, match=r"groundedness: value 1\.2 of item 'i000' is above its maximum"):
        calibrated(items([(1.2, 0.5, 1)]), SHARE)


def test_labels_must_be_there_and_be_one_an_item() -> None:
    with pytest.raises(DatasetError, match="no item has a human label"):
        calibrated([])
    with pytest.raises(DatasetError, match="item 'a' has two labels"):
        calibrated([JudgedItem("a", True, True), JudgedItem("a", True, False)])


@pytest.mark.parametrize(
    ("contract", "comparison", "message"),
    [
        (SHARE, Comparison(tolerance=0.1, pass_at=0.5), "both a tolerance and a pass mark"),
        (
            Contract(name="x", type="numeric", direction="none"),
            Comparison(pass_at=0.5),
            "which way is better",
        ),
        (CORRECT, Comparison(tolerance=0.1), "are for numbers"),
        (Contract(name="x", type="text"), None, "texts cannot be counted"),
    ],
)
def test_a_comparison_that_does_not_suit_the_score_is_refused(
    contract: Contract, comparison: Comparison | None, message: str
) -> None:
    judged = items([("a", "a", 1)] if contract.type == "text" else [(1, 1, 1)])
    with pytest.raises(ConfigError, match=message):
        calibrated(judged, contract, comparison=comparison)


def test_the_identity_is_bound_to_every_part_and_to_no_order() -> None:
    assert identity(dict(reversed(PARTS.items()))) == IDENTITY
    edited = identity({**PARTS, "prompt": "Is it correct? {{output}}", "rubric": "v2"})
    assert edited.hash != IDENTITY.hash
    assert edited.changed_parts(IDENTITY) == ("prompt", "rubric")
    assert "right" not in repr(IDENTITY)
    assert {len(digest) for digest in IDENTITY.parts.values()} == {16}


def test_the_fingerprint_of_the_labels_is_of_items_and_labels_only() -> None:
    judged = boolean(2, 1, 1, 2)
    moods = [JudgedItem(one.item, None, int(bool(one.label))) for one in reversed(judged)]
    assert labels_fingerprint(moods, CORRECT) == labels_fingerprint(judged, CORRECT)
    assert labels_fingerprint(judged[1:], CORRECT) != labels_fingerprint(judged, CORRECT)


def test_the_order_of_numbers_is_no_difference_either() -> None:
    rng = random.Random(1)
    judged = [JudgedItem(f"i{n:02}", rng.random(), rng.random()) for n in range(40)]
    assert calibrated(judged[::-1], SHARE) == calibrated(judged, SHARE)
