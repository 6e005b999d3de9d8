"""Beside which line of the gate something is said, and what is said first where GitHub shows no more than ten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scoregate.github.annotations import annotations_of, split
from scoregate.github.check_run import conclusion
from scoregate.github.publishing import Faces, publish
from scoregate.github.workflow_commands import command
from scoregate.records import Outcome, RuleResult
from scoregate.reports import Report
from scoregate.reports.provenance import GateFile
from tests.github.reports import PROVENANCE
from tests.github.workflow import FAST, Workflow
from tests.reports.verdicts import rule, verdict

BETTER = {"difference": 0.1, "ci_low": 0.05, "ci_high": 0.2}


def report(*rules: RuleResult, outcome: Outcome = "regression", **changes: object) -> Report:
    lines = {one.score: number for number, one in enumerate(rules, 10)}
    place = GateFile(path="gates/agent.toml", lines=lines)
    return Report(verdict(*rules, outcome=outcome, **changes), provenance=replace(PROVENANCE, gate=place))


def broken(score: str, drop: float, **changes: object) -> RuleResult:
    return rule(score=score, outcome="regression", difference=-drop, ci_low=-1, ci_high=-0.001, **changes)


def test_a_kind_says_how_bad_it_is() -> None:
    found = annotations_of(
        [
            report(
                rule(score="better", **BETTER),
                rule(score="open", outcome="inconclusive"),
                broken("broken", 0.1),
                rule(score="same"),
                broken("advisory", 0.5, role="advisory"),
            )
        ]
    )
    assert [(one.level, one.title, one.line) for one in found] == [
        ("error", "support-agent: broken: regression", 12),
        ("warning", "support-agent: open: inconclusive", 11),
        ("notice", "support-agent: better: better", 10),
    ]
    assert {one.file for one in found} == {"gates/agent.toml"}


def test_the_ten_that_matter_most_are_shown() -> None:
    slices = [broken("a", 0.9, slice=f"intent={number}") for number in range(12)]
    whole = [broken(f"score-{number}", number / 100) for number in range(9)]
    shown, further = split(
        annotations_of([report(*slices, *whole, rule(score="open", outcome="inconclusive"))])
    )

    errors = [one.title for one in shown if one.level == "error"]
    assert errors[:9] == [f"support-agent: score-{number}: regression" for number in range(8, -1, -1)]
    assert len(errors) == 10
    assert [one.level for one in shown[10:]] == ["warning"]
    assert len(further) == 11
    assert all("intent=" in one.title for one in further)


@pytest.mark.parametrize(("outcome", "level"), [("invalid", "error"), ("inconclusive", "warning")])
def test_what_is_the_outcome_of_no_rule_is_said_of_the_file(outcome: Outcome, level: str) -> None:
    (found,) = annotations_of([report(rule(), outcome=outcome, reason="11 of 200 items are missing")])
    assert (found.level, found.line, found.message) == (level, 1, "11 of 200 items are missing")


def test_a_pass_says_nothing() -> None:
    assert annotations_of([report(rule(), outcome="pass")]) == []


def test_a_message_is_escaped_as_the_toolkit_does() -> None:
    assert command("error", "50 % of a::b, c", {"title": "a: b, c", "file": "", "line": 3}) == (
        "::error title=a%3A b%2C c,line=3::50 %25 of a::b, c"
    )
    assert command("notice", "one\ntwo ##[error]three") == "::notice::one ⏎ two # #[error]three"


def test_what_a_step_cannot_show_is_in_the_check_run_fifty_at_once(workflow: Workflow) -> None:
    rules = [broken(f"score-{number:03}", 0.1) for number in range(130)]
    publish([report(*rules)], workflow.job, workflow.told.append, faces=Faces(comment=False), timing=FAST)

    assert len(workflow.told) == 10
    (check,) = workflow.github.repository.check_runs.values()
    assert len(check.annotations) == 120
    sent = [one for one in workflow.github.exchanges if "check-runs" in one.path]
    assert [(one.method, len(one.asked["output"]["annotations"])) for one in sent] == [
        ("POST", 50),
        ("PATCH", 50),
        ("PATCH", 20),
    ]
    assert check.annotations[0] == {
        "path": "gates/agent.toml",
        "start_line": 20,
        "end_line": 20,
        "annotation_level": "failure",
        "title": "support-agent: score-010: regression",
        "message": "81 % → 81 %, −10 pt [−100, 0], scored 200/200: a drop of 5.0 points or more is ruled out "
        "(bound −2.1 points)",
    }


@pytest.mark.parametrize(
    ("outcome", "strict", "wanted"),
    [
        ("pass", "warn", "success"),
        ("inconclusive", "warn", "neutral"),
        ("inconclusive", "fail", "failure"),
        ("regression", "warn", "failure"),
        ("invalid", "warn", "failure"),
    ],
)
def test_a_check_fails_where_the_build_does(outcome: Outcome, strict: str, wanted: str) -> None:
    assert conclusion(report(rule(), outcome=outcome, on_inconclusive=strict)) == wanted
    assert conclusion(replace(report(rule(), outcome="pass"), undelivered_code=5)) == "failure"
