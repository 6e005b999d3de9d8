"""What a person gets wrong with two versions: one line says what, where and what to do next."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.beside import AGENT, BESIDE, Branch, answers
from tests.cli.project import GATE, Project, ended

Beside = Callable[..., Branch]


@pytest.fixture(scope="module")
def branch(tmp_path_factory: pytest.TempPathFactory) -> Branch:
    """With a branch for everything that can be wrong with another version; its working tree is not to be changed."""
    made = Branch.made(
        tmp_path_factory.mktemp("mistakes") / "project", number=8, gate=GATE + "\n[limits]\nconcurrency = 2\n"
    )
    made.commit_on("broken", {"experiments/agent.py": "def task(:\n"})
    made.commit_on("lacking", {"experiments/agent.py": "import no_such_package\n"})
    made.commit_on(
        "failing", {"experiments/answers.py": answers("failing", before='raise RuntimeError("no key")')}
    )
    made.repository.git("checkout", "--quiet", "--orphan", "empty")
    made.repository.git("rm", "--quiet", "-r", "--cached", ".")
    made.repository.git("commit", "--quiet", "--allow-empty", "-m", "nothing")
    made.repository.git("checkout", "--quiet", "--force", "pr")
    return made


@pytest.fixture
def beside(tmp_path: Path) -> Beside:
    def make(**parts: object) -> Branch:
        return Branch.made(tmp_path / "project", **parts)  # type: ignore[arg-type]

    return make


def refused(branch: Branch, *words: str) -> str:
    line = branch.run(*words).error(2)
    assert not branch.calls()
    return line


def test_a_project_in_no_repository(tmp_path: Path) -> None:
    project = Project.small(tmp_path / "project", gate=BESIDE)

    assert project.run().error(2) == (
        f"{project.folder}: is in no git repository "
        "(a `git:` baseline needs one; a stored run or a results file does not)"
    )


def test_a_machine_without_git(branch: Branch) -> None:
    ended_ = branch.project.scoregate(
        "run", "gates/agent.toml", "--against", "git:main", environment={"PATH": "/nonexistent"}
    )

    assert ended_.error(2) == (
        "git cannot be started: No such file or directory "
        "(install it, or take a stored run or a results file as the baseline)"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--against", "git:mian"), "git knows no 'mian' (did you mean 'main'?; or get it first:"),
        (("--against", "git:"), "'git:' names no git ref (such as git:main or git:merge-base)"),
        (
            ("--against", "results.jsonl"),
            "--against: 'results.jsonl' cannot be run beside the candidate (give a Python file or a git ref "
            "(git:main); results that exist go to --baseline)",
        ),
        (("--against", "experiments/agnet.py"), "no such file (did you mean 'agent.py'?)"),
        (
            ("--against", "git:main", "--baseline", "git:main"),
            "--baseline and --against both name the baseline (give one of them)",
        ),
        (
            ("--against", "git:main", "--candidate", "git:pr", "--experiment", "experiments/agent.py"),
            "--candidate and --experiment both name the candidate (give one of them)",
        ),
        (("--against", "git:main", "--candidate", "git:nope"), "git knows no 'nope'"),
        (
            ("--against", "git:empty"),
            "(name a ref that has it, or take a stored run as the baseline)",
        ),
    ],
)  # fmt: skip
def test_a_version_that_is_not_there(branch: Branch, words: tuple[str, ...], told: str) -> None:
    assert told in refused(branch, *words)


@pytest.mark.parametrize(
    ("ref", "told"),
    [
        ("broken", "cannot be imported: SyntaxError: invalid syntax"),
        ("lacking", "cannot be imported: ModuleNotFoundError: No module named 'no_such_package'"),
    ],
)
def test_a_version_that_cannot_be_loaded(branch: Branch, ref: str, told: str) -> None:
    line = refused(branch, "--against", f"git:{ref}")

    assert line.startswith(".scoregate/worktrees/")
    assert f"experiments/agent.py:1: at {ref}@" in line
    assert told in line


def test_a_baseline_that_fails_every_item_is_never_a_pass(branch: Branch) -> None:
    said = branch.run("--against", "git:failing")

    assert said.outcome(4) == "INVALID"
    words = " ".join(said.out.split())
    assert (
        "INVALID: 100.0 % of the baseline's values of 'correct' are missing or failed (8 items of 8" in words
    )
    assert "the first because: RuntimeError: no key" in words
    branch.project.folder.parent.joinpath("calls").unlink()


def test_a_package_that_the_other_versions_environment_lacks(
    beside: Beside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "uv"  # for a lock file with nothing in it, made in a moment
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n"{sys.executable}" -m venv --without-pip "$UV_PROJECT_ENVIRONMENT"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    branch = beside(gate=GATE + "\n[limits]\nconcurrency = 2\n")
    files = {"uv.lock": "# none\n", "experiments/agent.py": f"import numpy\n{AGENT}"}
    branch.commit_on("old", files)
    branch.project.write("uv.lock", "numpy\n")
    said = branch.run("--against", "git:old")

    assert said.code == 2
    assert "cannot be imported: ModuleNotFoundError: No module named 'numpy'" in said.err.splitlines()[-1]
    assert "at old@" in said.err.splitlines()[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="file URLs")
def test_a_shallow_clone_is_told_to_fetch_more(branch: Branch, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    branch.repository.git(
        "clone", "--quiet", "--depth=1", "--branch=pr", f"file://{branch.project.folder}", str(clone)
    )
    project = Project(clone, {**branch.project.environment, "GITHUB_BASE_REF": "main"})
    line = project.run("--against", "git:merge-base").error(2)

    assert line.startswith(f"{clone}: git knows no 'main'")
    assert line.endswith(
        "the clone is shallow: `git fetch --unshallow`, or `fetch-depth: 0` for actions/checkout)"
    )


def test_files_that_somebody_changed_in_the_other_checkout_are_put_back(beside: Beside) -> None:
    branch = beside(number=8, gate=BESIDE + "[rounds]\nmax_trials = 1\n", new=answers("new"))
    branch.run()
    (checkout,) = branch.project.path(".scoregate/worktrees").glob("*/experiments")
    (checkout / "answers.py").write_text("garbage(")
    (checkout / "numpy.py").write_text("garbage(")
    said = branch.run()

    assert said.outcome(0) == "INCONCLUSIVE"
    assert not (checkout / "numpy.py").exists()


def test_two_sessions_at_once_do_not_mix(beside: Beside) -> None:
    branch = beside(number=8, gate=BESIDE + "[rounds]\nmax_trials = 1\n", new=answers("new", "n > 9"))
    both = [branch.project.start("run", "gates/agent.toml") for _ in range(2)]
    said = [ended(process) for process in both]

    assert said[0].started != said[1].started
    for one in said:
        assert one.outcome(1) == "REGRESSION"
        assert "8 ok of 8 expected" in branch.project.scoregate("runs", "show", one.started).out
    assert len(branch.calls()) == 2 * (2 * 8 + 2 * 8 * 5)
