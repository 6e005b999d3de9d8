"""Comparisons of numbers that tell good judges from bad ones, and those by which every judge agrees."""

import math

import pytest

from scoregate.calibration.comparison import Comparison
from scoregate.calibration.scale import check_comparison
from scoregate.catalog import Contract
from scoregate.errors import ConfigError

MARKS = Contract(name="relevance", type="numeric", min=0, max=10, direction="higher")
ERRORS = Contract(name="errors", type="numeric", min=0, max=10, direction="lower")
OPEN = Contract(name="length", type="numeric", direction="higher")


@pytest.mark.parametrize(
    ("contract", "comparison", "message"),
    [
        (MARKS, Comparison(tolerance=math.inf), "the tolerance is inf, and must be a finite number"),
        (MARKS, Comparison(tolerance=math.nan), "the tolerance is nan, and must be a finite number"),
        (MARKS, Comparison(tolerance=-1), "the tolerance is -1, and must be a finite number, 0 or more"),
        (MARKS, Comparison(tolerance=9), "a judge that always says 5 agrees with everything"),
        (MARKS, Comparison(tolerance=5), "by a tolerance of 5 or more a judge that always says 5"),
        (OPEN, Comparison(tolerance=math.inf), "must be a finite number"),
        (MARKS, Comparison(pass_at=math.nan), "the pass mark is nan, and must be a finite number"),
        (MARKS, Comparison(pass_at=50), "the pass mark is 50, outside the values of the score"),
        (MARKS, Comparison(pass_at=-1), "outside the values of the score"),
        (
            MARKS,
            Comparison(pass_at=0),
            "the pass mark is 0, where every value passes, so that every judge agrees",
        ),
        (ERRORS, Comparison(pass_at=10), "where every value passes"),
    ],
)
def test_a_comparison_by_which_every_judge_agrees_is_refused(
    contract: Contract, comparison: Comparison, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        check_comparison(contract, comparison)
    assert str(refused.value).startswith(f"{contract.name}: the ")
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("contract", "comparison"),
    [
        (MARKS, Comparison()),
        (MARKS, Comparison(tolerance=0)),
        (MARKS, Comparison(tolerance=4.9)),
        (MARKS, Comparison(pass_at=10)),
        (MARKS, Comparison(pass_at=0.5)),
        (ERRORS, Comparison(pass_at=0)),
        (OPEN, Comparison(tolerance=100)),
        (OPEN, Comparison(pass_at=-3)),
    ],
)
def test_a_comparison_that_tells_judges_apart_is_taken(contract: Contract, comparison: Comparison) -> None:
    check_comparison(contract, comparison)


def test_a_tolerance_of_zero_is_none() -> None:
    assert Comparison(tolerance=0).same_as(Comparison())
    assert not Comparison(tolerance=1).same_as(Comparison())
    assert not Comparison(pass_at=0).same_as(Comparison())
