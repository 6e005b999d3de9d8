"""A line on each measured score: how its calls spread, before and now."""

from __future__ import annotations

from scoregate.records import Spread
from scoregate.reports.report import Report
from scoregate.reports.rounding import UNKNOWN


def spread_lines(report: Report) -> list[str]:
    """Such as `latency_seconds: p50 0.81 → 0.84, p90 1.9 → 2, p95 2.4 → 2.6, p99 4.1 → 5.9`."""
    return [f"{spread.score}: {_quantiles(spread)}" for spread in report.verdict.spreads]


def _quantiles(spread: Spread) -> str:
    return ", ".join(
        f"{name} {_amount(before)} → {_amount(now)}"
        for name, before, now in zip(spread.quantiles, spread.baseline, spread.candidate, strict=True)
    )


def _amount(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3g}"
