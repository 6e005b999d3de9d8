"""Numbers rounded to what the interval supports."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoregate.reports.rounding import decimals_for, half_width, number, p_value


@pytest.mark.parametrize(
    ("half", "value", "shown"),
    [
        (2.41, -4.318, "−4.3"),
        (24.1, -4.318, "−4"),
        (0.241, -4.318, "−4.32"),
        (134, 5432, "5,430"),
        (0.0996, 0.5, "0.50"),
        (1e-9, 0.123456789, "0.123457"),
    ],
)
def test_the_first_two_digits_of_the_half_width_decide_the_last_digit(
    half: float, value: float, shown: str
) -> None:
    assert number(value, decimals_for(half, value)) == shown


@pytest.mark.parametrize(("value", "shown"), [(0.81234, "0.812"), (1234.5, "1,230"), (7, "7.00"), (0, "0")])
def test_without_an_interval_three_significant_digits_are_shown(value: float, shown: str) -> None:
    assert number(value, decimals_for(None, value)) == shown


def test_an_interval_of_no_width_or_without_an_end_decides_nothing() -> None:
    assert half_width(0.1, 0.1) is None
    assert half_width(None, 0.1) is None
    assert half_width(-math.inf, 0.1) is None
    assert half_width(-0.071, -0.015) == pytest.approx(0.028)


def test_what_rounds_to_zero_has_no_sign() -> None:
    assert number(-0.04, 1) == "0.0"
    assert number(-0.0, 0, signed=True) == "0"
    assert number(0.04, 1, signed=True) == "0.0"


def test_a_difference_has_its_sign() -> None:
    assert number(4.3, 1, signed=True) == "+4.3"
    assert number(-4.3, 1, signed=True) == "−4.3"


def test_unknown_is_a_dash_and_infinity_a_word_of_its_own() -> None:
    assert number(None, 1) == number(math.nan, 1) == "–"
    assert number(-math.inf, 1) == "−∞"
    assert number(math.inf, 1, signed=True) == "+∞"


def test_values_that_differ_by_floating_point_noise_print_equal() -> None:
    assert number(0.1 + 0.2, decimals_for(None, 0.1 + 0.2)) == number(0.3, decimals_for(None, 0.3))


def test_huge_numbers_have_an_exponent() -> None:
    assert number(-1.7e308, decimals_for(1e308)) == "−1.70e+308"


@pytest.mark.parametrize(
    ("p", "shown"),
    [(None, "–"), (1.0, "1"), (0.00158, "0.0016"), (0.31415, "0.31"), (1e-9, "<0.0001"), (0.0, "<0.0001")],
)
def test_p_values_have_two_digits(p: float | None, shown: str) -> None:
    assert p_value(p) == shown


@given(st.floats(), st.floats() | st.none())
def test_no_number_prints_as_minus_zero(value: float, half: float | None) -> None:
    text = number(value, decimals_for(half, value), signed=True)

    assert text[0] not in "+−" or any(sign in text for sign in "123456789∞")
