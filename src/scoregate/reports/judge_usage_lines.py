"""What the judges of the candidate's run took: how many replies, how many of them were kept already, calls, cost."""

from __future__ import annotations

from dataclasses import asdict

from scoregate.records import JSON
from scoregate.reports.report import Report


def judge_usage_lines(report: Report) -> list[str]:
    """A line a judge; none where no judge was asked."""
    if not report.judge_usage:
        return []
    from scoregate.wording import dollars

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
