"""The rules of a verdict as CSV, nothing rounded."""

from __future__ import annotations

import csv
import io
from dataclasses import fields

from scoregate.records import RuleResult
from scoregate.reports.report import Report
from scoregate.wording import written_out

COLUMNS = tuple(field.name for field in fields(RuleResult))


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a cell begins that a spreadsheet takes for a formula, or skips to where one may begin."""


def render_csv(report: Report) -> str:
    """A header line with the fields of `RuleResult`, then one line a rule.

    In texts what acts instead of being read is written out (`\\x1b`), and `'` stands before what would be a formula.
    """
    text = io.StringIO()
    writer = csv.writer(text)  # its CRLF line ends make it quote a stray line end as well
    writer.writerow(COLUMNS)
    writer.writerows([_cell(getattr(rule, name)) for name in COLUMNS] for rule in report.verdict.rules)
    return text.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    safe = written_out(value)
    return f"'{safe}" if safe.startswith(_FORMULA) else safe
