"""Phrases that an output must hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scoregate.errors import ConfigError
from scoregate.records import JSON, Score

ScoreOutput = Callable[..., Score]
OUTPUT = {"reply": "You\u2019ll get a FULL refund", "notes": ["within 14\u00a0days"]}


@pytest.mark.parametrize(
    ("arguments", "comment"),
    [
        ({"any": ["voucher", "refund"]}, None),
        ({"all": ["you'll get", "14 days", "notes"]}, None),
        ({"none": ["voucher"]}, None),
        ({"any": ["refund"], "all": ["full"], "none": ["voucher"]}, None),
        ({"any": ["voucher", "credit"]}, "holds none of 'voucher', 'credit'"),
        ({"all": ["refund", "credit", "x-y"]}, "lacks 'credit', 'x-y'"),
        ({"none": ["refund", "voucher"]}, "holds 'refund'"),
        (
            {"any": ["voucher"], "all": ["credit"], "none": ["full"]},
            "holds none of 'voucher'; lacks 'credit'; holds 'full'",
        ),
        ({"all": ["full"], "ignore_case": False}, "lacks 'full'"),
        ({"all": ["14 days"], "output_path": "reply"}, "lacks '14 days'"),
        ({"all": ["refund"], "output_path": "answer"}, "output: no 'answer' at the top (keys: notes, reply)"),
    ],
)
def test_any_all_and_none_of_some_phrases(
    score: ScoreOutput, arguments: dict[str, JSON], comment: str | None
) -> None:
    cell = score("contains", OUTPUT, **arguments)
    assert (cell.value, cell.comment) == (comment is None, comment)


def test_phrases_may_stand_in_the_item(score: ScoreOutput) -> None:
    arguments: dict[str, JSON] = {"all_path": "expected_output.facts", "none_path": "metadata.never"}
    assert (
        score("contains", OUTPUT, {"facts": ["refund"]}, metadata={"never": "voucher"}, **arguments).value
        is True
    )
    assert (
        score("contains", OUTPUT, {"facts": ["credit"]}, metadata={"never": []}, **arguments).value is False
    )
    lacking = score("contains", OUTPUT, {}, metadata={"never": []}, **arguments)
    assert (lacking.status, lacking.comment) == (
        "error",
        "dataset item: no 'facts' in 'expected_output' (it is empty)",
    )
    assert score("contains", OUTPUT, {"facts": [5]}, metadata={"never": []}, **arguments).status == "error"


def test_an_optional_part_that_the_item_lacks_does_not_count(score: ScoreOutput) -> None:
    arguments: dict[str, JSON] = {"all_path": "metadata.must", "any_path": "metadata.may", "optional": True}
    assert score("contains", OUTPUT, metadata={"must": ["refund"]}, **arguments).value is True
    assert score("contains", OUTPUT, metadata={}, **arguments).status == "not_applicable"
    assert score("contains", None, metadata={"must": ["refund"]}, **arguments).value is False


def test_something_must_be_asked_for(score: ScoreOutput) -> None:
    with pytest.raises(ConfigError, match="contains needs any, all, none, or one of their paths"):
        score("contains", "x")
    with pytest.raises(ConfigError, match="a phrase is empty"):
        score("contains", "x", any=["\u200b"])
    with pytest.raises(ConfigError, match="any_path must start with one of input, expected_output, metadata"):
        score("contains", "x", any_path="names")
