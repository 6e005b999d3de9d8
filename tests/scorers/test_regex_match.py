"""Regular expressions in the output."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scoregate.errors import ConfigError
from scoregate.records import JSON, Score

ScoreOutput = Callable[..., Score]


@pytest.mark.parametrize(
    ("output", "arguments", "found"),
    [
        ("Order A-17 is late", {"pattern": r"A-\d+"}, True),
        ("order a-17", {"pattern": r"A-\d+"}, False),
        ("order a-17", {"pattern": r"A-\d+", "ignore_case": True}, True),
        ("one\ntwo", {"pattern": "^two$"}, False),
        ("one\ntwo", {"pattern": "^two$", "multiline": True}, True),
        ("A-17", {"pattern": r"A-\d+", "full": True}, True),
        ("A-17 is late", {"pattern": r"A-\d+", "full": True}, False),
        ("sorry", {"pattern": "refund", "absent": True}, True),
        ("a refund", {"pattern": "refund", "absent": True}, False),
        ("", {"pattern": "^$"}, True),
        ("ÉCLAIR", {"pattern": "éclair", "ignore_case": True}, True),
    ],
)
def test_a_pattern_is_found_or_not(
    score: ScoreOutput, output: str, arguments: dict[str, JSON], found: bool
) -> None:
    assert score("regex_match", output, **arguments).value is found


def test_the_comment_says_what_was_found_or_where_nothing_was(score: ScoreOutput) -> None:
    assert score("regex_match", "Order A-17", pattern=r"A-\d+").comment == "found 'A-17'"
    assert score("regex_match", "no order", pattern="A-").comment == "no match of 'A-' in 'no order'"


@pytest.mark.parametrize("absent", [False, True])
@pytest.mark.parametrize("output", [None, 17, {"text": "A-17"}])
def test_an_output_that_is_no_text_fails_either_way(score: ScoreOutput, output: JSON, absent: bool) -> None:
    assert score("regex_match", output, pattern="A-17", absent=absent).value is False


def test_the_text_may_stand_at_a_path(score: ScoreOutput) -> None:
    assert score("regex_match", {"text": "A-17"}, pattern="A-17", output_path="text").value is True
    assert score("regex_match", {}, pattern="A-17", output_path="text", absent=True).value is False


def test_a_broken_pattern_is_refused_with_its_place(score: ScoreOutput) -> None:
    with pytest.raises(
        ConfigError, match=r"pattern '\(A' is no regular expression: missing \), .*position 0"
    ):
        score("regex_match", "A", pattern="(A")
    with pytest.raises(ConfigError, match="a pattern is nested too deeply"):
        score("regex_match", "A", pattern="(" * 20_000 + ")" * 20_000)
