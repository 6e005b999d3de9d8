"""The command that a comment gives to its reader: typed in a clone, it comes to the verdict that the build came to."""

from __future__ import annotations

import dataclasses
import html
import re
import shlex
import shutil
from pathlib import Path

import pytest

from scoregate.gate_run.request import Request
from scoregate.github.publishing import Faces, publish
from scoregate.reports.provenance import Asked
from scoregate.reports.reading import read_build
from tests.cli.project import Ended, Project, agent
from tests.git.repository import Repository
from tests.github.workflow import FAST, Workflow

WORSE = agent("return n if n >= 10 else -1", version="v2")
REPOSITORY = {"GIT_CEILING_DIRECTORIES": ""}
"""In which the project is a folder."""


@pytest.fixture
def project(accepted: Project, tmp_path: Path) -> Project:
    """In a folder of a repository, with a branch `main`."""
    inside = accepted.copied_to(tmp_path / "repository" / "my agents" / "shop")
    shutil.rmtree(inside.path(".git"), ignore_errors=True)
    repository = Repository(tmp_path / "repository")
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit()
    return inside


def told_command(project: Project, workflow: Workflow) -> str:
    """What the comment on the verdict says to type."""
    faces = Faces(check_run=False, annotations=False, summary=False)
    reports = read_build(project.path("v.json")).reports
    publish(reports, workflow.job, workflow.told.append, faces=faces, timing=FAST)
    (command,) = re.findall("Again, on your machine: <code>(.*)</code>", workflow.comment)
    return html.unescape(command)


def typed(command: str, top: Path) -> Ended:
    """What comes of it at the top of a clone that has the pull request checked out."""
    first, *steps, last = command.split(" && ")
    assert first == "gh pr checkout 7"
    for step in steps:
        word, folder = shlex.split(step)
        assert word == "cd"
        top = top / folder
    words = shlex.split(last)
    start = words.index("scoregate")
    environment = dict(word.split("=", 1) for word in words[:start])
    return Project(top).scoregate(*words[start + 1 :], environment={**REPOSITORY, **environment})


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--candidate", "experiments/it's worse.py"), 1),
        (("--baseline", "worse.jsonl", "--timeout", "2.5"), 0),
        (("--item", "q000", "--item", "q010", "--on-inconclusive", "fail", "--seed", "3"), 3),
    ],
)
def test_it_runs_in_the_folder_and_with_the_options_of_the_build(
    project: Project, workflow: Workflow, options: tuple[str, ...], code: int
) -> None:
    project.write("experiments/it's worse.py", WORSE)
    run = project.run("--experiment", "experiments/it's worse.py").started
    exported = project.scoregate("runs", "export", run, "-o", "worse.jsonl")
    assert exported.code == 0, exported.err
    ran = project.scoregate("run", "gates/agent.toml", *options, "-o", "json=v.json", environment=REPOSITORY)
    assert ran.code == code
    command = told_command(project, workflow)
    assert command.startswith("gh pr checkout 7 && cd 'my agents/shop' && scoregate run gates/agent.toml")
    again = typed(command, project.folder.parents[1])
    assert again.code == code
    assert again.out.splitlines()[0] == ran.out.splitlines()[0]


def test_stored_results_are_told_by_what_they_were_compared_with(
    project: Project, workflow: Workflow
) -> None:
    project.run()
    words = ("check", "gates", "--candidate", "newest", "--on-inconclusive", "fail", "-o", "json=v.json")
    assert project.scoregate(*words, environment=REPOSITORY).code == 0
    command = told_command(project, workflow)
    assert command.endswith(" && scoregate run gates/agent.toml --on-inconclusive fail")


def test_a_change_that_moves_the_gate_is_held_against_the_same_branch(
    project: Project, workflow: Workflow
) -> None:
    """Under the policy of the base the gate that lies there is not the one that decides."""
    repository = Repository(project.folder.parents[1])
    repository.commit({"pyproject.toml": '[tool.scoregate]\npolicy = "base"\n'})
    repository.git("checkout", "--quiet", "-b", "change")
    project.edit(
        "gates/agent.toml", "max_drop = 0.05", 'max_drop = 0.5\nfails_on = "a proved drop beyond the margin"'
    )
    project.write("experiments/agent.py", WORSE)
    repository.commit()
    in_pull_request = {**REPOSITORY, "GITHUB_BASE_REF": "main"}
    ran = project.scoregate("run", "gates/agent.toml", "-o", "json=v.json", environment=in_pull_request)
    assert ran.code == 1
    command = told_command(project, workflow)
    assert typed(command.replace("GITHUB_BASE_REF=main ", ""), project.folder.parents[1]).code == 0
    assert typed(command, project.folder.parents[1]).code == 1


def test_at_the_top_of_a_repository_it_is_the_command_alone(
    regressed: tuple[Project, str], workflow: Workflow
) -> None:
    project, run = regressed
    Repository(project.folder).git("init", "--quiet", "--initial-branch=main")
    project.scoregate("check", "gates/agent.toml", "--candidate", run, "-o", "json=v.json")
    assert told_command(project, workflow) == "gh pr checkout 7 && scoregate run gates/agent.toml"


def test_every_option_of_a_run_bears_on_the_verdict_or_is_known_not_to() -> None:
    """How a run is made and told, whose verdict is the same: not in the command."""
    not_told = {
        "gate_path", "store_path", "resume", "shard", "no_cache", "concurrency", "max_cost", "max_calls", "max_seconds",
        "local", "require_delivery", "delivery_seconds", "outputs", "as_json",
    }  # fmt: skip
    options = {one.name: one.default for one in dataclasses.fields(Request) if one.name not in not_told}
    assert options == {one.name: one.default for one in dataclasses.fields(Asked)}
