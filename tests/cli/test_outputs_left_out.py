"""Results files that leave outputs out, at the commands that judges answer: nothing is ever judged as null."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from scoregate.records import JSON
from tests.cli.judged import judged_project
from tests.cli.labelled import labelled_project
from tests.cli.project import Project
from tests.model_server.answers import Answer, judged
from tests.model_server.request import ModelRequest
from tests.model_server.server import ModelServer

LOCK = "gates/agent.baseline.jsonl"


def without(lines: list[JSON], items: Collection[str]) -> list[JSON]:
    """The lines of a file without the outputs of these items."""
    return [
        {key: value for key, value in line.items() if key != "output" or line["item"] not in items}
        for line in lines
    ]


def changed_judge(project: Project) -> Project:
    """The baseline's file leaves two outputs out, and the judge's prompt was changed."""
    project.write_lines(LOCK, without(project.read_lines(LOCK), ("q002", "q003")))
    project.edit("prompts/relevance.md", "good", "fine")
    return project


def test_a_baseline_that_leaves_outputs_out_is_not_scored_again(
    judged_accepted: Project, judge_server: ModelServer
) -> None:
    project = changed_judge(judged_accepted)
    before, lock = project.baseline_run, project.read(LOCK)
    project.path(".scoregate/store.sqlite3").rename(project.path("elsewhere.sqlite3"))
    rescore = ("runs", "rescore", before, "--gate", "gates/agent.toml")
    assert project.scoregate(*rescore).error(2) == (
        f"2 of the 8 outputs of run {before} are neither in the store nor the baseline's file, so they cannot be "
        f"scored again: q002, q003 (give a results file that has them, --outputs FILE: `scoregate runs export {before} "
        "-o FILE` writes it where the run is stored; else run its version again and accept it)"
    )
    assert "2 of the 8 outputs" in project.run("--rescore-baseline").err
    assert judge_server.requests == []
    assert project.read(LOCK) == lock

    exported = ("runs", "export", before, "-o", "whole.jsonl", "--store", "elsewhere.sqlite3")
    assert project.scoregate(*exported).code == 0
    assert project.scoregate(*rescore, "--outputs", "whole.jsonl").code == 0
    assert [line["output"] for line in project.read_lines(LOCK)[1:]] == [f"answer {n}" for n in range(8)]


def test_where_the_store_has_the_outputs_they_are_judged(
    judged_accepted: Project, judge_server: ModelServer
) -> None:
    project = changed_judge(judged_accepted)
    rescored = project.scoregate("runs", "rescore", project.baseline_run, "--gate", "gates/agent.toml")
    assert rescored.code == 0, rescored.err
    prompts = sorted(request.prompt.splitlines()[-1] for request in judge_server.requests)
    assert prompts == [f"Answer: answer {n}" for n in range(8)]
    assert [line["output"] for line in project.read_lines(LOCK)[1:]] == [f"answer {n}" for n in range(8)]


def test_a_run_that_was_taken_over_without_outputs_is_exported_without_them(judged_accepted: Project) -> None:
    before = judged_accepted.baseline_run
    export = ("runs", "export", before, "-o")
    assert judged_accepted.scoregate(*export, "whole.jsonl").code == 0
    judged_accepted.write_lines("bare.jsonl", without(judged_accepted.read_lines("whole.jsonl"), ("q002",)))
    store = ("--store", "other.sqlite3")
    assert judged_accepted.scoregate("runs", "import", "bare.jsonl", *store).code == 0
    assert judged_accepted.scoregate(*export, "again.jsonl", *store).code == 0
    assert judged_accepted.read("again.jsonl") == judged_accepted.read("bare.jsonl")


def test_answers_that_one_run_leaves_out_are_not_compared(tmp_path: Path) -> None:
    def script(request: ModelRequest) -> Answer:
        return judged("first") if request.prompt.startswith("Which") else judged(8)

    with ModelServer(script=script) as server:
        project = judged_project(tmp_path / "p", server, number=4, more='pairwise = "prompts/which.md"')
        project.write("prompts/which.md", "Which {{first}} or {{second}}")
        runs = [project.run().started]
        project.edit("experiments/agent.py", "answer {item", "again {item")
        runs.append(project.run().started)
        for run, name in zip(runs, ("a.jsonl", "b.jsonl"), strict=True):
            assert project.scoregate("runs", "export", run, "-o", name).code == 0
        project.write_lines("b.jsonl", without(project.read_lines("b.jsonl"), ("q001", "q002")))
        asked = len(server.requests)
        compare = ("judge", "compare", "gates/agent.toml", "a.jsonl", "b.jsonl")
        shown = project.scoregate(*compare)
        prompts = [request.prompt for request in server.requests[asked:]]
        told = project.scoregate(*compare, "--json").json()
    assert len(prompts) == 4
    assert not any("null" in prompt for prompt in prompts)
    assert "2 pairs: A better 0, B better 0, 2 ties" in shown.out
    assert "left out, as not both runs have the output: 2 (first: q001)" in shown.out
    assert (told["pairs"], told["left_out"]) == (2, 2)


def test_a_report_shows_an_answer_of_null_and_none_that_was_left_out(
    tmp_path: Path,
) -> None:
    cells = [(f"answer {n}", True, True) for n in range(20)]
    project = labelled_project(tmp_path, cells, [(answer, False, False) for answer, _, _ in cells])
    project.edit("gates/agent.toml", 'labels = "labels.jsonl"\n', "")
    project.edit("before.jsonl", '"answer 0"', "null")
    project.write_lines("now.jsonl", without(project.read_lines("now.jsonl"), ("q000",)))
    checked = project.scoregate("check", "gates/agent.toml", "--candidate", "now.jsonl", "--json")
    moved = checked.json()["items"]
    assert moved["q000"]["before"] is None
    assert "after" not in moved["q000"]
    assert moved["q001"]["after"] == "answer 1"
