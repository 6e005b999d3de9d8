"""How often a judge hits and misses each class, from the confusion table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scoregate.calibration.record import ClassRates
from scoregate.statistics.estimate import share


def class_rates(classes: tuple[str, ...], table: NDArray[np.int64]) -> tuple[ClassRates, ...]:
    """The rates of each class with exact intervals. `table` is (K, K): a row a label, a column a judge's value."""
    everything = int(table.sum())
    rates = []
    for place, name in enumerate(classes):
        inside, given = int(table[place].sum()), int(table[:, place].sum())
        right = int(table[place, place])
        rates.append(
            ClassRates(
                name,
                share(right, inside, nothing=f"no label is {name}"),
                share(given - right, everything - inside, nothing=f"every label is {name}"),
            )
        )
    return tuple(rates)
