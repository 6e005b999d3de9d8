"""Recorded answers through Langfuse and back: pushed, run, delivered and read; the verdict is that of the store.

GSM8K with its 1,319 items where it lies beside the checkout, and a few hundred made-up ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoregate.records import JSON, Run
from scoregate.results_file import read_results
from tests.cli.project import Ended, Project
from tests.langfuse_server.faults import EVERY_FAULT
from tests.langfuse_server.server import LangfuseServer
from tests.recorded_answers import BOTH, PATTERN, RecordedAnswers, recorded_answers

SECONDS_DOWN = 1.5
SMALL_CHECKED, LARGE, LARGE_CHECKED = 1, 2, 3

GATE = f"""\
dataset = "langfuse:answers"

[candidate]
replay = "{{replay}}"

[scorers.answer_correctness]
use = "numeric_match"
pattern = '{PATTERN}'
expected_path = "answer"

[scorers.says_answer]
use = "regex_match"
pattern = 'A:'

[scores.answer_correctness]
max_drop = 0.02

[scores.says_answer]
max_drop = 0.02
"""


@pytest.fixture(scope="module", params=BOTH)
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RecordedAnswers:
    return recorded_answers(request.param, tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module")
def server(answers: RecordedAnswers) -> Iterator[LangfuseServer]:
    with LangfuseServer() as server:
        yield server


@pytest.fixture(scope="module")
def gate(answers: RecordedAnswers) -> str:
    return GATE.format(replay=answers.outputs(answers.models[SMALL_CHECKED]))


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, server: LangfuseServer, answers: RecordedAnswers, gate: str
) -> Project:
    made = Project(tmp_path_factory.mktemp("project"), server.environment)
    made.write("gates/answers.toml", gate)
    pushed = made.scoregate("dataset", "push", answers.dataset, "answers")
    assert pushed.code == 0, pushed.err
    return made


@pytest.fixture(scope="module")
def runs(project: Project, answers: RecordedAnswers) -> list[Ended]:
    """Two models' recorded answers, each run once and delivered."""
    return [
        project.scoregate("run", "gates/answers.toml", "--replay", answers.outputs(answers.models[model]))
        for model in (SMALL_CHECKED, LARGE)
    ]


def test_everything_is_delivered(runs: list[Ended], answers: RecordedAnswers) -> None:
    for done in runs:
        assert f"{delivered(answers)}: " in done.err


def test_langfuses_copy_holds_every_cell_of_the_store(
    project: Project, runs: list[Ended], answers: RecordedAnswers
) -> None:
    for done in runs:
        run = done.started
        here = read_results(exported(project, run, "here.jsonl"))
        assert project.scoregate("runs", "import", f"langfuse:{run}", "--replace").code == 0
        there = read_results(exported(project, run, "there.jsonl"))
        assert cells(here) == cells(there)
        assert len(cells(here)) == 2 * answers.number
        assert [item.status for item in here.items] == [item.status for item in there.items]


def test_the_verdict_from_langfuses_copy_is_that_of_the_store(project: Project, runs: list[Ended]) -> None:
    before, now = (done.started for done in runs)
    local = verdict(project, before, now)
    there = verdict(project, f"langfuse:{before}", f"langfuse:{now}")
    assert local["outcome"] == there["outcome"]
    assert local == there


def test_a_baseline_may_stand_in_langfuse_alone(project: Project, runs: list[Ended], gate: str) -> None:
    before, now = (done.started for done in runs)
    project.write("gates/remote.toml", f'baseline = "langfuse:{before}"\n{gate}')
    told = project.scoregate("check", "gates/remote.toml", "--candidate", now, "--json").json()
    named = {"gate": "remote", "path": "gates/remote.toml"}
    stored = {**verdict(project, before, now), **named}
    for document in (told, stored):
        place = document["provenance"].pop("gate")  # file and lines
        assert place["path"].startswith("gates/")
    assert told == stored


def test_delivery_survives_faults_and_a_while_without_a_server(
    project: Project, server: LangfuseServer, answers: RecordedAnswers
) -> None:
    server.faults.plan(*EVERY_FAULT, share=0.3, seed=7)
    try:
        replay = answers.outputs(answers.models[LARGE_CHECKED])
        process = project.start(
            "run", "gates/answers.toml", "--replay", replay, "--local"
        )  # the run itself, of which nothing is delivered yet
        _, told = process.communicate(timeout=60)
        found = re.search(r"run (\S+): ", told)
        assert found, told
        server.down_for(SECONDS_DOWN)
        pushed = project.scoregate("runs", "push", found[1], "--delivery-seconds", "180")
    finally:
        server.faults.clear()
    assert delivered(answers) in pushed.out, pushed.out + pushed.err
    assert sum(server.faults.met.values()) > 0


def delivered(answers: RecordedAnswers) -> str:
    number, cells = answers.number, 2 * answers.number
    return f"delivered {number} of {number} items, {cells} of {cells} scores"


def exported(project: Project, run: str, name: str) -> Path:
    done = project.scoregate("runs", "export", run, "-o", name)
    assert done.code == 0, done.err
    return project.path(name)


def cells(run: Run) -> dict[tuple[str, int, str], tuple[object, ...]]:
    return {(s.item, s.trial, s.score): (s.value, type(s.value), s.status, s.comment) for s in run.scores}


def verdict(project: Project, baseline: str, candidate: str) -> JSON:
    sides = ("--baseline", baseline, "--candidate", candidate)
    return project.scoregate("check", "gates/answers.toml", *sides, "--json").json()
