"""Values within a JSON output."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from scoregate.errors import ConfigError
from scoregate.records import JSON, Score

ScoreOutput = Callable[..., Score]
ORDER: JSON = {"order": {"id": "A-1", "items": [{"name": "lamp", "price": 20}], "note": None, "paid": False}}


@pytest.mark.parametrize(
    ("arguments", "comment"),
    [
        ({"path": "order.id", "equals": "A-1"}, None),
        ({"path": "$.order.items[0].price", "equals": 20.0}, None),
        ({"path": "$['order'].items[-1].name", "one_of": ["lamp", "desk"]}, None),
        ({"path": "order.items.0.price", "at_least": 20, "at_most": 20}, None),
        ({"path": "order.id", "pattern": "A-[0-9]+"}, None),
        ({"path": "order.paid"}, None),
        ({"path": "order.paid", "equals": False}, None),
        ({"path": "order.voucher", "exists": False}, None),
        ({"path": "order.id", "equals": "A-2"}, "'order.id' is 'A-1', not 'A-2'"),
        ({"path": "order.paid", "equals": 0}, "'order.paid' is False, not 0"),
        ({"path": "order.items.0.price", "at_least": 21}, "'order.items.0.price' is 20, below 21"),
        ({"path": "order.id", "at_most": 5}, "'order.id' is 'A-1', no number"),
        ({"path": "order.id", "pattern": "A"}, "'order.id' is 'A-1', which 'A' does not match"),
        ({"path": "order.note"}, "'order.note' is null"),
        ({"path": "order.id", "exists": False}, "'order.id' is there: 'A-1'"),
        ({"path": "order.voucher"}, "output: no 'voucher' in 'order' (keys: id, items, note, paid)"),
    ],
)
def test_one_value_keeps_its_conditions(
    score: ScoreOutput, arguments: dict[str, JSON], comment: str | None
) -> None:
    for output in (ORDER, json.dumps(ORDER)):
        cell = score("json_path", output, **arguments)
        assert (cell.value, cell.comment) == (comment is None, comment)


def test_one_value_against_the_expected_output(score: ScoreOutput) -> None:
    arguments: dict[str, JSON] = {"path": "order.id", "expected_path": "order"}
    assert score("json_path", ORDER, {"order": "A-1"}, **arguments).value is True
    assert score("json_path", ORDER, {"order": "A-2"}, **arguments).value is False
    assert score("json_path", ORDER, {}, **arguments).status == "error"
    assert score("json_path", ORDER, {}, optional=True, **arguments).status == "not_applicable"
    note: dict[str, JSON] = {"path": "order.note", "expected_path": "note"}
    assert score("json_path", ORDER, {"note": None}, **note).value is True


def test_a_text_that_is_no_json_has_no_values(score: ScoreOutput) -> None:
    assert score("json_path", "order A-1", path="order.id").value is False
    assert score("json_path", None, path="order.id").value is False


@pytest.mark.parametrize("path", ["$..id", "order.items[*].price", "$.items[?(@.price > 5)]"])
def test_a_path_of_many_places_is_refused(score: ScoreOutput, path: str) -> None:
    with pytest.raises(ConfigError, match="leads to many places"):
        score("json_path", ORDER, path=path)


def test_the_share_of_fields_that_are_as_expected(score: ScoreOutput) -> None:
    assert score("json_fields", ORDER, json.dumps(ORDER)).value == 1.0
    other = {"order": {"id": "A-2", "items": [{"name": "lamp"}], "note": None, "paid": False, "by": "me"}}
    cell = score("json_fields", other, ORDER)
    assert cell.value == pytest.approx(3 / 6)
    assert cell.comment == (
        "order.id: expected 'A-1', got 'A-2'; order.items.0.price: missing, expected 20; "
        "order.by: not expected, got 'me'"
    )
    assert score("json_fields", other, ORDER, further=True).value == pytest.approx(3 / 5)
    left_out: dict[str, JSON] = {"ignore": ["order.by", "$.order.items[0]", "order.id"]}
    assert score("json_fields", other, ORDER, **left_out).value == 1.0


def test_a_threshold_makes_it_a_boolean_and_a_tolerance_forgives_numbers(score: ScoreOutput) -> None:
    wanted, got = {"a": 1, "b": True}, {"b": True, "a": 1.004}
    assert score("json_fields", got, wanted).value == 0.5
    assert score("json_fields", got, wanted, threshold=0.6).value is False
    assert score("json_fields", got, wanted, absolute=0.01).value == 1.0
    assert score("json_fields", {"a": 1, "b": 1}, wanted, absolute=5).value == 0.5


def test_what_is_no_object_is_one_field(score: ScoreOutput) -> None:
    assert score("json_fields", "yes", "yes").value == 1.0
    assert score("json_fields", "yes", {"a": 1}).value == 0.0
    assert score("json_fields", {}, {}).value == 1.0
    assert score("json_fields", {}, None).status == "error"
    assert score("json_fields", {"a": 1}, {"a": 1}, ignore=["a"]).status == "error"
    assert score("json_fields", {}, {"a": 1}, output_path="answer").value == 0.0
