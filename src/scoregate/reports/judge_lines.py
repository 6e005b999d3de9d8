"""What is said of judges: their scores corrected by human labels, and what it took to ask them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from scoregate.catalog import Contract
from scoregate.records import JSON
from scoregate.reports.report import Report
from scoregate.reports.rounding import decimals_for, half_width, number
from scoregate.wording import count, dollars

if TYPE_CHECKING:
    from scoregate.calibration.corrected_value import CorrectedDifference
    from scoregate.statistics.estimate import Estimate


def corrected_lines(report: Report) -> list[str]:
    """A line or two a score whose gate names human labels, and which value decides; none where no gate names any."""
    lines, decides = [], ""
    for name, value in report.corrected.items():
        if isinstance(value, str):
            lines.append(f"{name}, corrected by human labels: none, as {value}")
            continue
        decides, rate = value.decides, _is_rate(report.contracts.get(name))
        powered, gladen = (_value(one, rate=rate) for one in (value.prediction_powered, value.rogan_gladen))
        lines.append(
            f"{name}: raw {_value(value.raw, rate=rate)}; corrected by "
            f"{count(value.labelled, 'human label')} of {count(value.items, 'item')}: "
            f"{powered} (prediction-powered), {gladen} (Rogan-Gladen)"
        )
        if value.difference is not None:
            lines.append(_difference(name, value.difference, rate=rate))
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


def _difference(name: str, found: CorrectedDifference, *, rate: bool) -> str:
    differ = found.items - found.same
    same = f" ({found.same:,} more got the same answer)" if found.same else ""
    raw, powered = (_change(one, rate=rate) for one in (found.raw, found.prediction_powered))
    return (
        f"{name}, candidate − baseline: raw {raw}; corrected by human labels of both answers to "
        f"{found.labelled:,} of {count(differ, 'item')}{same}: {powered} (prediction-powered)"
    )


def _is_rate(contract: Contract | None) -> bool:
    """Whether the score's value is a share of answers that pass, and not a number or a grade."""
    return contract is not None and contract.type != "numeric" and not contract.ordered


def _value(estimate: Estimate, *, rate: bool) -> str:
    return _told(estimate, 100.0 if rate else 1.0, " %" if rate else "", signed=False)


def _change(estimate: Estimate, *, rate: bool) -> str:
    return _told(estimate, 100.0 if rate else 1.0, " points" if rate else "", signed=True)


def _told(estimate: Estimate, scale: float, unit: str, *, signed: bool) -> str:
    if estimate.value is None:
        return f"– ({estimate.reason})"
    value = estimate.value * scale
    if estimate.low is None or estimate.high is None:
        return number(value, decimals_for(None, value), signed=signed) + unit
    low, high = estimate.low * scale, estimate.high * scale
    decimals = decimals_for(half_width(low, high), value, low, high)
    ends = (number(end, decimals, signed=signed) for end in (low, high))
    return f"{number(value, decimals, signed=signed)}{unit} [{', '.join(ends)}]"


def judge_usage_lines(report: Report) -> list[str]:
    """A line a judge; none where no judge was asked."""
    lines = []
    for used in report.judge_usage:
        hits = f" ({100 * used.from_cache / used.replies:.0f} %)" if used.replies else ""
        cost = "" if used.cost_usd is None else f", {dollars(used.cost_usd)}"
        lines.append(
            f"judge {used.score}: {used.replies:,} replies, {used.from_cache:,}{hits} from the cache, "
            f"{used.calls:,} calls{cost}"
        )
    return lines


def judge_usage_json(report: Report) -> JSON:
    """The same as JSON values, an object a judge."""
    return [asdict(used) for used in report.judge_usage]
