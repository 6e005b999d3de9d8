"""How library scorers read a run item: where the output and what is expected stand, and what their absence means.

A path that is absent from the output is a failure of the candidate: False. A path that is absent from the dataset
item leaves nothing to score against: an error, or not applicable where the gate says `optional = true`.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from typing import TypeVar

from scoregate.errors import ConfigError
from scoregate.paths import PathError, json_type, look_up
from scoregate.records import JSON, DatasetItem, ScoreValue
from scoregate.scorers.outcome import Scored, not_applicable, shortened

ScoringCall = Callable[..., Scored]
"""A library scorer, ready to be called with keyword arguments out of those that are offered."""

_T = TypeVar("_T")

EXPECTED = "expected_output"
_ITEM_FIELDS = ("input", EXPECTED, "metadata")
_SHOWN = 80
_BRIEF = reprlib.Repr()
_BRIEF.maxlevel, _BRIEF.maxdict, _BRIEF.maxlist, _BRIEF.maxstring, _BRIEF.maxother = 4, 6, 6, 60, 60


def scored(value: ScoreValue, comment: str | None = None) -> Scored:
    """A value under the scorer's own name."""
    return Scored("", value, "ok", comment)


def unscored(reason: str) -> Scored:
    """An error: the scorer cannot tell."""
    return Scored("", None, "error", reason)


def of_output(judge: Callable[[JSON], Scored], output_path: str | None) -> ScoringCall:
    """A scorer that looks at the output alone."""

    def check(*, output: JSON) -> Scored:
        try:
            actual = look_up(output, output_path or "")
        except PathError as error:
            return scored(False, f"output: {error}")
        return judge(actual)

    return check


def against_expected(
    judge: Callable[[JSON, JSON], Scored],
    output_path: str | None,
    expected_path: str | None,
    optional: bool,
    *,
    absent: ScoreValue = False,
) -> ScoringCall:
    """A scorer that compares the output with a place of the expected output: `judge(actual, expected)`.

    `absent` is the value where the output has nothing at its path.
    """
    path = f"{EXPECTED}.{expected_path}" if expected_path else EXPECTED
    return against_item(judge, output_path, path, optional, absent=absent)


def against_item(
    judge: Callable[[JSON, JSON], Scored],
    output_path: str | None,
    item_path: str,
    optional: bool,
    *,
    absent: ScoreValue = False,
) -> ScoringCall:
    """The same with a place anywhere in the dataset item, such as `metadata.allowed_documents`."""

    def check(*, output: JSON, item: DatasetItem) -> Scored:
        try:
            expected = look_up(item, item_path)
        except PathError as error:
            return not_applicable(str(error)) if optional else unscored(f"dataset item: {error}")
        if expected is None and item_path == EXPECTED:
            reason = "the dataset item has no expected_output"
            return not_applicable(reason) if optional else unscored(reason)
        try:
            actual = look_up(output, output_path or "")
        except PathError as error:
            return scored(absent, f"output: {error}")
        return judge(actual, expected)

    return check


def after_reading(
    read: Callable[[JSON], _T],
    judge: Callable[[_T, _T], Scored],
    *,
    of_output: str,
    of_item: str,
    unclear: type[ValueError] | None = None,
) -> Callable[[JSON, JSON], Scored]:
    """The judge of two JSON values by what `read` makes of them: `judge(actual, expected)`.

    What it raises ValueError for is an error where it is the dataset item's, and False where it is the output's.
    `of_output` and `of_item` name the two in the comment. What it raises `unclear` for is an error on either side.
    """

    def judge_json(actual: JSON, expected: JSON) -> Scored:
        try:
            wanted = read(expected)
        except ValueError as error:
            return unscored(f"{of_item}: {error}")
        try:
            got = read(actual)
        except ValueError as error:
            reason = f"{of_output}: {error}"
            return unscored(reason) if unclear and isinstance(error, unclear) else scored(False, reason)
        return judge(got, wanted)

    return judge_json


def item_path(path: str, argument: str) -> str:
    """The path, if it leads into a dataset item. Raises ConfigError naming the argument."""
    if path.partition(".")[0] not in _ITEM_FIELDS:
        raise ConfigError(f"{argument} must start with one of {', '.join(_ITEM_FIELDS)}, not '{path}'")
    return path


def quoted(value: JSON) -> str:
    """A value for a comment: quoted, and cut where it is long."""
    if isinstance(value, str):
        more = "…" if len(value) > _SHOWN else ""
        return shortened(repr(value[:_SHOWN]) + more, 2 * _SHOWN)
    return shortened(_BRIEF.repr(value), 2 * _SHOWN)


def not_text(value: JSON) -> str:
    """The comment for an output that should have been text."""
    advice = "; name the place of the text with output_path" if isinstance(value, (Mapping, list)) else ""
    return f"the output is {json_type(value)}, not text{advice}"


def same_json(left: JSON, right: JSON) -> bool:
    """Equality of JSON values: 1 equals 1.0, but true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same_json(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(same_json, left, right))
    return bool(left == right)
