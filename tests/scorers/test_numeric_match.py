"""Numbers read from texts, and tolerances."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoregate.errors import ConfigError
from scoregate.records import JSON, Score
from scoregate.scorers.numbers import last_number, read_number

ScoreOutput = Callable[..., Score]
AFTER_A = r"A:\s*(.*)"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("18", "18"),
        ("1,080.00", "1080.00"),
        ("$18", "18"),
        ("$ 1,250.50", "1250.50"),
        ("-3.5", "-3.5"),
        ("\u22123.5", "-3.5"),
        ("-$18", "-18"),
        ("$-18", "-18"),
        ("+7", "7"),
        ("18.", "18"),
        ("50%", "50"),
        ("12 EUR", "12"),
        ("CHF 12", "12"),
        ("1\u202f080", "1080"),
        (".5", "0.5"),
        ("2e-3", "0.002"),
        ("  42\n", "42"),
        (42, "42"),
        (0.1, "0.1"),
    ],
)
def test_a_number_is_read_as_it_is_written(text: JSON, number: str) -> None:
    assert read_number(text) == Decimal(number)


def test_an_integer_of_thousands_of_digits_is_read(score: ScoreOutput) -> None:
    cell = score("numeric_match", 10**5000, 1)
    assert (cell.value, cell.comment) == (False, "expected 1, got 1.000000e+5000")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "-",
            "$",
            "none",
            "5-10",
            "1,08",
            "1,0800",
            "1.2.3",
            "--5",
            "-$-5",
            "12 apples",
            "1e9999",
            "1e",
        ),
        *("NaN", "Infinity", "0x10", "18 or 20", "about 18", "3 + 4", "5/0"),
        *(None, True, [1], {"a": 1}, float("nan"), float("inf")),
    ],
)
def test_what_can_be_read_in_two_ways_or_in_none_is_no_number(text: JSON) -> None:
    assert read_number(text) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The answer is 18.", "18"),
        ("16 - 3 = <<16-3=13>>13 eggs, so $13,000.50!", "$13,000.50"),
        ("It falls to -4", "-4"),
        ("about 18kg", "18kg"),
        ("(7)", "7"),
        ("first 5, then 3/4", "3/4"),
        ("on 2024-05-01", "2024-05-01"),
        ("version x2", None),
        ("", None),
    ],
)
def test_without_a_pattern_the_last_number_counts(text: str, found: str | None) -> None:
    last = last_number(text)
    assert (last and last[0]) == found


@pytest.mark.parametrize("output", ["A: 1,080.00", "so A: 5\nA: $1080", "A:1080.", "A: 1080 \nThat is all."])
def test_the_last_match_of_the_pattern_holds_the_number(score: ScoreOutput, output: str) -> None:
    assert score("numeric_match", output, "1080", pattern=AFTER_A).value is True


def test_a_pattern_without_a_group_is_the_number_itself(score: ScoreOutput) -> None:
    assert score("numeric_match", "1 or 2 or 3", 3, pattern=r"\d").value is True
    cell = score("numeric_match", "A: 3", 3, pattern=r"A: \d")
    assert (cell.value, cell.comment) == (False, "no number: 'A: 3'; put a group around the number")


@pytest.mark.parametrize(
    ("output", "comment"),
    [
        ("", r"no match of 'A:\\s*(.*)' in ''"),
        ("I do not know", r"no match of 'A:\\s*(.*)' in 'I do not know'"),
        ("A: 5 or 6", "no number: '5 or 6'"),
        ("A: ", "no number: ''"),
        ("A: 19", "expected 18, got 19"),
        (None, "no number: None"),
        (["A: 18"], "no number: ['A: 18']"),
    ],
)
def test_no_number_is_a_wrong_number_and_says_why(score: ScoreOutput, output: JSON, comment: str) -> None:
    cell = score("numeric_match", output, "18", pattern=AFTER_A)
    assert (cell.value, cell.status) == (False, "ok")
    assert (cell.comment or "").startswith(comment)


def test_an_output_that_is_a_number_needs_no_reading(score: ScoreOutput) -> None:
    assert score("numeric_match", 18.0, "18", pattern=AFTER_A).value is True
    assert score("numeric_match", True, 1).value is False
    assert score("numeric_match", float("nan"), 1).value is False


@pytest.mark.parametrize("expected", ["eighteen", True, [18], ""])
def test_an_expected_value_that_is_no_number_is_an_error(score: ScoreOutput, expected: JSON) -> None:
    cell = score("numeric_match", "18", expected)
    assert cell.status == "error"
    assert (cell.comment or "").startswith("the expected value must be a number")


def test_without_a_tolerance_only_the_noise_of_floating_point_is_overlooked(score: ScoreOutput) -> None:
    assert score("numeric_match", 0.1 + 0.2, 0.3).value is True
    assert score("numeric_match", "0.30001", 0.3).value is False
    assert score("numeric_match", "12345678901234567890", "12345678901234567891").value is False


@pytest.mark.parametrize(
    ("output", "tolerances", "same"),
    [
        ("0.29", {"absolute": 0.01}, True),
        ("0.289", {"absolute": 0.01}, False),
        ("0.303", {"relative": 0.01}, True),
        ("0.304", {"relative": 0.01}, False),
        ("0.31", {"absolute": 0.001, "relative": 0.1}, True),
        ("-0.3", {"relative": 0.5}, False),
    ],
)
def test_the_larger_tolerance_counts_and_its_edge_is_within(
    score: ScoreOutput, output: str, tolerances: dict[str, float], same: bool
) -> None:
    assert score("numeric_match", output, 0.3, **tolerances).value is same


def test_a_negative_tolerance_is_refused(score: ScoreOutput) -> None:
    with pytest.raises(ConfigError, match="relative must be 0 or more, not -1"):
        score("numeric_match", "1", 1, relative=-1)


def test_a_huge_output_is_read_in_time_that_grows_with_its_length(score: ScoreOutput) -> None:
    started = time.perf_counter()
    for text in ("3" * 1_000_000, "1,234," * 200_000, "- " * 500_000, "5-" * 500_000):
        assert score("numeric_match", text, 1).value is False
    assert time.perf_counter() - started < 60  # by the square of its length it would be hours


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9))
def test_a_number_written_with_separators_is_read_back(number: Decimal) -> None:
    assert read_number(f"{number:,}") == number
    assert last_number(f"So it costs {number:,}.") == (f"{number:,}", number)


@given(st.text(alphabet="0123456789.,-+$% eE/A:\n€", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    for number in (read_number(text), (last_number(text) or ("", None))[1]):
        assert number is None or number.is_finite()
