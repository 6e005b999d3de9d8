"""The verdict as JUnit XML, which the pages for test results of most CI services read.

A suite a gate, a case a rule and slice; the figures are properties of the suite, as the schema of Jenkins' xunit plugin
knows none of a case, and stand in the case's output as well, for people. In a build a gate that was left out has a case
that was skipped, and one that ended without a verdict a case with an error.

| a rule of which the outcome is | is a case that |
|---|---|
| pass, or whatever an advisory one would be | passed |
| regression | failed |
| inconclusive | was skipped; failed where the build fails on it |
| invalid | had an error |

What breaks the build without being the outcome of any rule (too many missing items, a partial run, the word of the
candidate's script, a delivery that is not complete) has a case of its own, so that no page is green where the build is
not. Cases are of the class of their suite, as pages know them by class and name, and two gates may share theirs.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from scoregate.errors import PASS
from scoregate.records import Outcome, RuleResult, Verdict
from scoregate.reports.build import Build, Row
from scoregate.reports.report import UNDELIVERED, Report
from scoregate.reports.shown_rules import RuleRow, rule_name, rule_rows
from scoregate.reports.text import cut, one_line

if TYPE_CHECKING:
    from junitparser import TestCase, TestSuite

WHOLE = "verdict"
"""Name of the case of what no rule says."""
FIGURES = (
    "outcome", "role", "baseline_value", "candidate_value", "difference", "ci_low", "ci_high", "p_value",
    "adjusted_p_value", "margin", "minimum_detectable_drop", "n_items", "n_scored", "n_expected", "lost", "won",
)  # fmt: skip
"""What is told of a rule, under the names that JSON and CSV have for it."""
_LONGEST_NAME = 500


def render_junit(report: Report) -> str:
    """One `<testsuites>` with the suite of the gate.

    Text of others stands on one line, in which all that XML 1.0 cannot hold is written out (`\\x00`).
    """
    return _written([_suite(report, report.verdict.gate or "gate")])


def render_build_junit(build: Build) -> str:
    """One `<testsuites>` with a suite a gate."""
    decided = [_suite(report, name) for name, report in build.named_reports]
    return _written([*decided, *map(_suite_without_verdict, build.rows_without_verdict)])


def _written(suites: Sequence[TestSuite]) -> str:
    from junitparser import JUnitXml

    root = JUnitXml()
    for suite in suites:
        root.add_testsuite(suite)
    root.tests, root.failures, root.errors, root.time = (
        sum(getattr(suite, name) for suite in suites) for name in ("tests", "failures", "errors", "time")
    )
    written = io.BytesIO()
    root.write(written, pretty=True)
    return written.getvalue().decode("utf-8")


def _suite_without_verdict(row: Row) -> TestSuite:
    """Of a gate that was left out, which is no pass, or that ended with an error."""
    from junitparser import TestSuite

    suite = TestSuite(_name(row.gate))
    suite.add_testcases([_without_verdict(row.gate, row.why, word=row.word)])
    suite.time = 0.0
    return suite


def _suite(report: Report, name: str) -> TestSuite:
    from junitparser import TestSuite

    verdict, suite = report.verdict, TestSuite(_name(name))
    rows = zip(verdict.rules, rule_rows(report, verdict.rules), strict=True)
    cases = [_case(verdict, rule, row, name) for rule, row in rows]
    if report.undelivered_code:
        cases.insert(
            0, _without_verdict(name, f"{UNDELIVERED}; the verdict is {verdict.outcome}: {verdict.reason}")
        )
    elif not _is_told(verdict):
        cases.insert(0, _whole(verdict, name))
    for figure, value in _properties(report):
        suite.add_property(_name(figure), value)
    suite.add_testcases(cases)
    _note_time(suite, report)
    return suite


def _case(verdict: Verdict, rule: RuleResult, row: RuleRow, suite: str) -> TestCase:
    case = _empty(suite, rule_name(rule))
    if rule.role != "advisory":
        _end(case, verdict, rule.outcome, rule.reason)
    case.system_out = one_line(
        f"{row.outcome}: {row.baseline} → {row.candidate}, difference {row.difference}, p {row.p}, "
        f"scored {row.scored}, lost/won {row.moved}: {rule.reason}"
    )
    return case


def _whole(verdict: Verdict, suite: str) -> TestCase:
    case = _empty(suite, WHOLE)
    _end(case, verdict, verdict.outcome, verdict.reason)
    return case


def _without_verdict(suite: str, why: str, *, word: str = "error") -> TestCase:
    """The case of what is no verdict."""
    from junitparser import Error, Skipped

    case = _empty(suite, WHOLE)
    end = (Skipped if word == "left out" else Error)(one_line(why), word)
    end.text = one_line(why)
    case.result = [end]
    return case


def _empty(suite: str, name: str) -> TestCase:
    from junitparser import TestCase

    return TestCase(_name(name), classname=_name(suite))


def _end(case: TestCase, verdict: Verdict, outcome: Outcome, reason: str) -> None:
    """How the case ended, with the same words as in the terminal; one that passed has no such element."""
    from junitparser import Error, Failure, Skipped

    kinds = {"regression": Failure, "invalid": Error, "inconclusive": Failure if _fails(verdict) else Skipped}
    if outcome not in kinds:
        return
    end = kinds[outcome](one_line(reason), outcome)
    end.text = one_line(reason)
    case.result = [end]


def _fails(verdict: Verdict) -> bool:
    """Whether the build fails on what could not be settled. One that passes has settled all that counts."""
    strict = verdict.on_inconclusive == "fail" or verdict.partial
    return strict and verdict.exit_code != PASS


def _is_told(verdict: Verdict) -> bool:
    """Whether the case of some rule shows the verdict's outcome."""
    deciding = (rule.outcome for rule in verdict.rules if rule.role != "advisory")
    return verdict.outcome == "pass" or verdict.outcome in deciding


def _properties(report: Report) -> Iterator[tuple[str, str]]:
    verdict, known = report.verdict, report.provenance
    commit, fingerprint = (
        (known.candidate.commit, known.candidate.dataset_fingerprint) if known else (None, None)
    )
    facts = {
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "exit_code": report.undelivered_code or verdict.exit_code,
        "candidate": verdict.candidate,
        "candidate_run": verdict.candidate_run,
        "baseline": verdict.baseline_candidate,
        "baseline_run": verdict.baseline_run,
        "dataset": verdict.dataset,
        "dataset_fingerprint": fingerprint,
        "commit": commit,
        "alpha": verdict.alpha,
        "seed": verdict.seed,
    }
    facts |= {f"policy_change {number}": line for number, line in enumerate(verdict.policy_changes, 1)}
    for rule in verdict.rules:
        facts |= {f"{rule_name(rule)}: {figure}": getattr(rule, figure) for figure in FIGURES}
    for name, value in facts.items():
        if value is not None:
            yield name, one_line(str(value))


def _note_time(suite: TestSuite, report: Report) -> None:
    """When the candidate's run began and how long it took, as far as it says."""
    run = report.provenance.candidate if report.provenance else None
    suite.time = round(run.seconds, 3) if run and run.seconds is not None else 0.0
    if run and run.started_at:
        suite.timestamp = one_line(run.started_at)


def _name(text: str) -> str:
    return cut(one_line(text), _LONGEST_NAME)
