"""The workflow that `init` writes: one for a repository, whichever folder it is called in, and valid with each gate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from scoregate.starter.workflow import ACTION, OWNER
from tests.cli.project import Project
from tests.git.repository import Repository
from tests.workflows.test_workflows import GITHUB
from tests.workflows.validators import actionlint_faults, schema_faults, zizmor_faults

WORKFLOW = ".github/workflows/scoregate.yml"
COMMENT = ".github/workflows/scoregate-comment.yml"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A repository with nothing in it."""
    Repository(tmp_path).git("init", "--quiet")
    return Project(tmp_path)


def init(project: Project, *words: str) -> str:
    ended = project.scoregate("init", *words)
    assert ended.code == 0, ended.err
    return ended.out


def zizmor_finds(project: Project, *files: Path) -> list[str]:
    """Our own action is named by its tag, which tells a reader more than a commit would."""
    pinned = {"unpinned-uses": {"config": {"policies": {f"{OWNER}/*": "ref-pin", "*": "hash-pin"}}}}
    return zizmor_faults(*files, config=project.write("zizmor.yml", json.dumps({"rules": pinned})))


def jobs(project: Project) -> dict[str, Any]:
    """Name of a job -> what it gives the action."""
    workflow: Any = YAML(typ="safe").load(project.read(WORKFLOW))
    return {
        name: step["with"]
        for name, job in workflow["jobs"].items()
        for step in job["steps"]
        if step.get("uses") == ACTION
    }


def test_two_calls_in_two_folders_make_one_workflow_at_the_top_that_runs_both_gates(project: Project) -> None:
    for folder in ("agents/a", "agents/b"):
        project.path(folder).mkdir(parents=True)
        assert project.scoregate("init", folder=project.path(folder)).code == 0
    files = [path.relative_to(project.folder).as_posix() for path in project.folder.rglob("*.yml")]
    assert files == [WORKFLOW]
    assert jobs(project) == {
        f"agents-{name}": {"working-directory": f"agents/{name}", "gates": "gates/agent.toml\n"}
        for name in "ab"
    }
    path = project.path(WORKFLOW)
    assert schema_faults("github-workflows", path) == []
    assert zizmor_finds(project, path) == []
    assert actionlint_faults(path) == []


def test_a_second_gate_of_a_folder_joins_the_job_that_is_there(project: Project) -> None:
    init(project)
    assert f"added the gate to {WORKFLOW}" in init(project, "--name", "router")
    assert jobs(project) == {
        "gate": {"working-directory": ".", "gates": "gates/agent.toml\ngates/router.toml\n"}
    }


def test_what_people_changed_stays_as_it_is(project: Project) -> None:
    init(project, "a")
    project.edit(WORKFLOW, "on: pull_request\n", "on: [pull_request, push]  # ours\n")
    project.edit(
        WORKFLOW, "        # env:\n        #   OPENAI", "        env:\n          A: b\n        #   OPENAI"
    )
    project.edit(WORKFLOW, '"a"\n', 'a   # the shop\n          comment: "false"\n')
    before = project.read(WORKFLOW)
    init(project, "a", "--name", "router")
    init(project, "b")
    after = project.read(WORKFLOW)
    assert after.startswith(before.rstrip("\n") + "\n            gates/router.toml\n  b:\n")
    assert schema_faults("github-workflows", project.path(WORKFLOW)) == []
    assert set(jobs(project)) == {"a", "b"}


@pytest.mark.parametrize(
    "gates", ["gates/*.toml", "|\n            gates\n", "gates  # all of them", '"gates/"']
)
def test_a_gate_that_a_pattern_or_a_folder_names_already_is_not_added(project: Project, gates: str) -> None:
    init(project)
    project.edit(WORKFLOW, "gates: |\n            gates/agent.toml", f"gates: {gates}")
    before = project.read(WORKFLOW)
    assert f"kept  {WORKFLOW} as it is" in init(project, "--name", "router")
    assert project.read(WORKFLOW) == before


NO_BLOCK = "its `gates:` are no block of lines"
ELSEWHERE = ('working-directory: "."', "working-directory: elsewhere")


@pytest.mark.parametrize(
    ("edits", "why"),
    [
        ([("gates: |\n            gates/agent.toml", "gates: gates/agent.toml")], NO_BLOCK),
        ([("gates: |", "gates: >-")], NO_BLOCK),
        ([ELSEWHERE, ("  gate:\n", "   gate:\n")], "its jobs are not indented by two spaces"),
        ([ELSEWHERE, ("  gate:\n", " gate:\n  steps:\n")], "its jobs are not indented by two spaces"),
        ([ELSEWHERE, ("jobs:\n", "jobs: {}\nenv:\n")], "it has no `jobs:` of its own line"),
        (
            [ELSEWHERE, ("            gates/agent.toml", "            a.toml\nenv: {}")],
            "`jobs:` is not the last part of it",
        ),
    ],
    ids=["plain", "folded", "indented", "one-space", "flow", "not-last"],
)
def test_a_workflow_that_cannot_be_extended_is_refused_and_what_to_add_is_said(
    project: Project, edits: list[tuple[str, str]], why: str
) -> None:
    init(project)
    for old, new in edits:
        project.edit(WORKFLOW, old, new)
    before = project.read(WORKFLOW)
    assert project.scoregate("init", "--name", "router").error(2) == (
        f'{WORKFLOW}: cannot be extended: {why} (add a step to it: `uses: {ACTION}` with `working-directory: "."` and '
        "`gates: gates/router.toml`, then call init again)"
    )
    assert project.read(WORKFLOW) == before
    assert not project.path("gates/router.toml").exists()

    project.write(WORKFLOW, f"{before}\nby-hand: gates/router.toml\n")
    assert f"kept  {WORKFLOW} as it is" in init(project, "--name", "router")


def test_a_folder_whose_name_is_no_word_is_still_one_in_yaml(project: Project) -> None:
    for folder in ("1e3", "my agent: 'x' #1", "größe"):
        init(project, folder)
    found = jobs(project)
    assert [given["working-directory"] for given in found.values()] == ["1e3", "my agent: 'x' #1", "größe"]
    assert schema_faults("github-workflows", project.path(WORKFLOW)) == []
    assert f"kept  {WORKFLOW}" not in init(project, "1e3", "--name", "router")
    assert jobs(project)["gate-1e3"]["gates"] == "gates/agent.toml\ngates/router.toml\n"


def test_for_forks_the_gate_has_no_rights_and_another_workflow_comments(project: Project) -> None:
    init(project, "a", "--forks")
    init(project, "b")  # as the repository is, without saying so again
    workflow: Any = YAML(typ="safe").load(project.read(WORKFLOW))
    assert [job["permissions"] for job in workflow["jobs"].values()] == [{"contents": "read"}] * 2
    assert {given["comment"] for given in jobs(project).values()} == {"false"}
    files = (project.path(WORKFLOW), project.path(COMMENT))
    assert schema_faults("github-workflows", *files) == []
    assert zizmor_finds(project, *files) == []
    assert actionlint_faults(*files) == []


def test_what_comments_for_forks_follows_the_other_workflow_and_runs_no_code_of_theirs(
    project: Project,
) -> None:
    init(project, "--forks")
    workflow: Any = YAML(typ="safe").load(project.read(COMMENT))
    gate: Any = YAML(typ="safe").load(project.read(WORKFLOW))
    assert workflow["on"] == {"workflow_run": {"workflows": [gate["name"]], "types": ["completed"]}}
    steps = workflow["jobs"]["comment"]["steps"]
    assert [step["uses"].partition("@")[0] for step in steps if "uses" in step] == [
        "actions/download-artifact",
        "actions/setup-python",
    ]
    assert "scoregate github publish-fork" in steps[-1]["run"]


def test_a_workflow_that_comments_itself_is_not_made_one_for_forks(project: Project) -> None:
    init(project)
    said = project.scoregate("init", "b", "--forks").error(2)
    assert said.startswith(f"{WORKFLOW}: its jobs comment themselves")
    assert not project.path("b").exists()


def test_the_actions_of_others_are_those_of_our_own_workflows(project: Project) -> None:
    init(project, "--forks")
    ours = "".join(path.read_text(encoding="utf-8") for path in GITHUB.rglob("*.yml"))
    for path in (WORKFLOW, COMMENT):
        for line in project.read(path).splitlines():
            if "uses:" in line and OWNER not in line:
                assert line.strip().removeprefix("- ") in ours
