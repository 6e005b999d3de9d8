"""A number read from the output, compared with the expected one within a tolerance.

Numbers are written the English way: `1,080.00`, `-3.5`, `.5`, `2e-3`; around them may stand a sign, a currency,
a percent sign (50% reads as 50) and a full stop. What can be read in two ways (`1/5`, `5-10`, `1,08`, `1.2.3`)
is no number: nothing is guessed.
"""

from __future__ import annotations

import math
import re
from collections import deque
from decimal import Decimal
from typing import Annotated

from scoregate.config.table import Number
from scoregate.errors import ConfigError
from scoregate.paths import json_type
from scoregate.records import JSON
from scoregate.scorers.outcome import Scored
from scoregate.scorers.patterns import TimedPattern, compile_pattern
from scoregate.scorers.reading import ScoringCall, against_expected, quoted, scored, unscored

NUMERIC_MATCH_VERSION = "1"

_DEFAULT_ABSOLUTE = 1e-9
"""Tolerance where a gate names none: for what floating point does to equal numbers, no more."""

_CURRENCY = r"(?:[$€£¥₹₩₽₺₪₫฿₴₦₱¢]|USD|EUR|GBP|JPY|CHF|CNY|INR)"
_NUMBER = r"(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?"
_DECORATED = (
    rf"(?P<sign>[-+]?)\s*{_CURRENCY}?\s*(?P<inner>[-+]?)(?P<number>{_NUMBER})\s*(?:%|{_CURRENCY})?\s*\.?"
)
_CANDIDATE = rf"(?<![\w.,/])[-+]?{_CURRENCY}?[-+]?\.?\d(?:[\d,./]|[-:](?=\d))*(?:[eE][-+]?\d+)?"
_THOUSANDS_SPACE = r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))"
"""These are compiled where they are used, as every command with a scorer imports this."""


def numeric_match(
    *,
    pattern: str | None = None,
    absolute: Annotated[float | None, Number(at_least=0)] = None,
    relative: Annotated[float | None, Number(at_least=0)] = None,
    output_path: str | None = None,
    expected_path: str | None = None,
    optional: bool = False,
) -> ScoringCall:
    r"""True if the number in the output is the expected one, give or take the larger of the tolerances.

    `pattern` says where the number stands in a text: its first group, or the whole match, of the last match,
    and that must be a number and nothing else (`pattern = 'A:\s*(.*)'`). Without a pattern, the last number of
    the text counts. `absolute` is in the unit of the number, `relative` a share of the expected value.
    """
    for name, tolerance in (("absolute", absolute), ("relative", relative)):
        if tolerance is not None and tolerance < 0:
            raise ConfigError(f"{name} must be 0 or more, not {tolerance}")
    compiled = compile_pattern(pattern) if pattern is not None else None
    if absolute is None and relative is None:
        absolute = _DEFAULT_ABSOLUTE
    fixed, share = Decimal(str(absolute or 0)), Decimal(str(relative or 0))

    def judge(actual: JSON, expected: JSON) -> Scored:
        wanted = read_number(expected)
        if wanted is None:
            reason = f"the expected value must be a number, not {json_type(expected)}: {quoted(expected)}"
            return unscored(reason)
        found = _find(actual, compiled)
        if found is None and isinstance(actual, str):
            return scored(False, f"no {f'match of {pattern!r}' if pattern else 'number'} in {quoted(actual)}")
        got = read_number(found)
        if got is None:
            no_group = isinstance(actual, str) and compiled is not None and not compiled.groups
            advice = "; put a group around the number" if no_group else ""
            return scored(False, f"no number: {quoted(found)}{advice}")
        same = abs(got - wanted) <= max(fixed, share * abs(wanted))
        return scored(same, None if same else f"expected {_short(wanted)}, got {_short(got)}")

    return against_expected(judge, output_path, expected_path, optional)


def read_number(value: JSON) -> Decimal | None:
    """The number that a JSON value is, or that a whole text says; None where it is none, NaN or infinite."""
    if isinstance(value, str):
        match = re.fullmatch(_DECORATED, _plain(value).strip())
        if match is None or (match["sign"] and match["inner"]):
            return None
        return Decimal(match["sign"] + match["inner"] + match["number"].replace(",", ""))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int):
        return Decimal(value)
    return Decimal(str(value)) if math.isfinite(value) else None


def last_number(text: str) -> str | None:
    """The last piece of a text that looks like a number, with its sign and currency."""
    last = deque(re.finditer(_CANDIDATE, _plain(text)), maxlen=1)
    return last[0].group().rstrip(".,/") if last else None


def _find(actual: JSON, pattern: TimedPattern | None) -> JSON:
    """Where the number should be: the output itself, or the place in its text. None where there is none."""
    if not isinstance(actual, str):
        return actual
    if pattern is None:
        return last_number(actual)
    last = deque(pattern.finditer(actual), maxlen=1)
    return last[0][1 if pattern.groups else 0] if last else None


def _plain(text: str) -> str:
    """The text with ASCII minus signs, and commas for the narrow spaces that separate thousands."""
    return re.sub(_THOUSANDS_SPACE, ",", text.replace("\N{MINUS SIGN}", "-"))


def _short(number: Decimal) -> str:
    text = str(number)
    return text if len(text) <= 40 else f"{number:.6e}"
