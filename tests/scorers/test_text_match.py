"""Exact, normalised and fuzzy match."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scoregate.errors import ConfigError
from scoregate.records import JSON, Score
from scoregate.scorers.text_match import normalised

ScoreOutput = Callable[..., Score]


@pytest.mark.parametrize(
    ("output", "expected", "same"),
    [
        ("Paris", "Paris", True),
        ("Paris ", "Paris", False),
        ("", "", True),
        (1, 1.0, True),
        (True, 1, False),
        (0, False, False),
        ({"a": [1, {"b": None}]}, {"a": [1.0, {"b": None}]}, True),
        ({"a": [True]}, {"a": [1]}, False),
        ({"a": 1, "b": 2}, {"a": 1}, False),
        ([1, 2], [2, 1], False),
        (None, "Paris", False),
    ],
)
def test_exact_match_compares_json_values(
    score: ScoreOutput, output: JSON, expected: JSON, same: bool
) -> None:
    assert score("exact_match", output, expected).value is same


def test_a_mismatch_shows_both_values_in_short(score: ScoreOutput) -> None:
    cell = score("exact_match", "London " * 1_000_000, {"city": "Paris"})
    assert cell.comment is not None
    assert cell.comment.startswith("expected {'city': 'Paris'}, got 'London London")
    assert len(cell.comment) < 300


def test_an_item_without_an_expected_output_is_an_error_or_does_not_apply(score: ScoreOutput) -> None:
    cell = score("exact_match", None, None)
    assert (cell.status, cell.comment) == ("error", "the dataset item has no expected_output")
    assert score("exact_match", None, None, optional=True).status == "not_applicable"


def test_a_path_absent_from_the_expected_output_is_an_error_or_does_not_apply(score: ScoreOutput) -> None:
    cell = score("exact_match", "x", {"reply": "x"}, expected_path="answer")
    assert cell.status == "error"
    assert cell.comment == "dataset item: no 'answer' in 'expected_output' (keys: reply)"
    assert score("exact_match", "x", {}, expected_path="answer", optional=True).status == "not_applicable"


def test_a_path_absent_from_the_output_is_a_failure_of_the_candidate(score: ScoreOutput) -> None:
    cell = score("exact_match", {"reply": "x"}, "x", output_path="answer")
    assert (cell.value, cell.comment) == (False, "output: no 'answer' at the top (keys: reply)")
    assert score("exact_match", None, "x", output_path="answer").value is False


def test_paths_lead_to_what_is_compared(score: ScoreOutput) -> None:
    output, expected = {"turns": [{"text": "a"}, {"text": "b"}]}, {"answers": ["b"]}
    assert (
        score("exact_match", output, expected, output_path="turns.-1.text", expected_path="answers.0").value
        is True
    )


def test_a_null_that_is_expected_at_a_path_can_be_given(score: ScoreOutput) -> None:
    assert score("exact_match", {"a": None}, {"a": None}, output_path="a", expected_path="a").value is True


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("  the\tEiffel \n tower", "The Eiffel Tower"),
        ("STRASSE", "straße"),
        ("ﬁne", "fine"),
        ("Cafe\u0301", "café"),
        ("a\u00a0b", "a b"),
        ("\u201cWon\u2019t\u201d", '"won\'t"'),
        ("\u00abwell\u2011known\u00bb", '"well-known"'),
        ("10\u201320 \u2212 5", "10-20 - 5"),
        ("zero\u200bwidth, soft\u00adhyphen\ufeff", "zerowidth, softhyphen"),
        ("", "  "),
    ],
)
def test_normalized_match_ignores_case_unicode_form_and_whitespace(
    score: ScoreOutput, output: str, expected: str
) -> None:
    assert score("normalized_match", output, expected).value is True


def test_punctuation_and_articles_count_unless_they_are_stripped(score: ScoreOutput) -> None:
    output, expected = "The U.S. dollar!", "US dollar"
    assert score("normalized_match", output, expected).value is False
    assert score("normalized_match", output, expected, strip_punctuation=True).value is False
    assert (
        score("normalized_match", output, expected, strip_punctuation=True, strip_articles=True).value is True
    )


def test_one_of_several_accepted_texts_is_enough(score: ScoreOutput) -> None:
    assert score("normalized_match", "two", ["2", "Two"]).value is True
    assert score("normalized_match", "three", ["2", "Two"]).value is False
    assert score("fuzzy_match", "two", ["zwei", "Two"]).value == 1.0


@pytest.mark.parametrize("use", ["normalized_match", "fuzzy_match"])
@pytest.mark.parametrize("expected", [5, [], ["a", 5], {"a": "b"}])
def test_an_expected_value_that_is_no_text_is_an_error(score: ScoreOutput, use: str, expected: JSON) -> None:
    cell = score(use, "5", expected)
    assert cell.status == "error"
    assert "must be a text or a list of texts" in (cell.comment or "")


def test_an_output_that_is_no_text_does_not_match(score: ScoreOutput) -> None:
    cell = score("normalized_match", {"answer": "5"}, "5")
    assert cell.value is False
    assert cell.comment == "the output is an object, not text; name the place of the text with output_path"
    assert score("fuzzy_match", None, "5", threshold=0.0).value is False
    assert score("fuzzy_match", None, "5").value == 0.0
    assert score("fuzzy_match", {}, "5", output_path="a").value == 0.0


def test_fuzzy_match_overlooks_how_signs_are_set(score: ScoreOutput) -> None:
    assert (
        score("fuzzy_match", "It\u2019s a well\u2011known\u00a0fact", "it's a well-known fact").value == 1.0
    )


def test_fuzzy_match_gives_the_similarity(score: ScoreOutput) -> None:
    cell = score("fuzzy_match", "kitten", "sitting")
    assert cell.value == pytest.approx(1 - 5 / 13)  # 6 + 7 letters, 3 of them to delete and 2 to insert
    assert cell.comment == "similarity 0.615 to 'sitting'"


def test_a_threshold_makes_fuzzy_match_a_boolean(score: ScoreOutput) -> None:
    assert score("fuzzy_match", "kitten", "sitting", threshold=0.6).value is True
    assert score("fuzzy_match", "kitten", "sitting", threshold=0.7).value is False
    assert score("fuzzy_match", "same", "same", threshold=1).value is True


@pytest.mark.parametrize("method", ["ratio", "partial_ratio", "token_sort_ratio", "token_set_ratio"])
def test_an_empty_text_is_like_an_empty_text_only(score: ScoreOutput, method: str) -> None:
    assert score("fuzzy_match", "", "parcel", method=method).value == 0.0
    assert score("fuzzy_match", "parcel", " ", method=method).value == 0.0
    assert score("fuzzy_match", "", "", method=method).value == 1.0


def test_the_methods_differ_in_what_they_overlook(score: ScoreOutput) -> None:
    assert score("fuzzy_match", "your parcel is late", "parcel", method="partial_ratio").value == 1.0
    assert score("fuzzy_match", "late parcel", "parcel late", method="token_sort_ratio").value == 1.0
    assert score("fuzzy_match", "late late parcel", "parcel late", method="token_set_ratio").value == 1.0
    assert score("fuzzy_match", "late parcel", "parcel late").value < 1.0  # type: ignore[operator]


def test_texts_too_long_to_be_compared_in_time_are_an_error(score: ScoreOutput) -> None:
    text, other = "ab" * 5_000, "ba" * 5_000
    assert score("fuzzy_match", text, other).status == "ok"
    cell = score("fuzzy_match", text, other, method="partial_ratio")
    assert cell.status == "error"
    assert cell.comment == "a text of 10,000 characters is too long to be compared by partial_ratio"


def test_a_threshold_lies_between_0_and_1(score: ScoreOutput) -> None:
    with pytest.raises(ConfigError, match="threshold must lie between 0 and 1, not 60"):
        score("fuzzy_match", "a", "a", threshold=60)


@given(st.text(), st.booleans())
@example("C:\N{COMBINING CEDILLA}", True)
def test_normalising_twice_changes_nothing(text: str, punctuation: bool) -> None:
    once = normalised(text, strip_punctuation=punctuation)
    assert normalised(once, strip_punctuation=punctuation) == once
