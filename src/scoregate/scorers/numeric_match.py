"""A number read from the output, compared with the expected one within a tolerance. How it is read: `numbers`."""

from __future__ import annotations

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

NUMERIC_MATCH_VERSION = "2"

_DEFAULT_ABSOLUTE = 1e-9
"""Tolerance where a gate names none: for what floating point does to equal numbers, no more."""

_INSIDE = r"[.,'\u2019_/\u2044^\u2013-]?"
_GOES_ON_BEFORE = rf"\d{_INSIDE}\d$"
_GOES_ON_BEHIND = rf"^\d(?:{_INSIDE}\d|[\u00bc-\u00be\u2150-\u215e])"
"""Where a pattern has matched a part of a number."""


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
    and that must be a number and nothing else (`pattern = 'A:\s*(.*)'`), and no part of one. Without a pattern, the
    last number of the text counts. How numbers are read: `numbers`. `absolute` is in the unit of the number,
    `relative` a share of the expected value.
    """
    for name, tolerance in (("absolute", absolute), ("relative", relative)):
        if tolerance is not None and tolerance < 0:
            raise ConfigError(f"{name} must be 0 or more, not {tolerance}")
    compiled = compile_pattern(pattern) if pattern is not None else None
    if absolute is None and relative is None:
        absolute = _DEFAULT_ABSOLUTE
    fixed, share = Decimal(str(absolute or 0)), Decimal(str(relative or 0))

    from scoregate.scorers.numbers import (
        read_number,
    )  # It compiles much, and every command with a scorer is here.

    def judge(actual: JSON, expected: JSON) -> Scored:
        wanted = read_number(expected)
        if wanted is None:
            reason = f"the expected value must be a number, not {json_type(expected)}: {quoted(expected)}"
            return unscored(reason)
        found, got = _found(actual, compiled)
        if found is None and isinstance(actual, str):
            return scored(False, f"no {f'match of {pattern!r}' if pattern else 'number'} in {quoted(actual)}")
        if got is None:
            no_group = isinstance(actual, str) and compiled is not None and not compiled.groups
            advice = "; put a group around the number" if no_group else ""
            return scored(False, f"no number: {quoted(found)}{advice}")
        same = abs(got - wanted) <= max(fixed, share * abs(wanted))
        return scored(same, None if same else f"expected {_short(wanted)}, got {_short(got)}")

    return against_expected(judge, output_path, expected_path, optional)


def _found(actual: JSON, pattern: TimedPattern | None) -> tuple[JSON, Decimal | None]:
    """Where the number should be, the output itself or the place in its text, and the number that stands there.

    The place is None where there is none, the number where what stands there is none.
    """
    from scoregate.scorers.numbers import last_number, read_number

    if not isinstance(actual, str):
        return actual, read_number(actual)
    if pattern is None:
        return last_number(actual) or (None, None)
    last = deque(pattern.finditer(actual), maxlen=1)
    if not last:
        return None, None
    match, place = last[0], last[0][1 if pattern.groups else 0]
    before, behind = actual[max(0, match.start() - 2) : match.start()], actual[match.end() : match.end() + 2]
    if match[0] and (
        re.search(_GOES_ON_BEFORE, before + match[0][0]) or re.search(_GOES_ON_BEHIND, match[0][-1] + behind)
    ):
        return f"{before}{match[0]}{behind}", None
    return place, read_number(place)


def _short(number: Decimal) -> str:
    text = str(number)
    return text if len(text) <= 40 else f"{number:.6e}"
