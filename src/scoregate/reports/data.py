"""The verdict as data, nothing rounded: one JSON document with the contents of the items that it names, or CSV."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import fields

from scoregate.own import json_codec
from scoregate.records import JSON, RuleResult
from scoregate.reports.judge_lines import corrected_json, judge_usage_json
from scoregate.reports.report import Report


def render_json(report: Report) -> str:
    """`verdict.to_dict()` plus `items`: id -> `input`, `expected_output`, `before`, `after` of each item that moved
    or was run again; and `corrected`, where the gate names human labels of a judge's score.

    A key of an item is there only if its value is known (`before: null` is an output that was null). Numbers
    that JSON does not have (NaN, infinity) are null.
    """
    document = {**report.verdict.to_dict(), "exit_code": report.undelivered_code or report.verdict.exit_code}
    moved = [flip.item for flip in report.verdict.flips]
    named = dict.fromkeys([*moved, *(fresh.item for fresh in report.verdict.confirmed)])
    document["items"] = {item: _contents(report, item) for item in named}
    if report.corrected:
        document["corrected"] = corrected_json(report)
    if report.judge_usage:
        document["judges"] = judge_usage_json(report)
    text = json_codec.dumps(_without_nan(document), indent=2, ensure_ascii=False, allow_nan=False)
    # A lone surrogate (legal in a JSON escape, so it can come in) has no UTF-8; its escape is legal JSON.
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


def _contents(report: Report, item: str) -> dict[str, JSON]:
    contents: dict[str, JSON] = {}
    if item in report.items:
        contents["input"] = report.items[item].input
        contents["expected_output"] = report.items[item].expected_output
    if item in report.baseline_outputs:
        contents["before"] = report.baseline_outputs[item]
    if item in report.candidate_outputs:
        contents["after"] = report.candidate_outputs[item]
    return contents


def _without_nan(value: JSON) -> JSON:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return value


COLUMNS = tuple(field.name for field in fields(RuleResult))


def render_csv(report: Report) -> str:
    """A header line with the fields of `RuleResult`, then one line a rule."""
    text = io.StringIO()
    writer = csv.writer(text)  # its CRLF line ends make it quote a stray CR as well
    writer.writerow(COLUMNS)
    writer.writerows([getattr(rule, name) for name in COLUMNS] for rule in report.verdict.rules)
    return text.getvalue().encode("utf-8", "backslashreplace").decode("utf-8")
