"""Users' own evaluators as scorers: name, scores, version, and what they can be called with."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import pytest
from langfuse import Evaluation
from langfuse.experiment import create_evaluator_from_autoevals

from scoregate.errors import ConfigError
from scoregate.records import JSON, DatasetItem, RunItem
from scoregate.scorers import from_function, score_item, scorer


def accuracy(
    *, input: JSON, output: JSON, expected_output: JSON, metadata: JSON, **kwargs: Any
) -> Evaluation:
    return Evaluation(name="accuracy", value=output == expected_output)


class Judge:
    """A callable object."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def __call__(self, *, output: str) -> bool:
        return len(output) <= self.limit

    def method(self, *, output: str) -> bool:
        return bool(output)


class AsyncJudge:
    async def __call__(self, *, output: str) -> bool:
        return bool(output)


def at_most(limit: int, *, output: str) -> bool:
    return len(output) <= limit


async def later(*, output: str) -> bool:
    return bool(output)


def test_a_function_gives_its_name_and_learns_its_scores() -> None:
    made = from_function(accuracy)
    assert (made.name, made.scores, made.accepts, made.is_async) == ("accuracy", None, None, False)
    assert made.version.startswith("src-")


def test_an_evaluator_named_like_a_known_score_makes_it() -> None:
    assert from_function(accuracy, known={"accuracy", "tone"}).scores == ("accuracy",)


def test_only_the_named_arguments_are_accepted() -> None:
    assert from_function(later).accepts == frozenset({"output"})
    assert from_function(lambda item, trial=0: True).accepts == frozenset({"item", "trial"})


def test_an_argument_with_a_default_of_its_own_is_left_alone() -> None:
    assert from_function(lambda output, threshold=0.5: True).accepts == frozenset({"output"})


@pytest.mark.parametrize(
    ("evaluator", "name"),
    [
        (Judge(5), "Judge"),
        (Judge(5).method, "method"),
        (functools.partial(at_most, 5), "at_most"),
        (functools.partial(functools.partial(at_most), 5), "at_most"),
    ],
)
def test_objects_methods_and_partials_are_evaluators(evaluator: Any, name: str) -> None:
    made = from_function(evaluator)
    assert (made.name, made.accepts) == (name, frozenset({"output"}))
    (cell,) = score_item(made, DatasetItem("a", "?"), RunItem("a", 0, "ok", output="12345"))
    assert cell.value is True


@pytest.mark.parametrize("evaluator", [later, AsyncJudge(), functools.partial(later)])
def test_async_evaluators_are_known_as_such(evaluator: Any) -> None:
    assert from_function(evaluator).is_async


def test_an_adapter_of_langfuse_for_autoevals_works() -> None:
    def levenshtein(*, input: JSON, output: str, expected: str) -> Any:
        return SimpleNamespace(name="similar", score=0.5, metadata={"comment": "half"})

    made = from_function(create_evaluator_from_autoevals(levenshtein))
    (cell,) = score_item(made, DatasetItem("a", "?", "x"), RunItem("a", 0, "ok", output="y"))
    assert (cell.score, cell.value) == ("similar", 0.5)


def test_the_decorator_says_which_scores_and_which_version() -> None:
    @scorer(scores=["tone", "facts"], version="3")
    def judge(*, output: str) -> list[Evaluation]:
        return []

    assert judge(output="x") == []
    made = from_function(judge)
    assert (made.name, made.scores, made.version) == ("judge", ("tone", "facts"), "3")


def test_the_decorator_can_name_the_score_of_a_bare_value() -> None:
    @scorer(score="answer_correctness")
    def check_answer(*, output: str) -> bool:
        return True

    made = from_function(functools.partial(check_answer))
    assert (made.name, made.scores) == ("answer_correctness", ("answer_correctness",))


def test_what_cannot_be_called_with_what_a_scorer_is_given_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"scorer 'at_most' needs an argument 'limit'.*by keyword: input, output"
    ):
        from_function(at_most)

    def positional(output: str, /) -> bool:
        return True

    with pytest.raises(ConfigError, match="needs an argument 'output'"):
        from_function(positional)
    with pytest.raises(ConfigError, match="must be callable, not a str"):
        from_function("accuracy")  # type: ignore[arg-type]


@pytest.mark.parametrize("scores", ["tone", ["tone", "tone"], [""], [3], 5])
def test_declared_scores_must_be_a_list_of_names(scores: Any) -> None:
    def judge(*, output: str) -> bool:
        return True

    judge.scores = scores  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="the scores of scorer 'judge' must be"):
        from_function(judge)


def test_a_declared_version_must_be_a_string() -> None:
    def judge(*, output: str) -> bool:
        return True

    judge.version = 2  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="must be a string, not 2"):
        from_function(judge)


def test_a_callable_without_a_signature_is_given_what_langfuse_gives() -> None:
    made = from_function(dict)
    assert made.accepts is None
    (cell,) = score_item(made, DatasetItem("a", "?"), RunItem("a", 0, "ok"))
    assert cell.status == "error"
