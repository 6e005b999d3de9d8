"""What a run and an acceptance record of git is the project's own, also in a hook of another repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.project import Project
from tests.git.repository import Repository


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """On the branch `ours` of Ada, its commands started by a hook of another repository, on `theirs` of Bob."""
    project = Project.small(tmp_path / "project")
    (tmp_path / "other").mkdir()
    for folder, branch, person in (("project", "ours", "Ada"), ("other", "theirs", "Bob")):
        repository = Repository(tmp_path / folder)
        repository.git("init", "--quiet", f"--initial-branch={branch}")
        repository.git("config", "user.name", person)
        repository.git("config", "user.email", f"{person.lower()}@example.org")
        repository.commit({"of.txt": folder})
    other = tmp_path / "other"
    hook = {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": str(other / ".git" / "index"),
    }
    no_ci = {"GITHUB_ACTIONS": "", "GITLAB_CI": ""}
    return Project(project.folder, {**no_ci, **hook})


def test_a_run_in_another_repositorys_hook_is_of_its_own_branch_and_commit(project: Project) -> None:
    shown = project.scoregate("runs", "show", project.run().started, "--json").json()
    assert shown["commit"] == Repository(project.folder).git("rev-parse", "HEAD")
    assert shown["metadata"]["origin"]["branch"] == "ours"


def test_an_acceptance_in_another_repositorys_hook_is_by_its_own_person(project: Project) -> None:
    project.with_baseline()
    header = project.read_lines("gates/agent.baseline.jsonl")[0]
    assert header["metadata"]["accepted"]["who"] == "Ada <ada@example.org>"
    assert header["commit"] == Repository(project.folder).git("rev-parse", "HEAD")
