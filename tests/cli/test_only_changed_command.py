"""`run --only-changed`: a pull request runs the gates that it concerns; the others are told, and pass nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoregate.reports.reading import read_build
from tests.cli.project import GATE, NOTE_CALL, Project, agent
from tests.cli.three_gates import document, table
from tests.git.repository import Repository


@pytest.fixture(scope="module")
def _pushed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    experiment = agent(f"{NOTE_CALL}\nreturn helper.answer(n)", before="import helper")
    project = Project.small(tmp_path_factory.mktemp("pushed") / "project", number=40, experiment=experiment)
    project.write("experiments/helper.py", "def answer(n):\n    return n\n")
    project.write(".gitignore", ".scoregate/\n__pycache__/\ncalls\n*.json\n*.xml\n")
    project.write("README.md", "An agent.\n")
    project.with_baseline()
    project.write("experiments/billing.py", agent("return n"))
    billing = GATE.replace("experiments/agent.py", "experiments/billing.py")
    project.write("gates/billing.toml", billing.replace("agent.baseline", "billing.baseline"))
    project.write("gates/billing.baseline.jsonl", project.read("gates/agent.baseline.jsonl"))
    project.path("calls").unlink()
    repository = Repository(project.folder)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit()
    repository.git("checkout", "--quiet", "-b", "change")
    return project


@pytest.fixture
def project(_pushed: Project, tmp_path: Path) -> Project:
    """A repository on a branch without changes, with the gates `agent`, which imports a helper, and `billing`."""
    return _pushed.copied_to(tmp_path / "project")


def test_a_change_of_a_helper_that_the_experiment_imports_runs_that_gate(project: Project) -> None:
    project.write("experiments/helper.py", "def answer(n):\n    return n if n >= 20 else -1\n")
    Repository(project.folder).commit()

    found = project.scoregate("run", "gates", "--only-changed", "-o", "json=build.json")

    assert found.code == 1, found.err
    assert table(found) == {"agent": "regression", "billing": "left out"}
    assert "gates/agent.toml: experiments/helper.py has changed since merge-base@" in found.err
    assert len(project.calls()) == 40
    assert [one["gate"] for one in document(project)["gates"]] == ["agent"]


def test_a_change_of_the_readme_runs_none_and_that_is_no_pass(project: Project) -> None:
    project.write("README.md", "Another text.\n")
    Repository(project.folder).commit()

    found = project.scoregate(
        "run", "gates", "--only-changed", "-o", "json=build.json", "-o", "junit=build.xml", cold=True
    )

    assert found.code == 0, found.err
    assert project.calls() == []
    assert found.out.startswith("LEFT OUT: 2 gates: all left out, so nothing is decided\n")
    assert table(found) == {"agent": "left out", "billing": "left out"}
    assert "pass" not in found.out.lower()
    built = document(project)
    assert (built["exit_code"], built["gates"], built["refused"]) == (0, [], [])
    assert [(left["gate"], left["path"]) for left in built["left_out"]] == [
        ("agent", "gates/agent.toml"),
        ("billing", "gates/billing.toml"),
    ]
    assert built["left_out"][0]["why"].startswith("nothing that it is made of has changed since merge-base@")
    assert read_build(project.path("build.json")).worst == "left out"
    assert project.read("build.xml").count("<skipped ") == 2


def test_a_gate_alone_can_be_left_out_too(project: Project) -> None:
    found = project.scoregate("run", "gates/agent.toml", "--only-changed", "main", "--json")

    built = found.json()
    assert (found.code, built["schema"], built["gates"]) == (0, 2, [])
    assert [left["gate"] for left in built["left_out"]] == ["agent"]


def test_the_share_of_alpha_is_the_same_whatever_is_left_out(project: Project) -> None:
    project.write("gates/project.toml", "[project]\nalpha = 0.03\n")
    Repository(project.folder).commit()
    project.write("experiments/billing.py", agent("return n", version="v2"))

    built = project.scoregate("run", "gates", "--only-changed", "HEAD", "--json").json()

    assert [(one["gate"], one["alpha"]) for one in built["gates"]] == [("billing", 0.015)]
    assert [left["gate"] for left in built["left_out"]] == ["agent"]
    assert built["alpha"] == 0.03


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--only-changed", "gates"),
            "'gates' is a gate or a folder, not a git ref; put GATE before --only-changed",
        ),
        (("gates", "--only-changed", "mian"), "git knows no 'mian' (did you mean 'main'?"),
        (
            ("gates", "--only-changed", "--candidate", "git:main"),
            "--only-changed looks at the files that are here",
        ),
    ],
)
def test_a_mistake_is_one_line(project: Project, words: tuple[str, ...], said: str) -> None:
    line = project.scoregate("run", *words).error(2)

    assert said in line
    assert project.calls() == []
