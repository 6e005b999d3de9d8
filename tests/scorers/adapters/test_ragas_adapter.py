"""Metrics of the real Ragas package as evaluators."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("ragas", reason="the extra 'ragas' is not installed")

import ragas.metrics as older
from openai import AsyncOpenAI
from ragas.llms import llm_factory
from ragas.metrics import collections, numeric_metric
from ragas.metrics.result import MetricResult

from scoregate.errors import ConfigError
from scoregate.scorers.adapters import from_ragas
from tests.model_server.server import ModelServer
from tests.scorers.adapters.model_calls import FAILING, reason_when
from tests.scorers.adapters.scoring import scored, version


def test_metrics_of_today_and_older_ones_make_their_score() -> None:
    for metrics in (collections, older):
        cell = scored(from_ragas(metrics.ExactMatch()), "Paris", "Paris")
        assert (cell.score, cell.value) == ("exact_match", 1.0)
        assert scored(from_ragas(metrics.StringPresence(), name="named"), "It is Rome.", "Rome").value == 1.0
        near = scored(from_ragas(metrics.NonLLMStringSimilarity()), "kitten", "sitting").value
        assert near == pytest.approx(1 - 3 / 7)


def test_bleu_is_computed_without_a_model() -> None:
    pytest.importorskip("sacrebleu", reason="the extra 'ragas' is not installed")
    text = "the cat sat on the mat today"
    assert scored(from_ragas(collections.BleuScore(), name="bleu"), text, text).value == pytest.approx(1.0)


def test_a_metric_gets_what_it_asks_for_and_what_is_made_of_the_item() -> None:
    @numeric_metric(name="overlap", allowed_values=(0, 10))  # type: ignore[untyped-decorator, unused-ignore]  # may be absent
    def overlap(response: str, retrieved_contexts: list[str]) -> MetricResult:
        return MetricResult(value=float(sum(response in one for one in retrieved_contexts)), reason="counted")

    def contexts(*, metadata: Any, **_: Any) -> dict[str, Any]:
        return {"retrieved_contexts": metadata["found"]}

    cell = scored(
        from_ragas(overlap, arguments=contexts), "cat", metadata={"found": ["a cat", "a dog", "cats"]}
    )
    assert (cell.score, cell.value, cell.comment) == ("overlap", 2.0, "counted")


def test_what_a_metric_needs_and_lacks_is_an_error() -> None:
    for metrics in (collections, older):
        cell = scored(from_ragas(metrics.ExactMatch()), "Paris", None)
        assert (cell.status, cell.value) == ("error", None)
        assert "reference" in (cell.comment or "")


def test_the_version_follows_package_metric_and_settings() -> None:
    first = version(from_ragas(collections.NonLLMStringSimilarity()))
    assert first.startswith("ragas/")
    jaro = collections.NonLLMStringSimilarity(distance_measure=collections.DistanceMeasure.JARO)
    assert version(from_ragas(jaro)) != first
    assert version(from_ragas(collections.NonLLMStringSimilarity())) == first


def _accuracy(url: str, model: str = "stand-in", temperature: float = 0.0) -> Any:
    client = AsyncOpenAI(base_url=url, api_key="k", max_retries=0)
    llm = llm_factory(model, client=client, temperature=temperature)
    return from_ragas(collections.AnswerAccuracy(llm=llm, max_retries=1))


def _correctness(url: str) -> Any:
    client = AsyncOpenAI(base_url=url, api_key="k", max_retries=0)
    return from_ragas(collections.FactualCorrectness(llm=llm_factory("stand-in", client=client)))


def test_a_metric_with_a_model_makes_the_score_of_its_replies() -> None:
    with ModelServer(script=[{"rating": 4}, {"rating": 2}]) as server:
        cell = scored(_accuracy(server.url), "Paris", "Rome")
        assert "Paris" in server.requests[0].prompt
    assert (cell.score, cell.value) == ("answer_accuracy", 0.75)


@pytest.mark.parametrize("failure", FAILING)
def test_a_metric_whose_model_fails_makes_an_error_with_the_reason(failure: str) -> None:
    assert "Ragas gave no number (NaN)" in reason_when(failure, _accuracy)  # it keeps the failure to itself
    reason = reason_when(failure, _correctness)
    if failure == "500":
        assert "the model is down" in reason


def test_another_model_or_temperature_is_another_version() -> None:
    url = "http://127.0.0.1:9/v1"
    first = version(_accuracy(url))
    assert version(_accuracy(url)) == first
    assert first not in (version(_accuracy(url, model="another")), version(_accuracy(url, temperature=1.0)))


def test_what_is_no_metric_is_refused() -> None:
    with pytest.raises(ConfigError, match="from_ragas takes a metric of Ragas, not the class ExactMatch"):
        from_ragas(collections.ExactMatch)
