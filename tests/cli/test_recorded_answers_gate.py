"""Four models on GSM8K, whose recorded solutions are replayed: 1,319 questions, the gate's verdicts on real data.

The same on a few made-up questions, so that nothing goes untested where the data is not beside the checkout.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from scoregate.records import JSON
from tests.cli.project import Ended, Project
from tests.recorded_answers import BOTH, PATTERN, RecordedAnswers, recorded_answers

GATE = f"""\
dataset = "{{folder}}/dataset.jsonl"

[candidate]
replay = "{{folder}}/outputs.{{model}}.jsonl"

[scorers.answer_correctness]
use = "numeric_match"
pattern = '{PATTERN}'
expected_path = "answer"

[scores.answer_correctness]
max_drop = 0.02
"""


@dataclass(frozen=True, slots=True)
class Drop:
    """What a change of the model did."""

    lost: int
    won: int
    points: float


WITHOUT_VERIFIER = {"gsm8k": Drop(360, 76, -21.53), "made-up": Drop(120, 15, -35.0)}
"""From the large model with its verifier to the same without."""
OTHER_MODEL = {"gsm8k": Drop(209, 152, -4.32), "made-up": Drop(60, 15, -15.0)}
"""From the small model with its verifier to the large one without."""
P_VALUE = {"gsm8k": 0.001575, "made-up": 7.939e-8}
"""Of the latter: of so many flips of a fair coin, the share with as many losses."""
FEW = {"gsm8k": 14, "made-up": 11}
"""Items that are gone: enough for proof, and less than is invalid."""
MANY = {"gsm8k": 132, "made-up": 30}
"""A tenth."""


def _check(project: Project, baseline: str | Path, candidate: str | Path, *more: str) -> Ended:
    sides = ("--baseline", baseline, "--candidate", candidate)
    return project.scoregate("check", "gates/answers.toml", *sides, "--json", *more)


@pytest.fixture(scope="module", params=BOTH)
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RecordedAnswers:
    return recorded_answers(request.param, tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module")
def project(answers: RecordedAnswers, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("project"))
    gate = GATE.format(folder=answers.folder, model=answers.models[0])
    project.write("gates/answers.toml", gate)
    project.write("gates/strict.toml", f"max_failed_items = 0.0\n{gate}")
    return project


@pytest.fixture(scope="module")
def runs(project: Project, answers: RecordedAnswers) -> list[str]:
    """Ids of the stored runs: the small model without and with its verifier, then the large one."""
    found = []
    for model in answers.models:
        ran = project.scoregate("run", "gates/answers.toml", "--replay", answers.outputs(model))
        assert ran.outcome(4) == "INVALID"  # there is no baseline
        assert "the gate names no baseline, so there is nothing to compare with" in ran.out
        found.append(ran.started)
    return found


SMALL, SMALL_CHECKED, LARGE, LARGE_CHECKED = range(4)
Decide = Callable[[int, int], JSON]


@pytest.fixture(scope="module")
def decide(project: Project, runs: list[str]) -> Decide:
    """The verdict on two models, baseline first."""

    def of(baseline: int, candidate: int) -> JSON:
        return _check(project, runs[baseline], runs[candidate]).json()

    return of


def test_the_four_models_have_the_accuracies_of_the_paper(
    project: Project, runs: list[str], answers: RecordedAnswers
) -> None:
    correct = {}
    for model, run in zip(answers.models, runs, strict=True):
        score = project.scoregate("runs", "show", run, "--json").json()["scores"]["answer_correctness"]
        assert score["valid"] == score["expected"] == answers.number
        correct[model] = round(score["mean_of_valid"] * answers.number, 6)
    assert correct == answers.right


def test_losing_the_verifier_is_a_large_regression(decide: Decide, answers: RecordedAnswers) -> None:
    drop = WITHOUT_VERIFIER[answers.name]
    verdict = decide(LARGE_CHECKED, LARGE)
    (rule,) = verdict["rules"]
    assert verdict["outcome"] == "regression"
    assert verdict["exit_code"] == 1
    assert (rule["lost"], rule["won"]) == (drop.lost, drop.won)
    assert round(100 * rule["difference"], 2) == drop.points
    assert len(verdict["regressed_items"]) == drop.lost


def test_a_smaller_drop_is_proved_by_the_exact_test(decide: Decide, answers: RecordedAnswers) -> None:
    drop = OTHER_MODEL[answers.name]
    verdict = decide(SMALL_CHECKED, LARGE)
    (rule,) = verdict["rules"]
    assert verdict["outcome"] == "regression"
    assert (rule["lost"], rule["won"]) == (drop.lost, drop.won)
    assert round(100 * rule["difference"], 2) == drop.points
    assert rule["p_value"] == pytest.approx(P_VALUE[answers.name], rel=0.003)


def test_a_better_model_passes(decide: Decide) -> None:
    verdict = decide(SMALL, LARGE_CHECKED)
    assert (verdict["outcome"], verdict["exit_code"]) == ("pass", 0)


def test_a_run_is_refused_as_its_own_baseline(project: Project, runs: list[str]) -> None:
    run = runs[SMALL]
    refused = project.scoregate("check", "gates/answers.toml", "--baseline", run, "--candidate", run)
    assert refused.outcome(4) == "INVALID"
    assert f"the candidate is its own baseline (both are run {run}), so nothing was compared" in refused.out


def test_the_same_outputs_run_twice_pass_with_difference_zero(
    project: Project, runs: list[str], answers: RecordedAnswers
) -> None:
    replay = answers.outputs(answers.models[SMALL])
    again = project.scoregate(
        "run", "gates/answers.toml", "--replay", replay, "--baseline", runs[SMALL], "--json"
    )
    verdict = again.json()
    (rule,) = verdict["rules"]
    assert verdict["outcome"] == "pass"
    assert verdict["candidate_run"] != verdict["baseline_run"]
    assert (rule["difference"], rule["lost"], rule["won"]) == (0.0, 0, 0)


# Deleting what the candidate got wrong would raise its accuracy, if a missing item left the denominator.


@pytest.fixture(scope="module")
def exported(project: Project, runs: list[str]) -> list[str]:
    """The lines of the results file of the small model with its verifier."""
    return project.scoregate("runs", "export", runs[SMALL_CHECKED]).out.splitlines()


def _first_items(exported: list[str], *, right: bool, number: int) -> list[str]:
    """Ids of the first items that were answered right, or wrong."""
    lines = (json.loads(line) for line in exported)
    return sorted(line["item"] for line in lines if line["kind"] == "score" and line["value"] is right)[
        :number
    ]


def _without_lines(project: Project, exported: list[str], gone: list[str]) -> Path:
    """The exported run without the lines of some items."""
    kept = [line for line in exported if json.loads(line).get("item") not in gone]
    assert len(kept) == len(exported) - 2 * len(gone)
    return project.write(f"without-{len(gone)}.jsonl", "\n".join(kept) + "\n")


def _without_records(project: Project, answers: RecordedAnswers, gone: list[str]) -> Path:
    """The recorded outputs without those of some items, which the candidate then fails."""
    recorded = answers.outputs(answers.models[SMALL_CHECKED])
    lines = recorded.read_text(encoding="utf-8").splitlines(keepends=True)
    return project.write(
        f"outputs.without-{len(gone)}.jsonl",
        "".join(line for line in lines if json.loads(line)["id"] not in gone),
    )


@pytest.fixture(params=["lines of the results", "records of the replay"])
def lossy(
    request: pytest.FixtureRequest, project: Project, exported: list[str], answers: RecordedAnswers
) -> Callable[[list[str]], str | Path]:
    """Makes a candidate that lost some items: a results file without them, or a run in which they failed."""

    def make(gone: list[str]) -> str | Path:
        if request.param == "lines of the results":
            return _without_lines(project, exported, gone)
        replay = _without_records(project, answers, gone)
        return project.scoregate("run", "gates/answers.toml", "--replay", replay).started

    return make


def test_a_few_items_gone_are_a_regression_of_scored_though_accuracy_rose(
    project: Project,
    runs: list[str],
    exported: list[str],
    lossy: Callable[[list[str]], str | Path],
    answers: RecordedAnswers,
) -> None:
    few, number = FEW[answers.name], answers.number
    right = answers.right[answers.models[SMALL_CHECKED]]
    gone = _first_items(exported, right=False, number=few)
    candidate = lossy(gone)
    verdict = _check(project, runs[SMALL], candidate).json()
    assert (verdict["outcome"], verdict["exit_code"]) == ("regression", 1)
    rules = {rule["score"]: rule for rule in verdict["rules"]}
    assert rules["answer_correctness"]["outcome"] == "pass"
    assert (
        rules["answer_correctness"]["candidate_value"] == right / number
    )  # of all, not of those that are left
    assert rules["scored"]["outcome"] == "regression"
    assert (rules["scored"]["missing"], rules["scored"]["n_expected"]) == (few, number)
    lacking = f"scored: {few} items of {number:,} without a valid score in the candidate"
    assert verdict["reason"].startswith(lacking)
    assert ", ".join(gone[:5]) in verdict["reason"]
    assert verdict["missing_items"] == gone

    strict = project.scoregate(
        "check", "gates/strict.toml", "--baseline", runs[SMALL], "--candidate", candidate
    )
    assert strict.outcome(4) == "INVALID"
    assert "max_failed_items = 0 allows fewer" in strict.out


def test_ten_percent_gone_is_invalid(
    project: Project,
    runs: list[str],
    exported: list[str],
    lossy: Callable[[list[str]], str | Path],
    answers: RecordedAnswers,
) -> None:
    right = answers.right[answers.models[SMALL_CHECKED]]
    gone = _first_items(exported, right=False, number=MANY[answers.name])
    checked = _check(project, runs[SMALL], lossy(gone))
    verdict = checked.json()
    assert (verdict["outcome"], checked.code) == ("invalid", 4)
    assert verdict["reason"].startswith(
        "10.0 % of the candidate's values of 'answer_correctness' are missing or failed"
    )
    values = [rule["candidate_value"] for rule in verdict["rules"] if rule["score"] == "answer_correctness"]
    assert values == [right / answers.number]


def test_deleting_items_that_were_right_lowers_the_value(
    project: Project, runs: list[str], exported: list[str], answers: RecordedAnswers
) -> None:
    few, right = FEW[answers.name], answers.right[answers.models[SMALL_CHECKED]]
    gone = _first_items(exported, right=True, number=few)
    verdict = _check(project, runs[SMALL], _without_lines(project, exported, gone)).json()
    values = [rule["candidate_value"] for rule in verdict["rules"] if rule["score"] == "answer_correctness"]
    assert values == [(right - few) / answers.number]
