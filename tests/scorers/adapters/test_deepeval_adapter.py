"""Metrics of the real DeepEval package as evaluators."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

pytest.importorskip("deepeval", reason="the extra 'deepeval' is not installed")

from deepeval.metrics import (
    BaseMetric,
    ExactMatchMetric,
    GEval,
    JsonCorrectnessMetric,
    PatternMatchMetric,
    ToolCorrectnessMetric,
)
from deepeval.models import DeepEvalBaseLLM, OpenAIModel
from deepeval.test_case import LLMTestCase, SingleTurnParams, ToolCall
from pydantic import BaseModel

from scoregate.errors import ConfigError
from scoregate.records import DatasetItem, RunItem
from scoregate.scorers import from_function, score_item_async
from scoregate.scorers.adapters import from_deepeval
from tests.model_server.server import ModelServer
from tests.scorers.adapters.model_calls import FAILING, reason_when
from tests.scorers.adapters.scoring import scored, version


def test_a_metric_makes_its_score_and_its_reason_is_the_comment() -> None:
    evaluator = from_deepeval(ExactMatchMetric(threshold=1.0), name="exact")
    cell = scored(evaluator, "Paris", "Paris")
    assert (cell.score, cell.value) == ("exact", 1.0)
    assert cell.comment == "The actual and expected outputs are exact matches."
    assert scored(evaluator, "Paris", "Rome").value == 0.0
    assert scored(from_deepeval(ExactMatchMetric()), "x", "x").score == "Exact Match"


def test_other_outputs_than_texts_are_compared_as_json() -> None:
    assert scored(from_deepeval(ExactMatchMetric()), {"b": 1, "a": [2]}, {"a": [2], "b": 1}).value == 1.0


def test_whether_the_threshold_was_reached_may_be_the_score() -> None:
    evaluator = from_deepeval(PatternMatchMetric(pattern=r"\d+"), name="number", value="success")
    assert scored(evaluator, "42").value is True
    assert scored(evaluator, "none").value is False


def test_json_correctness_needs_no_model_where_no_reason_is_asked_for() -> None:
    class Answer(BaseModel):
        city: str

    schema: Any = Answer  # the class, as DeepEval's documentation gives it, though its types say an instance
    metric = JsonCorrectnessMetric(expected_schema=schema, include_reason=False, model=_NoModel())
    evaluator = from_deepeval(metric, name="json")
    assert scored(evaluator, {"city": "Rome"}).value == 1
    assert scored(evaluator, {"town": "Rome"}).value == 0


def test_what_a_metric_needs_and_lacks_is_an_error() -> None:
    cell = scored(from_deepeval(ExactMatchMetric()), "Paris")
    assert (cell.status, cell.value) == ("error", None)
    assert "expected_output" in (cell.comment or "")


def test_calls_side_by_side_do_not_mix_up_their_results() -> None:
    class Slow(BaseMetric):  # type: ignore[misc, no-untyped-call, unused-ignore]  # typed only where the package is installed
        threshold = 0.5

        async def a_measure(self, test_case: LLMTestCase) -> float:
            self.score = float(str(test_case.actual_output))
            await asyncio.sleep(0.01)
            self.success = True
            return self.score

        def measure(self, test_case: LLMTestCase) -> float:
            raise NotImplementedError

        def is_successful(self) -> bool:
            return bool(self.success)

    scorer = from_function(from_deepeval(Slow(), name="slow"))

    async def all_at_once() -> list[Any]:
        items = [(DatasetItem(str(n), "q"), RunItem(str(n), 0, "ok", output=str(n))) for n in range(9)]
        cells = await asyncio.gather(*(score_item_async(scorer, *pair) for pair in items))
        return [cell.value for (cell,) in cells]

    assert asyncio.run(all_at_once()) == [float(n) for n in range(9)]


def test_further_fields_of_the_test_case_are_made_of_the_item() -> None:
    def tools(*, output: Any, metadata: Any, **_: Any) -> dict[str, Any]:
        return {
            "tools_called": [ToolCall(name=name, input_parameters=None) for name in output],
            "expected_tools": [ToolCall(name=name, input_parameters=None) for name in metadata["tools"]],
        }

    evaluator = from_deepeval(ToolCorrectnessMetric(model=_NoModel()), name="tools", arguments=tools)
    assert scored(evaluator, ["search"], metadata={"tools": ["search"]}).value == 1.0
    assert scored(evaluator, ["guess"], metadata={"tools": ["search"]}).value == 0.0


def test_the_version_follows_the_settings_and_not_the_last_result() -> None:
    metric = PatternMatchMetric(pattern="a+")
    first = version(from_deepeval(metric))
    assert first.startswith("deepeval/")
    metric.measure(LLMTestCase(input="q", actual_output="aa"), _show_indicator=False)
    assert version(from_deepeval(metric)) == first
    assert version(from_deepeval(PatternMatchMetric(pattern="b+"))) != first
    assert version(from_deepeval(metric, value="success")) != first


def _good(url: str, model: str = "gpt-4o-mini", key: str = "k") -> Any:
    metric = GEval(
        name="good",
        evaluation_steps=["Compare the actual with the expected output."],
        evaluation_params=[SingleTurnParams.ACTUAL_OUTPUT, SingleTurnParams.EXPECTED_OUTPUT],
        model=OpenAIModel(model=model, base_url=url, api_key=key),
    )
    return from_deepeval(metric, name="good")


def test_a_metric_with_a_model_makes_the_score_of_its_reply() -> None:
    with ModelServer(script=[{"score": 7, "reason": "Nearly."}]) as server:
        cell = scored(_good(server.url), "Paris", "Rome")
        assert "Paris" in str(server.requests[0].messages)
    assert (cell.score, cell.value, cell.comment) == ("good", 0.7, "Nearly.")


@pytest.mark.parametrize("failure", FAILING)
def test_a_metric_whose_model_fails_makes_an_error_with_the_reason(failure: str) -> None:
    reason = reason_when(failure, _good)
    assert "RetryError" not in reason  # it says nothing, and a place in memory
    if failure == "500":
        assert "the model is down" in reason


def test_another_model_is_another_version_and_another_key_is_not() -> None:
    url = "http://127.0.0.1:9/v1"
    first = version(_good(url))
    assert version(_good(url, key="another")) == first
    assert version(_good(url, model="gpt-4o")) != first


def test_what_is_no_metric_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="from_deepeval takes a metric of DeepEval, not the class ExactMatchMetric"
    ):
        from_deepeval(ExactMatchMetric)


class _NoModel(DeepEvalBaseLLM):  # type: ignore[misc, no-untyped-call, unused-ignore]  # typed only where the package is installed
    """A model that must not be asked."""

    def load_model(self, *args: Any, **kwargs: Any) -> DeepEvalBaseLLM:
        return self

    def generate(self, *args: Any, **kwargs: Any) -> str:
        raise AssertionError("no model is to be asked")

    async def a_generate(self, *args: Any, **kwargs: Any) -> str:
        raise AssertionError("no model is to be asked")

    def get_model_name(self) -> str:
        return "none"
