"""Four models on GSM8K, whose recorded solutions are replayed: 1,319 questions, the gate's verdicts on real data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from scoregate.records import JSON
from tests.cli.project import Ended, Project

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "gsm8k"
MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the GSM8K data is not beside the checkout (looked in {DATA})"
)

GATE = f"""\
dataset = "{DATA}/dataset.jsonl"

[candidate]
replay = "{DATA}/outputs.6b_finetuning.jsonl"

[scorers.answer_correctness]
use = "numeric_match"
pattern = 'A:\\s*(.*)'
expected_path = "answer"

[scores.answer_correctness]
max_drop = 0.02
"""


def _check(project: Project, baseline: str | Path, candidate: str | Path, *more: str) -> Ended:
    sides = ("--baseline", baseline, "--candidate", candidate)
    return project.scoregate("check", "gates/gsm8k.toml", *sides, "--json", *more)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("gsm8k"))
    project.write("gates/gsm8k.toml", GATE)
    project.write("gates/strict.toml", f"max_failed_items = 0.0\n{GATE}")
    return project


@pytest.fixture(scope="module")
def runs(project: Project) -> Mapping[str, str]:
    """Model -> id of its stored run."""
    found = {}
    for model in MODELS:
        ran = project.scoregate("run", "gates/gsm8k.toml", "--replay", DATA / f"outputs.{model}.jsonl")
        assert ran.outcome(4) == "INVALID"  # there is no baseline
        assert "the gate names no baseline, so there is nothing to compare with" in ran.out
        found[model] = ran.started
    return found


Decide = Callable[[str, str], JSON]


@pytest.fixture(scope="module")
def decide(project: Project, runs: Mapping[str, str]) -> Decide:
    """The verdict on two models, baseline first."""

    def of(baseline: str, candidate: str) -> JSON:
        return _check(project, runs[baseline], runs[candidate]).json()

    return of


def test_the_four_models_have_the_accuracies_of_the_paper(project: Project, runs: Mapping[str, str]) -> None:
    correct = {}
    for model, run in runs.items():
        score = project.scoregate("runs", "show", run, "--json").json()["scores"]["answer_correctness"]
        assert score["valid"] == score["expected"] == 1319
        correct[model] = round(score["mean_of_valid"] * 1319, 6)
    assert correct == {
        "6b_finetuning": 286,
        "6b_verification": 515,
        "175b_finetuning": 458,
        "175b_verification": 742,
    }


def test_losing_the_verifier_is_a_large_regression(decide: Decide) -> None:
    verdict = decide("175b_verification", "175b_finetuning")
    (rule,) = verdict["rules"]
    assert verdict["outcome"] == "regression"
    assert verdict["exit_code"] == 1
    assert (rule["lost"], rule["won"]) == (360, 76)
    assert round(100 * rule["difference"], 1) == -21.5
    assert len(verdict["regressed_items"]) == 360


def test_a_drop_of_four_points_is_proved_by_the_exact_test(decide: Decide) -> None:
    verdict = decide("6b_verification", "175b_finetuning")
    (rule,) = verdict["rules"]
    assert verdict["outcome"] == "regression"
    assert (rule["lost"], rule["won"]) == (209, 152)
    assert round(100 * rule["difference"], 2) == -4.32
    assert round(rule["p_value"], 5) == 0.00158


def test_a_better_model_passes(decide: Decide) -> None:
    verdict = decide("6b_finetuning", "175b_verification")
    assert (verdict["outcome"], verdict["exit_code"]) == ("pass", 0)


def test_a_run_is_refused_as_its_own_baseline(project: Project, runs: Mapping[str, str]) -> None:
    run = runs["6b_finetuning"]
    refused = project.scoregate("check", "gates/gsm8k.toml", "--baseline", run, "--candidate", run)
    assert refused.outcome(4) == "INVALID"
    assert f"the candidate is its own baseline (both are run {run}), so nothing was compared" in refused.out


def test_the_same_outputs_run_twice_pass_with_difference_zero(
    project: Project, runs: Mapping[str, str]
) -> None:
    replay = DATA / "outputs.6b_finetuning.jsonl"
    again = project.scoregate(
        "run", "gates/gsm8k.toml", "--replay", replay, "--baseline", runs["6b_finetuning"], "--json"
    )
    verdict = again.json()
    (rule,) = verdict["rules"]
    assert verdict["outcome"] == "pass"
    assert verdict["candidate_run"] != verdict["baseline_run"]
    assert (rule["difference"], rule["lost"], rule["won"]) == (0.0, 0, 0)


# Deleting what the candidate got wrong would raise its accuracy, if a missing item left the denominator.


@pytest.fixture(scope="module")
def exported(project: Project, runs: Mapping[str, str]) -> list[str]:
    """The lines of the results file of 6b_verification."""
    return project.scoregate("runs", "export", runs["6b_verification"]).out.splitlines()


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


def _without_records(project: Project, gone: list[str]) -> Path:
    """The recorded outputs without those of some items, which the candidate then fails."""
    lines = (DATA / "outputs.6b_verification.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    return project.write(
        f"outputs.without-{len(gone)}.jsonl",
        "".join(line for line in lines if json.loads(line)["id"] not in gone),
    )


@pytest.fixture(scope="module", params=["lines of the results", "records of the replay"])
def lossy(
    request: pytest.FixtureRequest, project: Project, exported: list[str]
) -> Callable[[list[str]], str | Path]:
    """Makes a candidate that lost some items: a results file without them, or a run in which they failed."""

    def make(gone: list[str]) -> str | Path:
        if request.param == "lines of the results":
            return _without_lines(project, exported, gone)
        replay = _without_records(project, gone)
        return project.scoregate("run", "gates/gsm8k.toml", "--replay", replay).started

    return make


def test_one_percent_gone_is_a_regression_of_scored_though_accuracy_rose(
    project: Project, runs: Mapping[str, str], exported: list[str], lossy: Callable[[list[str]], str | Path]
) -> None:
    gone = _first_items(exported, right=False, number=14)
    candidate = lossy(gone)
    verdict = _check(project, runs["6b_finetuning"], candidate).json()
    assert (verdict["outcome"], verdict["exit_code"]) == ("regression", 1)
    rules = {rule["score"]: rule for rule in verdict["rules"]}
    assert rules["answer_correctness"]["outcome"] == "pass"
    assert (
        rules["answer_correctness"]["candidate_value"] == 515 / 1319
    )  # of all, not of the 1,305 that are left
    assert rules["scored"]["outcome"] == "regression"
    assert (rules["scored"]["missing"], rules["scored"]["n_expected"]) == (14, 1319)
    assert verdict["reason"].startswith("scored: 14 items of 1,319 without a valid score in the candidate")
    assert ", ".join(gone[:5]) in verdict["reason"]
    assert verdict["missing_items"] == gone

    strict = project.scoregate(
        "check", "gates/strict.toml", "--baseline", runs["6b_finetuning"], "--candidate", candidate
    )
    assert strict.outcome(4) == "INVALID"
    assert "max_failed_items = 0 allows fewer" in strict.out


def test_ten_percent_gone_is_invalid(
    project: Project, runs: Mapping[str, str], exported: list[str], lossy: Callable[[list[str]], str | Path]
) -> None:
    gone = _first_items(exported, right=False, number=132)
    checked = _check(project, runs["6b_finetuning"], lossy(gone))
    verdict = checked.json()
    assert (verdict["outcome"], checked.code) == ("invalid", 4)
    assert verdict["reason"].startswith(
        "10.0 % of the candidate's values of 'answer_correctness' are missing or failed"
    )
    values = [rule["candidate_value"] for rule in verdict["rules"] if rule["score"] == "answer_correctness"]
    assert values == [515 / 1319]


def test_deleting_items_that_were_right_lowers_the_value(
    project: Project, runs: Mapping[str, str], exported: list[str]
) -> None:
    right = _first_items(exported, right=True, number=14)
    verdict = _check(project, runs["6b_finetuning"], _without_lines(project, exported, right)).json()
    values = [rule["candidate_value"] for rule in verdict["rules"] if rule["score"] == "answer_correctness"]
    assert values == [501 / 1319]
