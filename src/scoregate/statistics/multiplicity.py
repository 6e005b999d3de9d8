"""Familywise error over several hypotheses.

The discrete step-down method is Holm's (1979) with each p-value replaced by the probability that it could have
been reached (Westfall and Wolfinger 1997): a hypothesis that can hardly reach a small p-value costs the others
hardly anything, and one without information costs nothing. It holds under any dependence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray


def step_down(
    p_values: Sequence[float], reach: Sequence[Callable[[float], float]] | None = None
) -> NDArray[np.float64]:
    """Adjusted p-values in the order given.

    `reach[h](p)` is P(p-value of h ≤ p) under its null hypothesis; without `reach` every p-value is taken as
    continuous, which is Holm's method.
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    running = 0.0
    for rank, hypothesis in enumerate(order):
        remaining = order[rank:]
        level = float(p[hypothesis])
        if reach is None:
            total = level * len(remaining)
        else:
            total = sum(reach[int(h)](level) for h in remaining)
        running = min(1.0, max(running, total))
        adjusted[hypothesis] = max(running, level)
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> NDArray[np.float64]:
    """Adjusted p-values whose use at level q keeps the expected share of false findings at most q, in the order given.

    For reading a list of findings, never for a verdict: beside one true regression it lets others in too easily.
    Valid for independent and for positively dependent p-values (Benjamini and Hochberg 1995; Benjamini and Yekutieli
    2001). Raises ValueError where a p-value is not between 0 and 1.
    """
    p = np.asarray(p_values, dtype=float)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p-values must lie between 0 and 1")
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.minimum(adjusted, 1.0)
