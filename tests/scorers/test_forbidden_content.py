"""Phrases and patterns that must not be in an output."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scoregate.errors import ConfigError
from scoregate.records import JSON, Score

ScoreOutput = Callable[..., Score]


@pytest.mark.parametrize(
    "output",
    [
        "We promise a Full Refund today.",
        "a full\n  refund",
        "full\u00a0refund",
        "ｆｕｌｌ refund",
        {"reply": {"parts": ["hello", "a FULL REFUND"]}},
        {"full refund": 1},
    ],
)
def test_a_phrase_is_found_however_it_is_written(score: ScoreOutput, output: JSON) -> None:
    cell = score("forbidden_content", output, phrases=["guarantee", "full refund"])
    assert (cell.value, cell.comment) == (False, "holds 'full refund'")


@pytest.mark.parametrize("output", ["", "a partial refund", {"reply": "sorry"}, [], 5])
def test_an_output_without_it_passes(score: ScoreOutput, output: JSON) -> None:
    assert score("forbidden_content", output, phrases=["full refund"]).value is True


def test_case_can_be_made_to_count(score: ScoreOutput) -> None:
    assert score("forbidden_content", "internal", phrases=["INTERNAL"], ignore_case=False).value is True
    assert score("forbidden_content", "internal", patterns=["INTERNAL"], ignore_case=False).value is True
    assert score("forbidden_content", "internal", patterns=["INTERNAL"]).value is False


def test_a_pattern_is_named_with_what_it_found(score: ScoreOutput) -> None:
    cell = score("forbidden_content", "card 4111 1111", phrases=["pin"], patterns=[r"\d{4} \d{4}"])
    assert (cell.value, cell.comment) == (False, r"holds '4111 1111' (pattern '\\d{4} \\d{4}')")


@pytest.mark.parametrize(
    "output",
    [
        "We won\u2019t discuss it",
        "we won\u02bct\u00a0discuss it",
        "We wo\u200bn't dis\u00adcuss it",
        "\ufeffWon\u2032t discuss",
        "pay\u2011as\u2011you\u2011go",
        "Pay\u2013as\u2014you\u2212go",
        "p\U000e0061ay-as-you-go",
    ],
)
def test_a_phrase_is_found_however_its_signs_are_set(score: ScoreOutput, output: str) -> None:
    phrases = ["won't discuss", "pay-as-you-go"]
    assert score("forbidden_content", output, phrases=phrases).value is False
    typographic = ["won\u2019t discuss", "pay\u2010as\u2010you\u2010go"]
    assert score("forbidden_content", output, phrases=typographic).value is False


def test_a_pattern_is_sought_in_the_plain_text_as_well(score: ScoreOutput) -> None:
    assert score("forbidden_content", "won\u2019t", patterns=["won't"]).value is False
    assert score("forbidden_content", "won\u2019t", patterns=["won\u2019t"]).value is False
    assert score("forbidden_content", "se\u200bcret", patterns=["secret"]).value is False


def test_a_number_in_the_output_is_searched_too(score: ScoreOutput) -> None:
    assert score("forbidden_content", {"card": 41111111}, patterns=[r"\d{8}"]).value is False


def test_phrases_may_stand_in_the_item(score: ScoreOutput) -> None:
    arguments: dict[str, JSON] = {"phrases_path": "metadata.must_not_say", "phrases": ["pin"]}
    metadata = {"must_not_say": ["your manager"]}
    assert score("forbidden_content", "Ask your manager", metadata=metadata, **arguments).value is False
    assert score("forbidden_content", "The PIN is", metadata=metadata, **arguments).value is False
    assert score("forbidden_content", "Hello", metadata=metadata, **arguments).value is True
    assert (
        score("forbidden_content", "a secret", metadata={"must_not_say": "secret"}, **arguments).value
        is False
    )
    assert score("forbidden_content", "Hello", **arguments).status == "error"
    assert score("forbidden_content", "Hello", optional=True, **arguments).status == "not_applicable"


@pytest.mark.parametrize("listed", [[""], [5], 5, None, {"a": "b"}])
def test_phrases_of_the_item_that_are_none_are_an_error(score: ScoreOutput, listed: JSON) -> None:
    cell = score("forbidden_content", "x", metadata={"a": listed}, phrases_path="metadata.a")
    assert cell.status == "error"
    assert (cell.comment or "").startswith("metadata.a must be a list of phrases")


def test_no_output_is_no_pass(score: ScoreOutput) -> None:
    assert score("forbidden_content", None, phrases=["x"]).value is False
    assert score("forbidden_content", {}, phrases=["x"], output_path="reply").value is False


def test_something_must_be_forbidden(score: ScoreOutput) -> None:
    with pytest.raises(ConfigError, match="needs phrases, patterns or phrases_path"):
        score("forbidden_content", "x")
    with pytest.raises(ConfigError, match="a forbidden phrase is empty"):
        score("forbidden_content", "x", phrases=["a", " "])
    with pytest.raises(ConfigError, match="a forbidden phrase is empty"):
        score("forbidden_content", "x", phrases=["\u200b"])
    with pytest.raises(ConfigError, match="is no regular expression"):
        score("forbidden_content", "x", patterns=["("])
    with pytest.raises(ConfigError, match="phrases_path must start with"):
        score("forbidden_content", "x", phrases_path="must_not_say")


@pytest.mark.parametrize("blank", ["\u200b", "\u3164", "\u180e", "\u2060"])
def test_a_sign_that_shows_nothing_stands_for_a_space_or_for_nothing(score: ScoreOutput, blank: str) -> None:
    for output in (f"a full{blank}refund", f"a fu{blank}ll refund"):
        assert score("forbidden_content", output, phrases=["full refund"]).value is False
        assert score("contains", output, all=["full refund"]).value is True


@pytest.mark.parametrize(
    ("output", "pattern"),
    [
        ("a full\u00a0refund", "full refund"),
        ("a ｆｕｌｌ refund", "full refund"),
        ("we re\ufb01nance it", "refinance"),
        ("cafe\u0301", "caf\u00e9"),
        ("caf\u00e9", "cafe\u0301"),
        ("I can't", "can\u2019t"),
    ],
)
def test_a_pattern_finds_signs_and_letters_however_they_are_set(
    score: ScoreOutput, output: str, pattern: str
) -> None:
    assert score("forbidden_content", output, patterns=[pattern]).value is False


def test_signs_that_are_forbidden_are_just_these(score: ScoreOutput) -> None:
    for kind in ("phrases", "patterns"):
        assert score("forbidden_content", 'well-known "words"', **{kind: ["\u2014", "\u201c"]}).value is True
        assert score("forbidden_content", "well\u2014known", **{kind: ["\u2014"]}).value is False


def test_a_raised_digit_is_no_part_of_the_number_before_it(score: ScoreOutput) -> None:
    assert score("forbidden_content", "see 10\u00b2", patterns=[r"\b102\b"]).value is True


def test_the_turkish_capital_is_an_i(score: ScoreOutput) -> None:
    assert score("forbidden_content", "\u0130stanbul", phrases=["istanbul"]).value is False
