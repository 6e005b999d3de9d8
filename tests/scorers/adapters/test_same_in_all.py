"""One table for every adapter: what equal, different, empty and absent values score, and the order of keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("autoevals", reason="the extra 'autoevals' is not installed")
pytest.importorskip("deepeval", reason="the extra 'deepeval' is not installed")
pytest.importorskip("openevals", reason="the extra 'openevals' is not installed")
pytest.importorskip("ragas", reason="the extra 'ragas' is not installed")

import autoevals
from deepeval.metrics import ExactMatchMetric
from openevals.exact import exact_match
from ragas.metrics import collections

from scoregate.catalog import Catalog, Contract
from scoregate.records import JSON, DatasetItem, RunItem
from scoregate.scorers import from_function, score_item
from scoregate.scorers.adapters import from_autoevals, from_deepeval, from_openevals, from_ragas
from tests.scorers.adapters.scoring import scored

EXACT: dict[str, Callable[[], Any]] = {
    "autoevals": lambda: from_autoevals(autoevals.ExactMatch()),
    "deepeval": lambda: from_deepeval(ExactMatchMetric(), name="exact"),
    "openevals": lambda: from_openevals(exact_match),
    "ragas": lambda: from_ragas(collections.ExactMatch()),
}
OBJECT: JSON = {"a": 1, "b": [{"c": 2, "d": 3}]}
REORDERED: JSON = {"b": [{"d": 3, "c": 2}], "a": 1}
CASES: dict[str, tuple[JSON, JSON, float | None]] = {
    "equal": ("Paris", "Paris", 1),
    "different": ("Paris", "Rome", 0),
    "empty output": ("", "Rome", 0),
    "no expected output": ("Paris", None, None),
    "order of keys": (REORDERED, OBJECT, 1),
    "another object": ({"a": 2}, OBJECT, 0),
}
"""Output, expected output, and the score; None: an error."""
OTHERWISE: dict[tuple[str, str], str] = {
    ("openevals", "no expected output"): "compares with nothing, and differs from it",
}
"""Where a package means something else, which is documented."""


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("package", EXACT)
def test_an_exact_match_means_the_same_in_every_package(package: str, case: str) -> None:
    output, expected, value = CASES[case]
    cell = scored(EXACT[package](), output, expected)
    if (package, case) in OTHERWISE:
        assert cell.value is None or not cell.value
    else:
        assert (cell.value, cell.status) == (value, "error" if value is None else "ok"), cell


def test_a_schema_that_a_valid_json_was_made_with_is_its_schema() -> None:
    schema = {"type": "object", "required": ["city"]}
    evaluator = from_autoevals(autoevals.ValidJSON(schema=schema))
    assert scored(evaluator, '{"city": "Rome"}', {"type": "array"}).value == 1
    assert scored(evaluator, '{"town": "Rome"}', {"town": "Rome"}).value == 0
    assert scored(from_autoevals(autoevals.ValidJSON), '{"town": "Rome"}', {"required": ["city"]}).value == 1


def test_an_output_that_is_null_does_not_equal_an_expected_output_that_is_not_there() -> None:
    assert scored(EXACT["autoevals"](), None, None).status == "error"


def test_an_object_and_its_text_are_the_same() -> None:
    assert scored(EXACT["autoevals"](), '{"b": [{"d": 3, "c": 2}], "a": 1}', OBJECT).value == 1


def test_an_empty_output_is_the_candidates_failure_in_either_value() -> None:
    assert (
        scored(from_deepeval(ExactMatchMetric(), name="exact", value="success"), " ", "Rome").value is False
    )
    assert scored(EXACT["deepeval"](), None, "Rome").value == 0


def test_a_score_a_little_above_its_bound_is_the_bound_and_says_so() -> None:
    def bleu(**_: Any) -> float:
        return 1.0000000000000004

    catalog = Catalog({"bleu": Contract("bleu", "numeric", min=0, max=1)})
    item, run_item = DatasetItem("a", "?"), RunItem("a", 0, "ok", output="x")
    (cell,) = score_item(from_function(bleu, known={"bleu"}), item, run_item, catalog=catalog)
    assert (cell.value, cell.comment) == (1.0, "1.0000000000000004 is taken as the bound 1.0")
