"""Human labels of both versions' answers: a judge that flatters one of them decides nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.judged import judged_project
from tests.cli.labelled import Cell, labelled_project, write_labels, write_results
from tests.cli.project import Ended, Project
from tests.model_server.answers import Answer, judged
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer

CHECK = ("check", "gates/agent.toml", "--candidate", "now.jsonl")


def version(name: str, *, fails: int, lenient: int, number: int = 120) -> list[Cell]:
    """Answers of which people fail the last, and the judge passes so many of these."""
    good = number - fails
    return [(f"{name} {n}", n < good + lenient, n < good) for n in range(number)]


HONEST = version("a", fails=30, lenient=2)
FLATTERED = version("b", fails=48, lenient=20)


def text(ended: Ended) -> str:
    return " ".join(ended.out.split())


@pytest.fixture
def flattered(tmp_path: Path) -> Project:
    """The candidate is fifteen points worse, and its judge sees none of them."""
    project = labelled_project(tmp_path, HONEST, FLATTERED)
    write_labels(project, HONEST, FLATTERED)
    return project


def test_a_candidate_that_its_judge_flatters_is_not_passed(flattered: Project) -> None:
    checked = flattered.scoregate(*CHECK)
    assert checked.outcome(4) == "INVALID"
    assert re.search(
        r"INVALID: the judge 'correct' is more lenient with the candidate than with the baseline: it passes 20 of 48 "
        r"answers of the candidate that people fail, 2 of 30 of the baseline's; p = 0\.\d+ where 5 % of the "
        r"labels may be wrong; mend its prompt or rubric and calibrate it again \(scoregate judge calibrate "
        r"gates/agent\.toml\), or make the score advisory",
        text(checked),
    )
    assert "→ scoregate judge calibrate gates/agent.toml\n" in checked.out
    document = flattered.scoregate(*CHECK, "--json").json()
    assert [rule["outcome"] for rule in document["rules"] if rule["score"] == "correct"] == ["invalid"]


def test_the_labels_of_both_versions_show_the_drop_that_the_judge_hides(flattered: Project) -> None:
    checked = flattered.scoregate(*CHECK, "-o", "markdown=report.md")
    line = re.compile(
        r"correct, candidate − baseline: raw 0\S* points \[\S+, \S+\]; corrected by human labels of both answers to "
        r"120 of 120 items: −15\S* points \[−2\S+, −\d\S*\] \(prediction-powered\)"
    )
    assert line.search(text(checked)), checked.out
    assert "corrected by human labels of both answers to 120 of 120 items" in flattered.read("report.md")
    assert "how far from the baseline; they decide nothing" in text(checked)
    found = flattered.scoregate(*CHECK, "--json").json()["corrected"]["correct"]["difference"]
    assert (found["items"], found["labelled"], found["same"]) == (120, 120, 0)
    assert found["raw"]["value"] == 0
    assert found["prediction_powered"]["value"] == pytest.approx(-0.15)
    assert "correct: by the labels the candidate is worse by 0.15 [" in text(checked)
    assert "more than the margin of 0.05, and the judge's scores, which decide, do not show it" in text(
        checked
    )


def with_another_score(project: Project, now: bool) -> None:
    """A second score, which every answer of the baseline passed, and every one of the candidate too, or none."""
    project.edit(
        "gates/agent.toml", "[scores.correct]", '[scores.kind]\ndirection = "higher"\n\n[scores.correct]'
    )
    for name, kind in (("before", True), ("now", now)):
        more = [
            {"kind": "score", "item": f"q{n:03}", "trial": 0, "score": "kind", "status": "ok", "value": kind}
            for n in range(120)
        ]
        project.write_lines(f"{name}.jsonl", [*project.read_lines(f"{name}.jsonl"), *more])


def test_an_advisory_judge_that_flatters_is_shown_and_gates_nothing(flattered: Project) -> None:
    flattered.edit("gates/agent.toml", "max_drop = 0.05", "max_drop = 0.05\nadvisory = true")
    with_another_score(flattered, now=True)
    checked = flattered.scoregate(*CHECK)
    assert checked.outcome(0) == "PASS"
    assert "note: the judge 'correct' is more lenient with the candidate" in text(checked)


def test_a_regression_that_another_score_proves_stays_one(flattered: Project) -> None:
    with_another_score(flattered, now=False)
    checked = flattered.scoregate(*CHECK)
    assert checked.outcome(1) == "REGRESSION"
    assert "note: the judge 'correct' is more lenient with the candidate" in text(checked)


def test_a_true_drop_that_the_judge_sees_is_a_regression_and_no_fault_of_the_judge(tmp_path: Path) -> None:
    """A fifth of the bad answers passes in both versions; the candidate gives three times as many."""
    before, now = version("a", fails=20, lenient=4), version("b", fails=60, lenient=12)
    project = labelled_project(tmp_path, before, now)
    write_labels(project, before, now)
    checked = project.scoregate(*CHECK)
    assert checked.outcome(1) == "REGRESSION"
    assert (
        "note: held against people's labels of 120 answers of the candidate and 120 of the baseline, the judge "
        "'correct' is not proved to treat them differently: it passes 12 of 60 answers of the candidate that people "
        "fail, 4 of 20 of the baseline's"
    ) in text(checked)


def test_a_drop_that_is_proved_though_the_judge_hides_a_part_of_it_is_a_regression(tmp_path: Path) -> None:
    before, now = version("a", fails=30, lenient=0), version("b", fails=100, lenient=45)
    project = labelled_project(tmp_path, before, now)
    write_labels(project, before, now)
    checked = project.scoregate(*CHECK)
    assert checked.outcome(1) == "REGRESSION"
    assert (
        "note: the judge 'correct' is more lenient with the candidate than with the baseline: it passes 45 of 100"
    ) in text(checked)
    assert "as that favours the candidate, the drop that is proved all the same stands" in text(checked)


def test_one_label_is_one(flattered: Project) -> None:
    write_labels(flattered, HONEST, FLATTERED, first=1)
    checked = text(flattered.scoregate(*CHECK))
    assert "corrected by 1 human label of 120 items: " in checked
    assert "(1 of the 120 items with two different answers is labelled in both versions)" in checked


def test_too_few_labels_check_nothing_and_say_what_is_lacking(flattered: Project) -> None:
    write_labels(flattered, HONEST, FLATTERED, first=30)
    checked = flattered.scoregate(*CHECK)
    assert checked.code in (0, 3)
    assert (
        "note: whether the judge 'correct' errs alike in both versions is not checked: where the answers differ people "
        "have labelled 30 of 120 of the candidate's and 30 of 120 of the baseline's, and it takes 50 and 50, drawn at "
        "random"
    ) in text(checked)


def test_without_labels_nothing_is_asked_for(flattered: Project) -> None:
    flattered.edit("gates/agent.toml", 'labels = "labels.jsonl"\n', "")
    assert "errs alike" not in text(flattered.scoregate(*CHECK))


def test_labels_of_the_baseline_alone_are_no_random_part_of_the_candidates_answers(tmp_path: Path) -> None:
    kept = HONEST[:80]
    project = labelled_project(tmp_path, HONEST, [*kept, *FLATTERED[80:]])
    write_labels(project, HONEST)
    checked = text(project.scoregate(*CHECK))
    assert (
        "correct: the labels are no random part of the answers: 80 of the 80 that the baseline gave too are labelled, "
        "and 0 of the 40 others, so that the corrected value leans to the former"
    ) in checked
    assert "– (0 of the 40 items with two different answers are labelled in both versions)" in checked


def test_of_several_trials_the_first_is_corrected_and_all_are_the_raw_value(tmp_path: Path) -> None:
    project = labelled_project(tmp_path, HONEST, FLATTERED)
    for name, cells in (("before", HONEST), ("now", FLATTERED)):
        rows = [
            [cell, (f"{cell[0]} again", True, True), (f"{cell[0]} once more", True, True)] for cell in cells
        ]
        write_results(project, name, rows)
    project.edit("gates/agent.toml", "[scorers", "trials = 3\n\n[scorers")
    write_labels(project, HONEST, FLATTERED)
    checked = project.scoregate(*CHECK, "--json")
    assert checked.code == 4, checked.out
    found = checked.json()["corrected"]["correct"]
    assert found["raw"]["value"] == pytest.approx((92 + 240) / 360)
    assert found["prediction_powered"]["value"] == pytest.approx(72 / 120)
    assert found["difference"]["prediction_powered"]["value"] == pytest.approx(-0.15)
    assert found["labelled"] == 120


def test_two_different_labels_of_one_answer_are_refused(flattered: Project) -> None:
    lines = flattered.read_lines("labels.jsonl")
    flattered.write_lines("labels.jsonl", [*lines, {**lines[0], "label": not lines[0]["label"]}])
    told = flattered.scoregate(*CHECK).error(2)
    assert told.startswith("labels.jsonl:241: a second label of item 'q000', first at labels.jsonl:1")


def test_two_people_who_agree_are_one_label(flattered: Project) -> None:
    document = flattered.scoregate(*CHECK, "--json").json()
    flattered.write_lines("labels.jsonl", flattered.read_lines("labels.jsonl") * 2)
    assert flattered.scoregate(*CHECK, "--json").json() == document


def likes_flattery(request: ModelRequest) -> Answer:
    return judged(9 if "dear friend" in request.prompt else 7)


def test_a_run_and_one_side_by_side_hold_the_judge_against_the_labels_too(tmp_path: Path) -> None:
    with ModelServer(script=likes_flattery) as server:
        project = judged_project(tmp_path, server, number=60, after_scores='labels = "labels.jsonl"\n')
        lines = [
            {"item": f"q{n:03}", "label": 7, "output": f"{before}answer {n}"}
            for n in range(60)
            for before in ("", "dear friend, ")
        ]
        project.write_lines("labels.jsonl", lines)
        project.with_baseline()
        agent = project.read("experiments/agent.py")
        project.write("experiments/old.py", agent.replace('"v1"', '"v0"'))
        project.edit("experiments/agent.py", 'f"answer', 'f"dear friend, answer')
        for words in ((), ("--against", "experiments/old.py", "--concurrency", "2")):
            run = project.run(*words)
            assert run.outcome(4) == "INVALID"
            assert (
                "INVALID: the judge 'relevance' treats the versions differently: where people see no difference it "
                "gives the candidate 2 more than the baseline (95 % interval 2 to 2, 60 items labelled in both; "
                "p < 1e-6)"
            ) in text(run)
            assert "relevance, candidate − baseline: raw +2.00 [" in text(run)
            assert "corrected by human labels of both answers to 60 of 60 items: 0.00 [" in text(run)
            assert "→ scoregate judge calibrate gates/agent.toml\n" in run.out


def test_of_two_labelled_answers_to_an_item_the_later_one_calibrates(tmp_path: Path) -> None:
    with ModelServer(script=likes_flattery) as server:
        project = judged_project(tmp_path, server, number=20, after_scores='labels = "labels.jsonl"\n')
        lines = [
            {"item": f"q{n:03}", "label": 7, "output": f"{before}answer {n}"}
            for before in ("dear friend, ", "")
            for n in range(20)
        ]
        project.write_lines("labels.jsonl", lines)
        done = project.scoregate("judge", "calibrate", "gates/agent.toml", "--json")
        assert done.code == 0, done.err
        assert (done.json()["labelled"], done.json()["agreed"]) == (20, 20)
        assert len(server.requests) == 20
        assert (
            "of an item with several labelled answers the last one counts; 20 labels are left out: "
            "q000 (labels.jsonl:1), q001 (labels.jsonl:2)"
        ) in done.err
        assert "q004 (labels.jsonl:5) and 15 more" in done.err
