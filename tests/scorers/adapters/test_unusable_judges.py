"""Judges of other packages that say nothing usable: an error with both numbers, never a perfect score."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest

pytest.importorskip("deepeval", reason="the extra 'deepeval' is not installed")
pytest.importorskip("ragas", reason="the extra 'ragas' is not installed")

import deepeval.metrics
from deepeval.models import DeepEvalBaseLLM
from deepeval.test_case import ToolCall
from openai import AsyncOpenAI
from ragas.llms import llm_factory
from ragas.metrics import collections

from scoregate.records import Score
from scoregate.scorers.adapters import from_deepeval, from_ragas
from tests.model_server.server import ModelServer
from tests.scorers.adapters.scoring import scored

THREE = ["It is Paris.", "It is old.", "It is large."]
YES = {"verdict": "yes", "reason": "r", "statement": "s", "question": "q"}
NO = {**YES, "verdict": "no"}
JUDGES: dict[str, list[dict[str, str]]] = {
    "other words": [{**YES, "verdict": "certainly"}] * 3,
    "an empty list": [],
    "half of it": [YES],
}
LISTS = (
    "claims",
    "truths",
    "statements",
    "opinions",
    "extracted_pii",
    "advices",
    "misuses",
    "role_violations",
)


class Says(DeepEvalBaseLLM):  # type: ignore[misc, no-untyped-call, unused-ignore]  # typed only where the package is installed
    """A model without structured outputs that gives one reply to every prompt: three of all there is, and verdicts."""

    def __init__(self, verdicts: list[dict[str, str]], extracted: list[str]) -> None:
        lists = {**dict.fromkeys(LISTS, extracted), "answers": ["yes"] * 3, "verdicts": verdicts}
        self.reply: dict[str, Any] = {**lists, "reason": "r", "verdict": "yes"}

    def load_model(self, *args: Any, **kwargs: Any) -> Any:
        return self

    def generate(self, prompt: str, *args: Any, **kwargs: Any) -> str:
        return json.dumps(self.reply)

    async def a_generate(self, prompt: str, *args: Any, **kwargs: Any) -> str:
        return json.dumps(self.reply)

    def get_model_name(self) -> str:
        return "says"


OF_THE_CASE = {"retrieval_context": THREE, "context": THREE}
COUNTED: dict[str, dict[str, Any]] = {
    "AnswerRelevancyMetric": {},
    "FaithfulnessMetric": {},
    "BiasMetric": {},
    "ToxicityMetric": {},
    "PIILeakageMetric": {},
    "NonAdviceMetric": {"advice_types": ["medical"]},
    "MisuseMetric": {"domain": "finance"},
    "RoleViolationMetric": {"role": "guide"},
    "HallucinationMetric": {},
    "ContextualPrecisionMetric": {},
    "ArgumentCorrectnessMetric": {},
    "PromptAlignmentMetric": {"prompt_instructions": THREE},
    "SummarizationMetric": {"assessment_questions": THREE},
}
"""Metrics whose verdicts can be counted, with what they need to be made."""
UNCOUNTED = {
    "ContextualRecallMetric": "the judge itself splits the expected output",
    "ContextualRelevancyMetric": "the judge itself splits each passage",
}
"""Metrics of which only "none at all" can be told."""
WITHOUT_VERDICTS = {
    "GEval": "one score", "JevEval": "one score", "DAGMetric": "one verdict a node",
    "ExactMatchMetric": "no judge", "PatternMatchMetric": "no judge", "ToolCorrectnessMetric": "no judge",
    "JsonCorrectnessMetric": "no judge", "ToolPermissionMetric": "no judge", "TaskCompletionMetric": "one score",
    "StepEfficiencyMetric": "one score", "PlanAdherenceMetric": "one score", "PlanQualityMetric": "one score",
    "MCPUseMetric": "scores", "AgentLoopDetectionMetric": "no judge", "TranscriptionAccuracyMetric": "no judge",
    "AudioGlitchMetric": "no judge", "BaseMetric": "the base", "TextToImageMetric": "scores",
    "ImageEditingMetric": "scores", "ImageCoherenceMetric": "scores", "ImageHelpfulnessMetric": "scores",
    "ImageReferenceMetric": "scores",
}  # fmt: skip


def deepeval_cell(
    name: str, verdicts: list[dict[str, str]], extracted: list[str] = THREE, **more: Any
) -> Score:
    kind = getattr(deepeval.metrics, name)
    metric = kind(model=Says(verdicts, extracted), include_reason=False, **COUNTED.get(name, {}))
    if name == "SummarizationMetric":
        metric = kind(model=Says(verdicts, extracted), **COUNTED[name])
    tools = [ToolCall(name="find", input_parameters={"n": n}) for n in range(3)]
    given = {**OF_THE_CASE, "tools_called": tools}
    evaluator = from_deepeval(metric, name="judged", arguments=lambda **_: given)
    return scored(evaluator, **{"output": "Paris, old and large.", "expected_output": "Paris", **more})


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("name", COUNTED)
def test_a_metric_of_deepeval_whose_judge_says_nothing_usable_is_an_error(name: str, judge: str) -> None:
    cell = deepeval_cell(name, JUDGES[judge])
    assert (cell.status, cell.value) == ("error", None), cell
    if judge == "half of it":
        assert "the judge gave 1 usable verdicts on 3 " in (cell.comment or "")


@pytest.mark.parametrize("name", COUNTED)
def test_a_metric_of_deepeval_whose_judge_judges_all_has_its_score(name: str) -> None:
    values = {deepeval_cell(name, [one] * 3).value for one in (YES, NO)}
    assert None not in values
    assert len(values) == 2


@pytest.mark.parametrize("name", UNCOUNTED)
def test_no_verdict_at_all_is_an_error_where_their_number_is_unknown(name: str) -> None:
    for judge in ("other words", "an empty list"):
        assert deepeval_cell(name, JUDGES[judge]).status == "error"


def test_every_metric_class_of_deepeval_for_one_answer_is_accounted_for() -> None:
    single = {
        name
        for name, kind in vars(deepeval.metrics).items()
        if inspect.isclass(kind) and issubclass(kind, deepeval.metrics.BaseMetric)
    }
    assert single - COUNTED.keys() - UNCOUNTED.keys() - WITHOUT_VERDICTS.keys() == set()


def test_nothing_stated_is_an_error_and_nothing_found_is_a_judgement() -> None:
    for name in ("AnswerRelevancyMetric", "FaithfulnessMetric"):
        assert "in an answer that is not empty" in (deepeval_cell(name, [], []).comment or "")
    for name in ("BiasMetric", "ToxicityMetric", "PIILeakageMetric"):
        assert deepeval_cell(name, [], []).value == 1


RAGAS: dict[str, tuple[dict[str, Any], str]] = {
    "Faithfulness": ({}, "statements"),
    "FactualCorrectness": ({}, "claims"),
    "AnswerCorrectness": ({"weights": [1.0, 0.0]}, "statements"),
}


def ragas_cell(name: str, extracted: list[str], judged: int) -> Score:
    """The cell of a judge that finds these statements, and judges so many of them as true."""
    settings, listed = RAGAS[name]
    found = {listed: extracted}
    verdicts: dict[str, Any] = {"statements": [{"statement": "s", "reason": "r", "verdict": 1}] * judged}
    if name == "AnswerCorrectness":
        verdicts = {"TP": [{"statement": "s", "reason": "r"}] * judged, "FP": [], "FN": []}
    script = {
        "Faithfulness": [found, verdicts],
        "FactualCorrectness": [found, verdicts, found, verdicts],
        "AnswerCorrectness": [found, found, verdicts],
    }[name]
    with ModelServer(script=script) as server:
        client = AsyncOpenAI(base_url=server.url, api_key="k", max_retries=0)
        metric = getattr(collections, name)(llm=llm_factory("stand-in", client=client), **settings)
        further = {"retrieved_contexts": THREE} if name == "Faithfulness" else {}
        evaluator = from_ragas(metric, name="judged", arguments=lambda **_: further)
        return scored(evaluator, "Paris, old and large.", "Paris")


@pytest.mark.parametrize("name", RAGAS)
def test_a_metric_of_ragas_whose_judge_says_nothing_usable_is_an_error(name: str) -> None:
    assert ragas_cell(name, THREE, 3).value == pytest.approx(1.0)
    for extracted, judged in ((THREE, 0), (THREE, 1), ([], 0)):
        cell = ragas_cell(name, extracted, judged)
        assert (cell.status, cell.value) == ("error", None), (extracted, judged, cell)
    assert "1 usable verdicts on 3 statements" in (ragas_cell(name, THREE, 1).comment or "")
