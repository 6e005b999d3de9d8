"""Words and patterns that an output must not hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
from scoregate.scorers.typography import plain_signs

FORBIDDEN_CONTENT_VERSION = "2"


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
    anywhere, also within a word, however its spaces, quotes, dashes and its Unicode form are written; a pattern in
    the text as it is, and in the text with plain quotes and dashes and without what has no width. Of an output that
    is an object or a list, every text in it is searched, keys too; an output that is null is False.
    """
    if not phrases and not patterns and phrases_path is None:
        raise ConfigError("forbidden_content needs phrases, patterns or phrases_path")
    if any(not normalised(phrase) for phrase in phrases or ()):
        raise ConfigError("a forbidden phrase is empty")
    compiled = [compile_pattern(pattern, ignore_case=ignore_case) for pattern in patterns or ()]

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


def _phrases_in(output: JSON, phrases: list[str], ignore_case: bool) -> list[str]:
    texts = [normalised(text, fold_case=ignore_case) for text in texts_of(output)]
    found = (
        phrase for phrase in phrases if any(normalised(phrase, fold_case=ignore_case) in t for t in texts)
    )
    return [quoted(phrase) for phrase in found]


def _matches_in(output: JSON, patterns: list[TimedPattern]) -> list[str]:
    found = []
    texts = [one for text in texts_of(output) for one in dict.fromkeys((text, plain_signs(text)))]
    for pattern in patterns:
        match = next(filter(None, map(pattern.search, texts)), None)
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
