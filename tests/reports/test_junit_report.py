"""A verdict as JUnit XML: a suite a gate, a case a rule and slice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from scoregate.records import Outcome, Run, RunHeader
from scoregate.reports import Report, render
from scoregate.reports.provenance import Provenance
from tests.reports.verdicts import REPORT, any_reports, part, rule, verdict
from tests.reports.xunit import cases_of, end_of, figures_of, schema, suite_of

HEADER = RunHeader(
    run="run-b",
    dataset="support-agent",
    candidate="v2",
    expected_items=200,
    commit="4f3c2b1",
    dataset_fingerprint="0a1b2c",
    started_at="2026-11-30T10:00:00+00:00",
    finished_at="2026-11-30T10:01:30.250+00:00",
)


def test_a_gate_is_a_suite_and_a_rule_a_case() -> None:
    report = Report(
        verdict(
            rule(outcome="regression", reason="fell from 81.0 % to 76.7 % (−4.3 points)", difference=-0.043),
            part("intent=refund"),
            rule(score="latency_seconds", statistic="p95", reason="no rise is proved"),
            outcome="regression",
            reason="answer_correctness: fell from 81.0 % to 76.7 % (−4.3 points)",
        ),
        provenance=Provenance.of(Run(HEADER), None),
    )

    suite = suite_of(report)

    assert (suite.name, suite.tests, suite.failures, suite.errors, suite.skipped) == (
        "support-agent", 3, 1, 0, 0,
    )  # fmt: skip
    assert (suite.timestamp, suite.time) == ("2026-11-30T10:00:00+00:00", 90.25)
    assert {name: end_of(case) for name, case in cases_of(report).items()} == {
        "answer_correctness": "failure: fell from 81.0 % to 76.7 % (−4.3 points)",
        "answer_correctness · intent=refund": "passed",
        "latency_seconds p95": "passed",
    }
    figures = figures_of(suite)
    assert figures["exit_code"] == "1"
    assert figures["commit"] == "4f3c2b1"
    assert figures["answer_correctness: outcome"] == "regression"
    assert figures["answer_correctness: difference"] == "-0.043"
    assert figures["answer_correctness · intent=refund: ci_low"] == "-0.02"
    assert figures["latency_seconds p95: n_items"] == "200"


def test_a_case_shows_the_row_of_its_rule_to_people() -> None:
    (case,) = cases_of(REPORT).values()

    assert case.system_out == (
        "regression: 81.0 % → 76.7 %, difference −4.3 pt [−7.1, −1.5], p 0.0016, scored 200/200, lost/won 2/1: "
        "fell from 81.0 % to 76.7 % (−4.3 points)"
    )


@pytest.mark.parametrize(
    ("outcome", "changes", "end"),
    [
        ("pass", {}, "passed"),
        ("regression", {}, "failure: because"),
        ("invalid", {}, "error: because"),
        ("inconclusive", {"on_inconclusive": "warn"}, "skipped: because"),
        ("inconclusive", {"on_inconclusive": "fail"}, "failure: because"),
        ("inconclusive", {"partial": True}, "failure: because"),
    ],
)
def test_a_case_ends_as_its_rule_counts_for_the_build(
    outcome: Outcome, changes: dict[str, object], end: str
) -> None:
    report = Report(verdict(rule(outcome=outcome, reason="because"), outcome=outcome, **changes))

    assert end_of(cases_of(report)["answer_correctness"]) == end


def test_what_decides_nothing_breaks_no_case() -> None:
    advisory = rule(score="tone", outcome="regression", role="advisory")
    secondary = rule(score="style", outcome="inconclusive", role="secondary", reason="not settled")
    report = Report(verdict(rule(role="primary"), advisory, secondary, on_inconclusive="fail"))

    cases = cases_of(report)

    assert end_of(cases["tone"]) == "passed"
    assert (cases["tone"].system_out or "").startswith("advisory (regression): 81.0 % → 81.0 %")
    assert end_of(cases["style"]) == "skipped: not settled"


@pytest.mark.parametrize(
    ("outcome", "end"),
    [
        ("regression", "failure: the script said so"),
        ("invalid", "error: the script said so"),
        ("inconclusive", "skipped: the script said so"),
    ],
)
def test_what_no_rule_says_has_a_case_of_its_own(outcome: Outcome, end: str) -> None:
    cases = cases_of(Report(verdict(outcome=outcome, reason="the script said so")))

    assert list(cases) == ["verdict", "answer_correctness"]
    assert end_of(cases["verdict"]) == end


def test_a_gate_without_any_result_is_no_empty_page() -> None:
    nothing = replace(verdict(outcome="invalid", reason="there is no baseline"), rules=(), gate=None)

    assert suite_of(Report(nothing)).name == "gate"
    assert {name: end_of(case) for name, case in cases_of(Report(nothing)).items()} == {
        "verdict": "error: there is no baseline"
    }


def test_an_anchor_has_cases_of_its_own() -> None:
    report = Report(verdict(rule(), rule(against="anchor")))

    assert list(cases_of(report)) == ["answer_correctness", "answer_correctness (against the anchor)"]


@pytest.mark.parametrize(
    ("started", "finished", "seconds"),
    [
        (None, "2026-11-30T10:00:00+00:00", 0.0),
        ("2026-11-30T10:00:00+00:00", None, 0.0),
        ("yesterday", "today", 0.0),
        ("2026-11-30T10:00:00", "2026-11-30T10:00:01+00:00", 0.0),
        ("2026-11-30T10:00:01+00:00", "2026-11-30T10:00:00+00:00", 0.0),
        ("2026-11-30T10:00:00+00:00", "2026-11-30T10:00:00.0014+00:00", 0.001),
    ],
)
def test_a_time_that_is_not_known_is_none(started: str | None, finished: str | None, seconds: float) -> None:
    header = replace(HEADER, started_at=started, finished_at=finished)

    assert suite_of(Report(verdict(), provenance=Provenance.of(Run(header), None))).time == seconds


def test_what_xml_cannot_hold_is_written_out() -> None:
    name = "a\x00b\ud800c\x1b[31md\ufffe\uffff\x85f"

    report = Report(verdict(rule(score=name, outcome="invalid", reason=name), outcome="invalid"))

    (case,) = cases_of(report).values()
    assert case.name == "a\\x00b\\ud800c\\x1b[31md\\ufffe\\uffff ⏎ f"
    assert end_of(case) == f"error: {case.name}"


def test_a_name_of_any_length_is_cut_where_it_can_be_seen() -> None:
    (name,) = cases_of(Report(verdict(rule(score="x" * 1_000_000))))

    assert name == "x" * 499 + "…"


@settings(max_examples=100, deadline=None)
@given(any_reports())
def test_any_report_is_valid(report: Report) -> None:
    text = render(report, "junit")

    schema().validate(text)
    assert text.count("<testcase ") - len(report.verdict.rules) in (0, 1)
