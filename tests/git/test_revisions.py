from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from scoregate.errors import ConfigError
from scoregate.git.revisions import Revision, resolve_ref
from tests.git.repository import Repository


def refused(root: Path, spec: str) -> str:
    with pytest.raises(ConfigError) as caught:
        resolve_ref(root, spec)
    return str(caught.value)


def clone(repository: Repository, *options: str) -> Path:
    there = repository.folder.parent / "clone"
    source = f"file://{repository.folder}"
    subprocess.run(["git", "clone", "--quiet", *options, source, str(there)], check=True, capture_output=True)
    return there


@pytest.fixture
def branched(repository: Repository) -> tuple[Repository, str]:
    """A branch `work` and `main`, both one commit beyond their merge base."""
    base = repository.commit({"agent.py": "v = 1"})
    repository.commit({"agent.py": "v = 2"})
    repository.git("checkout", "--quiet", "-b", "work", base)
    repository.commit({"other.py": ""})
    return repository, base


def test_a_branch_a_tag_and_a_hash_are_their_commit(repository: Repository) -> None:
    first = repository.commit({"agent.py": "v = 1"})
    repository.git("tag", "v1")
    second = repository.commit({"agent.py": "v = 2"})
    root = repository.folder
    assert resolve_ref(root, "v1") == Revision(first, f"v1@{first[:8]}", "v1")
    assert resolve_ref(root, "main").commit == second
    assert resolve_ref(root, "HEAD~1").commit == first
    assert resolve_ref(root, f"{first[:10]}") == Revision(first, first[:8], first[:10])


def test_the_merge_base_is_that_with_the_default_branch(branched: tuple[Repository, str]) -> None:
    repository, base = branched
    assert resolve_ref(repository.folder, "merge-base") == Revision(
        base, f"merge-base@{base[:8]}", "merge-base"
    )
    assert resolve_ref(repository.folder, "merge-base:main").commit == base


def test_the_base_branch_of_a_pull_request_goes_first(
    branched: tuple[Repository, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, _ = branched
    repository.git("branch", "release", "work")
    monkeypatch.setenv("GITHUB_BASE_REF", "release")
    assert resolve_ref(repository.folder, "merge-base").commit == repository.git("rev-parse", "work")
    monkeypatch.setenv("GITHUB_BASE_REF", "relaese")
    assert "git knows no 'relaese' (did you mean 'release'?" in refused(repository.folder, "merge-base")


def test_a_branch_that_only_origin_has_is_found(branched: tuple[Repository, str]) -> None:
    repository, base = branched
    cloned = clone(repository)  # on `work`, which is origin's HEAD too
    assert resolve_ref(cloned, "main").commit == repository.git("rev-parse", "main")
    assert resolve_ref(cloned, "merge-base:main").commit == base
    assert resolve_ref(cloned, "merge-base").commit == repository.git("rev-parse", "work")


def test_an_unknown_ref_is_answered_with_a_near_one(repository: Repository) -> None:
    repository.commit()
    assert "git knows no 'mian' (did you mean 'main'?" in refused(repository.folder, "mian")
    assert "`git branch --all` and `git tag`" in refused(repository.folder, "zzz")
    assert "git knows no '--all'" in refused(repository.folder, "--all")


def test_a_shallow_clone_is_told_how_to_get_the_rest(branched: tuple[Repository, str]) -> None:
    repository, _ = branched
    shallow = clone(repository, "--depth=1", "--no-single-branch")
    assert "fetch-depth: 0" in refused(shallow, "merge-base:main")
    assert "fetch-depth: 0" in refused(shallow, "v1")


def test_histories_without_a_common_commit_have_no_merge_base(repository: Repository) -> None:
    repository.commit()
    repository.git("checkout", "--quiet", "--orphan", "other")
    repository.commit({"a": ""})
    assert "HEAD and 'main' have no common commit" in refused(repository.folder, "merge-base")


def test_no_repository_no_commit_and_no_ref_are_said(repository: Repository, tmp_path: Path) -> None:
    assert "is in no git repository" in refused(tmp_path, "main")
    assert "no commit yet" in refused(repository.folder, "merge-base:HEAD")
    assert "names no git ref" in refused(repository.folder, "")


def test_without_a_default_branch_it_has_to_be_named(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "trunk")
    repository.commit()
    assert "git:merge-base:BRANCH" in refused(repository.folder, "merge-base")


def test_without_git_it_says_so(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository.folder))
    assert "git cannot be started" in refused(repository.folder, "main")


def test_the_repository_of_a_hook_is_not_asked(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repository.commit()
    other = Repository(tmp_path / "other")
    other.folder.mkdir()
    other.git("init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", os.devnull)
    assert resolve_ref(repository.folder, "main").commit == commit
