"""`check`: the same results, decided again from the store or from files."""

from __future__ import annotations

import csv

from junitparser import JUnitXml

from tests.cli.project import Project, agent
from tests.reports import xunit

Regressed = tuple[Project, str]


def test_a_stored_run_is_decided_again_without_a_call(regressed: Regressed) -> None:
    project, run = regressed
    project.write("experiments/agent.py", "raise SystemExit('not to be imported')")
    again = project.scoregate("check", "gates/agent.toml", "--candidate", run)
    assert again.outcome(1) == "REGRESSION"
    assert "Items that moved: 10 worse, 0 better" in again.out
    assert again.err == ""


def test_a_stored_run_is_decided_under_another_gate(regressed: Regressed) -> None:
    project, run = regressed
    project.edit("gates/agent.toml", "max_drop = 0.05", "max_drop = 0.3\nmin_effect = 0.2")
    assert project.scoregate("check", "gates/agent.toml", "--candidate", run).outcome(0) == "PASS"


def test_run_and_check_give_the_same_verdict_as_one_json_document(accepted: Project) -> None:
    accepted.write("experiments/agent.py", agent("return n if n >= 10 else -1", version="v2"))
    ran = accepted.run("--json")
    assert ran.code == 1
    verdict = ran.json()
    assert verdict["outcome"] == "regression"
    assert verdict["exit_code"] == 1
    assert verdict["regressed_items"] == [f"q{n:03}" for n in range(10)]
    assert verdict["items"]["q003"] == {"input": {"n": 3}, "expected_output": 3, "before": 3, "after": -1}
    checked = accepted.scoregate("check", "gates/agent.toml", "--candidate", ran.started, "--json", cold=True)
    assert checked.json() == verdict


def test_reports_are_written_beside_the_verdict(regressed: Regressed) -> None:
    project, run = regressed
    outputs = ("-o", "markdown=out/verdict.md", "-o", "json=out/verdict.json", "-o", "csv=out/rules.csv")
    checked = project.scoregate("check", "gates/agent.toml", "--candidate", run, *outputs)
    assert checked.outcome(1) == "REGRESSION"
    assert "q003" in project.read("out/verdict.md")
    assert '"outcome": "regression"' in project.read("out/verdict.json")
    rows = list(csv.DictReader(project.read("out/rules.csv").splitlines()))
    assert [(row["score"], row["slice"], row["lost"]) for row in rows if not row["slice"]] == [
        ("correct", "", "10")
    ]
    assert len(rows) > 1  # and one a slice


def test_junit_says_of_a_rule_what_the_terminal_says(regressed: Regressed) -> None:
    project, run = regressed
    checked = project.scoregate("check", "gates/agent.toml", "--candidate", run, "-o", "junit=out/junit.xml")
    assert checked.outcome(1) == "REGRESSION"

    text = project.read("out/junit.xml")
    xunit.schema().validate(text)
    (suite,) = JUnitXml.fromstring(text.encode())
    assert suite.name == "agent"
    assert suite.time > 0
    ends = {case.name: xunit.end_of(case) for case in suite}
    assert list(ends) == ["correct", "correct · intent=hours", "correct · intent=refund"]
    said = ends["correct"].removeprefix("failure: ")
    assert f"REGRESSION: correct: {said}" in " ".join(checked.out.split())
    assert xunit.figures_of(suite)["correct: lost"] == "10"


def test_results_of_any_other_tool_are_compared_by_their_files(accepted: Project) -> None:
    def results(run: str, good: int) -> list[object]:
        header = {
            "kind": "run",
            "run": run,
            "dataset": "d",
            "candidate": run,
            "expected_items": 100,
            "schema": 1,
        }
        scores = [
            {"kind": "score", "item": str(n), "score": "correct", "value": n < good, "status": "ok"}
            for n in range(100)
        ]
        return [header, *scores]

    accepted.write_lines("a.jsonl", results("a", 90))
    accepted.write_lines("b.jsonl", results("b", 70))
    files = ("--baseline", "a.jsonl", "--candidate", "b.jsonl")
    assert accepted.scoregate("check", "gates/agent.toml", *files).outcome(1) == "REGRESSION"
    swapped = ("--baseline", "b.jsonl", "--candidate", "a.jsonl")
    assert accepted.scoregate("check", "gates/agent.toml", *swapped).outcome(0) == "PASS"


def test_inconclusive_fails_only_where_the_gate_or_the_caller_says_so(accepted: Project) -> None:
    accepted.edit("gates/agent.toml", "max_drop = 0.05", "max_drop = 0.01")
    lines = accepted.read_lines("gates/agent.baseline.jsonl")
    accepted.write_lines("again.jsonl", [{**lines[0], "run": "again"}, *lines[1:]])
    check = ("check", "gates/agent.toml", "--candidate", "again.jsonl")
    assert accepted.scoregate(*check).outcome(0) == "INCONCLUSIVE"
    assert accepted.scoregate(*check, "--on-inconclusive", "fail").outcome(3) == "INCONCLUSIVE"
    accepted.write("gates/agent.toml", 'on_inconclusive = "fail"\n' + accepted.read("gates/agent.toml"))
    assert accepted.scoregate(*check).outcome(3) == "INCONCLUSIVE"
