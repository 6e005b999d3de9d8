"""Real data: the answers of four models to the test set of GSM8K, against the accuracies that were published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scoregate.gate_file import ScorerSpec
from scoregate.records import JSON, DatasetItem, RunItem
from scoregate.scorers import build, score_item

DATA = Path(__file__).parents[3] / "shared" / "data" / "gsm8k"

pytestmark = pytest.mark.skipif(
    not (DATA / "dataset.jsonl").is_file(),
    reason="the GSM8K data is not beside the checkout (../shared/data/gsm8k)",
)


def records(name: str) -> dict[str, dict[str, JSON]]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return {record["id"]: record for record in map(json.loads, lines)}


@pytest.mark.parametrize(
    ("model", "correct"),
    [("6b_finetuning", 286), ("6b_verification", 515), ("175b_finetuning", 458), ("175b_verification", 742)],
)
def test_the_published_number_of_correct_answers_is_found(model: str, correct: int) -> None:
    scorer = build(
        ScorerSpec(
            name="answer_correctness",
            use="numeric_match",
            arguments={"pattern": r"A:\s*(.*)", "expected_path": "answer"},
        )
    )
    outputs = records(f"outputs.{model}.jsonl")
    values = {}
    for id, record in records("dataset.jsonl").items():
        item = DatasetItem(id, record["input"], record["expected_output"], record["metadata"])
        (cell,) = score_item(scorer, item, RunItem(id, 0, "ok", output=outputs[id]["output"]))
        assert cell.status == "ok"
        values[id] = cell.value
    assert len(values) == 1319
    assert sum(value is True for value in values.values()) == correct
    assert values == {id: record["is_correct"] for id, record in outputs.items()}
