"""The answers of four models to the test set of GSM8K, against the accuracies that were published; and made-up ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoregate.gate_file import ScorerSpec
from scoregate.records import DatasetItem, RunItem
from scoregate.scorers import build, score_item
from tests.recorded_answers import BOTH, PATTERN, recorded_answers


@pytest.mark.parametrize("model", range(4))
@pytest.mark.parametrize("name", BOTH)
def test_the_published_number_of_correct_answers_is_found(name: str, model: int, tmp_path: Path) -> None:
    answers = recorded_answers(name, tmp_path)
    scorer = build(
        ScorerSpec(
            name="answer_correctness",
            use="numeric_match",
            arguments={"pattern": PATTERN, "expected_path": "answer"},
        )
    )
    outputs = answers.records(answers.outputs(answers.models[model]))
    values = {}
    for id, record in answers.records(answers.dataset).items():
        item = DatasetItem(id, record["input"], record["expected_output"], record["metadata"])
        (cell,) = score_item(scorer, item, RunItem(id, 0, "ok", output=outputs[id]["output"]))
        assert cell.status == "ok"
        values[id] = cell.value
    assert len(values) == answers.number
    assert sum(value is True for value in values.values()) == answers.right[answers.models[model]]
    assert values == {id: record["is_correct"] for id, record in outputs.items()}
