"""`github`: a verdict told from a job of GitHub Actions, as the steps of a workflow call the commands."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from scoregate.reports import render
from scoregate.reports.build import Build, LeftOut, Refused
from scoregate.reports.reading import read_build
from tests.cli.project import Project
from tests.git.repository import Repository
from tests.github.workflow import Workflow

SILENT = ("--no-comment", "--no-check-run")


@pytest.fixture
def project(regressed: tuple[Project, str]) -> Project:
    """A checkout whose gate has decided: `result.json`."""
    project, run = regressed
    repository = Repository(project.folder)
    repository.git("init", "--quiet", "--initial-branch=main")
    ended = project.scoregate("check", "gates/agent.toml", "--candidate", run, "-o", "json=result.json")
    assert ended.code == 1
    return project


def test_the_steps_of_a_job_tell_of_a_gate(project: Project, workflow: Workflow) -> None:
    environ = workflow.environ()
    begun = project.scoregate("github", "running", "gates/agent.toml", environment=environ)
    assert (begun.code, begun.out, begun.err) == (0, "", "")
    assert workflow.comment.startswith("### ⏳ Running in <code>agent</code>")

    told = project.scoregate("github", "publish", "result.json", environment=environ)
    assert (told.code, told.err) == (0, "")
    line = 1 + project.read("gates/agent.toml").splitlines().index("[scores.correct]")
    first, *further = told.out.splitlines()
    assert first.startswith(
        f"::error title=agent%3A correct%3A regression,file=gates/agent.toml,line={line}::100 %25 → 84 %25, "
    )
    assert all(one.startswith("::") for one in further)
    assert workflow.comment.startswith("### ❌ Regression in <code>agent</code>")
    assert "scoregate run gates/agent.toml" in workflow.comment
    assert workflow.summary.startswith("### ❌ Regression in <code>agent</code>")
    assert json.loads(workflow.outputs["gates"])["gates/agent.toml"]["verdict"] == "regression"
    (made,) = workflow.github.repository.check_runs.values()
    assert made.asked["conclusion"] == "failure"


def test_the_documents_are_enough(project: Project, workflow: Workflow, tmp_path: Path) -> None:
    """A poster has neither gate nor store."""
    alone = tmp_path / "alone"
    alone.mkdir()
    document = project.path("result.json").rename(alone / "result.json")
    told = Project(alone).scoregate("github", "publish", document, *SILENT, environment=workflow.environ())
    assert told.code == 0
    assert workflow.outputs["verdict"] == "regression"
    assert workflow.github.exchanges == []


def test_a_token_without_rights_changes_no_exit_code(project: Project, workflow: Workflow) -> None:
    workflow.token = "ghs_of_nobody"
    told = project.scoregate("github", "publish", "result.json", environment=workflow.environ())
    assert told.code == 0
    assert "::warning title=scoregate%3A no comment::" in told.out
    assert "::warning title=scoregate%3A no check run::" in told.out
    assert workflow.summary.startswith("### ❌ Regression")
    assert workflow.token not in told.out + told.err


def test_a_gate_that_ended_without_a_result_is_told(project: Project, workflow: Workflow) -> None:
    told = project.scoregate(
        "github", "publish", "--failed", "gates/agent.toml", *SILENT, environment=workflow.environ()
    )
    assert told.code == 0
    assert told.out.startswith(
        "::error title=scoregate%3A gates/agent.toml%3A error,file=gates/agent.toml::It ended without"
    )
    assert workflow.outputs["verdict"] == "error"


def test_a_folder_stands_for_its_gates(project: Project, workflow: Workflow) -> None:
    project.write("gates/scores.toml", '[correct]\ntype = "boolean"\n')
    project.write("gates/other.toml", project.read("gates/agent.toml"))
    told = project.scoregate(
        "github", "publish", "--failed", "gates", *SILENT, environment=workflow.environ()
    )
    assert [line.partition("::")[0] or line.split("::")[1] for line in told.out.splitlines()] == [
        "error title=scoregate%3A gates/agent.toml%3A error,file=gates/agent.toml",
        "error title=scoregate%3A gates/other.toml%3A error,file=gates/other.toml",
    ]


def test_a_gate_is_named_from_the_top_of_the_repository(
    project: Project, workflow: Workflow, tmp_path: Path
) -> None:
    inside = project.copied_to(tmp_path / "repository" / "agents" / "support")
    shutil.rmtree(inside.path(".git"))
    Repository(tmp_path / "repository").git("init", "--quiet")
    environment = {**workflow.environ(), "GIT_CEILING_DIRECTORIES": ""}
    told = inside.scoregate(
        "github", "publish", "--failed", "gates/agent.toml", *SILENT, environment=environment
    )
    assert ",file=agents/support/gates/agent.toml::" in told.out


def test_a_fork_is_told_of_by_its_commit(project: Project, workflow: Workflow) -> None:
    workflow.github.repository.open_pull_request(8, "c" * 40, of="mallory/support", of_number=99)
    run = {"id": 5, "run_attempt": 1, "head_sha": "c" * 40, "head_repository": {"id": 99}}
    workflow.event_name, workflow.event = "workflow_run", {"workflow_run": run}
    told = project.scoregate("github", "publish-fork", "result.json", environment=workflow.environ())
    assert (told.code, told.out, told.err) == (0, "", "scoregate: told on pull request #8\n")
    assert workflow.comment.startswith("### ❌ Regression in <code>agent</code>")


def test_the_gates_of_a_build_are_told_of_whatever_became_of_them(
    project: Project, workflow: Workflow
) -> None:
    """Their paths are as from the folder that the command was run in, which need not be the repository's top."""
    inside = project.copied_to(project.folder / "agents" / "support")
    shutil.rmtree(inside.path(".git"))
    inside.write("gates/billing.toml", inside.read("gates/agent.toml"))
    build = Build(
        reports=(read_build(project.path("result.json")).reports[0],),
        left_out=(LeftOut("billing", "gates/billing.toml", "nothing that it is made of has changed"),),
        refused=(Refused("agent", "gates/agent.toml", 2, "no such file", where="datasets/x.jsonl"),),
    )
    inside.write("result.json", render(build, "json"))
    told = inside.scoregate(
        "github",
        "publish",
        "result.json",
        *SILENT,
        environment={**workflow.environ(), "GIT_CEILING_DIRECTORIES": ""},
    )
    assert told.code == 0
    assert "file=agents/support/gates/agent.toml::datasets/x.jsonl: no such file" in told.out
    found = {gate: one["verdict"] for gate, one in json.loads(workflow.outputs["gates"]).items()}
    assert found == {
        "gates/agent.toml": "regression",
        "agents/support/gates/agent.toml": "error",
        "agents/support/gates/billing.toml": "left out",
    }
    assert (workflow.outputs["verdict"], workflow.outputs["exit-code"]) == ("error", "2")
    assert workflow.summary.startswith("### ⛔ Error in 1 of 3 gates (1 regression, 1 left out)")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("publish",), "no results are named: scoregate github publish RESULT.json"),
        (("publish", "nothing.json"), "nothing.json: no such file"),
        (("publish", "gates/agent.toml"), "gates/agent.toml: unknown kind of file (known: .json)"),
        (
            ("publish", "broken.json"),
            "broken.json: is no result document: $: 'schema' is a required property",
        ),
        (("publish", "empty.json"), "empty.json: tells of no gate"),
        (("publish-fork", "empty.json"), "empty.json: tells of no gate"),
        (("running", "gates/none.toml"), "gates/none.toml: there is no such gate"),
        (("running", "experiments"), "experiments: there is no gate in this folder"),
        (("publish-fork", "link.json"), "link.json: is a link to another file"),
        (("publish-fork", "large.json"), "large.json: is larger than 4 MiB"),
        (("publish-fork", "result.json"), "publish-fork: is for a workflow that runs on: workflow_run"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    project: Project, workflow: Workflow, words: tuple[str, ...], message: str
) -> None:
    project.write("broken.json", "{}")
    project.write("empty.json", render(Build(), "json"))
    project.write("large.json", " " * (5 << 20))
    project.path("link.json").symlink_to("result.json")
    ended = project.scoregate("github", *words, environment=workflow.environ())
    assert ended.error(2).startswith(message)
    assert workflow.github.exchanges == []


def test_outside_of_github_there_is_nothing_to_tell_it_to(project: Project) -> None:
    told = project.scoregate("github", "publish", "result.json", "--no-check-run")
    assert told.code == 0
    assert told.out.startswith("::error ")
