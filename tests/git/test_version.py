from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scoregate.gate_file import Gate
from scoregate.git.version import Version, note_report, uncommitted, version_of
from scoregate.sources import files_of_other_gates


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
    assert version_of(checkout) == Version(commit[:7], commit, False)


def test_a_changed_tracked_file_is_dirty(checkout: Path) -> None:
    (checkout / "agent.py").write_text("v = 2\n")
    assert version_of(checkout).dirty is True
    assert version_of(checkout).label.endswith("-dirty")


def test_a_renamed_file_is_dirty(checkout: Path) -> None:
    git(checkout, "mv", "agent.py", "new name.py")
    assert version_of(checkout).dirty is True


def test_a_new_file_is_dirty_unless_it_is_ignored(checkout: Path) -> None:
    (checkout / "run.log").write_text("")
    assert version_of(checkout).dirty is False
    (checkout / "tools.py").write_text("")
    assert version_of(checkout).dirty is True


def test_what_python_compiles_while_a_run_imports_the_candidate_is_never_dirt(checkout: Path) -> None:
    folder = checkout / "experiments" / "__pycache__"
    folder.mkdir(parents=True)
    (folder / "agent.cpython-311.pyc").write_bytes(b"")
    assert version_of(checkout).dirty is False


def test_the_store_is_never_dirt(checkout: Path) -> None:
    for folder in (checkout / ".scoregate", checkout / "sub" / ".scoregate"):
        folder.mkdir(parents=True)
        (folder / "store ü.sqlite").write_text("")
    assert version_of(checkout).dirty is False
    (checkout / "sub" / "agent.py").write_text("")
    assert version_of(checkout).dirty is True


def test_dirt_anywhere_in_the_checkout_counts(checkout: Path) -> None:
    (checkout / "gates").mkdir()
    (checkout / "agent.py").write_text("v = 2\n")
    assert version_of(checkout / "gates").dirty is True


def test_before_the_first_commit_there_is_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "agent.py").write_text("")
    assert version_of(tmp_path) == Version("unversioned", None, True)


def test_outside_a_checkout_nothing_is_known(tmp_path: Path) -> None:
    assert version_of(tmp_path) == Version("unversioned", None, None)


def test_without_git_nothing_is_known(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    assert version_of(checkout) == Version("unversioned", None, None)


def test_the_first_label_that_is_given_wins(checkout: Path) -> None:
    assert version_of(checkout, None, "of the file").label == "of the file"
    assert version_of(checkout, "of the gate", "of the file").label == "of the gate"


def _gates(folder: Path, *names: str) -> None:
    for name in names:
        for place, text in {
            f"gates/{name}.toml": f'dataset = "datasets/{name}.jsonl"\nexperiment = "experiments/{name}.py"\n',
            f"datasets/{name}.jsonl": "{}\n",
            f"experiments/{name}.py": "version = 1\n",
        }.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_text(text)


def test_the_files_that_are_not_committed_are_named(checkout: Path) -> None:
    (checkout / "agent.py").unlink()
    (checkout / "prompts").mkdir()
    (checkout / "prompts" / "a b.md").write_text("")
    assert uncommitted(checkout) == ("agent.py", "prompts/a b.md")


@pytest.mark.parametrize(
    "place",
    [
        "gates/other.baseline.jsonl",
        "gates/other.baseline.jsonl.gz",
        "gates/calibrations/tone.json",
        "gates/.0123456789abcdef.tmp",
        ".github/workflows/scoregate.yml",
        ".gitignore",
    ],
)
def test_what_a_gate_writes_is_no_change_of_a_candidate(checkout: Path, place: str) -> None:
    (checkout / place).parent.mkdir(parents=True, exist_ok=True)
    (checkout / place).write_text("new")
    assert uncommitted(checkout) == ()


def test_reports_that_were_written_here_are_no_change_either(checkout: Path) -> None:
    report = checkout / "reports" / "verdict.md"
    report.parent.mkdir()
    report.write_text("# pass")
    assert uncommitted(checkout) == ("reports/verdict.md",)
    note_report(checkout, report)
    assert uncommitted(checkout) == ()


def test_what_only_another_gate_is_made_of_is_left_out_by_who_knows_the_gates(checkout: Path) -> None:
    _gates(checkout, "own", "other")
    (checkout / "gates" / "scores.toml").write_text("")
    gate = Gate(name="own", rules={}, path=checkout / "gates" / "own.toml", root=checkout)
    assert uncommitted(checkout, lambda: files_of_other_gates(gate)) == (
        "datasets/own.jsonl",
        "experiments/own.py",
        "gates/own.toml",
        "gates/scores.toml",
    )


def test_other_gate_projects_of_the_repository_do_not_count(checkout: Path) -> None:
    one, other, shared = (checkout / "agents" / name for name in ("one", "other", "shared"))
    _gates(one, "gate")
    _gates(other, "gate")
    shared.mkdir()
    (shared / "tools.py").write_text("")
    git(checkout, "add", "agents/one")
    git(checkout, "commit", "--quiet", "-m", "one")
    assert uncommitted(one) == ("agents/shared/tools.py",)
    assert uncommitted(checkout) == ("agents/shared/tools.py",)
