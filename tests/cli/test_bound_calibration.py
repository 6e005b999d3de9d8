"""A calibration is worth what it was compared by and of which answers: the gate, the run and the file say so."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoregate.records import JSON
from tests.cli.judged import judged_project
from tests.cli.project import Ended, Project
from tests.model_server.answers import Answer, judged
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer

GATE = "gates/agent.toml"
FILE = "gates/calibrations/relevance.json"
NUMBER = 20


def number_of(text: str) -> int:
    found = re.search(r"answer (\d+)", text)
    assert found is not None, text
    return int(found[1])


def harsh(request: ModelRequest) -> Answer:
    """One less than people give, who give 4 to 8."""
    return judged(number_of(request.prompt) % 5 + 3)


def labels() -> list[JSON]:
    return [{"item": f"q{n:03}", "label": n % 5 + 4, "output": f"answer {n}"} for n in range(NUMBER)]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(script=harsh) as server:
        yield server


def project_of(folder: Path, server: ModelServer, required: str) -> Project:
    project = judged_project(
        folder,
        server,
        number=NUMBER,
        after_scores=f'labels = "labels.jsonl"\nrequire_calibration = {required}\n',
    )
    project.write_lines("labels.jsonl", labels())
    return project


def calibrated(project: Project, *words: str) -> Ended:
    return project.scoregate("judge", "calibrate", GATE, *words)


def printed_command(ended: Ended) -> list[str]:
    lines = [line for line in ended.out.splitlines() if line.startswith("→ scoregate judge calibrate ")]
    assert len(lines) == 1, ended.out
    return shlex.split(lines[0].removeprefix("→ scoregate "))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--tolerance", "inf"), "relevance: the tolerance is inf, and must be a finite number"),
        (
            ("--tolerance", "9"),
            "relevance: the tolerance is 9, and by a tolerance of 5 or more a judge that always",
        ),
        (("--pass-at", "50"), "relevance: the pass mark is 50, outside the values of the score"),
        (("--pass-at", "nan"), "relevance: the pass mark is nan, and must be a finite number"),
        (
            ("--pass-at", "0"),
            "relevance: the pass mark is 0, where every value passes, so that every judge agrees",
        ),
    ],
)
def test_a_comparison_by_which_every_judge_agrees_is_one_line_and_costs_nothing(
    tmp_path: Path, server: ModelServer, words: tuple[str, ...], message: str
) -> None:
    project = project_of(tmp_path, server, "{ agreement = 0.9, n = 20 }")
    assert calibrated(project, *words).error(2).startswith(message)
    assert server.requests == []


def test_the_gate_says_how_numbers_are_compared(tmp_path: Path, server: ModelServer) -> None:
    project = project_of(tmp_path, server, "{ agreement = 0.9, tolerance = 1, n = 20 }").with_baseline()
    done = calibrated(project)
    assert "they agree where they differ by at most 1" in done.out
    assert "what the gate requires is met" in done.out
    assert project.run().outcome(0) == "PASS"

    wider = calibrated(project, "--tolerance", "3")
    told = (
        "the calibration of the judge 'relevance' was compared by tolerance = 3.0, and the gate requires "
        "tolerance = 1.0; calibrate it again: scoregate judge calibrate gates/agent.toml"
    )
    assert f"what the gate requires is not met: {told}" in wider.err
    run = project.run()
    assert run.outcome(4) == "INVALID"
    assert project.scoregate(*printed_command(run)).code == 0
    assert project.scoregate("check", GATE, "--candidate", run.started).outcome(0) == "PASS"


def test_without_a_word_of_the_gate_only_equal_numbers_agree(tmp_path: Path, server: ModelServer) -> None:
    project = project_of(tmp_path, server, "{ agreement = 0.9, n = 20 }")
    assert (
        "compared by tolerance = 1.0, and the gate requires exact agreement"
        in calibrated(project, "--tolerance", "1").err
    )
    assert "agrees too little with people: agreement is 0" in calibrated(project).err


def test_a_file_edited_by_hand_decides_nothing(tmp_path: Path, server: ModelServer) -> None:
    project = project_of(tmp_path, server, "{ kappa = 0.6, n = 20 }").with_baseline()
    assert calibrated(project).code == 0
    kept = json.loads(project.read(FILE))
    kept["kappa"] = {"value": 0.95, "low": 0.9, "high": 1.0, "n": NUMBER, "reason": None}
    project.write(FILE, json.dumps(kept))
    run = project.run()
    assert run.outcome(4) == "INVALID"
    text = " ".join(run.out.split())
    assert (
        "the calibration of the judge 'relevance' cannot be used: gates/calibrations/relevance.json " in text
    )
    assert "contradicts itself: 'kappa' is 0.95, and it would be -0.1" in text
    assert printed_command(run) == ["judge", "calibrate", GATE]
    assert "agrees too little" in calibrated(project).err


def test_labels_without_outputs_are_told_to_be_of_the_newest_run(tmp_path: Path, server: ModelServer) -> None:
    project = project_of(tmp_path, server, "{ n = 20 }")
    first = project.run().started
    bare = [{"item": one["item"], "label": one["label"]} for one in labels()]
    project.write_lines("labels.jsonl", bare)
    project.edit("experiments/agent.py", 'f"answer', 'f"another answer')
    project.edit("experiments/agent.py", '"v1"', '"v2"')
    second = project.run().started
    told = f"labels without an output are taken to be of run {second} (v2, "
    assert told in calibrated(project).err
    named = calibrated(project, "--run", first)
    assert named.code == 0
    assert "labels without an output" not in named.err
