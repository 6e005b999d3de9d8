"""Regular expressions from a gate file, and the scorer that matches one."""

from __future__ import annotations

import re

from scoregate.errors import ConfigError
from scoregate.records import JSON
from scoregate.scorers.outcome import Scored
from scoregate.scorers.reading import ScoringCall, not_text, of_output, quoted, scored

REGEX_MATCH_VERSION = "1"


def regex_match(
    *,
    pattern: str,
    ignore_case: bool = False,
    multiline: bool = False,
    full: bool = False,
    absent: bool = False,
    output_path: str | None = None,
) -> ScoringCall:
    """True if the pattern is found in the text of the output.

    `multiline`: `^` and `$` match at every line. `full`: the whole text must match. `absent`: the pattern must
    not be found. An output that is no text is False either way.
    """
    compiled = compile_pattern(pattern, ignore_case=ignore_case, multiline=multiline)
    find = compiled.fullmatch if full else compiled.search

    def judge(actual: JSON) -> Scored:
        if not isinstance(actual, str):
            return scored(False, not_text(actual))
        match = find(actual)
        if match is None:
            return scored(absent, None if absent else f"no match of {pattern!r} in {quoted(actual)}")
        return scored(not absent, f"found {quoted(match.group())}")

    return of_output(judge, output_path)


def compile_pattern(pattern: str, *, ignore_case: bool = False, multiline: bool = False) -> re.Pattern[str]:
    """The compiled pattern. Raises ConfigError with the place of the mistake."""
    flags = (re.IGNORECASE if ignore_case else 0) | (re.MULTILINE if multiline else 0)
    try:
        return re.compile(pattern, flags)
    except re.error as error:
        raise ConfigError(f"pattern {pattern!r} is no regular expression: {error}") from None
    except RecursionError:
        raise ConfigError("a pattern is nested too deeply") from None
