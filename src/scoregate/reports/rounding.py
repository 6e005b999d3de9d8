"""Numbers for people, rounded to what the interval supports.

The rule: the first two significant digits of the interval's half-width decide the last digit that is shown,
for the difference, its interval and both values alike. −4.318 with a half-width of 2.41 is −4.3; with a
half-width of 24.1 it is −4; 5,432 tokens with a half-width of 134 are 5,430. Digits beyond that are noise and
would be read as knowledge.

Without an interval (or with one of no width) three significant digits of the largest value are shown. However
narrow an interval is, no number gets more than six significant digits.

Equal values print equal. Nothing prints as minus zero. What is unknown (None, NaN) prints as an en dash.
"""

from __future__ import annotations

import math

UNKNOWN = "–"
MINUS = "−"

_INTERVAL_DIGITS = 2
_DEFAULT_DIGITS = 3
_MOST_DIGITS = 6
_MOST_DECIMALS = 12
_PLAIN_BELOW = 1e15
"""From here on a number is written with an exponent."""
_SMALLEST_P_VALUE = 0.0001


def half_width(low: float | None, high: float | None) -> float | None:
    """Half the width of an interval; None if a bound is unknown or infinite, or if it has no width."""
    if low is None or high is None or not math.isfinite(low) or not math.isfinite(high):
        return None
    half = high / 2 - low / 2
    return half if half > 0 else None


def decimals_for(half: float | None, *values: float | None) -> int:
    """Decimals to show for `values` whose interval has this half-width; negative means tens, hundreds, …"""
    known = [abs(value) for value in values if value is not None and math.isfinite(value)]
    largest = max(known, default=0.0)
    if half is None or not math.isfinite(half) or half <= 0:
        return _decimals(largest, _DEFAULT_DIGITS) if largest else 0
    wanted = _decimals(half, _INTERVAL_DIGITS)
    return min(wanted, _decimals(largest, _MOST_DIGITS)) if largest else wanted


def number(value: float | None, decimals: int, *, signed: bool = False) -> str:
    """The value with that many decimals, a real minus sign, and a plus sign if `signed` and above zero."""
    if value is None or math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return f"{MINUS}∞" if value < 0 else "+∞" if signed else "∞"
    if abs(value) >= _PLAIN_BELOW:
        text = f"{abs(value):.{_DEFAULT_DIGITS - 1}e}"
    else:
        text = f"{abs(round(value, decimals)):,.{max(decimals, 0)}f}"
    if not any(digit in text for digit in "123456789"):
        return text
    return f"{MINUS if value < 0 else '+' if signed else ''}{text}"


def p_value(value: float | None) -> str:
    """A p-value with two significant digits, down to 0.0001."""
    if value is None or math.isnan(value):
        return UNKNOWN
    return f"<{_SMALLEST_P_VALUE}" if value < _SMALLEST_P_VALUE else f"{value:.2g}"


def _decimals(value: float, digits: int) -> int:
    """Decimals that show so many significant digits of a value > 0, counted after rounding (0.0996 is 0.10)."""
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return min(digits - 1 - exponent, _MOST_DECIMALS)
