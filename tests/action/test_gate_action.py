"""The Action in the jobs of a repository: what its steps do, and what the job sees of them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from scoregate.reports.reading import read_build
from scoregate.starter.workflow import comment_workflow
from tests.action.checkout import Origin
from tests.action.local_runner import ACTION, Used
from tests.cli.project import agent
from tests.github_server.server import GitHubServer

WORSE = agent("return n if n >= 10 else -1", version="v2")
REPORTS = {"verdict.json", "verdict.xml", "verdict.md", "rules.csv"}
LAST = "End as the verdict says"


def document(used: Used) -> Any:
    return json.loads(Path(used.outputs["json"]).read_text(encoding="utf-8"))


def failures(used: Used) -> list[str]:
    return [step.name for step in used.steps if step.outcome == "failure"]


def comments(github: GitHubServer) -> list[str]:
    return [comment["body"] for comment in github.repository.comments.values()]


def test_a_regression_is_told_everywhere_and_fails_the_last_step_alone(
    origin: Origin, github: GitHubServer
) -> None:
    origin.author.write("experiments/agent.py", WORSE)
    job = origin.cold.pull_request()
    github.repository.open_pull_request(7, origin.head)
    used = job.use(gates="gates/agent.toml")
    assert failures(used) == [LAST]
    assert (used.outputs["verdict"], used.outputs["exit-code"]) == ("regression", "1")
    assert int(used.outputs["regressions"]) >= 1
    result = json.loads(used.outputs["gates"])["gates/agent.toml"]
    assert (result["verdict"], result["exit_code"], result["regressed_items"]) == ("regression", 1, 10)
    line = 1 + origin.author.read("gates/agent.toml").splitlines().index("[scores.correct]")
    error = next(found for found in used.annotations if found.name == "error")
    assert (error.properties["file"], error.properties["line"]) == ("gates/agent.toml", str(line))
    assert used.summary.startswith("### ❌ Regression")
    (comment,) = comments(github)
    assert comment.startswith("### ❌ Regression")
    assert "Running" in github.repository.bodies[0]
    assert len(github.repository.check_runs) == 1
    (kept,) = origin.services.artifacts
    assert kept.startswith("scoregate-verdict-gates-agent-")
    assert {path.name for path in origin.services.artifact(kept).iterdir()} == REPORTS
    assert document(used)["outcome"] == "regression"


def test_a_push_that_makes_nothing_worse_passes_and_writes_no_comment(
    origin: Origin, github: GitHubServer
) -> None:
    used = origin.pushed().use(gates="gates/agent.toml")
    assert failures(used) == []
    assert (used.outputs["verdict"], used.outputs["exit-code"]) == ("pass", "0")
    assert used.summary.startswith("### ✅ Pass")
    assert Path(used.outputs["junit"]).read_text().startswith("<?xml")
    assert comments(github) == []


def test_a_fork_has_no_rights_and_the_workflow_behind_it_comments(
    origin: Origin, github: GitHubServer
) -> None:
    origin.author.write("experiments/agent.py", WORSE)
    job = origin.pull_request()
    github.repository.open_pull_request(7, origin.head, of="someone/support", of_number=2)
    used = origin.as_fork(job).use(gates="gates/agent.toml")
    assert (failures(used), used.outputs["exit-code"]) == ([LAST], "1")
    assert {found.name for found in used.annotations} == {"error", "warning"}
    assert used.summary.startswith("### ❌ Regression")
    assert comments(github) == []

    workflow: Any = YAML(typ="safe").load(comment_workflow())
    posted = origin.afterwards(job).steps(workflow["jobs"]["comment"]["steps"])
    assert failures(posted) == []
    (comment,) = comments(github)
    assert comment.startswith("### ❌ Regression")


def test_what_cannot_be_told_apart_fails_if_asked_for_and_says_so_on_the_page_of_the_job_alone(
    origin: Origin, github: GitHubServer
) -> None:
    origin.author.edit("gates/agent.toml", "max_drop = 0.05", "max_drop = 0.02")
    used = origin.pull_request().use(gates="gates/agent.toml", fail_on="inconclusive", comment="false")
    assert github.exchanges == []
    assert failures(used) == [LAST]
    assert (used.outputs["verdict"], used.outputs["exit-code"]) == ("inconclusive", "3")


@pytest.mark.parametrize(
    ("fail_on", "through"), [("error", {0, 1, 3}), ("regression", {0}), ("inconclusive", {0})]
)
def test_the_job_ends_with_the_exit_code_but_for_what_fail_on_lets_through(
    fail_on: str, through: set[int]
) -> None:
    for code in range(6):
        environment = {"INPUT_FAIL_ON": fail_on, "EXIT_CODE": str(code)}
        ended = subprocess.run(["bash", ACTION / "end.sh"], env=environment, check=False).returncode
        assert ended == (0 if code in through else code)


def test_what_ends_without_a_verdict_fails_and_its_document_says_why(origin: Origin) -> None:
    origin.author.write("experiments/agent.py", "def task(:\n")
    origin.author.path("shop").mkdir()
    for name in ("gates", "datasets", "experiments"):
        origin.author.path(name).rename(origin.author.path(f"shop/{name}"))
    used = origin.pushed().use(gates="gates/agent.toml", fail_on="error", working_directory="shop")
    assert failures(used) == [LAST]
    assert used.outputs["exit-code"] == "2"
    build = read_build(Path(used.outputs["json"]))
    assert (build.worst, build.exit_code) == ("error", 2)
    (refused,) = build.refused
    assert (refused.gate, refused.path) == ("agent", "gates/agent.toml")
    assert build.from_top(refused.path) == "shop/gates/agent.toml"
    assert "experiments/agent.py" in refused.message
    assert used.outputs["verdict"] == "error"
    assert "experiments/agent.py" in used.summary


def test_a_command_that_is_refused_leaves_no_gate_of_its_folder_running(
    origin: Origin, github: GitHubServer
) -> None:
    origin.author.write("gates/b.toml", origin.author.read("gates/agent.toml"))
    job = origin.pull_request()
    github.repository.open_pull_request(7, origin.head)
    used = job.use(gates="gates", baseline="gates/agent.baseline.jsonl")
    assert (failures(used), used.outputs["exit-code"]) == ([LAST], "2")
    assert list(json.loads(used.outputs["gates"])) == ["gates/agent.toml", "gates/b.toml"]
    (comment,) = comments(github)
    assert "Running in 2 of 2 gates" in github.repository.bodies[0]
    assert comment.startswith("### ⛔ Error in 2 of 2 gates\n")
    assert comment.count("means one gate, and several are named") == 2


def test_many_gates_of_a_project_below_the_top_are_one_command_with_one_document(origin: Origin) -> None:
    (origin.author.folder / "agents" / "my shop").mkdir(parents=True)
    for name in ("gates", "datasets", "experiments"):
        origin.author.path(name).rename(origin.author.path(f"agents/my shop/{name}"))
    gate = origin.author.read("agents/my shop/gates/agent.toml")
    origin.author.write(
        "agents/my shop/gates/b.toml", gate.replace("experiments/agent.py", "experiments/worse.py")
    )
    origin.author.write("agents/my shop/experiments/worse.py", WORSE)
    used = origin.pushed().use(gates="gates/*.toml\n", working_directory="agents/my shop")
    assert failures(used) == [LAST]
    assert used.outputs["exit-code"] == "1"
    found = read_build(Path(used.outputs["json"]))
    assert {row.gate: row.word for row in found.rows} == {"agent": "pass", "b": "regression"}
    results = json.loads(used.outputs["gates"])
    assert {gate: one["verdict"] for gate, one in results.items()} == {
        "agents/my shop/gates/agent.toml": "pass",
        "agents/my shop/gates/b.toml": "regression",
    }


def test_shards_are_run_by_jobs_and_decided_by_the_one_behind_them(origin: Origin) -> None:
    origin.author.write("experiments/agent.py", WORSE)
    job = origin.pull_request()
    for number in (1, 2):
        used = job.use(gates="gates/agent.toml", shard=f"{number}/2")
        assert failures(used) == []
        assert (used.outputs["exit-code"], used.outputs["json"]) == ("0", "")
    assert [name[-6:] for name in origin.services.artifacts] == ["1-of-2", "2-of-2"]
    merged = job.use(gates="gates/agent.toml", shard="merge")
    assert failures(merged) == [LAST]
    assert document(merged)["outcome"] == "regression"
    assert len(document(merged)["regressed_items"]) == 10


def test_what_the_agent_prints_or_writes_is_no_word_to_the_runner(origin: Origin) -> None:
    before = """
import os, sys
print("::error title=mine::no\\n::add-mask::agent\\n::stop-commands::x\\n::x::", flush=True)
print("::error::no", file=sys.stderr, flush=True)
for name in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_STATE"):
    if name in os.environ:
        with open(os.environ[name], "a") as file:
            file.write("exit-code=0\\nPATH=/nowhere\\n")
"""
    origin.author.write("experiments/agent.py", agent("return -1", before=before, version="v2"))
    used = origin.pushed().use(gates="gates/agent.toml")
    assert "::error title=mine::no" in used.log
    assert [found.message for found in used.annotations if found.message == "no"] == []
    assert used.outputs["exit-code"] == "1"
    assert failures(used) == [LAST]


@pytest.mark.parametrize(
    ("inputs", "line"),
    [
        ({"gates": " \n"}, "gates: names no gate; write one a line, such as gates/agent.toml"),
        ({"shard": "9"}, "shard: '9' is neither K/N, such as 2/8, nor merge"),
        ({"shard": "1/2", "gates": "a.toml\nb.toml"}, "shard: shares are of one gate, and 2 are named"),
        ({"comment": "yes"}, "comment: 'yes' is none of true false"),
        ({"fail_on": "never\n%"}, "fail-on: 'never\n%' is none of error regression inconclusive"),
        (
            {"working_directory": "no"},
            "working-directory: there is no folder 'no' (is the repository checked out?)",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_input_that_means_nothing_is_refused_in_one_line(
    origin: Origin, inputs: dict[str, str], line: str
) -> None:
    used = origin.pushed().use(**{"gates": "gates/agent.toml"} | inputs)
    assert failures(used) == ["Read the inputs"]
    assert [(found.name, found.message) for found in used.annotations] == [("error", line)]
    assert {step.outcome for step in used.steps[1:]} == {"skipped"}


def test_no_input_is_ever_taken_for_a_command(origin: Origin) -> None:
    evil = "$(touch owned)`touch owned`\"; touch owned; '${{ github.token }}"
    origin.pushed().use(gates=evil, candidate=evil, baseline=evil, requirements="none\n" + evil)
    assert list(origin.services.folder.rglob("owned")) == []
