"""A fault in the short questions, planted among the recorded solutions: `check` names the slice.

Each question has one recorded solution of each of four models, so three trials of an agent that hands a question to
its best model or, now and then, to another one are three real answers that do not always agree.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from scoregate.records import JSON, Run, RunHeader, RunItem, Score
from scoregate.results_file import write_results
from tests.cli.project import Project
from tests.recorded_answers import BOTH, PATTERN, RecordedAnswers, recorded_answers

WEIGHTS = (1, 1, 1, 9)
TRIALS = 3
QUESTIONS = 300
IN_SLICE = 50
SPOILED = 0.42
"""Of the right answers to short questions, of which the agent has about 7 in 10: 30 points."""

GATE = f"""\
dataset = "{{folder}}/dataset.jsonl"

[candidate]
replay = "{{folder}}/outputs.{{model}}.jsonl"

[slices]
steps = "metadata.steps"
length = "metadata.length"

[scorers.answer_correctness]
use = "numeric_match"
pattern = '{PATTERN}'
expected_path = "answer"

[scores.answer_correctness]
max_drop = 0.05
"""


@pytest.fixture(scope="module", params=BOTH)
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RecordedAnswers:
    return recorded_answers(request.param, tmp_path_factory.mktemp("answers"), number=400)


@pytest.fixture(scope="module")
def questions(answers: RecordedAnswers) -> list[JSON]:
    """300 questions, 50 of them short."""
    everything = list(answers.records(answers.dataset).values())
    short = [line for line in everything if line["metadata"]["length"] == "short"]
    others = [line for line in everything if line["metadata"]["length"] != "short"]
    return short[:IN_SLICE] + others[: QUESTIONS - IN_SLICE]


@pytest.fixture(scope="module")
def right(answers: RecordedAnswers) -> Mapping[str, Mapping[str, bool]]:
    """Model -> question -> whether its recorded solution is right."""
    return {
        model: {id: line["is_correct"] for id, line in answers.records(answers.outputs(model)).items()}
        for model in answers.models
    }


@pytest.fixture
def project(tmp_path: Path, answers: RecordedAnswers) -> Project:
    project = Project(tmp_path)
    project.write("gates/answers.toml", GATE.format(folder=answers.folder, model=answers.models[-1]))
    return project


def _write_run(
    project: Project,
    name: str,
    questions: list[JSON],
    right: Mapping[str, Mapping[str, bool]],
    *,
    seed: int,
    spoiled: float = 0.0,
) -> Path:
    """A results file of three trials of the agent; `spoiled` is the share of right answers to short questions lost."""
    rng = random.Random(seed)
    items, scores = [], []
    for question in questions:
        item, slices = question["id"], question["metadata"]
        for trial in range(TRIALS):
            correct = right[rng.choices(list(right), WEIGHTS)[0]][item]
            if slices["length"] == "short" and rng.random() < spoiled:
                correct = False
            items.append(RunItem(item=item, trial=trial, status="ok", slices=slices))
            scores.append(Score(item=item, trial=trial, score="answer_correctness", value=correct))
    header = RunHeader(
        run=name, dataset="answers", candidate=name, expected_items=len(questions), trials=TRIALS
    )
    path = project.path(f"{name}.jsonl")
    write_results(Run(header, tuple(items), tuple(scores)), path)
    return path


def _check(project: Project, baseline: Path, candidate: Path) -> JSON:
    sides = ("--baseline", baseline, "--candidate", candidate)
    return project.scoregate("check", "gates/answers.toml", *sides, "--json").json()


def test_a_fault_in_the_short_questions_is_found_and_named(
    project: Project, questions: list[JSON], right: Mapping[str, Mapping[str, bool]]
) -> None:
    baseline = _write_run(project, "before", questions, right, seed=1)
    candidate = _write_run(project, "now", questions, right, seed=2, spoiled=SPOILED)
    verdict = _check(project, baseline, candidate)
    assert (verdict["outcome"], verdict["exit_code"]) == ("regression", 1)
    broken = {rule["slice"] for rule in verdict["rules"] if rule["outcome"] == "regression"}
    assert "length=short" in broken
    assert not broken & {"length=medium", "length=long"}
    report = project.scoregate(
        "check", "gates/answers.toml", "--baseline", baseline, "--candidate", candidate
    )
    assert report.outcome(1) == "REGRESSION"
    assert "length=short" in report.out


def test_another_three_trials_of_the_same_agent_break_nothing(
    project: Project, questions: list[JSON], right: Mapping[str, Mapping[str, bool]]
) -> None:
    baseline = _write_run(project, "before", questions, right, seed=1)
    candidate = _write_run(project, "again", questions, right, seed=3)
    verdict = _check(project, baseline, candidate)
    assert verdict["outcome"] in ("pass", "inconclusive")
    parts = {rule["slice"] for rule in verdict["rules"]}
    assert {"steps=1-2", "steps=5+", "length=short", "length=long", None} <= parts
