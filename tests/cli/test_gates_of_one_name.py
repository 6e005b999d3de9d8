"""Gates of one name, in a folder of the project's gates or in two projects: none is taken for the other."""

from __future__ import annotations

import shutil
from pathlib import Path

from scoregate.github.section import gate_name, without_verdict
from scoregate.reports.reading import read_build
from tests.cli.project import GATE, Project
from tests.cli.three_gates import WORSE, document, table
from tests.git.repository import Repository


def with_another_agent(three: Project) -> Project:
    """`gates/shop/agent.toml` beside `gates/agent.toml`, with an agent that is worse."""
    three.write("experiments/shop.py", WORSE)
    gate = GATE.replace("experiments/agent.py", "experiments/shop.py")
    three.write("gates/shop/agent.toml", gate)
    return three


def test_a_run_of_the_one_is_not_the_newest_of_the_other(three: Project) -> None:
    project = with_another_agent(three)
    assert project.scoregate("run", "gates/shop/agent.toml").code == 1
    assert project.run().code == 0

    checked = project.scoregate("check", "gates/shop/agent.toml", "--candidate", "newest")

    assert checked.error(2) == (
        "gates/shop/agent.toml: another gate has the same name, so whose run is the newest is not known: "
        "gates/agent.toml (name the run, or give one of the gates another name)"
    )
    both = project.scoregate("check", "gates", "gates/shop", "--candidate", "newest", "-o", "json=build.json")
    assert both.code == 2
    assert table(both) == {
        "gates/agent.toml": "error",
        "gates/shop/agent.toml": "error",
        "billing": "error",
        "refunds": "error",
    }
    assert {one["where"] for one in document(project)["refused"]} >= {
        "gates/agent.toml",
        "gates/shop/agent.toml",
    }


def test_shards_are_decided_by_none_that_they_may_not_be_of(three: Project) -> None:
    project = with_another_agent(three)
    assert (
        project.scoregate("run", "gates/shop/agent.toml", "--shard", "1/1", "-o", "results=1.jsonl").code == 0
    )

    line = project.scoregate("merge", "1.jsonl").error(2)

    assert "is of the gate 'agent', and 2 gates of this project have that name (name the gate: " in line
    assert project.scoregate("merge", "gates/shop/agent.toml", "1.jsonl").code == 1


def test_one_results_file_decides_no_two_gates(three: Project, tmp_path: Path) -> None:
    both = Project(tmp_path / "both")
    for name in ("a", "b"):
        three.copied_to(both.path(name))
    both.write("results/agent.jsonl", three.read("gates/agent.baseline.jsonl"))

    found = both.scoregate("check", "a/gates/agent.toml", "b/gates/agent.toml", "--candidate", "results")

    assert found.code == 2
    assert table(found) == {"a/gates/agent.toml": "error", "b/gates/agent.toml": "error"}
    assert "results has one results file for 2 gates of this name (check each of them alone)" in found.err


def test_a_folder_does_not_stand_for_the_folders_in_it_and_says_so(three: Project) -> None:
    project = with_another_agent(three)

    found = project.scoregate("run", "gates")

    assert table(found) == {"agent": "pass", "billing": "pass", "refunds": "pass"}
    told = "1 gate in folders below is not meant, such as gates/shop/agent.toml: name gates/shop too"
    assert f"scoregate: {told}\n" in found.err
    assert "not meant" not in project.scoregate("run", "gates", "gates/shop").err


def test_a_gate_that_leads_nowhere_is_no_gate_less(three: Project) -> None:
    three.path("gates/zone.toml").symlink_to("moved.toml")

    found = three.scoregate("run", "gates")

    assert found.code == 2
    assert table(found)["zone"] == "error"
    assert "gates/zone.toml: there is no such gate" in found.err


def test_of_a_fork_as_well_each_project_is_told_of_whatever_became_of_it(
    three: Project, tmp_path: Path
) -> None:
    """The workflow behind it has no checkout in which to look where a gate is."""
    both = Project(tmp_path / "both", environment={"GIT_CEILING_DIRECTORIES": ""})
    both.folder.mkdir()
    Repository(both.folder).git("init", "--quiet", "--initial-branch=main")
    for name in ("a", "b"):
        inside = Project(three.copied_to(both.path(name)).folder, environment=both.environment)
        inside.write("experiments/agent.py", "def task(:\n" if name == "a" else WORSE)
        shutil.rmtree(inside.path(".git"), ignore_errors=True)
        inside.scoregate("run", "gates/agent.toml", "gates/billing.toml", "-o", "json=build.json")
    builds = [read_build(both.path(f"{name}/build.json")) for name in ("a", "b")]
    assert [build.folder for build in builds] == ["a", "b"]

    errors = [one.gate for build in builds for one in without_verdict(build, build.from_top)]
    verdicts = [gate_name(report) for build in builds for report in build.reports]

    assert errors == ["a/gates/agent.toml"]
    assert sorted(verdicts) == ["a/gates/billing.toml", "b/gates/agent.toml", "b/gates/billing.toml"]


def test_each_is_run_and_told_apart(three: Project) -> None:
    project = with_another_agent(three)

    found = project.scoregate("run", "gates/agent.toml", "gates/shop/agent.toml")

    assert found.code == 1
    assert table(found) == {"gates/shop/agent.toml": "regression", "gates/agent.toml": "pass"}
