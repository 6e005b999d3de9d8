"""The Action in the jobs of a repository: what its steps do, and what the job sees of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.action.checkout import Origin
from tests.action.local_runner import Used
from tests.cli.project import agent

WORSE = agent("return n if n >= 10 else -1", version="v2")
REPORTS = {"verdict.json", "verdict.xml", "verdict.md", "rules.csv"}
LAST = "End as the verdict says"


def document(used: Used) -> Any:
    return json.loads(Path(used.outputs["json"]).read_text(encoding="utf-8"))


def failures(used: Used) -> list[str]:
    return [step.name for step in used.steps if step.outcome == "failure"]


def test_a_pull_request_that_makes_nothing_worse_passes(origin: Origin) -> None:
    origin.author.edit("experiments/agent.py", '"v1"', '"v2"')
    used = origin.pull_request().use(gates="gates/agent.toml")
    assert failures(used) == []
    assert used.outputs["exit-code"] == "0"
    assert document(used)["outcome"] == "pass"
    assert Path(used.outputs["junit"]).read_text().startswith("<?xml")
    (kept,) = origin.services.artifacts
    assert kept.startswith("scoregate-verdict-gates-agent-")
    assert {path.name for path in origin.services.artifact(kept).iterdir()} == REPORTS


def test_a_regression_fails_the_last_step_alone_and_every_report_is_kept(origin: Origin) -> None:
    origin.author.write("experiments/agent.py", WORSE)
    used = origin.pull_request().use(gates="gates/agent.toml")
    assert failures(used) == [LAST]
    assert used.outputs["exit-code"] == "1"
    assert document(used)["outcome"] == "regression"
    assert len(origin.services.artifacts) == 1


def test_fail_on_error_lets_a_verdict_through_whatever_it_is(origin: Origin) -> None:
    origin.author.write("experiments/agent.py", WORSE)
    used = origin.pull_request().use(gates="gates/agent.toml", fail_on="error")
    assert failures(used) == []
    assert used.outputs["exit-code"] == "1"


def test_fail_on_inconclusive_fails_what_could_not_be_told_apart(origin: Origin) -> None:
    origin.author.edit("gates/agent.toml", "max_drop = 0.05", "max_drop = 0.02")
    used = origin.pull_request().use(gates="gates/agent.toml", fail_on="inconclusive")
    assert failures(used) == [LAST]
    assert used.outputs["exit-code"] == "3"


@pytest.mark.parametrize("fail_on", ["error", "regression"])
def test_what_ends_without_a_verdict_fails_and_is_told(origin: Origin, fail_on: str) -> None:
    origin.author.write("experiments/agent.py", "def task(:\n")
    used = origin.pull_request().use(gates="gates/agent.toml", fail_on=fail_on)
    assert failures(used) == [LAST]
    assert used.outputs["exit-code"] == "2"
    (refused,) = document(used)["refused"]
    assert (refused["gate"], refused["path"], refused["exit_code"]) == ("agent", "gates/agent.toml", 2)
    assert "experiments/agent.py" in refused["message"]


def test_a_project_below_the_top_is_run_in_its_folder(origin: Origin) -> None:
    (origin.author.folder / "agents" / "my shop").mkdir(parents=True)
    for name in ("gates", "datasets", "experiments"):
        origin.author.path(name).rename(origin.author.path(f"agents/my shop/{name}"))
    used = origin.pushed().use(gates="gates/*.toml", working_directory="agents/my shop")
    assert failures(used) == []
    assert document(used)["gate"] == "agent"


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
    used = origin.pull_request().use(gates="gates/agent.toml")
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
