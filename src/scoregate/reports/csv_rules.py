"""The rules of a verdict, or of those of a build, as CSV, nothing rounded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import fields

from scoregate.records import RuleResult
from scoregate.reports.build import Build, Row
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
    return _written(COLUMNS, map(_line, report.verdict.rules))


def render_build_csv(build: Build) -> str:
    """The same with `gate` before it: a line for each gate, of which no `score` is named, then one a rule."""
    columns = ("gate", *COLUMNS)
    gates = [_of_gate(columns, row) for row in build.rows]
    rules = [(name, *_line(rule)) for name, report in build.named_reports for rule in report.verdict.rules]
    return _written(columns, (*gates, *rules))


def _of_gate(columns: Sequence[str], row: Row) -> list[object]:
    known = {"gate": row.gate, "outcome": row.word, "reason": row.why}
    return [known.get(name) for name in columns]


def _line(rule: RuleResult) -> list[object]:
    return [getattr(rule, name) for name in COLUMNS]


def _written(columns: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(map(_cell, line) for line in lines)
    return text.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    safe = written_out(value).replace("\n", "\\n").replace("\t", "\\t")
    return cut(f"'{safe}" if safe.startswith(_COMMANDS) else safe, _LONGEST_CELL)
