"""A pytest plugin that writes down which test is running and which one failed first.

    SCOREGATE_FIRST_FAILURE=FILE python -m pytest -p first_failure …

A line of FILE is `running` or `failed`, a tab and the test's id; of a file that cannot be collected, the file's. The
last line still tells what was going on when pytest itself was killed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "SCOREGATE_FIRST_FAILURE"


def pytest_runtest_logstart(nodeid: str) -> None:
    _note("running", nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        _note("failed", report.nodeid)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _note("failed", report.nodeid)


def _note(what: str, test: str) -> None:
    path = os.environ.get(VARIABLE)
    if path:
        with Path(path).open("a", encoding="utf-8") as notes:
            notes.write(f"{what}\t{test}\n")
