"""The corrected value of a judged score beside the raw one, and which of them decides."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from scoregate.records import JSON
from scoregate.reports.report import Report
from scoregate.statistics.estimate import Estimate

if TYPE_CHECKING:
    from scoregate.calibration.corrected_value import CorrectedDifference


def corrected_lines(report: Report) -> list[str]:
    """A line or two a score whose gate names human labels, and which value decides; none where no gate names any."""
    lines, decides = [], ""
    for name, value in report.corrected.items():
        if isinstance(value, str):
            lines.append(f"{name}, corrected by human labels: none, as {value}")
            continue
        decides = value.decides
        lines.append(
            f"{name}: raw {_told(value.raw)}; corrected by "
            f"{_many(value.labelled, 'human label')} of {_many(value.items, 'item')}: "
            f"{_told(value.prediction_powered)} (prediction-powered), {_told(value.rogan_gladen)} (Rogan-Gladen)"
        )
        if value.difference is not None:
            lines.append(_difference(name, value.difference))
        if value.doubt is not None:
            lines.append(f"{name}: {value.doubt}")
        if value.unseen is not None:
            lines.append(f"{name}: {value.unseen}")
    return [*lines, decides] if decides else lines


def corrected_json(report: Report) -> JSON:
    """The same as JSON values: score -> the estimates, or the reason why there are none."""
    return {
        name: {"reason": value} if isinstance(value, str) else asdict(value)
        for name, value in report.corrected.items()
    }


def _difference(name: str, found: CorrectedDifference) -> str:
    differ = found.items - found.same
    same = f" ({found.same:,} more got the same answer)" if found.same else ""
    return (
        f"{name}, candidate − baseline: raw {_told(found.raw)}; corrected by human labels of both answers to "
        f"{found.labelled:,} of {_many(differ, 'item')}{same}: {_told(found.prediction_powered)} (prediction-powered)"
    )


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _told(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"– ({estimate.reason})"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3g}"
    return f"{estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}]"
