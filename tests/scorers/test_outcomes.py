"""What a scorer may return, and what becomes of the rest."""

from __future__ import annotations

import enum
import re
from collections import namedtuple
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langfuse import Evaluation

from scoregate.records import SCORE_STATUSES
from scoregate.scorers import Scored, normalise, not_applicable
from scoregate.scorers.outcome import short_reason


class Grade(enum.Enum):
    GOOD = "good"


class Level(enum.IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("returned", "value"),
    [
        (True, True),
        (False, False),
        (0, 0),
        (0.25, 0.25),
        ("escalated", "escalated"),
        ("", ""),
        (np.bool_(True), True),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.str_("x"), "x"),
        (np.array(0.5), 0.5),
        (Decimal("0.25"), 0.25),
        (Fraction(1, 4), 0.25),
        (Grade.GOOD, "good"),
        (Level.HIGH, 3),
        ({"value": Grade.GOOD}, "good"),
    ],
)
def test_a_bare_value_is_a_score_of_the_scorers_name(returned: object, value: object) -> None:
    (outcome,) = normalise(returned, name="tone")
    assert outcome == Scored("tone", value)  # type: ignore[arg-type]
    assert type(outcome.value) is type(value)


def test_an_evaluation_of_langfuse_keeps_name_value_and_comment() -> None:
    returned = Evaluation(name="accuracy", value=0.5, comment="half", metadata={"judge": "a"})
    assert normalise(returned, name="f") == [Scored("accuracy", 0.5, "ok", "half")]


def test_an_evaluation_that_declares_itself_boolean_is_one() -> None:
    returned = [
        Evaluation(name="a", value=1, data_type="BOOLEAN"),
        Evaluation(name="b", value=0.0, data_type="BOOLEAN"),
        Evaluation(name="c", value=1, data_type="NUMERIC"),
    ]
    values = [outcome.value for outcome in normalise(returned, name="f")]
    assert [(value, type(value)) for value in values] == [(True, bool), (False, bool), (1, int)]


def test_a_list_makes_one_outcome_an_entry() -> None:
    returned = [Evaluation(name="a", value=1.0), {"name": "b", "value": "pass", "comment": "fine"}, True]
    assert normalise(returned, name="f") == [
        Scored("a", 1.0),
        Scored("b", "pass", "ok", "fine"),
        Scored("f", True),
    ]


def test_a_dict_needs_no_name() -> None:
    assert normalise({"value": 0.5, "comment": "so so"}, name="f") == [Scored("f", 0.5, "ok", "so so")]


def test_a_named_tuple_is_one_evaluation() -> None:
    reply = namedtuple("reply", ["name", "value", "comment"])
    assert normalise(reply("a", 1, None), name="f") == [Scored("a", 1)]


@pytest.mark.parametrize(
    "returned",
    [
        not_applicable("no documents"),
        {"status": "not_applicable", "comment": "no documents"},
        {"status": "not_applicable", "value": 1.0, "comment": "no documents"},
        [Scored("f", None, "not_applicable", "no documents")],
    ],
)
def test_a_scorer_can_say_that_it_does_not_apply(returned: object) -> None:
    assert normalise(returned, name="f") == [Scored("f", None, "not_applicable", "no documents")]


def test_a_scorer_can_say_that_it_failed() -> None:
    returned = {"name": "a", "status": "error", "comment": "the service is down"}
    assert normalise(returned, name="f") == [Scored("a", None, "error", "the service is down")]


@pytest.mark.parametrize(
    ("returned", "name", "reason"),
    [
        (None, "f", "returned nothing"),
        ([], "f", "an empty list"),
        ((), "f", "an empty list"),
        ([None], "f", "returned nothing"),
        (float("nan"), "f", "nan, which is not a number"),
        (float("-inf"), "f", "-inf, which is not a number"),
        (np.float64("nan"), "f", "nan, which is not a number"),
        (Decimal("NaN"), "f", "nan, which is not a number"),
        (10**400, "f", "more than 64 bits"),
        ({"score": 1}, "f", r"without 'value' \(keys: score\)"),
        ({"value": None}, "f", "returned nothing"),
        ({"name": "a", "value": None}, "a", "no value"),
        ({"name": 3, "value": 1}, "f", "whose name is a int"),
        ({"name": "a", "value": 1, "status": "passed"}, "a", "the status 'passed'"),
        ({"name": "a", "value": [1]}, "a", "a list, which is no score value"),
        ({"name": "a", "value": float("nan")}, "a", "not a number"),
        (object(), "f", "a object, which is no score value"),
        (b"pass", "f", "a bytes, which is no score value"),
        ([[True]], "f", "a list, which is no score value"),
        (np.datetime64("2026-01-01"), "f", "a date, which is no score value"),
        (np.array([1, 2]), "f", "cannot be read: ValueError"),
        ("\ud800", "f", "not valid Unicode"),
    ],
)
def test_anything_else_is_an_error_with_its_reason(returned: object, name: str, reason: str) -> None:
    (outcome,) = normalise(returned, name="f")
    assert (outcome.score, outcome.value, outcome.status) == (name, None, "error")
    assert outcome.comment is not None
    assert re.search(reason, outcome.comment)


def test_an_evaluation_without_a_value_is_an_error() -> None:
    returned = Evaluation(name="a", value=None)  # type: ignore[arg-type]
    assert normalise(returned, name="f") == [Scored("a", None, "error", "the score has no value")]


def test_a_name_that_comes_twice_is_an_error_and_no_choice() -> None:
    first, second = normalise([{"name": "a", "value": 1}, True, {"name": "a", "value": 0}], name="f")
    assert (first.score, first.status) == ("a", "error")
    assert first.comment == "the scorer returned 'a' more than once"
    assert second == Scored("f", True)


def test_one_bad_entry_of_a_list_leaves_the_others() -> None:
    outcomes = normalise([{"name": "a", "value": 1}, {"name": "b", "value": float("inf")}], name="f")
    assert [(one.score, one.status) for one in outcomes] == [("a", "ok"), ("b", "error")]


def test_a_comment_can_always_be_stored() -> None:
    (broken, number) = normalise(
        [{"name": "a", "value": 1, "comment": "half \ud83d"}, {"name": "b", "value": 1, "comment": 5}],
        name="f",
    )
    assert (broken.comment, number.comment) == ("half \\ud83d", "5")


class Explosive:
    """An object of a user whose attributes are code that fails."""

    @property
    def name(self) -> str:
        raise RuntimeError("lazy loading failed")

    value = 1


@pytest.mark.parametrize("returned", [Explosive(), [Explosive()]])
def test_an_object_that_fails_when_it_is_read_is_an_error(returned: object) -> None:
    (outcome,) = normalise(returned, name="f")
    assert outcome.status == "error"
    assert outcome.comment == "what the scorer returned cannot be read: RuntimeError: lazy loading failed"


_scalars: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just(object())
)
_names = st.none() | st.text(max_size=4) | st.integers()
_evaluations = st.builds(Evaluation, name=_names, value=_scalars, comment=_scalars)
_dicts = st.fixed_dictionaries(
    {},
    optional={
        "name": _names,
        "value": _scalars,
        "comment": _scalars,
        "status": _scalars | st.sampled_from(SCORE_STATUSES),
    },
)
_anything = st.recursive(
    _scalars | _evaluations | _dicts, lambda inner: st.lists(inner, max_size=4), max_leaves=8
)


@given(_anything)
def test_normalise_never_raises_and_every_outcome_can_be_kept(returned: object) -> None:
    outcomes = normalise(returned, name="f")
    assert outcomes
    assert len({one.score for one in outcomes}) == len(outcomes)
    for one in outcomes:
        assert one.score
        assert (one.value is not None) == (one.status == "ok")
        assert one.status != "error" or one.comment
        f"{one.score}{one.value}{one.comment}".encode()


def test_a_reason_is_one_short_line() -> None:
    assert short_reason(ValueError("first\nsecond")) == "ValueError: first"
    assert short_reason(TimeoutError()) == "TimeoutError"
    assert len(short_reason(ValueError("x" * 10_000))) == 300


def test_an_exception_that_cannot_print_itself_has_a_reason() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert short_reason(Mute()) == "Mute: (its message cannot be shown)"
