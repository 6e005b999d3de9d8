"""Scorers of the real autoevals package as evaluators."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("autoevals", reason="the extra 'autoevals' is not installed")

from autoevals import ExactMatch, Factuality, JSONDiff, Levenshtein, NumericDiff, Score, Scorer
from openai import AsyncOpenAI

from scoregate.errors import ConfigError
from scoregate.scorers import from_function
from scoregate.scorers.adapters import from_autoevals
from tests.model_server.server import ModelServer
from tests.scorers.adapters.model_calls import FAILING, reason_when, tool_call
from tests.scorers.adapters.scoring import scored, version


def test_a_scorer_or_its_class_makes_the_score_of_its_name() -> None:
    for evaluator in (from_autoevals(Levenshtein()), from_autoevals(Levenshtein)):
        cell = scored(evaluator, "kitten", "sitting")
        assert (cell.score, cell.status) == ("Levenshtein", "ok")
        assert cell.value == pytest.approx(1 - 3 / 7)
    assert scored(from_autoevals(ExactMatch(), name="same"), {"a": 1}, {"a": 1}).value == 1
    assert scored(from_autoevals(NumericDiff()), 9, 10).value == pytest.approx(1 - 1 / 19)


def test_a_skipped_score_is_not_applicable_and_an_error_is_one() -> None:
    assert scored(from_autoevals(JSONDiff()), {"a": 1}, {"a": 1}).value == 1

    class Skips(Scorer):  # type: ignore[misc]  # untyped where the package is not installed
        def _run_eval_sync(self, output: object, expected: object = None, **kwargs: object) -> Score:
            return Score("skips", None)

    assert scored(from_autoevals(Skips()), "x", "x").status == "not_applicable"
    cell = scored(from_autoevals(Levenshtein()), "text", None)
    assert (cell.status, cell.value) == ("error", None)
    assert "expected" in (cell.comment or "")


def test_further_arguments_are_made_of_the_item() -> None:
    class Grounded(Scorer):  # type: ignore[misc]  # untyped where the package is not installed
        def _run_eval_sync(self, output: object, expected: object = None, **kwargs: object) -> Score:
            rationale = f"{kwargs['input']} {kwargs['context']}"
            return Score("grounded", 1.0, metadata={"rationale": rationale})

    evaluator = from_autoevals(Grounded(), arguments=lambda *, metadata, **_: {"context": metadata["source"]})
    assert scored(evaluator, "x", input="q", metadata={"source": "s"}).comment == "q s"


def test_another_scorer_or_another_setting_is_another_version() -> None:
    first = version(from_autoevals(Levenshtein()))
    assert first.startswith("autoevals/")
    assert " Levenshtein+" in first
    assert first == version(from_autoevals(Levenshtein()))
    assert (
        len(
            {
                first,
                version(from_autoevals(ExactMatch())),
                version(from_autoevals(Levenshtein(), version="2")),
            }
        )
        == 3
    )
    strict, loose = (version(from_autoevals(JSONDiff(preserve_strings=kept))) for kept in (True, False))
    assert strict != loose
    assert from_function(from_autoevals(Levenshtein())).scores == ("Levenshtein",)


def _factuality(url: str, model: str = "stand-in", key: str = "k") -> Any:
    return from_autoevals(
        Factuality(model=model, client=AsyncOpenAI(base_url=url, api_key=key, max_retries=0))
    )


def test_a_scorer_with_a_model_makes_the_score_of_its_choice() -> None:
    with ModelServer(script=[tool_call("select_choice", reasons="They disagree.", choice="D")]) as server:
        cell = scored(_factuality(server.url), "Paris", "Rome")
        assert "Paris" in server.requests[0].prompt
    assert (cell.score, cell.value, cell.comment) == ("Factuality", 0, "They disagree.")


@pytest.mark.parametrize("failure", FAILING)
def test_a_scorer_whose_model_fails_makes_an_error_with_the_reason(failure: str) -> None:
    reason = reason_when(failure, _factuality)
    if failure == "500":
        assert "the model is down" in reason


def test_another_model_is_another_version_and_another_key_is_not() -> None:
    url = "http://127.0.0.1:9/v1"
    first = version(_factuality(url))
    assert version(_factuality(url, key="another")) == first
    assert version(_factuality(url, model="another")) != first
    keys = [version(from_autoevals(Factuality(model="m", api_key=key))) for key in ("k", "another")]
    assert keys[0] == keys[1]


def test_what_is_no_scorer_is_refused() -> None:
    with pytest.raises(ConfigError, match="from_autoevals takes a scorer of autoevals, not a str"):
        from_autoevals("Levenshtein")
