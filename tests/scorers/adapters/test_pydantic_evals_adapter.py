"""Evaluators of the real pydantic-evals package as ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

pytest.importorskip("pydantic_evals", reason="the extra 'pydantic-evals' is not installed")

from openai import AsyncOpenAI
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_evals.evaluators import (
    Contains,
    EqualsExpected,
    EvaluationReason,
    Evaluator,
    EvaluatorContext,
    IsInstance,
    LLMJudge,
    MaxDuration,
)

from scoregate.errors import ConfigError
from scoregate.records import DatasetItem, RunItem
from scoregate.scorers import from_function, score_item
from scoregate.scorers.adapters import from_pydantic_evals
from tests.model_server.server import ModelServer
from tests.scorers.adapters.model_calls import FAILING, reason_when, tool_call
from tests.scorers.adapters.scoring import scored, version


def test_an_evaluator_makes_the_score_of_its_name_and_its_reason_is_the_comment() -> None:
    cell = scored(from_pydantic_evals(EqualsExpected()), {"a": 1}, {"a": 1})
    assert (cell.score, cell.value) == ("EqualsExpected", True)
    cell = scored(from_pydantic_evals(Contains(value="Rome"), name="names_rome"), "It is Paris.")
    assert (cell.score, cell.value) == ("names_rome", False)
    assert "Rome" in (cell.comment or "")
    assert scored(from_pydantic_evals(IsInstance(type_name="str")), "text").value is True


def test_without_an_expected_output_equality_is_not_applicable() -> None:
    assert scored(from_pydantic_evals(EqualsExpected()), "x", None).status == "not_applicable"


def test_the_duration_is_the_latency_of_the_run_item() -> None:
    evaluator = from_pydantic_evals(MaxDuration(seconds=1))
    assert scored(evaluator, "x", latency_seconds=0.5).value is True
    assert scored(evaluator, "x", latency_seconds=2).value is False
    cell = scored(evaluator, "x")
    assert (cell.status, cell.comment) == ("error", "the latency of this run item was not measured")


@dataclass
class Tone(Evaluator[Any, Any, Any]):  # type: ignore[misc, unused-ignore]  # the package may be absent, and its types with it
    """A number and a label, async, that knows all four."""

    polite: str = "please"

    async def evaluate(self, ctx: EvaluatorContext[Any, Any, Any]) -> dict[str, Any]:
        known = [ctx.inputs, ctx.expected_output, ctx.metadata]
        found = self.polite in ctx.output
        return {
            "tone": 1.0 if found else 0.0,
            "style": EvaluationReason("polite" if found else "rude", f"{known}"),
        }


def test_one_that_returns_a_mapping_says_the_names() -> None:
    evaluator = from_function(from_pydantic_evals(Tone(), scores=["tone", "style"]))
    item = DatasetItem("a", "q", "e", {"m": 1})
    cells = {
        score.score: score
        for score in score_item(evaluator, item, RunItem("a", 0, "ok", output="yes please"))
    }
    assert (cells["tone"].value, cells["style"].value) == (1.0, "polite")
    assert cells["style"].comment == "['q', 'e', {'m': 1}]"


def test_another_setting_is_another_version() -> None:
    first = version(from_pydantic_evals(Contains(value="a")))
    assert first.startswith("pydantic-evals/")
    assert version(from_pydantic_evals(Contains(value="a"))) == first
    assert version(from_pydantic_evals(Contains(value="b"))) != first


def _judge(url: str, model: str = "stand-in", rubric: str = "It names the capital.") -> Any:
    client = AsyncOpenAI(base_url=url, api_key="k", max_retries=0)
    chat = OpenAIChatModel(model, provider=OpenAIProvider(openai_client=client))
    return from_pydantic_evals(LLMJudge(rubric=rubric, model=chat), name="capital")


def test_a_model_as_judge_makes_the_verdict_of_its_reply() -> None:
    reply = tool_call("final_result", **{"reason": "It does.", "pass": True, "score": 1.0})
    with ModelServer(script=[reply]) as server:
        cell = scored(_judge(server.url), "Paris", "Rome")
        assert "It names the capital." in server.requests[0].prompt
    assert (cell.score, cell.value, cell.comment) == ("capital", True, "It does.")


@pytest.mark.parametrize("failure", FAILING)
def test_a_judge_whose_model_fails_makes_an_error_with_the_reason(failure: str) -> None:
    reason = reason_when(failure, _judge)
    if failure == "500":
        assert "the model is down" in reason


def test_another_model_or_rubric_is_another_version() -> None:
    url = "http://127.0.0.1:9/v1"
    first = version(_judge(url))
    assert version(_judge(url)) == first
    assert first not in (version(_judge(url, model="another")), version(_judge(url, rubric="Polite.")))


def test_what_is_no_evaluator_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="takes an evaluator of pydantic-evals, not the class EqualsExpected"
    ):
        from_pydantic_evals(EqualsExpected)
