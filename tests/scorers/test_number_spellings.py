"""Numbers as people and models write them: read rightly or not at all, never a part of another one."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from scoregate.records import Score
from scoregate.scorers.numbers import last_number, read_number
from tests.recorded_answers import BOTH, recorded_answers
from tests.scorers.number_spellings import SPELLINGS

ScoreOutput = Callable[..., Score]

PLAINLY_WRITTEN = re.compile(r"(?:^|[\s=$(>])(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\.?$")
"""A line that ends with a number in the English way: what stands before it may make another number of it."""


def test_the_table_is_long_enough() -> None:
    assert len(SPELLINGS) == len(dict(SPELLINGS)) >= 120


@pytest.mark.parametrize(("text", "number"), SPELLINGS)
def test_a_number_is_read_rightly_or_not_at_all(text: str, number: str | None) -> None:
    found = last_number(text)
    value = found[1] if found is not None else None
    assert value == (None if number is None else Decimal(number))
    alone = read_number(text)
    assert alone is None or alone == value or value is None


@pytest.mark.parametrize(("text", "number"), [one for one in SPELLINGS if one[1] is not None])
def test_it_is_read_the_same_within_a_sentence(text: str, number: str) -> None:
    for sentence in (f"So, after 7 steps, {text}", f"I counted 3.\n{text}\n", f"It is\u00a0{text}"):
        found = last_number(sentence)
        assert found is not None
        assert found[1] == Decimal(number), sentence


@pytest.mark.parametrize(
    ("output", "digits"),
    [("A: 5\u201310", "10"), ("A: 1,080", "80"), ("A: 1\u00bd", "1"), ("A: 3/4", "4"), ("A: 1.25", "25")],
)
def test_a_pattern_that_matches_a_part_of_a_number_finds_none(
    score: ScoreOutput, output: str, digits: str
) -> None:
    cell = score("numeric_match", output, digits, pattern=r"\d+")
    assert cell.value is False
    assert (cell.comment or "").startswith("no number: ")


def test_what_a_pattern_itself_names_around_its_group_is_no_part_of_the_number(score: ScoreOutput) -> None:
    assert score("numeric_match", "Score: 8/10", 8, pattern=r"(\d+)/10").value is True


@pytest.mark.parametrize("name", BOTH)
def test_the_lines_that_models_wrote_are_read_so(name: str, tmp_path: Path) -> None:
    answers = recorded_answers(name, tmp_path)
    read = unread = 0
    for model in answers.models:
        for record in answers.records(answers.outputs(model)).values():
            for line in str(record["output"]).splitlines():
                plain = PLAINLY_WRITTEN.search(line.rstrip())
                found = last_number(line) if plain is not None else None
                if plain is None or found is None:
                    continue
                written, value = found
                if value is None:
                    unread += 1
                elif value == Decimal(plain[1].replace(",", "")):
                    read += 1
                else:  # `385 000`: what stands before the digits belongs to them
                    assert written.endswith(plain[1])
                    assert len(written) > len(plain[1])
                    assert value == Decimal(re.sub(r"\D", "", written))
    assert read > 100
    assert unread <= read / 200
