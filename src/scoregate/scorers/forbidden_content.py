"""Words and patterns that an output must not hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping

from scoregate.errors import ConfigError
from scoregate.paths import json_type
from scoregate.records import JSON
from scoregate.scorers.outcome import Scored
from scoregate.scorers.patterns import TimedPattern, compile_pattern
from scoregate.scorers.reading import (
    ScoringCall,
    against_item,
    item_path,
    of_output,
    quoted,
    scored,
    unscored,
)
from scoregate.scorers.text_match import normalised
from scoregate.scorers.typography import PLAIN, plain_letters, with_blanks

FORBIDDEN_CONTENT_VERSION = "2"

_APOSTROPHES = PLAIN["'"]
_WITHIN_WORD = re.compile(rf"(?<=[^\W\d_])[{_APOSTROPHES}](?=[^\W\d_])")


def forbidden_content(
    *,
    phrases: list[str] | None = None,
    patterns: list[str] | None = None,
    phrases_path: str | None = None,
    ignore_case: bool = True,
    output_path: str | None = None,
    optional: bool = False,
) -> ScoringCall:
    """True if the output holds none of the phrases and no match of the patterns.

    `phrases_path` leads to further phrases in the dataset item (`metadata.must_not_say`). A phrase is found
    anywhere, also within a word, however its spaces, quotes, dashes and its Unicode form are written; a phrase
    of signs alone (a long dash) stands for just these. A pattern is searched in the text as it is, and in the text with
    plain quotes, dashes, spaces and letters, without what has no width. Of an output that
    is an object or a list, every text in it is searched, keys too; an output that is null is False.
    """
    if not phrases and not patterns and phrases_path is None:
        raise ConfigError("forbidden_content needs phrases, patterns or phrases_path")
    if any(not normalised(phrase) for phrase in phrases or ()):
        raise ConfigError("a forbidden phrase is empty")
    compiled = [_compiled(pattern, ignore_case) for pattern in patterns or ()]

    def judge(actual: JSON, more: list[str]) -> Scored:
        if actual is None:
            return scored(False, "the output is null")
        found = [*_phrases_in(actual, [*(phrases or ()), *more], ignore_case), *_matches_in(actual, compiled)]
        return scored(not found, f"holds {'; '.join(found)}" if found else None)

    def judge_with_item(actual: JSON, listed: JSON) -> Scored:
        more = [listed] if isinstance(listed, str) else listed
        if not isinstance(more, list) or not all(isinstance(one, str) and normalised(one) for one in more):
            return unscored(
                f"{phrases_path} must be a list of phrases, not {json_type(listed)}: {quoted(listed)}"
            )
        return judge(actual, more)

    if phrases_path is None:
        return of_output(lambda actual: judge(actual, []), output_path)
    return against_item(judge_with_item, output_path, item_path(phrases_path, "phrases_path"), optional)


def _compiled(pattern: str, ignore_case: bool) -> tuple[TimedPattern, TimedPattern]:
    """The pattern as it is written, and with plain apostrophes within its words, its letters composed."""
    given = compile_pattern(pattern, ignore_case=ignore_case)
    plain = _WITHIN_WORD.sub("'", unicodedata.normalize("NFC", pattern))
    return given, given if plain == pattern else compile_pattern(plain, ignore_case=ignore_case)


def _phrases_in(output: JSON, phrases: list[str], ignore_case: bool) -> list[str]:
    is_held = phrase_finder(output, ignore_case)
    return [quoted(phrase) for phrase in phrases if is_held(phrase)]


def phrase_finder(output: JSON, ignore_case: bool) -> Callable[[str], bool]:
    """Whether a phrase stands in any text of the output, however its spaces, quotes and dashes are written there.

    A phrase of signs alone is about these signs: a dash that is forbidden is not every hyphen.
    """
    written = list(texts_of(output))
    texts = [
        normalised(one, fold_case=ignore_case)
        for text in written
        for one in dict.fromkeys((text, with_blanks(text)))
    ]

    def is_held(phrase: str) -> bool:
        if not any(map(str.isalnum, phrase)) and not phrase.isascii():
            return any(phrase.strip() in text for text in written)
        wanted = normalised(phrase, fold_case=ignore_case)
        return any(wanted in text for text in texts)

    return is_held


def _matches_in(output: JSON, patterns: list[tuple[TimedPattern, TimedPattern]]) -> list[str]:
    found = []
    texts = [one for text in texts_of(output) for one in dict.fromkeys((text, plain_letters(text)))]
    for pattern, plain in patterns:
        match = next(filter(None, (one.search(text) for one in (pattern, plain) for text in texts)), None)
        if match is not None:
            found.append(f"{quoted(match.group())} (pattern {pattern.pattern!r})")
    return found


def texts_of(value: JSON) -> Iterator[str]:
    """Every text in a JSON value, keys too; numbers as they are written."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            waiting.extend(reversed([part for pair in one.items() for part in pair]))
        elif isinstance(one, (list, tuple)):
            waiting.extend(reversed(one))
        elif isinstance(one, (int, float)):
            yield str(one)
