"""A score's body: what is sent, and what is refused before the server could drop it without a word."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from scoregate.catalog import Contract, Parent
from scoregate.errors import ConfigError, ContractError
from scoregate.langfuse.score_body import MOST_BYTES, ScoreParent, score_body
from scoregate.langfuse.score_configs import ScoreConfig, usable_config
from scoregate.langfuse.settings import check_environment
from scoregate.records import JSON, ScoreValue

GROUNDED = Contract(
    name="groundedness", type="numeric", parent="trace", min=0.0, max=1.0, where="gates/scores.toml:3"
)
CORRECT = Contract(name="correct", type="boolean", parent="trace")
VERDICT = Contract(name="verdict", type="categorical", parent="trace", categories=("good", "bad"))
REMARK = Contract(name="remark", type="text", parent="trace")
TRACE = ScoreParent.trace("t1")
CONFIG = ScoreConfig(id="c1", name="groundedness", data_type="NUMERIC", min=0.0, max=1.0)


def body(contract: Contract, value: ScoreValue, **parts: Any) -> dict[str, JSON]:
    """`score_body` on a trace with an id and an environment, unless said otherwise."""
    given: dict[str, Any] = {
        "contract": contract,
        "parent": TRACE,
        "score_id": "t1:x",
        "environment": "ci",
        **parts,
    }
    return score_body(contract.name, value, **given)


def test_a_number_is_sent_with_its_type_and_parent() -> None:
    assert body(GROUNDED, 0.25) == {
        "id": "t1:x",
        "name": "groundedness",
        "value": 0.25,
        "dataType": "NUMERIC",
        "traceId": "t1",
        "environment": "ci",
    }


@pytest.mark.parametrize(("value", "sent"), [(True, 1), (False, 0), (1, 1), (0.0, 0)])
def test_a_boolean_is_sent_as_one_or_nought(value: ScoreValue, sent: int) -> None:
    made = body(CORRECT, value)
    assert (made["value"], type(made["value"]), made["dataType"]) == (sent, int, "BOOLEAN")


def test_a_category_and_a_text_are_told_apart() -> None:
    assert body(VERDICT, "good")["dataType"] == "CATEGORICAL"
    assert body(REMARK, "good")["dataType"] == "TEXT"


@pytest.mark.parametrize(
    ("value", "kind"), [(True, "BOOLEAN"), (3, "NUMERIC"), (0.5, "NUMERIC"), ("x", "CATEGORICAL")]
)
def test_without_a_contract_the_value_says_the_type(value: ScoreValue, kind: str) -> None:
    made = score_body("x", value, contract=None, parent=TRACE, score_id="i", environment="ci")
    assert made["dataType"] == kind


def test_an_inferred_numeric_contract_sends_booleans_as_booleans() -> None:
    assert body(replace(GROUNDED, inferred=True), True)["dataType"] == "BOOLEAN"


@pytest.mark.parametrize(
    ("parent", "fields"),
    [
        (ScoreParent.trace("t"), {"traceId": "t"}),
        (ScoreParent.observation("t", "o"), {"traceId": "t", "observationId": "o"}),
        (ScoreParent.run_item("t", "o"), {"traceId": "t", "observationId": "o"}),
        (ScoreParent.session("s"), {"sessionId": "s"}),
        (ScoreParent.run("e"), {"datasetRunId": "e"}),
    ],
)
def test_each_parent_has_its_fields(parent: ScoreParent, fields: dict[str, str]) -> None:
    made = body(replace(CORRECT, parent=parent.kind), True, parent=parent)
    names = ("traceId", "observationId", "sessionId", "datasetRunId")
    assert {name: made[name] for name in names if name in made} == fields


@pytest.mark.parametrize("parent", ["trace", "observation", "run_item"])
def test_a_run_item_takes_what_is_judged_of_traces_and_observations(parent: Parent) -> None:
    assert body(replace(CORRECT, parent=parent), True, parent=ScoreParent.run_item("t", "o"))


@pytest.mark.parametrize(
    ("contract", "parent"),
    [
        ("trace", ScoreParent.session("s")),
        ("trace", ScoreParent.observation("t", "o")),
        ("run_item", ScoreParent.trace("t")),
        ("session", ScoreParent.run_item("t", "o")),
        ("run", ScoreParent.run_item("t", "o")),
        ("run_item", ScoreParent.run("e")),
    ],
)
def test_any_other_parent_than_the_contracts_is_refused(contract: Parent, parent: ScoreParent) -> None:
    with pytest.raises(ContractError, match="it belongs to an? .* and not to an? "):
        body(replace(CORRECT, parent=contract), True, parent=parent)


def test_the_refusal_of_a_parent_says_where_the_contract_is() -> None:
    with pytest.raises(
        ContractError, match='contract at gates/scores.toml:3 says parent = "trace": give a trace'
    ):
        body(GROUNDED, 0.5, parent=ScoreParent.session("s"))


@pytest.mark.parametrize(
    ("contract", "value", "why"),
    [
        (GROUNDED, 1.5, "above its maximum 1.0"),
        (GROUNDED, -0.1, "below its minimum 0.0"),
        (GROUNDED, math.nan, "not a finite number"),
        (GROUNDED, math.inf, "not a finite number"),
        (GROUNDED, "0.5", "not a number"),
        (GROUNDED, None, "not a number"),
        (CORRECT, 2, "not a boolean"),
        (CORRECT, "true", "not a boolean"),
        (VERDICT, "ugly", "not one of its categories: good, bad"),
        (VERDICT, 1, "not the name of a category"),
        (REMARK, "", "its text is empty"),
        (REMARK, "x" * 501, "501 characters long"),
        (REMARK, "😀" * 251, "502 characters long"),
        (REMARK, "\ud800", "cannot be written as JSON"),
    ],
)
def test_a_value_that_breaks_its_contract_is_refused(contract: Contract, value: ScoreValue, why: str) -> None:
    with pytest.raises(ContractError, match=why):
        body(contract, value)


@pytest.mark.parametrize("value", [math.nan, -math.inf, 10**400, None, ""])
def test_a_value_without_a_contract_must_still_be_one(value: ScoreValue) -> None:
    with pytest.raises(ContractError):
        score_body("x", value, contract=None, parent=TRACE, score_id="i", environment="ci")


def test_five_hundred_characters_of_text_are_taken() -> None:
    assert body(REMARK, "x" * 500)
    assert body(REMARK, "😀" * 250)


@pytest.mark.parametrize(
    "environment", ["", "Prod", "prod env", "langfuse", "langfuse-ci", "x" * 41, "prod!"]
)
def test_an_environment_that_the_server_would_change_is_refused(environment: str) -> None:
    with pytest.raises(ConfigError, match="is no environment of Langfuse"):
        body(CORRECT, True, environment=environment)


@pytest.mark.parametrize("environment", ["default", "production", "ci-2", "a_b", "x" * 40])
def test_other_environments_are_taken(environment: str) -> None:
    check_environment(environment)


@pytest.mark.parametrize("score_id", ["", "  ", " a", "a\n"])
def test_an_id_that_the_server_would_replace_is_refused(score_id: str) -> None:
    with pytest.raises(ContractError, match="its id"):
        body(CORRECT, True, score_id=score_id)


@pytest.mark.parametrize(
    "parent", [ScoreParent.trace(""), ScoreParent.observation("", "o"), ScoreParent.observation("t", " ")]
)
def test_a_parent_without_an_id_is_refused(parent: ScoreParent) -> None:
    with pytest.raises(ContractError, match="id of its .* is empty"):
        body(replace(CORRECT, parent=parent.kind), True, parent=parent)


def test_a_score_without_a_name_is_refused() -> None:
    with pytest.raises(ContractError, match="no name"):
        score_body(" ", 1, contract=None, parent=TRACE, score_id="i", environment="ci")


def test_comment_and_metadata_go_along() -> None:
    made = body(CORRECT, True, comment="rubric=x", metadata={"a": {"b": 1}})
    assert (made["comment"], made["metadata"]) == ("rubric=x", {"a": {"b": 1}})


def test_metadata_that_is_no_json_is_refused() -> None:
    with pytest.raises(ContractError, match="cannot be written as JSON"):
        body(CORRECT, True, metadata={"a": math.nan})
    with pytest.raises(ContractError, match="cannot be written as JSON"):
        body(CORRECT, True, metadata={"a": object()})


def test_a_score_larger_than_the_server_takes_is_refused() -> None:
    with pytest.raises(ContractError, match="bytes long"):
        body(CORRECT, True, comment="x" * MOST_BYTES)


def test_a_config_goes_along_by_its_id() -> None:
    assert body(GROUNDED, 0.5, config=CONFIG)["configId"] == "c1"


@pytest.mark.parametrize(
    ("config", "why"),
    [
        (replace(CONFIG, archived=True), "is archived"),
        (replace(CONFIG, name="other"), "is named 'other'"),
        (replace(CONFIG, data_type="BOOLEAN"), "is for BOOLEAN scores and this one is NUMERIC"),
        (replace(CONFIG, max=0.4), "does not take 0.5, which is above its maximum 0.4"),
        (replace(CONFIG, min=0.6), "does not take 0.5, which is below its minimum 0.6"),
    ],
)
def test_a_config_by_which_the_server_would_drop_the_score_is_an_error(config: ScoreConfig, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        body(GROUNDED, 0.5, config=config)


def test_a_category_that_the_config_does_not_know_is_an_error() -> None:
    config = ScoreConfig(id="c", name="verdict", data_type="CATEGORICAL", categories=(("good", 1),))
    with pytest.raises(ConfigError, match='does not take "bad", which is not one of its categories: good'):
        body(VERDICT, "bad", config=config)


def test_the_oldest_config_of_name_and_type_that_is_not_archived_is_used() -> None:
    configs = [
        replace(CONFIG, id="new", created_at="2026-03"),
        replace(CONFIG, id="old", created_at="2026-02"),
        replace(CONFIG, id="archived", created_at="2026-01", archived=True),
        replace(CONFIG, id="other type", created_at="2026-01", data_type="TEXT"),
        replace(CONFIG, id="other name", created_at="2026-01", name="x"),
    ]
    found = usable_config("groundedness", "NUMERIC", configs)
    assert found is not None
    assert found.id == "old"
    assert usable_config("groundedness", "BOOLEAN", configs) is None
