"""Limits on length, time, money, tokens and steps; and measured quantities as scores."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scoregate.errors import ConfigError
from scoregate.records import JSON, DatasetItem, RunItem, Score, Tokens
from scoregate.scorers import measured, score_item

ScoreOutput = Callable[..., Score]


@pytest.mark.parametrize(
    ("output", "arguments", "within", "comment"),
    [
        ("12345", {"max": 5}, True, "5 characters"),
        ("123456", {"max": 5}, False, "6 characters, at most 5 allowed"),
        ("", {"min": 1}, False, "0 characters, at least 1 wanted"),
        ("", {"max": 0}, True, "0 characters"),
        ("日本語", {"max": 3}, True, "3 characters"),
        ("two  words\n", {"max": 2, "unit": "words"}, True, "2 words"),
        ("now three words", {"max": 2, "unit": "words"}, False, "3 words, at most 2 allowed"),
        (None, {"max": 5}, False, "the output is null, not text"),
        (5, {"max": 5}, False, "the output is a number, not text"),
    ],
)
def test_a_text_has_a_length(
    score: ScoreOutput, output: JSON, arguments: dict[str, JSON], within: bool, comment: str
) -> None:
    cell = score("length_limit", output, **arguments)
    assert (cell.value, cell.comment) == (within, comment)


@pytest.mark.parametrize("arguments", [{}, {"max": -1}, {"min": 3, "max": 2}, {"min": -1}])
def test_a_length_limit_must_be_possible(score: ScoreOutput, arguments: dict[str, JSON]) -> None:
    with pytest.raises(ConfigError, match="length_limit needs"):
        score("length_limit", "x", **arguments)


def test_a_run_item_within_its_budget_passes(score: ScoreOutput) -> None:
    cell = score(
        "budget",
        {"steps": ["search", "answer"]},
        measured={"latency_seconds": 1.25, "cost_usd": 0.01},
        used_tokens=Tokens(600, 400),
        latency_seconds=1.25,
        cost_usd=0.02,
        tokens=1000,
        steps=3,
    )
    assert cell.value is True
    assert (
        cell.comment
        == "latency_seconds 1.25 of 1.25, cost_usd 0.01 of 0.02, tokens 1000 of 1000, steps 2 of 3"
    )


def test_every_limit_that_is_broken_is_named(score: ScoreOutput) -> None:
    cell = score(
        "budget",
        {"trace": {"steps": 9}},
        measured={"latency_seconds": 0.5},
        used_tokens=Tokens(1_234_567, 0),
        latency_seconds=1,
        tokens=1_000_000,
        steps=3,
        steps_path="trace.steps",
    )
    assert (cell.value, cell.comment) == (False, "over budget: tokens 1234567 of 1000000, steps 9 of 3")


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"latency_seconds": 5}, "not measured: latency_seconds"),
        ({"cost_usd": 5, "tokens": 9}, "not measured: cost_usd, tokens"),
        ({"steps": 5}, "steps of the output: no 'steps' at the top"),
        (
            {"steps": 5, "steps_path": "reply"},
            "steps of the output: must be a list or a whole number, not text",
        ),
        ({"steps": 5, "steps_path": "flag"}, "steps of the output: must be a list or a whole number"),
    ],
)
def test_a_quantity_that_was_not_measured_is_no_pass(
    score: ScoreOutput, limits: dict[str, JSON], reason: str
) -> None:
    cell = score("budget", {"reply": "x", "flag": True}, **limits)
    assert cell.status == "error"
    assert (cell.comment or "").startswith(reason)


def test_a_measurement_that_is_no_number_is_over_the_limit(score: ScoreOutput) -> None:
    assert score("budget", measured={"cost_usd": float("nan")}, cost_usd=1).value is False


def test_a_budget_must_limit_something(score: ScoreOutput) -> None:
    with pytest.raises(ConfigError, match="budget needs a limit"):
        score("budget", {})
    with pytest.raises(ConfigError, match="cost_usd must be 0 or more, not -1"):
        score("budget", {}, cost_usd=-1)


MEASURED = {
    "latency_seconds": 1.5,
    "cost_usd": 0.0,
    "tokens_input": 10,
    "tokens_output": 20,
    "tokens_total": 30,
}


@pytest.mark.parametrize(("name", "value"), MEASURED.items())
def test_what_was_measured_is_a_score(score: ScoreOutput, name: str, value: float) -> None:
    scorer = measured(name)
    assert scorer is not None
    run_item = RunItem("a", 0, "ok", latency_seconds=1.5, cost_usd=0.0, tokens=Tokens(10, 20))
    (cell,) = score_item(scorer, DatasetItem("a", "?"), run_item)
    assert (cell.score, cell.value, cell.status) == (name, value, "ok")
    facts = {"latency_seconds": 1.5, "cost_usd": 0.0}
    assert score(name, measured=facts, used_tokens=Tokens(10, 20)).value == value
    assert score("measured", measured=facts, used_tokens=Tokens(10, 20), quantity=name).value == value


@pytest.mark.parametrize("name", MEASURED)
def test_what_was_not_measured_is_an_error(score: ScoreOutput, name: str) -> None:
    cell = score(name)
    assert cell.status == "error"
    assert (cell.comment or "").endswith("of this run item was not measured")


def test_nothing_else_is_measured() -> None:
    assert measured("answer_correctness") is None
