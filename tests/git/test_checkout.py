from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scoregate.git.checkout import Version, git_state, version_of


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *identity, "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "agent.py").write_text("v = 1\n")
    (tmp_path / ".gitignore").write_text("*.log\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


def test_a_clean_checkout_is_its_commit(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    assert git_state(checkout) == (commit, False)
    assert version_of(checkout) == Version(commit[:7], commit, False)


def test_a_changed_tracked_file_is_dirty(checkout: Path) -> None:
    (checkout / "agent.py").write_text("v = 2\n")
    assert version_of(checkout).dirty is True
    assert version_of(checkout).label.endswith("-dirty")


def test_a_renamed_file_is_dirty(checkout: Path) -> None:
    git(checkout, "mv", "agent.py", "new name.py")
    assert git_state(checkout)[1] is True


def test_a_new_file_is_dirty_unless_it_is_ignored(checkout: Path) -> None:
    (checkout / "run.log").write_text("")
    assert git_state(checkout)[1] is False
    (checkout / "tools.py").write_text("")
    assert git_state(checkout)[1] is True


def test_what_python_compiles_while_a_run_imports_the_candidate_is_never_dirt(checkout: Path) -> None:
    folder = checkout / "experiments" / "__pycache__"
    folder.mkdir(parents=True)
    (folder / "agent.cpython-311.pyc").write_bytes(b"")
    assert git_state(checkout)[1] is False


def test_the_store_is_never_dirt(checkout: Path) -> None:
    for folder in (checkout / ".scoregate", checkout / "sub" / ".scoregate"):
        folder.mkdir(parents=True)
        (folder / "store ü.sqlite").write_text("")
    assert git_state(checkout)[1] is False
    (checkout / "sub" / "agent.py").write_text("")
    assert git_state(checkout)[1] is True


def test_dirt_anywhere_in_the_checkout_counts(checkout: Path) -> None:
    (checkout / "gates").mkdir()
    (checkout / "agent.py").write_text("v = 2\n")
    assert git_state(checkout / "gates")[1] is True


def test_before_the_first_commit_there_is_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "agent.py").write_text("")
    assert git_state(tmp_path) == (None, True)
    assert version_of(tmp_path).label == "unversioned"


def test_outside_a_checkout_nothing_is_known(tmp_path: Path) -> None:
    assert version_of(tmp_path) == Version("unversioned", None, None)


def test_without_git_nothing_is_known(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    assert git_state(checkout) == (None, None)


def test_the_first_label_that_is_given_wins(checkout: Path) -> None:
    assert version_of(checkout, None, "of the file").label == "of the file"
    assert version_of(checkout, "of the gate", "of the file").label == "of the gate"
