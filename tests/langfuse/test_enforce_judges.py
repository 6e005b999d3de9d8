"""A gate inside of a script whose judge treats the two versions differently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langfuse import Evaluation, Langfuse, RunnerContext

from scoregate.gate_run.enforce import NotComparable
from scoregate.langfuse import enforce
from scoregate.records import JSON
from tests.cli.project import Project, items

NUMBER = 100
GATE = """\
dataset = "datasets/agent.jsonl"
baseline = "before.jsonl"

[scorers.correct]
use = "judge"
prompt = "prompt.md"
model = "stand-in"

[scores.correct]
max_drop = 0.2
labels = "labels.jsonl"
"""


def task(*, item: Any, **_: object) -> str:
    return f"dear friend, {item['input']['n']}"


def flattered(*, output: object, **_: object) -> Evaluation:
    return Evaluation(name="correct", value=1.0)


def test_a_flattered_candidate_is_not_passed_by_a_script_either(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write_lines("datasets/agent.jsonl", items(NUMBER))
    project.write("gates/scores.toml", '[correct]\ntype = "boolean"\n')
    project.write("gates/agent.toml", GATE)
    project.write("prompt.md", "{{output}}")
    header: JSON = {"kind": "run", "schema": 1, "run": "r", "dataset": "agent", "candidate": "v0"}
    lines: list[JSON] = [{**header, "expected_items": NUMBER}]
    labels: list[JSON] = []
    for n in range(NUMBER):
        cell = {"item": f"q{n:03}", "trial": 0, "status": "ok"}
        lines.append({"kind": "item", **cell, "output": f"{n}"})
        lines.append({"kind": "score", **cell, "score": "correct", "value": n >= 30})
        labels += [
            {"item": f"q{n:03}", "output": f"{before}{n}", "label": n >= 30}
            for before in ("", "dear friend, ")
        ]
    project.write_lines("before.jsonl", lines)
    project.write_lines("labels.jsonl", labels)
    client = Langfuse(public_key="pk-lf-judges", secret_key="sk-lf-judges", tracing_enabled=False)
    context = RunnerContext(client=client, data=project.read_lines("datasets/agent.jsonl"))
    result = context.run_experiment(name="numbers", task=task, evaluators=[flattered])
    client.shutdown()
    with pytest.raises(NotComparable) as caught:
        enforce(project.path("gates/agent.toml"), result)
    assert caught.value.exit_code == 4
    assert (
        "it passes 30 of 30 answers of the candidate that people fail, 0 of 30" in caught.value.verdict.reason
    )
