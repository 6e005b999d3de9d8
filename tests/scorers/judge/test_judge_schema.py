"""The schema of a reply: from a description, and from each kind of contract of the catalog."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from scoregate.catalog import Contract
from scoregate.errors import ConfigError
from scoregate.scorers.judge import build_eval_score_schema, output_schema, response_format

DESCRIPTION = {"score": "How relevant", "reasoning": "Why"}
CONTRACTS = [
    Contract(name="groundedness", type="numeric", min=0.0, max=1.0),
    Contract(name="toxicity", type="numeric"),
    Contract(name="answer_correctness", type="boolean", description="States the fact asked for."),
    Contract(name="policy", type="categorical", categories=("pass", "fail", "not_applicable")),
]


def score_of(schema: dict[str, Any]) -> dict[str, Any]:
    score = schema["properties"]["score"]
    assert isinstance(score, dict)
    return score


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_the_schema_of_a_contract_is_in_the_strict_form_with_the_reasoning_first(contract: Contract) -> None:
    schema = output_schema(contract)
    Draft202012Validator.check_schema(schema)
    assert list(schema["properties"]) == schema["required"] == ["reasoning", "score"]
    assert schema["additionalProperties"] is False
    assert all(part["description"] for part in schema["properties"].values())


def test_a_numeric_contract_gives_a_number_with_its_range_also_in_words() -> None:
    assert score_of(output_schema(CONTRACTS[0])) == {
        "type": "number",
        "minimum": 0.0,
        "maximum": 1.0,
        "description": "The score groundedness. A number from 0 to 1.",
    }


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(None, None, "A number."), (1.0, None, "A number, 1 or more."), (None, 5.0, "A number, 5 or less.")],
)
def test_an_open_range_is_said_as_such(low: float | None, high: float | None, words: str) -> None:
    schema = output_schema(Contract(name="length", type="numeric", min=low, max=high), score="Its length.")
    assert score_of(schema)["description"] == f"Its length. {words}"


def test_a_boolean_contract_gives_a_boolean_described_by_the_catalog() -> None:
    assert score_of(output_schema(CONTRACTS[2])) == {
        "type": "boolean",
        "description": "States the fact asked for. Either true or false.",
    }


def test_a_categorical_contract_gives_its_categories_also_those_that_do_not_count() -> None:
    assert score_of(output_schema(CONTRACTS[3], score="Keeps the policy?", reasoning="Why")) == {
        "type": "string",
        "enum": ["pass", "fail", "not_applicable"],
        "description": "Keeps the policy? One of: pass, fail, not_applicable.",
    }


@pytest.mark.parametrize(
    "contract",
    [
        Contract(name="summary", type="text", content_policy="internal"),
        Contract(name="tone", type="categorical", inferred=True),
    ],
    ids=lambda contract: contract.name,
)
def test_a_contract_without_known_values_is_refused(contract: Contract) -> None:
    with pytest.raises(ConfigError, match="a judge needs a numeric or boolean score"):
        output_schema(contract)


def test_a_description_takes_a_range_but_none_is_read_out_of_its_text() -> None:
    ranged = score_of(build_eval_score_schema(DESCRIPTION, minimum=0, maximum=10))
    assert (ranged["minimum"], ranged["maximum"]) == (0, 10)
    assert score_of(build_eval_score_schema({"score": "From 0 to 10", "reasoning": "Why"})).keys() == {
        "type",
        "description",
    }


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"score": "x"}, "no text for 'reasoning'"),
        ({"reasoning": "x", "score": " "}, "no text for 'score'"),
        ({"reasoning": "x", "score": 3}, "no text for 'score'"),
        ({"reasoning": "x", "scor": "x"}, "unknown key 'scor'.*did you mean 'score'"),
    ],
)
def test_a_description_that_is_not_whole_is_refused(description: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_eval_score_schema(description)


@pytest.mark.parametrize(("low", "high"), [(1, 0), (float("nan"), 1), (0, float("inf"))])
def test_an_impossible_range_is_refused(low: float, high: float) -> None:
    with pytest.raises(ConfigError):
        build_eval_score_schema(DESCRIPTION, minimum=low, maximum=high)


def test_the_response_format_asks_for_the_schema_strictly() -> None:
    schema = build_eval_score_schema(DESCRIPTION)
    assert response_format(schema) == {
        "type": "json_schema",
        "json_schema": {"name": "judgement", "strict": True, "schema": schema},
    }


@pytest.mark.parametrize("bound", ["0", True, [0], {}])
def test_a_bound_that_is_no_number_is_refused(bound: Any) -> None:
    with pytest.raises(ConfigError, match="the minimum of a score is .*, which is no number"):
        build_eval_score_schema(DESCRIPTION, minimum=bound)
