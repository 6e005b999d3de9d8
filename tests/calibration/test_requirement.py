"""What a gate demands of a calibration, and the sentence where it is not met."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from scoregate.calibration.comparison import Comparison
from scoregate.calibration.record import Calibration, Identity
from scoregate.calibration.requirement import Requirement, read_requirement, unmet
from scoregate.catalog import Contract
from scoregate.config.table import ConfigTable
from scoregate.errors import ConfigError
from tests.calibration.judged import IDENTITY, MADE, PARTS, boolean, calibrated, identity, items

GOOD = calibrated(boolean(48, 2, 3, 47))
NEEDED = Requirement(kappa=0.6, max_age_days=90)


def requirement(keys: Mapping[str, object]) -> Requirement:
    path = ("scorers", "correct", "require_calibration")
    return read_requirement(ConfigTable(keys, path, lambda _: "gates/x.toml:7"))


def said(
    calibration: Calibration | None,
    needed: Requirement = NEEDED,
    *,
    days: float | None = 1,
    identity: Identity = IDENTITY,
    now: datetime = MADE + timedelta(days=1),
) -> str | None:
    return unmet(
        needed,
        calibration,
        identity,
        None if days is None else MADE + timedelta(days=days),
        now=now,
        judge="correct",
        command="scoregate judge calibrate gates/x.toml --labels FILE",
        file="gates/calibrations/correct.json",
    )


def test_the_table_of_the_gate_is_read() -> None:
    assert requirement({"kappa": 0.6, "max_age_days": 90}) == NEEDED
    assert requirement({"agreement": 0.9, "ac1": 0.8, "alpha": 0.7, "weighted_kappa": 0.5, "n": 200}).n == 200
    assert requirement({}).n == 50
    assert requirement({"agreement": 0.9, "tolerance": 1}).comparison == Comparison(tolerance=1.0)
    assert requirement({"kappa": 0.6, "pass_at": 7}).comparison == Comparison(pass_at=7.0)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"kapa": 0.6}, "did you mean 'kappa'"),
        ({"kappa": 60}, "must be at most 1"),
        ({"kappa": "0.6"}, "must be a number"),
        ({"max_age_days": 0}, "must be greater than 0"),
        ({"n": 1.5}, "must be a whole number"),
        ({"tolerance": -1}, "must be at least 0"),
        ({"pass_at": float("nan")}, "must be a finite number"),
    ],
)
def test_a_requirement_that_cannot_be_is_refused_with_its_place(
    keys: Mapping[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        requirement(keys)
    assert str(refused.value).startswith("gates/x.toml:7: ")


def test_a_good_calibration_of_this_judge_is_enough() -> None:
    assert said(GOOD) is None


def test_no_calibration_names_the_command_that_makes_one() -> None:
    assert said(None) == (
        "the judge 'correct' has no calibration (gates/calibrations/correct.json is not there); "
        "make one: scoregate judge calibrate gates/x.toml --labels FILE"
    )


def test_a_calibration_of_an_edited_judge_is_foreign() -> None:
    edited = identity({**PARTS, "prompt": "Is it right?? {{output}}"})
    assert said(GOOD, identity=edited) == (
        "the calibration of the judge 'correct' is of another judge (changed since: prompt); "
        "calibrate this one: scoregate judge calibrate gates/x.toml --labels FILE"
    )


def test_a_calibration_grows_old() -> None:
    assert said(GOOD, days=90) is None
    sentence = said(GOOD, days=91.5)
    assert sentence is not None
    assert "is 91 days old, and the gate allows 90; calibrate it again: scoregate judge" in sentence
    assert said(GOOD, replace(NEEDED, max_age_days=None), days=5000) is None


def test_a_calibration_may_be_made_after_the_scores_but_not_long_after() -> None:
    assert said(GOOD, days=-90) is None
    assert said(GOOD, days=-91.5) == (
        "the calibration of the judge 'correct' was made 91 days after the candidate was judged, and the gate allows "
        "90; run the candidate again"
    )
    assert said(GOOD, replace(NEEDED, max_age_days=None), days=-5000) is None


def test_a_calibration_dated_in_the_future_is_to_be_made_again() -> None:
    for judged in (-30_000.0, -91.5, None):
        assert said(GOOD, days=judged, now=MADE - timedelta(days=1.5)) == (
            "the calibration of the judge 'correct' is dated 2026-03-01T12:00:00+00:00, which lies in the future; "
            "calibrate it again: scoregate judge calibrate gates/x.toml --labels FILE"
        )
    assert said(GOOD, days=-0.5, now=MADE - timedelta(hours=20)) is None  # clocks differ


def test_scores_of_an_unknown_time_have_no_calibration_of_an_age() -> None:
    sentence = said(GOOD, days=None)
    assert sentence is not None
    assert "do not say when they were made; run it again" in sentence
    assert said(GOOD, replace(NEEDED, max_age_days=None), days=None) is None


def test_too_little_agreement_is_told_with_its_interval() -> None:
    sentence = said(calibrated(boolean(40, 10, 20, 30)))
    assert sentence is not None
    assert sentence.startswith(
        "the judge 'correct' agrees too little with people: Cohen's κ is 0.4 (0.22 to 0.58, 100 items), "
        "and the gate needs 0.6; read the disagreements in gates/calibrations/correct.json"
    )


def test_a_measure_that_cannot_be_told_is_not_met() -> None:
    sentence = said(calibrated(boolean(60, 0, 0, 0)))
    assert sentence is not None
    assert "Cohen's κ cannot be told (all values are the same" in sentence
    assert said(calibrated(boolean(60, 0, 0, 0)), Requirement(ac1=0.6)) is None


def test_a_value_just_below_does_not_read_as_the_limit() -> None:
    found = replace(GOOD, kappa=replace(GOOD.kappa, value=0.59999, low=0.5, high=0.7))
    sentence = said(found)
    assert sentence is not None
    assert "is 0.599 (0.50 to 0.70, 100 items), and the gate needs 0.6" in sentence


def test_few_items_are_not_enough_unless_the_gate_says_so() -> None:
    small = calibrated(boolean(10, 0, 0, 10))
    sentence = said(small)
    assert sentence is not None
    assert "rests on 20 items, and the gate needs 50" in sentence
    assert said(small, replace(NEEDED, n=20)) is None


def test_a_judge_that_often_gives_no_reply_is_not_enough() -> None:
    sentence = said(calibrated(boolean(48, 2, 3, 47, missing=6)))
    assert sentence is not None
    assert "lacks a valid reply for 6 of 106 items, more than 5 %" in sentence


STARS = Contract(name="stars", type="numeric", min=1, max=5, direction="higher")
NEAR, EXACT, MARKED = (
    calibrated(items([(1, 2, 30), (5, 5, 30)]), STARS, comparison=comparison)
    for comparison in (Comparison(tolerance=1.5), Comparison(), Comparison(pass_at=4))
)


@pytest.mark.parametrize(
    ("found", "needed", "was", "gate"),
    [
        (NEAR, Requirement(agreement=0.9), "tolerance = 1.5", "exact agreement"),
        (NEAR, Requirement(agreement=0.9, tolerance=1.0), "tolerance = 1.5", "tolerance = 1.0"),
        (NEAR, Requirement(pass_at=4.0), "tolerance = 1.5", "pass_at = 4.0"),
        (EXACT, Requirement(alpha=0.1, tolerance=1.0), "exact agreement", "tolerance = 1.0"),
        (MARKED, Requirement(ac1=0.9), "pass_at = 4", "exact agreement"),
        (MARKED, Requirement(kappa=0.9), "pass_at = 4", "exact agreement"),
    ],
)
def test_a_calibration_that_was_compared_otherwise_does_not_meet_the_gate(
    found: Calibration, needed: Requirement, was: str, gate: str
) -> None:
    assert said(found, needed) == (
        f"the calibration of the judge 'correct' was compared by {was}, and the gate requires {gate}; "
        "calibrate it again: scoregate judge calibrate gates/x.toml --labels FILE"
    )


@pytest.mark.parametrize(
    ("found", "needed"),
    [
        (NEAR, Requirement(agreement=0.9, tolerance=1.5)),
        (MARKED, Requirement(kappa=0.9, pass_at=4.0)),
        (NEAR, Requirement(weighted_kappa=0.5, alpha=0.5)),
        (MARKED, Requirement(alpha=0.5)),
        (EXACT, Requirement(alpha=0.1, tolerance=0.0)),
        (NEAR, Requirement(kappa=0.1)),
    ],
)
def test_what_does_not_depend_on_the_comparison_may_be_met_by_any(
    found: Calibration, needed: Requirement
) -> None:
    assert said(found, needed) is None
