"""GSM8K through Langfuse and back: 1,319 items pushed, run, delivered and read; the verdict is that of the store."""

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

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "gsm8k"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the GSM8K data is not beside the checkout (looked in {DATA})"
)

GATE = f"""\
dataset = "langfuse:gsm8k"

[candidate]
replay = "{DATA}/outputs.6b_verification.jsonl"

[scorers.answer_correctness]
use = "numeric_match"
pattern = 'A:\\s*(.*)'
expected_path = "answer"

[scorers.says_answer]
use = "regex_match"
pattern = 'A:'

[scores.answer_correctness]
max_drop = 0.02

[scores.says_answer]
max_drop = 0.02
"""


@pytest.fixture(scope="module")
def server() -> Iterator[LangfuseServer]:
    with LangfuseServer() as server:
        yield server


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: LangfuseServer) -> Project:
    made = Project(tmp_path_factory.mktemp("gsm8k"), server.environment)
    made.write("gates/gsm8k.toml", GATE)
    pushed = made.scoregate("dataset", "push", DATA / "dataset.jsonl", "gsm8k")
    assert pushed.code == 0, pushed.err
    return made


@pytest.fixture(scope="module")
def runs(project: Project) -> dict[str, Ended]:
    """Two models' recorded answers, each run once and delivered."""
    return {
        model: project.scoregate("run", "gates/gsm8k.toml", "--replay", DATA / f"outputs.{model}.jsonl")
        for model in ("6b_verification", "175b_finetuning")
    }


def test_everything_is_delivered(runs: dict[str, Ended]) -> None:
    for done in runs.values():
        assert "delivered 1319 of 1319 items, 2638 of 2638 scores: " in done.err


def test_langfuses_copy_holds_every_cell_of_the_store(project: Project, runs: dict[str, Ended]) -> None:
    for done in runs.values():
        run = done.started
        here = read_results(exported(project, run, "here.jsonl"))
        assert project.scoregate("runs", "import", f"langfuse:{run}", "--replace").code == 0
        there = read_results(exported(project, run, "there.jsonl"))
        assert cells(here) == cells(there)
        assert len(cells(here)) == 2 * 1319
        assert [item.status for item in here.items] == [item.status for item in there.items]


def test_the_verdict_from_langfuses_copy_is_that_of_the_store(
    project: Project, runs: dict[str, Ended]
) -> None:
    before, now = (done.started for done in runs.values())
    local = verdict(project, before, now)
    there = verdict(project, f"langfuse:{before}", f"langfuse:{now}")
    assert local["outcome"] == there["outcome"]
    assert local == there


def test_a_baseline_may_stand_in_langfuse_alone(project: Project, runs: dict[str, Ended]) -> None:
    before, now = (done.started for done in runs.values())
    project.write("gates/remote.toml", f'baseline = "langfuse:{before}"\n{GATE}')
    told = project.scoregate("check", "gates/remote.toml", "--candidate", now, "--json").json()
    assert told == {**verdict(project, before, now), "gate": "remote"}


def test_delivery_survives_faults_and_twenty_seconds_without_a_server(
    project: Project, server: LangfuseServer
) -> None:
    server.faults.plan(*EVERY_FAULT, share=0.3, seed=7)
    try:
        replay = DATA / "outputs.175b_verification.jsonl"
        process = project.start(
            "run", "gates/gsm8k.toml", "--replay", replay, "--local"
        )  # the run itself, of which nothing is delivered yet
        _, told = process.communicate(timeout=60)
        found = re.search(r"run (\S+): ", told)
        assert found, told
        server.down_for(20.0)
        pushed = project.scoregate("runs", "push", found[1], "--delivery-seconds", "180")
    finally:
        server.faults.clear()
    assert "delivered 1319 of 1319 items, 2638 of 2638 scores" in pushed.out, pushed.out + pushed.err
    assert sum(server.faults.met.values()) > 0


def exported(project: Project, run: str, name: str) -> Path:
    done = project.scoregate("runs", "export", run, "-o", name)
    assert done.code == 0, done.err
    return project.path(name)


def cells(run: Run) -> dict[tuple[str, int, str], tuple[object, ...]]:
    return {(s.item, s.trial, s.score): (s.value, type(s.value), s.status, s.comment) for s in run.scores}


def verdict(project: Project, baseline: str, candidate: str) -> JSON:
    sides = ("--baseline", baseline, "--candidate", candidate)
    return project.scoregate("check", "gates/gsm8k.toml", *sides, "--json").json()
