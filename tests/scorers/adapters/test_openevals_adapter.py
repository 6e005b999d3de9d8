"""Evaluators of the real openevals package as ours."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("openevals", reason="the extra 'openevals' is not installed")

from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI, OpenAI
from openevals.exact import exact_match, exact_match_async
from openevals.json import create_json_match_evaluator
from openevals.llm import create_async_llm_as_judge, create_llm_as_judge
from openevals.string.levenshtein import levenshtein_distance

from scoregate.errors import ConfigError
from scoregate.records import DatasetItem, RunItem
from scoregate.scorers import from_function, score_item
from scoregate.scorers.adapters import from_openevals
from tests.model_server.server import ModelServer
from tests.scorers.adapters.model_calls import FAILING, reason_when
from tests.scorers.adapters.scoring import scored, version


def test_sync_and_async_evaluators_make_the_score_of_their_name() -> None:
    cell = scored(from_openevals(exact_match), {"a": 1}, {"a": 1})
    assert (cell.score, cell.value) == ("exact_match", True)
    assert scored(from_openevals(exact_match_async, name="same"), "x", "y").value is False
    near = scored(from_openevals(levenshtein_distance), "kitten", "sitting")
    assert near.score == "levenshtein_distance"
    assert near.value == pytest.approx(1 - 3 / 7)


def test_one_that_returns_several_results_says_their_names() -> None:
    keys = create_json_match_evaluator(aggregator=None, exclude_keys=[])
    evaluator = from_openevals(keys, scores=["json_match:city", "json_match:zip"])
    item = DatasetItem("a", "q", [{"city": "Rome", "zip": 1}])
    run_item = RunItem("a", 0, "ok", output=[{"city": "Rome", "zip": 2}])
    cells = score_item(from_function(evaluator), item, run_item)
    assert {cell.score: cell.value for cell in cells} == {"json_match:city": 1.0, "json_match:zip": 0.0}


def test_further_arguments_are_made_of_the_item() -> None:
    def grounded(*, inputs: Any, outputs: Any, reference_outputs: Any, context: str) -> dict[str, Any]:
        return {"key": "grounded", "score": outputs in context, "comment": inputs}

    evaluator = from_openevals(grounded, arguments=lambda *, metadata, **_: {"context": metadata["source"]})
    cell = scored(evaluator, "cat", input="q", metadata={"source": "a cat"})
    assert (cell.value, cell.comment) == (True, "q")


def test_what_an_evaluator_needs_and_lacks_is_an_error() -> None:
    cell = scored(from_openevals(exact_match), "x", None)
    assert cell.status == "error"
    assert "requires both outputs and reference_outputs" in (cell.comment or "")


def test_another_evaluator_is_another_version() -> None:
    first = version(from_openevals(exact_match))
    assert first.startswith("openevals/")
    assert version(from_openevals(exact_match)) == first
    assert version(from_openevals(levenshtein_distance)) != first


_PROMPT = "Is {outputs} as good as {reference_outputs}?"


def _judge(url: str, model: str = "stand-in", prompt: str = _PROMPT) -> Any:
    client: Any = OpenAI(base_url=url, api_key="k", max_retries=0)
    return from_openevals(
        create_llm_as_judge(prompt=prompt, judge=client, model=model, continuous=True), name="good"
    )


def _async_judge(url: str) -> Any:
    client: Any = AsyncOpenAI(base_url=url, api_key="k", max_retries=0)
    return from_openevals(
        create_async_llm_as_judge(prompt=_PROMPT, judge=client, model="stand-in", continuous=True),
        name="good",
    )


def _langchain_judge(url: str, model: str = "stand-in") -> Any:
    chat = ChatOpenAI(model=model, base_url=url, api_key=lambda: "k", max_retries=0)
    return from_openevals(create_llm_as_judge(prompt=_PROMPT, judge=chat, continuous=True), name="good")


@pytest.mark.parametrize("judge", [_judge, _async_judge, _langchain_judge])
def test_a_model_as_judge_makes_the_score_of_its_reply(judge: Any) -> None:
    with ModelServer(script=[{"reasoning": "Nearly.", "score": 0.7}]) as server:
        cell = scored(judge(server.url), "Paris", "Rome")
        assert server.requests[0].prompt == "Is Paris as good as Rome?"
    assert (cell.score, cell.value, cell.comment) == ("good", 0.7, "Nearly.")


@pytest.mark.parametrize("judge", [_judge, _async_judge, _langchain_judge])
@pytest.mark.parametrize("failure", FAILING)
def test_a_judge_whose_model_fails_makes_an_error_with_the_reason(failure: str, judge: Any) -> None:
    reason = reason_when(failure, judge)
    if failure == "500":
        assert "the model is down" in reason


def test_another_model_or_prompt_is_another_version() -> None:
    url = "http://127.0.0.1:9/v1"
    first = version(_judge(url))
    assert version(_judge(url)) == first
    assert first not in (version(_judge(url, model="another")), version(_judge(url, prompt="{outputs}?")))
    assert version(_langchain_judge(url)) == version(_langchain_judge(url))
    assert version(_langchain_judge(url)) != version(_langchain_judge(url, model="another"))


def test_what_is_no_evaluator_is_refused() -> None:
    with pytest.raises(ConfigError, match="from_openevals takes an evaluator of openevals, not a str"):
        from_openevals("exact_match")
    with pytest.raises(ConfigError, match="has no name of its own"):
        from_openevals(create_json_match_evaluator(aggregator="average"))
