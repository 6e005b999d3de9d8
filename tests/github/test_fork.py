"""A fork's build has no rights, so a second workflow tells of it: one document, on the pull request GitHub knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scoregate.errors import ConfigError
from scoregate.github.publishing import publish_fork
from scoregate.reports import Report
from tests.github.reports import PASS, REGRESSION
from tests.github.workflow import FAST, Workflow
from tests.github_server.faults import status
from tests.github_server.server import GitHubServer
from tests.reports.hostile import HOSTILE, report_with

FORK = 99
"""Id of the repository that the fork is."""
COMMIT = "c0ffee11" * 5


def built(**changes: Any) -> dict[str, Any]:
    """The payload of a `workflow_run` event: of a fork's pull request GitHub says no number."""
    run = {
        "id": 4711,
        "run_attempt": 2,
        "head_sha": COMMIT,
        "event": "pull_request",
        "pull_requests": [],
        "head_repository": {"id": FORK, "full_name": "mallory/support"},
    }
    return {"action": "completed", "workflow_run": {**run, **changes}}


@pytest.fixture
def workflow(github: GitHubServer, tmp_path: Path) -> Workflow:
    github.repository.open_pull_request(8, COMMIT, of="mallory/support", of_number=FORK)
    return Workflow(github, tmp_path / "runner", head="", event_name="workflow_run", event=built())


def told(workflow: Workflow, *reports: Report) -> list[int]:
    return publish_fork(reports or [REGRESSION], workflow.job, workflow.told.append, timing=FAST)


def test_the_pull_request_is_found_by_the_commit(workflow: Workflow) -> None:
    assert told(workflow) == [8]
    assert workflow.comment.startswith("### ❌ Regression in <code>support-agent</code>")
    assert "<code>c0ffee1</code>" in workflow.comment
    assert "gh pr checkout 8" in workflow.comment
    assert workflow.summary.startswith("### ❌ Regression")
    assert workflow.told == []


def test_the_run_is_the_one_that_was_built(workflow: Workflow) -> None:
    told(workflow)
    workflow.event = built(id=4710)
    told(workflow, PASS)
    assert workflow.comment.startswith("### ❌ Regression")


@pytest.mark.parametrize(
    "pull",
    [
        {"number": 9, "head": COMMIT, "of": "eve/support", "of_number": 98},
        {"number": 9, "head": COMMIT, "of": "mallory/support", "of_number": FORK, "state": "closed"},
        {"number": 9, "head": "d" * 40, "of": "mallory/support", "of_number": FORK},
    ],
    ids=["of another fork", "closed", "of another commit"],
)
def test_no_other_pull_request_is_told(workflow: Workflow, pull: dict[str, Any]) -> None:
    workflow.github.repository.open_pull_request(**pull)
    assert told(workflow) == [8]


def test_where_none_is_found_only_the_summary_tells(workflow: Workflow) -> None:
    workflow.github.repository.pulls.clear()
    assert told(workflow) == []
    assert workflow.told == [f"::warning title=scoregate::no open pull request has the head {COMMIT}"]
    assert workflow.summary.startswith("### ❌ Regression")


def test_a_number_that_the_fork_writes_means_nothing(workflow: Workflow) -> None:
    workflow.event = built(pull_requests=[{"number": 7}])
    assert told(workflow) == [8]


def test_links_of_a_fork_lead_nowhere(workflow: Workflow) -> None:
    told(workflow, report_with("https://evil.example/"))
    assert "](https://evil" not in workflow.comment + workflow.summary
    assert "evil.example" in workflow.comment


def test_every_hostile_text_is_posted_as_text(workflow: Workflow) -> None:
    told(workflow, *map(report_with, HOSTILE.values()))
    assert len(workflow.comment) < 65_536
    assert workflow.told == []


def test_a_token_without_rights_is_a_warning(workflow: Workflow) -> None:
    workflow.github.faults.add(status(403), times=None)
    assert told(workflow) == []
    assert workflow.told[0].startswith("::warning title=scoregate%3A no comment::")
    assert workflow.summary.startswith("### ❌ Regression")


def test_it_is_for_workflow_run_alone(workflow: Workflow) -> None:
    workflow.event_name = "pull_request_target"
    with pytest.raises(ConfigError, match="workflow_run"):
        told(workflow)
