"""Scores that apply to some items only: what their evaluators do not say, and what they fail to say."""

from __future__ import annotations

from typing import Any

import pytest

from scoregate.records import DatasetItem
from scoregate.scorers import from_function, scorer
from tests.runner.conftest import Driver as Drive


async def echo(item: DatasetItem, trial: int) -> str:
    return item.id


def checks(*, output: str, **_: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"name": "polite", "value": True}]
    return found if output == "a" else [*found, {"name": "refund", "value": True}]


@scorer(scores=["polite", "refund"])
def announced(*, output: str, **_: Any) -> list[dict[str, Any]]:
    return checks(output=output)


@scorer(score="refund")
def nothing(*, output: str, **_: Any) -> bool | None:
    return None if output == "a" else True


@scorer(score="refund")
def empty_list(*, output: str, **_: Any) -> list[bool]:
    return [] if output == "a" else [True]


@scorer(score="refund")
def no_value(*, output: str, **_: Any) -> dict[str, Any]:
    return {"name": "refund", "value": None if output == "a" else True}


@pytest.mark.parametrize("evaluator", [checks, announced, nothing, empty_list, no_value])
def test_what_is_not_said_does_not_apply_where_the_rule_says_so(drive: Drive, evaluator: Any) -> None:
    plan: dict[str, Any] = {"scorers": [from_function(evaluator)], "expected_scores": ["refund"]}
    lacking = drive(echo, run_id="strict", **plan).scores("refund")
    assert [lacking[item].status for item in "abc"] == ["error", "ok", "ok"]
    optional = drive(echo, run_id="lenient", optional_scores={"refund"}, **plan).scores("refund")
    assert [optional[item].status for item in "abc"] == ["not_applicable", "ok", "ok"]
    assert optional["a"].comment == lacking["a"].comment


def test_an_evaluator_that_fails_has_said_nothing_that_could_count(drive: Drive) -> None:
    def failing(*, output: str, **_: Any) -> list[dict[str, Any]]:
        if output == "a":
            raise LookupError("no policy")
        return checks(output=output)

    plan: dict[str, Any] = {"scorers": [from_function(failing)], "expected_scores": ["refund"]}
    cell = drive(echo, optional_scores={"refund"}, **plan).scores("refund")["a"]
    assert (cell.status, cell.comment) == (
        "error",
        "'failing', which may make it, failed: LookupError: no policy",
    )


def test_nor_has_a_candidate_that_failed(drive: Drive) -> None:
    async def task(item: DatasetItem, trial: int) -> str:
        raise ValueError("no stock")

    plan: dict[str, Any] = {"scorers": [from_function(checks)], "expected_scores": ["refund"]}
    cell = drive(task, items=1, optional_scores={"refund"}, **plan).scores("refund")["a"]
    assert (cell.status, cell.comment) == ("error", "the candidate failed: ValueError: no stock")
