"""Whether a calibration follows from its own counts: one that contradicts itself is not believed."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray

from scoregate.calibration.record import WORST, Calibration, class_rates
from scoregate.catalog import Contract
from scoregate.statistics.agreement import (
    alpha_of_table,
    cohen_kappa,
    gwet_ac1,
    interval_alpha,
    quadratic_kappa,
)
from scoregate.statistics.estimate import Estimate, share

_Counts = NDArray[np.int64]

_ROUNDING = 1e-6
"""Two machines may compute a measure this far apart."""


def contradiction(found: Calibration, contract: Contract | None = None) -> str | None:
    """What does not follow from the confusion table and the counts, in one sentence; None where all does.

    Intervals of the bootstrap are not drawn again. `contract` says which categories are grades; without it the two
    measures of grades are not looked at. Numbers without classes leave no table, only the counts.
    """
    if found.compared not in {found.comparison.words("higher"), found.comparison.words("lower")}:
        return f"'compared' says {found.compared}, and 'comparison' is {found.comparison}"
    if found.comparison.given and found.kind != "numeric":
        return f"'comparison' is {found.comparison}, which is for numbers"
    if len(found.disagreements) != min(found.disagreed, WORST):
        return f"{len(found.disagreements)} disagreements are listed, and the counts say {found.disagreed}"
    fault = _contradicted(
        found.agreement, share(found.agreed, found.labelled, nothing="no item has a label"), ends=True
    )
    if fault is not None:
        return f"'agreement' {fault} {found.agreed} of {found.labelled}"
    return _against_table(found, contract) if found.classes else None


def _against_table(found: Calibration, contract: Contract | None) -> str | None:
    table = np.array(found.confusion, dtype=np.int64)
    total = int(table.sum())
    if total != found.labelled - found.missing:
        return (
            f"the confusion table holds {total} items, and {found.labelled} labelled less {found.missing} missing are "
            f"{found.labelled - found.missing}"
        )
    agreed = _agreed(found, table)
    if agreed is None:
        return "its classes are no numbers"
    if agreed != found.agreed:
        return f"'agreed' is {found.agreed}, and by the confusion table {agreed} agree"
    for key, value, n in _measured(found, table, contract):
        fault = _contradicted(getattr(found, key), Estimate(value, None, None, n))
        if fault is not None:
            return f"'{key}' {fault} the confusion table"
    return _of_rates(found, table)


def _agreed(found: Calibration, table: _Counts) -> int | None:
    """Items that agree: those of one class, and of numbers those whose classes are near enough."""
    if found.kind != "numeric" or found.comparison.pass_at is not None:
        return int(np.trace(table))
    numbers = _numbers(found)
    if numbers is None:
        return None
    tolerance = (found.comparison.tolerance or 0.0) * (1 + 1e-9)
    return int(table[np.abs(np.subtract.outer(numbers, numbers)) <= tolerance].sum())


def _measured(
    found: Calibration, table: _Counts, contract: Contract | None
) -> list[tuple[str, float | None, int]]:
    """(key, what the table makes of it, of how many items), as far as the table tells."""
    n = int(table.sum())
    measures = [("kappa", cohen_kappa(table), n), ("ac1", gwet_ac1(table), n)]
    if found.kind in ("boolean", "categorical"):
        measures.append(("alpha", alpha_of_table(table, "nominal"), n))
    elif found.kind == "numeric" and found.comparison.pass_at is None:
        numbers = _numbers(found)
        assert numbers is not None
        # Spelled out item by item, in the order of `numbers_estimate`: the same sums, and no other rounding.
        first, second = (
            numbers[np.repeat(places.ravel(), table.ravel())] for places in np.indices(table.shape)
        )
        if n:
            measures.append(("weighted_kappa", quadratic_kappa(first, second), n))
            measures.append(("alpha", interval_alpha(first, second), n))
    elif found.kind == "ordered" and contract is not None and set(contract.grades) <= set(found.classes):
        graded = [found.classes.index(grade) for grade in contract.grades]
        grades = table[np.ix_(graded, graded)]
        among = int(grades.sum())
        weighted = partial(cohen_kappa, weights="quadratic")
        measures += [
            ("weighted_kappa", weighted(grades), among),
            ("alpha", alpha_of_table(grades, "ordinal"), among),
        ]
    return [(key, None if np.isnan(value) else float(value), n) for key, value, n in measures]


def _of_rates(found: Calibration, table: _Counts) -> str | None:
    expected = class_rates(found.classes, table)
    if tuple(rate.name for rate in found.rates) != found.classes:
        return "'rates' are not those of its classes"
    for stated, right in zip(found.rates, expected, strict=True):
        for key in ("true_positive", "false_positive"):
            wrong = _contradicted(getattr(stated, key), getattr(right, key), ends=True)
            if wrong is not None:
                return f"'{key}' of {stated.name} {wrong} the confusion table"
    return None


def _numbers(found: Calibration) -> NDArray[np.float64] | None:
    try:
        return np.array([float(name) for name in found.classes], dtype=np.float64)
    except ValueError:
        return None


def _contradicted(stated: Estimate, right: Estimate, *, ends: bool = False) -> str | None:
    """How an estimate differs from what it should be, as the middle of a sentence; None where it does not."""
    pairs = [(stated.value, right.value), (stated.low, right.low), (stated.high, right.high)]
    for one, other in pairs if ends else pairs[:1]:
        if (one is None) != (other is None) or not math.isclose(one or 0.0, other or 0.0, abs_tol=_ROUNDING):
            return f"is {_shown(one)}, and it would be {_shown(other)} by"
    if stated.n != right.n:
        return f"is of {stated.n} items, and it would be of {right.n} by"
    return None


def _shown(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.6g}"
