"""The outputs of the step, for the steps behind it."""

from __future__ import annotations

from collections.abc import Sequence

from scoregate.errors import INCONCLUSIVE, INTERRUPTED, INVALID, PASS, REGRESSION, USAGE
from scoregate.github.section import WithoutVerdict, gate_name
from scoregate.github.sections import WORDS, Section
from scoregate.own import json_codec
from scoregate.records import JSON
from scoregate.reports import Report
from scoregate.reports.text import one_line

_WORST_FIRST = (INTERRUPTED, USAGE, INVALID, REGRESSION, INCONCLUSIVE, PASS)


def outputs(
    reports: Sequence[Report], without: Sequence[WithoutVerdict], sections: Sequence[Section]
) -> dict[str, str]:
    """Of the gates that have a verdict and those that have none; `sections` are theirs, in this order.

    `verdict`, `exit-code`, `regressions` and `inconclusive` (rules that decide), `experiment-url`, and `gates`: a JSON
    object that has the same of each gate under its path.
    """
    results = [_result(report, section) for report, section in zip(reports, sections, strict=False)]
    results += map(_without, without)
    worst = min(results, key=_badness, default=None)
    urls = [one["experiment_url"] for one in results if one["experiment_url"]]
    return {
        "verdict": worst["verdict"] if worst else "error",
        "exit-code": str(worst["exit_code"] if worst else USAGE),
        "regressions": str(sum(one["regressions"] for one in results)),
        "inconclusive": str(sum(one["inconclusive"] for one in results)),
        "experiment-url": urls[0] if urls else "",
        "gates": json_codec.dumps({one.pop("gate"): one for one in results}, separators=(",", ":")),
    }


def _badness(result: dict[str, JSON]) -> tuple[int, int]:
    """The exit code counts first: what is left open may pass."""
    return _WORST_FIRST.index(result["exit_code"]), WORDS.index(result["verdict"])


def _without(one: WithoutVerdict) -> dict[str, JSON]:
    return {
        "gate": one_line(one.gate),
        "verdict": one.word,
        "exit_code": one.exit_code,
        "regressions": 0,
        "inconclusive": 0,
        "regressed_items": 0,
        "experiment_url": None,
    }


def _result(report: Report, section: Section) -> dict[str, JSON]:
    verdict = report.verdict
    deciding = [rule.outcome for rule in verdict.rules if rule.role != "advisory"]
    url = next((url for url in report.links.values() if url.startswith(("https://", "http://"))), None)
    return {
        "gate": one_line(gate_name(report)),
        "verdict": section.word,
        "exit_code": report.undelivered_code or verdict.exit_code,
        "regressions": deciding.count("regression"),
        "inconclusive": deciding.count("inconclusive"),
        "regressed_items": len(verdict.regressed_items),
        "experiment_url": one_line(url) if url else None,
    }
