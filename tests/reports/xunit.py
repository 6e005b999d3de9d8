"""JUnit XML read back: by junitparser, and held to what the xunit plugin of Jenkins asks of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from junitparser import JUnitXml, TestCase, TestSuite
from xmlschema import XMLSchema

from scoregate.reports import Report, render
from scoregate.reports.build import Build

SCHEMA = Path(__file__).with_name("xunit.xsd")


def suite_of(report: Report) -> TestSuite:
    """The only suite of the report as JUnit XML, which is valid."""
    (suite,) = suites_of(report)
    return suite


def suites_of(report: Report | Build) -> list[TestSuite]:
    """The suites of the report as JUnit XML, which is valid."""
    text = render(report, "junit")
    schema().validate(text)
    suites = list(JUnitXml.fromstring(text.encode("utf-8")))
    assert all(isinstance(suite, TestSuite) for suite in suites)
    return suites


def cases_of(report: Report) -> dict[str, TestCase]:
    """Name -> case."""
    suite = suite_of(report)
    cases = {str(case.name): case for case in suite}
    assert len(cases) == len(suite) == suite.tests
    return cases


def figures_of(suite: Any) -> dict[str, str]:
    """Name -> value of the properties; `Any` as junitparser does not type them."""
    return {one.name: one.value for one in suite.properties()}


def end_of(case: TestCase) -> str:
    """`passed`, or `failure: MESSAGE`, `error: …`, `skipped: …`."""
    if not case.result:
        return "passed"
    (end,) = case.result
    assert end.text == end.message
    return f"{type(end).__name__.lower()}: {end.message}"


@cache
def schema() -> XMLSchema:
    return XMLSchema(SCHEMA)
