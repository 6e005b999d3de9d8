"""How latency, cost and tokens spread over the calls: reported beside the statistic that a rule gates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scoregate.catalog import MEASURED_UNITS
from scoregate.gates.evidence import Evidence
from scoregate.gates.pairing import Arm
from scoregate.records import Spread

QUANTILES = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99}


def spreads_of(measured: Sequence[Evidence]) -> tuple[Spread, ...]:
    """One for each measured score among the evidence."""
    return tuple(
        Spread(
            evidence.name,
            tuple(QUANTILES),
            _quantiles(evidence, evidence.pair.baseline),
            _quantiles(evidence, evidence.pair.candidate),
        )
        for evidence in measured
        if evidence.name in MEASURED_UNITS
    )


def _quantiles(evidence: Evidence, arm: Arm) -> tuple[float | None, ...]:
    values = arm.values[~np.isnan(arm.values)]
    if not len(values):
        return (None,) * len(QUANTILES)
    if evidence.pair.scale == "ratio":
        values = np.maximum(np.exp(values) - evidence.pair.offset, 0.0)
    found = np.quantile(values, list(QUANTILES.values()), method="inverted_cdf")
    return tuple(float(value) for value in found)
