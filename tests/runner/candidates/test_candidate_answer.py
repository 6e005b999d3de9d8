from __future__ import annotations

import json
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoregate.records import Tokens
from scoregate.runner.candidates import Answer, CandidateError, as_answer

texts = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_every_json_value_is_an_output_and_reads_back_the_same(value: object) -> None:
    output = as_answer(value).output
    assert output == value
    assert json.loads(json.dumps(output)) == value


def test_an_answer_keeps_its_measures_and_shares_nothing_with_what_was_returned() -> None:
    answer = Answer({"text": ["yes"]}, cost_usd=0.01, tokens=Tokens(10, 2), trace_id="t-1")
    taken = as_answer(answer)
    assert taken == answer
    answer.output["text"].append("changed later")
    assert taken.output == {"text": ["yes"]}


def test_a_dict_with_the_key_output_is_a_plain_output() -> None:
    assert as_answer({"output": 1}) == Answer({"output": 1})


def test_subclasses_that_equal_their_json_are_outputs() -> None:
    class Verdict(StrEnum):
        YES = "yes"

    assert as_answer([Verdict.YES, True]).output == ["yes", True]


cyclic: list[object] = []
cyclic.append(cyclic)


@pytest.mark.parametrize(
    ("returned", "what"),
    [
        (1j, "complex at output"),
        ({"a": [{"when": range}]}, "range at output.a.0.when"),
        (float("nan"), "nan at output"),
        ([1.0, float("-inf")], "-inf at output.1"),
        ({(1, 2): "a"}, "a key of type tuple at output"),
        ({1: "a", "1": "b"}, "two keys that are both written '1' at output.1"),
        (b"\xff", "bytes that are no UTF-8 at output"),
        ({"a": {1, float("inf")}}, "inf at output.a.1"),
        (["cut off: \ud83d"], "text with half of a surrogate pair at output.0"),
        ({"\ud83d": 1}, "text with half of a surrogate pair at output.\N{REPLACEMENT CHARACTER}"),
        (Answer({"rows": object()}), "object at output.rows"),
    ],
)
def test_what_is_no_json_is_refused_with_its_type_and_place(returned: object, what: str) -> None:
    with pytest.raises(CandidateError) as caught:
        as_answer(returned)
    assert str(caught.value) == f"returned something that is no JSON: {what}"


def test_an_integer_that_no_parser_reads_back_is_refused() -> None:
    with pytest.raises(CandidateError, match="an integer with too many digits at output"):
        as_answer(10**5000)


def test_a_cycle_is_refused_and_its_place_kept_short() -> None:
    with pytest.raises(CandidateError, match="more than 200 levels at output\\.0\\.0") as caught:
        as_answer(cyclic)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer("a", cost_usd=-1), "cost_usd is no amount of dollars: -1"),
        (Answer("a", cost_usd=float("nan")), "cost_usd is no amount of dollars: nan"),
        (Answer("a", cost_usd=float("inf")), "cost_usd is no amount of dollars: inf"),
        (Answer("a", cost_usd=10**400), "cost_usd is no amount of dollars: 1000"),
        (Answer("a", cost_usd=True), "cost_usd is no amount of dollars: True"),
        (Answer("a", tokens={"input": 1}), "tokens are no scoregate.Tokens of two counts: {'input': 1}"),  # type: ignore[arg-type]
        (Answer("a", tokens=Tokens(-1, 0)), "tokens are no scoregate.Tokens of two counts"),
        (Answer("a", trace_id=7), "trace_id is no text: 7"),  # type: ignore[arg-type]
    ],
)
def test_measures_that_are_none_are_refused(answer: Answer, reason: str) -> None:
    with pytest.raises(CandidateError) as caught:
        as_answer(answer)
    assert str(caught.value).startswith(reason)
