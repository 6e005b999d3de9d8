"""A check of the commit, a gate each: the verdict on the page of checks, with the annotations beyond a step's ten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scoregate.errors import PASS
from scoregate.github.annotations import Annotation
from scoregate.github.body import compose
from scoregate.github.client import Client
from scoregate.github.job import Job
from scoregate.github.sections import Section
from scoregate.records import Outcome
from scoregate.reports import Report
from scoregate.reports.text import cut, one_line

_A_REQUEST = 50
"""Annotations that GitHub takes at once."""
_LONGEST_NAME = 100
_LEVELS = {"error": "failure", "warning": "warning", "notice": "notice"}
_CONCLUSIONS: Mapping[Outcome, str] = {"pass": "success", "inconclusive": "neutral"}


def tell(client: Client, report: Report, section: Section, job: Job, further: Sequence[Annotation]) -> None:
    """Make the check of a gate, with these annotations in as many requests as it takes.

    Raises what `Client` raises.
    """
    assert job.commit is not None
    output = {
        "title": cut(one_line(report.verdict.reason), 200),
        "summary": compose([section]),
    }
    placed = [_placed(one) for one in further if one.file is not None]
    batches = [placed[start : start + _A_REQUEST] for start in range(0, len(placed), _A_REQUEST)] or [[]]
    name = cut(f"scoregate: {section.title}", _LONGEST_NAME)
    made = client.create_check_run(
        name, job.commit, conclusion(report), {**output, "annotations": batches[0]}, job.run_url
    )
    for batch in batches[1:]:
        client.update_check_run(made, {**output, "annotations": batch})


def conclusion(report: Report) -> str:
    """Failure wherever the command's exit code is none of a pass; what is open and does not fail is neutral."""
    if (report.undelivered_code or report.verdict.exit_code) != PASS:
        return "failure"
    return _CONCLUSIONS.get(report.verdict.outcome, "failure")


def _placed(one: Annotation) -> dict[str, Any]:
    line = one.line or 1
    return {
        "path": one_line(one.file or ""),
        "start_line": line,
        "end_line": line,
        "annotation_level": _LEVELS[one.level],
        "title": cut(one_line(one.title), 255),
        "message": one_line(one.message),
    }
