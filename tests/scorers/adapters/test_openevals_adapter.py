"""Evaluators of the real openevals package as ours."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("openevals", reason="the extra 'openevals' is not installed")

from openevals.exact import exact_match, exact_match_async
from openevals.json import create_json_match_evaluator
from openevals.string.levenshtein import levenshtein_distance

from scoregate.errors import ConfigError
from scoregate.records import DatasetItem, RunItem
from scoregate.scorers import from_function, score_item
from scoregate.scorers.adapters import from_openevals
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


def test_what_is_no_evaluator_is_refused() -> None:
    with pytest.raises(ConfigError, match="from_openevals takes an evaluator of openevals, not a str"):
        from_openevals("exact_match")
    with pytest.raises(ConfigError, match="has no name of its own"):
        from_openevals(create_json_match_evaluator(aggregator="average"))
