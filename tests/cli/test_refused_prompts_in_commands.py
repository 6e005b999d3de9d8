"""A prompt that the endpoint always refuses: its cell is an error, and no command waits for it for ever."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.cli.project import Project
from tests.model_server.answers import Answer, failed, judged
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer

LOCK = "gates/agent.baseline.jsonl"
FILE = "gates/calibrations/relevance.json"
STORE = ".scoregate/store.sqlite3"
CALIBRATE = ("judge", "calibrate", "gates/agent.toml", "--labels", "labels.jsonl")


class Endpoint:
    """Grades everything 9, but for prompts with some words in them, which it refuses."""

    def __init__(self) -> None:
        self.refuses = "nothing"

    def __call__(self, request: ModelRequest) -> Answer:
        filtered = failed(400, "The response was filtered: content management policy")
        return filtered if self.refuses in request.prompt else judged(9)


@pytest.fixture
def endpoint(judge_server: ModelServer) -> Endpoint:
    script = Endpoint()
    judge_server.begin_again(script=script)
    return script


def with_labels(project: Project) -> None:
    rows = [{"item": f"q{n:03}", "label": 9, "output": f"answer {n}"} for n in range(8)]
    project.write_lines("labels.jsonl", rows)


def with_changed_prompt(project: Project) -> tuple[str, ...]:
    project.edit("prompts/relevance.md", "good answer", "fine answer")
    return ("runs", "rescore", project.baseline_run, "--gate", "gates/agent.toml")


def test_a_baseline_that_loses_a_value_says_why_and_how_to_take_it_so(
    judged_accepted: Project, endpoint: Endpoint
) -> None:
    endpoint.refuses = "Answer: answer 3"
    lock = judged_accepted.read(LOCK)
    rescored = judged_accepted.scoregate(*with_changed_prompt(judged_accepted))
    assert rescored.code == 4
    assert "1 cell that had a value has none now, the first 'relevance' of item 'q003'" in rescored.err
    assert "content management policy" in rescored.err
    assert "accept the run as it is: scoregate baseline accept gates/agent.toml agent-" in rescored.err
    assert judged_accepted.read(LOCK) == lock


def test_a_baseline_that_was_refused_a_reply_before_is_rewritten(
    judged_accepted: Project, endpoint: Endpoint
) -> None:
    endpoint.refuses = "Answer: answer 3"
    judged_accepted.edit("prompts/relevance.md", "Is this", "Would you say that this is")
    run = judged_accepted.run().started
    accept = ("baseline", "accept", "gates/agent.toml", run, "--why", "filtered", "--force", "--yes")
    assert judged_accepted.scoregate(*accept).code == 0
    judged_accepted.edit("prompts/relevance.md", "good answer", "fine answer")
    rescored = judged_accepted.scoregate("runs", "rescore", run, "--gate", "gates/agent.toml")
    assert rescored.code == 0, rescored.err
    cells = [line["scores"]["relevance"] for line in judged_accepted.read_lines(LOCK)[1:]]
    assert [cell.get("value") for cell in cells] == [9, 9, 9, None, 9, 9, 9, 9]


def test_a_run_that_rescores_its_baseline_comes_to_its_verdict(
    judged_accepted: Project, endpoint: Endpoint
) -> None:
    with_changed_prompt(judged_accepted)
    endpoint.refuses = "Answer: answer 3"
    ran = judged_accepted.run("--rescore-baseline")
    assert ran.code != 5, ran.err
    assert "relevance" in ran.out


def test_an_endpoint_that_refuses_everything_passes_nothing(
    judged_accepted: Project, endpoint: Endpoint
) -> None:
    with_changed_prompt(judged_accepted)
    endpoint.refuses = "Answer"
    ran = judged_accepted.run("--rescore-baseline")
    assert "PASS" not in ran.out
    assert ran.code != 0


def test_a_calibration_counts_what_could_not_be_judged_and_goes_on(
    judged_accepted: Project, endpoint: Endpoint
) -> None:
    with_labels(judged_accepted)
    endpoint.refuses = "Answer: answer 3"
    done = judged_accepted.scoregate(*CALIBRATE, "--no-cache", "--json")
    assert done.code == 0, done.err
    assert (done.json()["labelled"], done.json()["missing"]) == (8, 1)
    assert "1 refused by the endpoint" in done.err
    assert "the first was refused because: the endpoint refused the request (status 400: " in done.err


def test_a_calibration_of_nothing_but_refusals_leaves_the_last_one_as_it_is(
    judged_accepted: Project, endpoint: Endpoint
) -> None:
    with_labels(judged_accepted)
    assert judged_accepted.scoregate(*CALIBRATE).code == 0
    before = judged_accepted.read(FILE)
    endpoint.refuses = "Answer"
    done = judged_accepted.scoregate(*CALIBRATE, "--no-cache")
    assert done.code == 5
    assert "the judge 'relevance' has judged none of 8 answers, so it was not calibrated" in done.err
    assert "content management policy" in done.err
    assert judged_accepted.read(FILE) == before


def test_an_imported_reply_is_a_reply_whatever_its_error_says(
    judged_accepted: Project, judge_server: ModelServer, endpoint: Endpoint
) -> None:
    assert judged_accepted.scoregate("judge", "cache", "export", "replies.jsonl").code == 0
    rows = judged_accepted.read_lines("replies.jsonl")
    rows[0] |= {"value": None, "reasoning": None, "error": "no reply: odd"}
    judged_accepted.write_lines("replies.jsonl", rows)
    with closing(sqlite3.connect(judged_accepted.path(STORE))) as store, store:
        store.execute("DELETE FROM judge_replies")
    assert judged_accepted.scoregate("judge", "cache", "import", "replies.jsonl").code == 0
    run = judged_accepted.baseline_run
    rescored = judged_accepted.scoregate("runs", "rescore", run, "--gate", "gates/agent.toml")
    assert rescored.code == 4
    assert "no reply: odd" in rescored.err
    assert "1 cell that had a value has none now" in rescored.err
    with_labels(judged_accepted)
    assert judged_accepted.scoregate(*CALIBRATE, "--json").json()["missing"] == 1
    assert judge_server.requests == []
