"""The rules of a verdict as CSV, nothing rounded."""

from __future__ import annotations

import csv
import io
from dataclasses import fields

from scoregate.records import RuleResult
from scoregate.reports.report import Report
from scoregate.reports.text import cut
from scoregate.wording import written_out

COLUMNS = tuple(field.name for field in fields(RuleResult))
_COMMANDS = ("=", "+", "-", "@", "::")
"""How a cell begins that a spreadsheet takes for a formula, or a line that GitHub takes for a command of a log."""
_LONGEST_CELL = 32_767
"""What a spreadsheet holds in a cell; Python's own reader refuses a file with a cell of more than 131,072."""


def render_csv(report: Report) -> str:
    """A header line with the fields of `RuleResult`, then one line a rule.

    In texts what acts instead of being read is written out (`\\x1b`, `\\n`), and `'` stands before what would act as a
    whole.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(getattr(rule, name)) for name in COLUMNS] for rule in report.verdict.rules)
    return text.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    safe = written_out(value).replace("\n", "\\n").replace("\t", "\\t")
    return cut(f"'{safe}" if safe.startswith(_COMMANDS) else safe, _LONGEST_CELL)
