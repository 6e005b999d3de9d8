"""The verdict's rules as CSV: one row a rule and slice, unrounded numbers, empty where a value is unknown."""

from __future__ import annotations

import csv
import io
from dataclasses import fields

from scoregate.records import RuleResult
from scoregate.reports.report import Report

COLUMNS = tuple(field.name for field in fields(RuleResult))


def render_csv(report: Report) -> str:
    """A header line with the fields of `RuleResult`, then one line a rule."""
    text = io.StringIO()
    writer = csv.writer(text)  # its CRLF line ends make it quote a stray CR as well
    writer.writerow(COLUMNS)
    writer.writerows([getattr(rule, name) for name in COLUMNS] for rule in report.verdict.rules)
    return text.getvalue().encode("utf-8", "backslashreplace").decode("utf-8")
