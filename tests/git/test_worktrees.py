from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scoregate.errors import ConfigError
from scoregate.git.revisions import resolve_ref, worktree_of
from tests.fork_server.process import start_python
from tests.git.repository import Repository


@pytest.fixture
def changed(repository: Repository) -> Repository:
    """`v1` is the commit before the present one."""
    repository.commit({"agent.py": "v = 1\n", ".gitignore": "*.log\n", "sub/deep/x.txt": "1\n"})
    repository.git("tag", "v1")
    repository.commit({"agent.py": "v = 2\n", "new/y.txt": ""})
    return repository


def at_v1(root: Path) -> Path:
    return worktree_of(root, resolve_ref(root, "v1"))


def test_it_holds_the_files_of_that_commit(changed: Repository) -> None:
    tree = at_v1(changed.folder)
    assert (tree / "agent.py").read_text() == "v = 1\n"
    assert (changed.folder / "agent.py").read_text() == "v = 2\n"
    assert tree == changed.folder / ".scoregate" / "worktrees" / changed.git("rev-parse", "v1")[:12]


def test_git_passes_over_it(changed: Repository) -> None:
    at_v1(changed.folder)
    assert changed.git("status", "--porcelain") == ""


def test_it_is_used_again_with_what_git_ignores(changed: Repository) -> None:
    (at_v1(changed.folder) / "a.log").write_text("")
    assert (at_v1(changed.folder) / "a.log").exists()


def test_what_a_run_changed_is_put_back(changed: Repository) -> None:
    tree = at_v1(changed.folder)
    (tree / "agent.py").write_text("v = 9\n")
    (tree / "left.txt").write_text("")
    (tree / "sub/deep/x.txt").unlink()
    again = at_v1(changed.folder)
    assert (again / "agent.py").read_text() == "v = 1\n"
    assert (again / "sub/deep/x.txt").exists()
    assert not (again / "left.txt").exists()


def test_one_whose_folder_was_deleted_is_made_again(changed: Repository) -> None:
    shutil.rmtree(at_v1(changed.folder))
    assert (at_v1(changed.folder) / "agent.py").read_text() == "v = 1\n"


def test_one_that_was_locked_while_it_was_made_is_made_again(changed: Repository) -> None:
    tree = at_v1(changed.folder)
    changed.git("worktree", "lock", "--reason", "initializing", str(tree))
    shutil.rmtree(tree)
    assert (at_v1(changed.folder) / "agent.py").read_text() == "v = 1\n"


def test_half_made_ones_are_made_anew(changed: Repository) -> None:
    tree = at_v1(changed.folder)
    (tree / ".git").unlink()  # git would now take the project's own repository for it
    (tree / "agent.py").unlink()
    assert (at_v1(changed.folder) / "agent.py").read_text() == "v = 1\n"
    git_folder = Path((tree / ".git").read_text().removeprefix("gitdir: ").strip())
    (git_folder / "index.lock").write_text("")
    (tree / "agent.py").unlink()
    assert (at_v1(changed.folder) / "agent.py").read_text() == "v = 1\n"


def test_other_worktrees_that_are_missing_are_left_alone(changed: Repository, tmp_path: Path) -> None:
    elsewhere = tmp_path / "removable"
    changed.git("worktree", "add", "--quiet", "--detach", str(elsewhere))
    shutil.rmtree(elsewhere)
    shutil.rmtree(at_v1(changed.folder))
    at_v1(changed.folder)
    assert str(elsewhere) in changed.git("worktree", "list")


def test_a_project_in_a_subfolder_gets_its_subfolder(changed: Repository) -> None:
    tree = at_v1(changed.folder / "sub/deep")
    assert (tree / "x.txt").read_text() == "1\n"
    assert tree.parts[-2:] == ("sub", "deep")


def test_a_subfolder_that_was_not_there_yet_is_an_error(changed: Repository) -> None:
    with pytest.raises(ConfigError, match="folder 'new' does not exist at v1@"):
        at_v1(changed.folder / "new")


def test_hooks_do_not_run_and_the_environment_of_one_does_not_matter(
    changed: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = changed.folder / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert (at_v1(changed.folder) / "agent.py").read_text() == "v = 1\n"
    assert not (tmp_path / "ran").exists()


def test_processes_that_ask_at_once_all_get_it(changed: Repository) -> None:
    code = (
        "import sys; from pathlib import Path; from scoregate.git.revisions import resolve_ref\n"
        "from scoregate.git.revisions import worktree_of\n"
        "root = Path(sys.argv[1]); tree = worktree_of(root, resolve_ref(root, 'v1'))\n"
        "print((tree / 'agent.py').read_text())"
    )
    started = [start_python(["-c", code, str(changed.folder)]) for _ in range(4)]
    assert [process.communicate()[0].strip() for process in started] == ["v = 1"] * 4
