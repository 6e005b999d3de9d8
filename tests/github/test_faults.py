"""What GitHub may refuse, and what becomes of it: a warning, no other exit code, and no verdict that is lost."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from scoregate.errors import ConfigError
from scoregate.github.client import Client, Refused
from scoregate.github.job import Job
from scoregate.github.publishing import publish, publish_running
from tests.github.reports import GATE, PASS, REGRESSION
from tests.github.workflow import FAST, Workflow
from tests.github_server.description import check
from tests.github_server.faults import Fault, lost_answer, secondary_rate_limit, slow, status
from tests.github_server.repository import LONGEST_BODY
from tests.github_server.server import NAME
from tests.reports.verdicts import lost

COMMENTS = "/comments"


def warnings(workflow: Workflow) -> list[str]:
    return [line for line in workflow.told if line.startswith("::warning")]


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_token_without_rights_leaves_the_summary_and_a_warning(workflow: Workflow, code: int) -> None:
    workflow.github.faults.add(status(code), times=None)
    publish([REGRESSION], workflow.job, workflow.told.append, timing=FAST)

    assert workflow.summary.startswith("### ❌ Regression in <code>support-agent</code>")
    assert workflow.outputs["exit-code"] == "1"
    comment, check_run = warnings(workflow)
    assert comment.startswith("::warning title=scoregate%3A no comment::")
    assert check_run.startswith("::warning title=scoregate%3A no check run::")
    assert workflow.github.repository.comments == {}


def test_a_warning_names_the_right_that_is_missing(workflow: Workflow) -> None:
    workflow.github.faults.add(status(403), times=None)
    publish_running([GATE], workflow.job, workflow.told.append, timing=FAST)
    assert workflow.told == [
        "::warning title=scoregate%3A no comment::no comment, as the token may not (GitHub does not allow it (403): "
        "Resource not accessible by integration); the job needs permissions: pull-requests: write"
    ]


def test_the_build_of_a_fork_is_told_how_forks_are_told_of(workflow: Workflow) -> None:
    sides = {"head": {"sha": workflow.head, "repo": {"id": 99}}, "base": {"repo": {"id": 1}}}
    workflow.event = {"pull_request": {"number": 7, **sides}}
    workflow.github.faults.add(status(403), times=None)
    publish_running([GATE], workflow.job, workflow.told.append, timing=FAST)
    assert workflow.told[0].endswith(
        "; a fork's build never may: a workflow that runs on: workflow_run tells it, by publish-fork"
    )


def test_a_token_that_may_comment_and_no_more_comments(workflow: Workflow) -> None:
    workflow.github.faults.add(status(403), path="/check-runs", times=None)
    publish([REGRESSION], workflow.job, workflow.told.append, timing=FAST)

    assert "### ❌ Regression" in workflow.comment
    (warning,) = warnings(workflow)
    assert warning.endswith("the job needs permissions: checks: write")


def test_without_a_token_nothing_is_asked(workflow: Workflow) -> None:
    workflow.token = None
    publish([REGRESSION], workflow.job, workflow.told.append, timing=FAST)
    assert workflow.github.exchanges == []
    assert all("there is no token" in line for line in warnings(workflow))
    assert len(warnings(workflow)) == 2


PASSING = {
    "secondary rate limit": secondary_rate_limit(1),
    "422": status(422),
    "500": status(500),
    "502": status(502),
    "the answer is lost": lost_answer(),
    "slow": slow(0.2),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_text_that_is_not_taken_in_passing_is_written_again(
    workflow: Workflow, fault: Fault, method: str
) -> None:
    if method == "PATCH":
        publish_running([GATE], workflow.job, workflow.told.append, timing=FAST)
    workflow.github.faults.add(fault, method=method, path=COMMENTS)

    publish([REGRESSION], workflow.job, workflow.told.append, timing=FAST)
    assert warnings(workflow) == []
    assert "### ❌ Regression" in workflow.comment


@pytest.mark.parametrize("fault", [status(500), slow(0.2)], ids=["500", "slow"])
def test_what_cannot_be_read_in_passing_is_read_again(workflow: Workflow, fault: Fault) -> None:
    workflow.github.faults.add(fault, method="GET", path=COMMENTS, times=2)
    publish([REGRESSION], workflow.job, workflow.told.append, timing=FAST)
    assert warnings(workflow) == []
    assert "### ❌ Regression" in workflow.comment


def test_what_was_read_is_read_again_after_a_pause(workflow: Workflow) -> None:
    """A text that waits for a rate limit and is sent then would take away what others wrote meanwhile."""
    publish_running([GATE], workflow.job, workflow.told.append, timing=FAST)
    workflow.github.faults.add(secondary_rate_limit(1), method="PATCH")
    workflow.github.faults.add(secondary_rate_limit(1), method="GET", after=1)
    publish([REGRESSION], workflow.job, workflow.told.append, timing=FAST)

    asked = [(one.method, one.status) for one in workflow.github.exchanges if COMMENTS in one.path]
    refused = asked.index(("PATCH", 403))
    assert asked[refused + 1 : refused + 5] == [("GET", 403), ("GET", 200), ("GET", 200), ("PATCH", 200)]


def test_a_server_that_asks_for_more_than_a_minute_is_left(workflow: Workflow) -> None:
    workflow.github.faults.add(secondary_rate_limit(3600), times=None)
    publish([PASS], workflow.job, workflow.told.append, timing=FAST)

    assert [one.method for one in workflow.github.exchanges] == ["GET", "POST"]
    comment, check_run = warnings(workflow)
    assert "GitHub asks to wait 3600 s" in comment
    assert "GitHub asks to wait 3600 s" in check_run


def test_a_server_that_is_not_there_is_a_warning(workflow: Workflow) -> None:
    job = replace(workflow.job, api_url="http://127.0.0.1:9")
    publish([PASS], job, workflow.told.append, timing=FAST)
    assert all("GitHub cannot be reached" in line or "GitHub fails" in line for line in warnings(workflow))
    assert len(warnings(workflow)) == 2


def test_the_token_is_in_no_message(workflow: Workflow) -> None:
    secret = "ghs_" + "f" * 32
    body = {"message": f"Bad credentials: {secret}", "documentation_url": "x"}
    workflow.github.faults.add(Fault(status=401, body=body), times=None)
    publish([PASS], replace(workflow.job, token=secret), workflow.told.append, timing=FAST)
    assert "Bad credentials: ***" in warnings(workflow)[0]
    assert secret not in "".join(workflow.told)
    assert secret not in repr(replace(workflow.job, token=secret))


def test_a_body_is_taken_up_to_the_last_character(workflow: Workflow) -> None:
    with Client(workflow.job, FAST.patience) as client:
        client.create_comment(7, "x" * LONGEST_BODY)
        with pytest.raises(Refused, match="body is too long"):
            client.create_comment(7, "x" * (LONGEST_BODY + 1))


def test_a_text_that_is_refused_for_its_length_is_shortened(workflow: Workflow) -> None:
    """However GitHub counts."""
    workflow.github.repository.longest = 10_000
    items = [lost(f"refund-{number:03}", comment="wrong " * 50) for number in range(50)]
    report = replace(REGRESSION, verdict=replace(REGRESSION.verdict, flips=tuple(items)))
    publish([report], workflow.job, workflow.told.append, timing=FAST)

    assert warnings(workflow) == []
    assert any(one.status == 422 for one in workflow.github.exchanges)
    assert len(workflow.comment) <= 10_000
    assert "left out here for length" in workflow.comment


def test_a_pull_request_that_is_not_there_is_a_warning(workflow: Workflow) -> None:
    workflow.pull_request = 8
    publish_running([GATE], workflow.job, workflow.told.append, timing=FAST)
    assert "GitHub does not find it (404)" in warnings(workflow)[0]


def test_every_exchange_is_one_that_github_describes(
    workflow: Workflow, capsys: pytest.CaptureFixture[str]
) -> None:
    """Comments read, made, changed and taken away; checks; pull requests of a commit; and all faults."""
    github = workflow.github
    for number in range(3):
        github.repository.say(7, f"comment {number}")
    for fault in (
        status(401),
        status(403),
        status(404),
        status(410),
        status(422),
        status(500),
        secondary_rate_limit(1),
    ):
        for method in ("GET", "POST", "PATCH"):
            github.faults.add(fault, method=method, path="comments|check-runs")
        for report in (REGRESSION, PASS):
            workflow.run += 1
            publish([report], workflow.job, workflow.told.append, timing=FAST)
    with Client(Job(repository=NAME, token=workflow.token, api_url=github.url), FAST.patience) as client:
        assert [one.number for one in client.pull_requests_of(workflow.head)] == [7]
        client.delete_comment(7, client.create_comment(7, "x").id)
    assert {one.method for one in github.exchanges} == {"GET", "POST", "PATCH", "DELETE"}
    assert {200, 201, 204, 401, 403, 404, 410, 422, 500} <= {one.status for one in github.exchanges}

    held = check(github.exchanges)
    with capsys.disabled():
        print(f"\n{held} requests and answers held to GitHub's description of its API")
    assert held == len(github.exchanges) > 50


def test_without_pygithub_it_is_said_what_to_install(
    workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "github", None)
    with pytest.raises(ConfigError, match="PyGithub is not installed"):
        Client(workflow.job)
