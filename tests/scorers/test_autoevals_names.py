"""Evaluators of the SDK's `create_evaluator_from_autoevals`, which are all functions of one name."""

from __future__ import annotations

from types import SimpleNamespace

from langfuse.experiment import create_evaluator_from_autoevals

from scoregate.records import DatasetItem, RunItem
from scoregate.scorers.evaluators import from_function, scorer
from scoregate.scorers.scorer import score_item

ITEM, ANSWER = DatasetItem("a", "?", "yes"), RunItem("a", 0, "ok", output="no")


class Close:
    """The call shape of autoevals."""

    def __init__(self, score: float | None = 0.5) -> None:
        self.score = score

    def _name(self) -> str:
        return "Close"

    def __call__(self, output: object, expected: object = None, **_: object) -> SimpleNamespace:
        return SimpleNamespace(
            name=self._name(), score=self.score, metadata={"comment": f"{output}, {expected}"}
        )


class Nameless(Close):
    _name = None  # type: ignore[assignment]  # as an object of another library

    def __call__(self, output: object, expected: object = None, **_: object) -> SimpleNamespace:
        return SimpleNamespace(name="other", score=1.0, metadata=None)


def test_one_is_known_by_the_name_of_what_it_wraps() -> None:
    made = from_function(create_evaluator_from_autoevals(Close()), known=["Close"])
    assert (made.name, made.scores) == ("Close", ("Close",))
    [cell] = score_item(made, ITEM, ANSWER)
    assert (cell.score, cell.value, cell.comment) == ("Close", 0.5, "no, yes")


def test_a_score_that_autoevals_skips_is_an_error_of_that_score() -> None:
    [cell] = score_item(from_function(create_evaluator_from_autoevals(Close(None))), ITEM, ANSWER)
    assert (cell.score, cell.status) == ("Close", "error")


def test_one_that_tells_no_name_is_known_by_what_it_returns() -> None:
    made = from_function(create_evaluator_from_autoevals(Nameless()))
    assert (made.name, made.scores) == ("langfuse_evaluator", None)
    assert [cell.score for cell in score_item(made, ITEM, ANSWER)] == ["other"]


def test_the_users_own_word_comes_first() -> None:
    marked = scorer(scores=["other"], version="3")(create_evaluator_from_autoevals(Nameless()))
    assert (from_function(marked).scores, from_function(marked).version) == (("other",), "3")
