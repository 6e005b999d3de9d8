"""What a job knows of itself, for each event that a gate is run on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scoregate.errors import ConfigError
from scoregate.github.job import Job, WorkflowRun

HEAD, MERGE = "a" * 40, "b" * 40


def job(folder: Path, name: str, payload: object, **environ: str) -> Job:
    path = folder / "event.json"
    path.write_text(payload if isinstance(payload, str) else json.dumps(payload))
    given = {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(path), "GITHUB_SHA": MERGE, **environ}
    return Job.of(given)


@pytest.mark.parametrize("name", ["pull_request", "pull_request_target"])
def test_the_commit_of_a_pull_request_is_its_head(tmp_path: Path, name: str) -> None:
    found = job(tmp_path, name, {"pull_request": {"number": 7, "head": {"sha": HEAD}}})
    assert (found.pull_request, found.commit) == (7, HEAD)


@pytest.mark.parametrize(
    ("head", "of_fork"),
    [({"id": 1}, False), ({"id": 2}, True), (None, True)],
    ids=["own", "fork", "fork is gone"],
)
def test_a_pull_request_may_come_from_a_fork(tmp_path: Path, head: object, of_fork: bool) -> None:
    pull = {"number": 7, "head": {"sha": HEAD, "repo": head}, "base": {"repo": {"id": 1}}}
    assert job(tmp_path, "pull_request", {"pull_request": pull}).of_fork == of_fork


def test_a_push_has_no_pull_request(tmp_path: Path) -> None:
    found = job(tmp_path, "push", {"ref": "refs/heads/main", "pull_request": {"number": 7}})
    assert (found.pull_request, found.commit) == (None, MERGE)


def test_a_workflow_that_follows_another_is_about_that_one(tmp_path: Path) -> None:
    run = {"id": 5, "run_attempt": 3, "head_sha": HEAD, "head_repository": {"id": 9}}
    found = job(tmp_path, "workflow_run", {"workflow_run": run}, GITHUB_RUN_ID="6")
    assert (found.run, found.commit, found.head_repository) == (WorkflowRun(5, 3), HEAD, 9)
    assert found.pull_request is None


def test_a_later_try_is_newer() -> None:
    assert WorkflowRun(5, 1) < WorkflowRun(5, 2) < WorkflowRun(6, 1)


def test_outside_of_github_nothing_is_known() -> None:
    found = Job.of({})
    assert found == Job()
    assert found.run_url is None


def test_the_page_of_the_run(tmp_path: Path) -> None:
    found = job(tmp_path, "push", {}, GITHUB_REPOSITORY="acme/x", GITHUB_RUN_ID="6", GITHUB_RUN_ATTEMPT="2")
    assert found.run_url == "https://github.com/acme/x/actions/runs/6/attempts/2"


@pytest.mark.parametrize("payload", ["[]", "7", '{"pull_request": []}', '{"pull_request": {"number": "7"}}'])
def test_another_payload_says_nothing(tmp_path: Path, payload: str) -> None:
    assert job(tmp_path, "pull_request", payload).pull_request is None


@pytest.mark.parametrize("payload", ["", "{", '{"a": 1, "a": 2}'])
def test_a_payload_that_is_no_json_is_refused(tmp_path: Path, payload: str) -> None:
    with pytest.raises(ConfigError, match="is no payload of an event"):
        job(tmp_path, "pull_request", payload)
