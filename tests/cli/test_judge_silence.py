"""Judges that do not reply, or replied long ago: no gap gets into a baseline, and no old reply into a calibration."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest

from tests.cli.judged import judged_project
from tests.cli.project import Project
from tests.model_server.answers import Answer, failed, judged
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer

LOCK = "gates/agent.baseline.jsonl"
STORE = ".scoregate/store.sqlite3"
DAY = 86_400


class Endpoint:
    """Grades everything alike, and is down for prompts with some words in them."""

    def __init__(self) -> None:
        self.down_for = "nothing"
        self.grade = 9

    def __call__(self, request: ModelRequest) -> Answer:
        return failed(500, "out of order") if self.down_for in request.prompt else judged(self.grade)


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


def without_retries(project: Project) -> None:
    project.edit("gates/agent.toml", "[limits]", "[limits]\nretries = 0")


def test_a_baseline_is_not_rewritten_while_replies_are_missing(
    judged_accepted: Project, judge_server: ModelServer, endpoint: Endpoint
) -> None:
    judge_server.begin_again(script=endpoint)
    without_retries(judged_accepted)
    lock = judged_accepted.read(LOCK)
    judged_accepted.edit("prompts/relevance.md", "good answer", "fine answer")
    endpoint.down_for = "answer 3"
    rescore = ("runs", "rescore", judged_accepted.baseline_run, "--gate", "gates/agent.toml")
    stopped = judged_accepted.scoregate(*rescore)
    assert stopped.code == 5
    assert "1 of 8 stored outputs are not scored, the first because: no reply: status 500" in stopped.err
    assert "(go on with: scoregate runs rescore " in stopped.err
    assert judged_accepted.read(LOCK) == lock
    endpoint.down_for = "nothing"
    asked = len(judge_server.requests)
    assert judged_accepted.scoregate(*rescore).code == 0
    assert len(judge_server.requests) == asked + 1
    assert [line["scores"]["relevance"]["value"] for line in judged_accepted.read_lines(LOCK)[1:]] == [9] * 8


def test_a_baseline_is_not_rewritten_by_a_prompt_that_fits_no_output(
    judged_accepted: Project, judge_server: ModelServer, endpoint: Endpoint
) -> None:
    judge_server.begin_again(script=endpoint)
    lock = judged_accepted.read(LOCK)
    judged_accepted.edit("prompts/relevance.md", "{{output}}", "{{output.anwser}}")
    rescored = judged_accepted.scoregate(
        "runs", "rescore", judged_accepted.baseline_run, "--gate", "gates/agent.toml"
    )
    assert rescored.code == 4
    assert "8 cells that had a value have none now, the first 'relevance' of item 'q000'" in rescored.err
    assert "anwser" in rescored.err
    assert judged_accepted.read(LOCK) == lock


def test_a_run_that_rescores_its_baseline_stops_as_well(
    judged_accepted: Project, judge_server: ModelServer, endpoint: Endpoint
) -> None:
    judge_server.begin_again(script=endpoint)
    without_retries(judged_accepted)
    judged_accepted.edit("prompts/relevance.md", "good answer", "fine answer")
    endpoint.down_for = "answer 3"
    stopped = judged_accepted.run("--rescore-baseline")
    assert stopped.code == 5
    assert f"go on with: scoregate run gates/agent.toml --resume {stopped.started} --rescore-" in stopped.err
    endpoint.down_for = "nothing"
    assert judged_accepted.run("--resume", stopped.started, "--rescore-baseline").outcome(0) == "PASS"


def test_replies_that_never_came_are_asked_for_without_the_candidate(
    judged_accepted: Project, judge_server: ModelServer, endpoint: Endpoint
) -> None:
    judge_server.begin_again(script=endpoint)
    without_retries(judged_accepted)
    endpoint.down_for = "again 5"
    judged_accepted.edit("experiments/agent.py", "answer {item", "again {item")
    run = judged_accepted.run()
    command = f"scoregate runs rescore {run.started} --gate gates/agent.toml"
    assert "1 reply of a judge never came, which counts against the candidate" in run.err
    assert f"call no candidate: {command}" in run.err
    endpoint.down_for = "nothing"
    asked = len(judge_server.requests)
    again = judged_accepted.scoregate(*command.split()[1:])
    assert again.code == 0
    assert len(judge_server.requests) == asked + 1
    check = next(line for line in again.err.splitlines() if "as the candidate: " in line)
    checked = judged_accepted.scoregate(*check.split("as the candidate: scoregate ")[1].split())
    assert checked.outcome(0) == "PASS"


def test_an_old_calibration_is_not_renewed_by_old_replies(tmp_path: Path, endpoint: Endpoint) -> None:
    with ModelServer(script=endpoint) as server:
        project = judged_project(tmp_path / "p", server)
        labels = [{"item": f"q{n:03}", "label": 9, "output": f"answer {n}"} for n in range(8)]
        project.write_lines("labels.jsonl", labels)
        calibrate = ("judge", "calibrate", "gates/agent.toml", "--labels", "labels.jsonl")
        first = project.scoregate(*calibrate)
        assert "judge relevance on 8 answers: up to 8 new replies" in first.err
        assert project.scoregate(*calibrate).code == 0
        assert len(server.requests) == 8
        with sqlite3.connect(project.path(STORE)) as store:
            store.execute("UPDATE judge_replies SET made_at = ?", (time.time() - 2 * DAY,))
        endpoint.grade = 2
        later = project.scoregate(*calibrate, "--json").json()
        assert later["agreement"]["value"] == 0
        assert len(server.requests) == 16
        # What the runs use stays as it was.
        with sqlite3.connect(project.path(STORE)) as store:
            kept = store.execute("SELECT series, value, count(*) FROM judge_replies GROUP BY 1, 2").fetchall()
        assert kept == [("", "9", 8), ("calibration", "2", 8)]


def test_an_answer_without_a_prompt_variable_is_missing_in_a_calibration(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    with ModelServer(script=endpoint) as server:
        project = judged_project(tmp_path / "p", server)
        project.write("prompts/relevance.md", "Is this good? {{output.text}}")
        answers = [{"text": "fine"}, {"words": "odd"}, {"text": "good"}]
        project.write_lines(
            "labels.jsonl",
            [{"item": f"q{n:03}", "label": 9, "output": text} for n, text in enumerate(answers)],
        )
        done = project.scoregate(
            "judge", "calibrate", "gates/agent.toml", "--labels", "labels.jsonl", "--json"
        )
    assert (done.json()["labelled"], done.json()["missing"]) == (3, 1)


def test_what_the_experiment_prints_is_not_in_the_json_of_a_rescoring(
    judged_accepted: Project, judge_server: ModelServer, endpoint: Endpoint
) -> None:
    judge_server.begin_again(script=endpoint)
    judged_accepted.edit("experiments/agent.py", 'version = "v1"', 'version = "v1"\nprint("noise")')
    rescored = judged_accepted.scoregate(
        "runs", "rescore", judged_accepted.baseline_run, "--gate", "gates/agent.toml", "--json"
    )
    assert rescored.code == 0
    assert rescored.json()["run"].startswith(judged_accepted.baseline_run)


def test_a_floor_needs_a_value(tmp_path: Path, endpoint: Endpoint) -> None:
    valid = '\n[scorers.json_valid]\nuse = "json_valid"\n'
    with ModelServer(script=endpoint) as server:
        project = judged_project(tmp_path / "p", server, more='after = ["json_valid"]', after_scores=valid)
        project.edit("gates/agent.toml", "max_drop = 6", "max_drop = 6\nmin = 5")
        run = project.run().started
        assert project.scoregate("baseline", "accept", "gates/agent.toml", run, "--why", "x").code == 0
        again = project.run()
    assert again.outcome(0) == "INCONCLUSIVE"
    assert "applies to no item of the candidate, so that nothing says whether it keeps its floor" in again.out
