"""Regular expressions from a gate file, and the scorer that matches one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from scoregate.errors import ConfigError
from scoregate.records import JSON
from scoregate.scorers.outcome import Scored
from scoregate.scorers.reading import ScoringCall, not_text, of_output, quoted, scored

REGEX_MATCH_VERSION = "1"
_SECONDS = 10.0
"""How long one search may take."""
_READ_IN_ANOTHER_WAY = re.compile(r"\{[^{}]*[eids][^{}]*\}|\[\[:|\\L")
"""What the package `regex` takes for an approximate match, a class of POSIX or a list, and `re` does not."""
_REPEATS = re.compile(r"[*+?{]")
_SHORT = 2_000
"""Characters of a text on which a pattern that repeats one thing at most is done at once, as it can only begin and end
in so many places."""


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


class TimedPattern:
    """A pattern that looks for so many seconds at most, and lets go of the interpreter meanwhile.

    Every method raises TimeoutError beyond that, which makes the cell an error.
    """

    def __init__(self, compiled: re.Pattern[str], seconds: float = _SECONDS) -> None:
        self.pattern = compiled.pattern
        self.groups = compiled.groups
        self._compiled = compiled
        self._seconds = seconds
        self._is_plain = "|" not in compiled.pattern and len(_REPEATS.findall(compiled.pattern)) <= 1

    def search(self, text: str) -> re.Match[str] | None:
        pattern, options = self._for(text)
        with self._in_time(text):
            found: re.Match[str] | None = pattern.search(text, **options)
        return found

    def fullmatch(self, text: str) -> re.Match[str] | None:
        pattern, options = self._for(text)
        with self._in_time(text):
            found: re.Match[str] | None = pattern.fullmatch(text, **options)
        return found

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        pattern, options = self._for(text)
        with self._in_time(text):
            yield from pattern.finditer(text, **options)

    def _for(self, text: str) -> tuple[Any, dict[str, Any]]:
        """What looks for the pattern in this text, and with which options."""
        return (self._compiled, {}) if self._is_plain and len(text) <= _SHORT else self._limited

    @cached_property
    def _limited(self) -> tuple[Any, dict[str, Any]]:
        """The package `regex` reads what `re` reads, and knows a time limit. Its import is slow."""
        if _READ_IN_ANOTHER_WAY.search(self.pattern):
            return self._compiled, {}
        try:
            import regex
        except ImportError:
            return self._compiled, {}
        flags = (regex.IGNORECASE if self._compiled.flags & re.IGNORECASE else 0) | (
            regex.MULTILINE if self._compiled.flags & re.MULTILINE else 0
        )
        try:
            return regex.compile(self.pattern, flags | regex.VERSION0), {
                "timeout": self._seconds,
                "concurrent": True,
            }
        except regex.error:
            return self._compiled, {}

    @contextmanager
    def _in_time(self, text: str) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise TimeoutError(
                f"the pattern {self.pattern!r} took more than {self._seconds:g} s on a text of {len(text):,} characters"
            ) from None


def compile_pattern(pattern: str, *, ignore_case: bool = False, multiline: bool = False) -> TimedPattern:
    """The compiled pattern. Raises ConfigError with the place of the mistake."""
    flags = (re.IGNORECASE if ignore_case else 0) | (re.MULTILINE if multiline else 0)
    try:
        return TimedPattern(re.compile(pattern, flags))
    except re.error as error:
        raise ConfigError(f"pattern {pattern!r} is no regular expression: {error}") from None
    except RecursionError:
        raise ConfigError("a pattern is nested too deeply") from None
