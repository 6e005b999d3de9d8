"""Every fault of a reply by its name; and nothing but a good reply gives data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from scoregate.catalog import Contract
from scoregate.scorers.judge import build_eval_score_schema, output_schema, validate_llm_response

NUMBER = build_eval_score_schema({"score": "0 to 10", "reasoning": "Why"}, minimum=0, maximum=10)
OPEN = build_eval_score_schema({"score": "Any number", "reasoning": "Why"})
BOOLEAN = output_schema(Contract(name="correct", type="boolean"))
CATEGORY = output_schema(Contract(name="policy", type="categorical", categories=("pass", "fail")))


def faults(response: object, schema: object = NUMBER) -> list[str]:
    reply = validate_llm_response(response=response, schema=schema)
    assert not reply.success
    assert reply.data is None
    assert reply.error
    assert "\n" not in reply.error
    return [str(fault) for fault in reply.faults]


def data(response: object, schema: object = NUMBER) -> tuple[Any, str]:
    reply = validate_llm_response(response=response, schema=schema)
    assert reply.success, reply.error
    assert reply.faults == ()
    return reply.data.score, reply.data.reasoning


def scored(score: object) -> dict[str, object]:
    return {"reasoning": "Why.", "score": score}


@pytest.mark.parametrize(
    "response",
    [
        {"reasoning": "Why.", "score": 8},
        {"score": 8, "reasoning": "Why."},
        '{"reasoning": "Why.", "score": 8}',
        ' \n{"score": 8, "reasoning": "Why."}\n ',
    ],
)
def test_a_reply_is_taken_as_an_object_or_as_text_in_any_order(response: object) -> None:
    assert data(response) == (8, "Why.")


@pytest.mark.parametrize("score", [0, 10, 0.5, 1e-9])
def test_a_number_stays_what_it_is_and_the_bounds_are_in_the_range(score: float) -> None:
    read, _ = data(scored(score))
    assert (read, type(read)) == (score, type(score))


def test_booleans_and_categories_are_read_as_such() -> None:
    assert data(scored(True), BOOLEAN)[0] is True
    assert data('{"reasoning": "No.", "score": false}', BOOLEAN)[0] is False
    assert data(scored("fail"), CATEGORY)[0] == "fail"


@pytest.mark.parametrize(
    ("score", "fault"),
    [
        ("8", "text_for_number"),
        ("eight", "text_for_number"),
        (True, "boolean_for_number"),
        (None, "score_wrong_type"),
        ([8], "score_wrong_type"),
        ({"value": 8}, "score_wrong_type"),
        (8 + 0j, "score_wrong_type"),
        (float("nan"), "score_not_finite"),
        (float("-inf"), "score_not_finite"),
        pytest.param(10**5000, "score_not_finite", id="an integer of 5001 digits"),
        (10.001, "score_out_of_range"),
        (-1, "score_out_of_range"),
    ],
)
def test_each_wrong_score_for_a_number_is_named(score: object, fault: str) -> None:
    assert faults(scored(score)) == [fault]


@pytest.mark.parametrize("score", [1, 0, "true", None, [True]])
def test_only_true_and_false_are_booleans(score: object) -> None:
    assert faults(scored(score), BOOLEAN) == ["score_wrong_type"]


@pytest.mark.parametrize("score", ["Pass", "pass ", "PASS", "maybe", ""])
def test_a_category_is_taken_to_the_letter(score: str) -> None:
    assert faults(scored(score), CATEGORY) == ["unknown_category"]


def test_a_category_that_is_nearly_right_is_answered_with_the_right_one() -> None:
    reply = validate_llm_response(response=scored("Pass"), schema=CATEGORY)
    assert reply.error == "the score \"Pass\" is not one of the categories (did you mean 'pass'?)"


def test_a_number_is_no_category() -> None:
    assert faults(scored(1), CATEGORY) == ["score_wrong_type"]


@pytest.mark.parametrize(
    ("response", "names"),
    [
        ({"score": 8}, ["missing_reasoning"]),
        ({"score": 8, "reasoning": ""}, ["empty_reasoning"]),
        ({"score": 8, "reasoning": " \n"}, ["empty_reasoning"]),
        ({"score": 8, "reasoning": 42}, ["reasoning_not_text"]),
        ({"score": 8, "reasoning": None}, ["reasoning_not_text"]),
        ({"score": 8, "reasoning": "\ud800"}, ["reasoning_not_storable"]),
        ({"reasoning": "Why."}, ["missing_score"]),
        ({"reasoning": "Why.", "Score": 8}, ["missing_score", "unknown_key"]),
        ({**scored(8), "confidence": 1}, ["unknown_key"]),
        ({"reasoning": "Why.", "score": 8, 3: 1}, ["unknown_key"]),
        ({}, ["missing_reasoning", "missing_score"]),
    ],
)
def test_missing_empty_and_unknown_fields_are_named(response: object, names: list[str]) -> None:
    assert faults(response) == names


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty_reply"),
        (" \n\t", "empty_reply"),
        ("I would say 8.", "not_json"),
        ("<p>8</p>", "not_json"),
        ('Here it is: {"reasoning": "Why.", "score": 8}', "extra_text"),
        ('{"reasoning": "Why.", "score": 8} I hope this helps', "extra_text"),
        ('```json\n{"reasoning": "Why.", "score": 8}\n```', "extra_text"),
        ('{"reasoning": "Why.", "score": 8}{"reasoning": "Why.", "score": 2}', "extra_text"),
        ('{"reasoning": "Why.", "score": 8, "score": 2}', "duplicate_key"),
        ('{"reasoning": "Why.", "score": NaN}', "score_not_finite"),
        ('{"reasoning": "Why.", "score": Infinity}', "score_not_finite"),
        ('{"reasoning": "Why.", "score": 1e999}', "score_not_finite"),
        (f'{{"reasoning": "Why.", "score": {"9" * 400}}}', "score_not_finite"),
        (f'{{"reasoning": "Why.", "score": {"9" * 5000}}}', "not_json"),
        ("{'reasoning': 'Why.', 'score': 8}", "not_json"),
        ('{"reasoning": "Why.", "score": 8,}', "not_json"),
        ('{"reasoning": "Why.", "score": 08}', "not_json"),
        ('{"score":' * 100_000, "not_json"),
        ('[{"reasoning": "Why.", "score": 8}]', "not_an_object"),
        ("8", "not_an_object"),
        ("null", "not_an_object"),
        ('"8"', "not_an_object"),
        ("I'm sorry, but I can't help with that.", "refusal"),
        ("I cannot judge this.\n\nAsk somebody else.", "refusal"),
        ("Unfortunately, I am unable to do so.", "refusal"),
    ],
)
def test_each_wrong_text_is_named(text: str, fault: str) -> None:
    assert faults(text) == [fault]


def test_a_reply_that_stops_anywhere_is_cut_off() -> None:
    whole = '{"reasoning": "a \\u201cb\\u201d \\n \\\\ \\ud83d\\ude00", "x": [true, null, {"y": -1.5e-3}], "score": 8}'
    json.loads(whole)
    for end in range(1, len(whole)):
        assert faults(whole[:end]) == ["cut_off"], whole[:end]


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        (None, "empty_reply"),
        ([scored(8)], "not_an_object"),
        (8, "not_an_object"),
        (b'{"reasoning": "Why.", "score": 8}', "not_an_object"),
        (object(), "not_an_object"),
        ({"content": None, "refusal": "I won't."}, "refusal"),
        ({**scored(8), "refusal": "I won't."}, "refusal"),
    ],
)
def test_what_is_no_reply_at_all_is_named(response: object, fault: str) -> None:
    assert faults(response) == [fault]


class Hostile(Mapping[str, object]):
    """A mapping whose every method raises."""

    def __getitem__(self, key: str) -> object:
        raise RuntimeError("no")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no")

    def __len__(self) -> int:
        raise RuntimeError("no")


def test_an_object_whose_methods_raise_is_an_error_too() -> None:
    assert faults(Hostile()) == ["unreadable"]


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {},
        [],
        "schema",
        {"properties": None},
        {"properties": {"score": 3}},
        {"properties": {"score": {"type": "array"}}},
        {"properties": {"score": {"type": "string"}}},
        {"properties": {"score": {"type": "string", "enum": []}}},
        {"properties": {"score": {"type": "number", "enum": [1, 2]}}},
    ],
)
def test_a_schema_that_is_none_of_a_score_is_an_error_and_not_a_pass(schema: object) -> None:
    assert faults(scored(8), schema) == ["unusable_schema"]


def test_without_a_range_every_number_that_can_be_averaged_and_stored_is_in_it() -> None:
    assert data(scored(-1e40), OPEN)[0] == -1e40
    assert data(scored(2**63 - 1), OPEN)[0] == 2**63 - 1


@pytest.mark.parametrize("score", [1e300, -1e41, 2**63, -(10**20)])
def test_a_number_that_cannot_is_too_large(score: float) -> None:
    assert faults(scored(score), OPEN) == ["score_too_large"]


@pytest.mark.parametrize(
    ("contract", "score"),
    [
        (Contract(name="groundedness", type="numeric", min=0.0, max=1.0), 1),
        (Contract(name="correct", type="boolean"), True),
        (Contract(name="policy", type="categorical", categories=("pass", "fail")), "fail"),
    ],
    ids=lambda value: value.name if isinstance(value, Contract) else None,
)
def test_a_score_that_is_taken_keeps_its_contract(contract: Contract, score: Any) -> None:
    read, _ = data(json.dumps(scored(score)), output_schema(contract))
    assert contract.check(read, item="1") == score


def test_an_error_is_one_short_line_however_long_the_reply() -> None:
    reply = validate_llm_response(
        response={"score": "x" * 10_000, "reasoning": [1] * 10_000, "y" * 10_000: "\ud800"}, schema=NUMBER
    )
    assert reply.error is not None
    assert len(reply.error) <= 500
    reply.error.encode()
