"""Exact, normalised and fuzzy match of the output with what is expected."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Literal

from scoregate.config.table import Number
from scoregate.errors import ConfigError
from scoregate.paths import json_type
from scoregate.records import JSON
from scoregate.scorers.outcome import Scored
from scoregate.scorers.reading import (
    ScoringCall,
    against_expected,
    not_text,
    quoted,
    same_json,
    scored,
    unscored,
)
from scoregate.scorers.typography import plain_signs

EXACT_MATCH_VERSION = "1"
NORMALIZED_MATCH_VERSION = "2"
FUZZY_MATCH_VERSION = "2"

_MOST_WORK = 10**10
"""Steps of a fuzzy comparison: under half a second. Nothing can stop one, and it stops everything else."""

_FuzzyMethod = Literal["ratio", "partial_ratio", "token_sort_ratio", "token_set_ratio"]

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def exact_match(
    *, output_path: str | None = None, expected_path: str | None = None, optional: bool = False
) -> ScoringCall:
    """True if both are the same JSON value: text to the character, 1 equals 1.0, true is not 1."""

    def judge(actual: JSON, expected: JSON) -> Scored:
        same = same_json(actual, expected)
        return scored(same, None if same else f"expected {quoted(expected)}, got {quoted(actual)}")

    return against_expected(judge, output_path, expected_path, optional)


def normalized_match(
    *,
    strip_punctuation: bool = False,
    strip_articles: bool = False,
    output_path: str | None = None,
    expected_path: str | None = None,
    optional: bool = False,
) -> ScoringCall:
    """True if both texts are equal but for case, Unicode form, typographic signs and whitespace (see `normalised`).

    A list of texts as expected value names the accepted answers: one of them must match.
    """

    def judge(actual: JSON, expected: JSON) -> Scored:
        accepted = _texts(expected)
        if accepted is None:
            return unscored(_not_accepted(expected))
        if not isinstance(actual, str):
            return scored(False, not_text(actual))
        got = normalised(actual, strip_punctuation=strip_punctuation, strip_articles=strip_articles)
        wanted = [
            normalised(one, strip_punctuation=strip_punctuation, strip_articles=strip_articles)
            for one in accepted
        ]
        same = got in wanted
        return scored(same, None if same else f"expected {quoted(expected)}, got {quoted(actual)}")

    return against_expected(judge, output_path, expected_path, optional)


def fuzzy_match(
    *,
    method: _FuzzyMethod = "ratio",
    threshold: Annotated[float | None, Number(at_least=0, at_most=1)] = None,
    output_path: str | None = None,
    expected_path: str | None = None,
    optional: bool = False,
) -> ScoringCall:
    """Similarity from 0 to 1 of the normalised texts; with a `threshold`, whether it is at least that.

    Of several accepted texts, the nearest counts. The distance is RapidFuzz's. An empty text is like another
    empty text only. Texts so long that the comparison would hold up the run are an error.
    """
    if threshold is not None and not 0 <= threshold <= 1:
        raise ConfigError(f"threshold must lie between 0 and 1, not {threshold}")
    from rapidfuzz import fuzz

    compare = {
        "ratio": fuzz.ratio,
        "partial_ratio": fuzz.partial_ratio,
        "token_sort_ratio": fuzz.token_sort_ratio,
        "token_set_ratio": fuzz.token_set_ratio,
    }[method]

    failed = 0.0 if threshold is None else False

    def similarity(got: str, wanted: str) -> float:
        if not got or not wanted:
            return 1.0 if got == wanted else 0.0
        return float(compare(got, wanted)) / 100

    def judge(actual: JSON, expected: JSON) -> Scored:
        accepted = _texts(expected)
        if accepted is None:
            return unscored(_not_accepted(expected))
        if not isinstance(actual, str):
            return scored(failed, not_text(actual))
        got, wanted = normalised(actual), [normalised(one) for one in accepted]
        if any(_work(got, one, method) > _MOST_WORK for one in wanted):
            return unscored(f"a text of {len(got):,} characters is too long to be compared by {method}")
        best = max(similarity(got, one) for one in wanted)
        comment = f"similarity {best:.3f} to {quoted(expected)}"
        return scored(best if threshold is None else best >= threshold, comment)

    return against_expected(judge, output_path, expected_path, optional, absent=failed)


def normalised(
    text: str, *, fold_case: bool = True, strip_punctuation: bool = False, strip_articles: bool = False
) -> str:
    """The text with plain signs, in Unicode form NFKC, case folded, with single spaces.

    Typographic quotes and dashes are plain ones, and what has no width is not there (see `typography`). On request
    without punctuation or English articles.
    """
    text = _compatible(text)
    if fold_case:
        # The Turkish capital is folded to two signs, where its writers and ours have one.
        text = _compatible(text.casefold()).replace("i\u0307", "i")
    if strip_punctuation:
        kept = (letter for letter in text if not unicodedata.category(letter).startswith("P"))
        # A mark that stood behind punctuation joins the letter before it.
        text = unicodedata.normalize("NFKC", "".join(kept))
    if strip_articles:
        text = _ARTICLES.sub(" ", text)
    return " ".join(text.split())


def _compatible(text: str) -> str:
    # Before the form, which makes spaces and marks of some signs; and after it, which makes signs of letters.
    return plain_signs(unicodedata.normalize("NFKC", plain_signs(text)))


def _work(one: str, other: str, method: _FuzzyMethod) -> int:
    """How the time of a comparison grows with the lengths: partial_ratio tries every place of the shorter text."""
    shorter, longer = sorted((len(one), len(other)))
    return longer * shorter * (shorter if method == "partial_ratio" else 1)


def _texts(expected: JSON) -> list[str] | None:
    """The accepted texts, or None where the expected value is neither a text nor a list of texts."""
    accepted = [expected] if isinstance(expected, str) else expected
    if isinstance(accepted, list) and accepted and all(isinstance(one, str) for one in accepted):
        return accepted
    return None


def _not_accepted(expected: JSON) -> str:
    return (
        f"the expected value must be a text or a list of texts, not {json_type(expected)}: {quoted(expected)}"
    )
