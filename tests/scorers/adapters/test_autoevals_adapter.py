"""Scorers of the real autoevals package as evaluators."""

from __future__ import annotations

import pytest

pytest.importorskip("autoevals", reason="the extra 'autoevals' is not installed")

from autoevals import ExactMatch, JSONDiff, Levenshtein, NumericDiff, Score, Scorer

from scoregate.errors import ConfigError
from scoregate.scorers import from_function
from scoregate.scorers.adapters import from_autoevals
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


def test_what_is_no_scorer_is_refused() -> None:
    with pytest.raises(ConfigError, match="from_autoevals takes a scorer of autoevals, not a str"):
        from_autoevals("Levenshtein")
