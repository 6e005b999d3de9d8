"""The words of a verdict: numbers as a person says them, in the unit of the score."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scoregate.gates.pairing import Scale

_FIRST_IDS = 5
"""So many ids are named before "and N more"."""


def amount_text(value: float, scale: Scale, unit: str | None = None) -> str:
    """A value: 81.0 % for rates, else three significant digits and the unit."""
    if scale == "rate":
        return f"{100 * value:.1f} %"
    return f"{value:.3g}" + (f" {unit}" if unit else "")


def change_text(difference: float, scale: Scale, unit: str | None = None) -> str:
    """A signed difference: −4.3 points for rates, +12.0 % for ratios, else in the unit."""
    if scale == "numeric":
        return _signed(f"{abs(difference):.3g}", difference) + (f" {unit}" if unit else "")
    word = "points" if scale == "rate" else "%"
    return _signed(f"{100 * abs(difference):.1f}", difference) + f" {word}"


def size_text(value: float, scale: Scale, unit: str | None = None) -> str:
    """An unsigned difference, such as a margin or a smallest visible drop."""
    return change_text(abs(value), scale, unit).lstrip("+")


def _signed(text: str, value: float) -> str:
    if math.isclose(float(text), 0.0, abs_tol=1e-12):
        return text
    return ("+" if value > 0 else "−") + text


def interval_text(low: float, high: float, scale: Scale, unit: str | None = None) -> str:
    """`95 % interval −7.1 to −1.5`: the unit is the one of the difference beside it."""
    ends = (change_text(end, scale).removesuffix(" points").removesuffix(" %") for end in (low, high))
    return f"95 % interval {' to '.join(ends)}" + (f" {unit}" if unit and scale == "numeric" else "")


def p_text(p: float) -> str:
    return "p < 1e-6" if p < 1e-6 else f"p = {p:.2g}"


def named_ids(ids: Sequence[str], total: int | None = None) -> str:
    """The first ids, and how many more there are."""
    shown = ", ".join(ids[:_FIRST_IDS])
    rest = (len(ids) if total is None else total) - min(len(ids), _FIRST_IDS)
    return shown + (
        f" and {rest:,} more" if rest > 0 and shown else f"{rest:,} without a name" if rest else ""
    )
