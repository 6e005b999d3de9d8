"""Values within a JSON output: one of them against a condition, and all of them against the expected ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any

from scoregate.config.table import Number
from scoregate.errors import ConfigError
from scoregate.files.reading import JsonProblem, parse_json
from scoregate.paths import PathError, json_type, look_up
from scoregate.records import JSON
from scoregate.scorers.outcome import Scored, shortened
from scoregate.scorers.patterns import compile_pattern
from scoregate.scorers.reading import (
    ScoringCall,
    against_expected,
    of_output,
    quoted,
    same_json,
    scored,
    unscored,
)

JSON_PATH_VERSION = "1"
JSON_FIELDS_VERSION = "1"

_LONGEST_COMMENT = 500
_LISTED = 5
_PLACE = r"\[(?:(-?\d+)|'([^']*)'|\"([^\"]*)\")\]"
_ABSENT = object()
"""Stands for a field that one side does not have."""


def json_path(
    *,
    path: str,
    equals: Any = None,
    one_of: list[Any] | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    pattern: str | None = None,
    exists: bool | None = None,
    expected_path: str | None = None,
    output_path: str | None = None,
    optional: bool = False,
) -> ScoringCall:
    """True if the value at `path` of the output keeps every condition that is given.

    `path` is dotted (`order.items.0.id`) or written as JSONPath of one place (`$.order.items[0].id`). An output that
    is a text is parsed as JSON first. `equals` is any JSON value, `pattern` must match the whole of a text, `exists`
    says whether there is anything at the path, and `expected_path` takes the value to equal from the expected output.
    Without a condition there must be something that is not null.
    """
    from scoregate.scorers.numbers import (
        read_number,
    )  # It compiles much, and every command with a scorer is here.

    place = _dotted(path)
    compiled = compile_pattern(pattern) if pattern is not None else None
    if exists is False and (equals, one_of, at_least, at_most, pattern, expected_path) != (None,) * 6:
        raise ConfigError("exists = false stands alone: what is not there keeps no other condition")

    def faults(value: JSON) -> Iterator[str]:
        if equals is not None and not same_json(value, equals):
            yield f"is {quoted(value)}, not {quoted(equals)}"
        if one_of is not None and not any(same_json(value, one) for one in one_of):
            yield f"is {quoted(value)}, none of {quoted(one_of)}"
        number = read_number(value)
        if (at_least is not None or at_most is not None) and number is None:
            yield f"is {quoted(value)}, no number"
        if number is not None and at_least is not None and number < Decimal(str(at_least)):
            yield f"is {quoted(value)}, below {at_least:g}"
        if number is not None and at_most is not None and number > Decimal(str(at_most)):
            yield f"is {quoted(value)}, above {at_most:g}"
        if compiled is not None and not (isinstance(value, str) and compiled.fullmatch(value)):
            yield f"is {quoted(value)}, which {pattern!r} does not match"
        if value is None and equals is None and one_of is None:
            yield "is null"

    def judge(actual: JSON, expected: JSON = None, *, compares: bool = False) -> Scored:
        try:
            value = look_up(_parsed(actual), place)
        except PathError as error:
            return scored(exists is False, None if exists is False else f"output: {error}")
        except JsonProblem as problem:
            return scored(False, f"the output is no JSON: {problem}")
        if exists is False:
            return scored(False, f"'{path}' is there: {quoted(value)}")
        if compares:
            same = same_json(value, expected)
            said = [] if same else [f"is {quoted(value)}, not {quoted(expected)}"]
        else:
            said = []
        # A null that is expected is no fault.
        said += [
            fault for fault in faults(value) if not (compares and expected is None and fault == "is null")
        ]
        return scored(not said, f"'{path}' {'; '.join(said)}" if said else None)

    if expected_path is None:
        return of_output(judge, output_path)
    return against_expected(
        lambda actual, expected: judge(actual, expected, compares=True), output_path, expected_path, optional
    )


def json_fields(
    *,
    ignore: list[str] | None = None,
    further: bool = False,
    absolute: Annotated[float | None, Number(at_least=0)] = None,
    threshold: Annotated[float | None, Number(at_least=0, at_most=1)] = None,
    output_path: str | None = None,
    expected_path: str | None = None,
    optional: bool = False,
) -> ScoringCall:
    """The share of fields that are as expected, from 0 to 1; with a `threshold`, whether it is at least that.

    Fields are the values at the ends of objects and lists; those that one side alone has count as different, unless
    `further` allows the output to have more. `ignore` are dotted paths, with all below them. Numbers may differ by
    `absolute`. Texts are parsed as JSON first; a text that is none is one field. The comment names what differs.
    """
    if absolute is not None and absolute < 0:
        raise ConfigError(f"absolute must be 0 or more, not {absolute}")
    if threshold is not None and not 0 <= threshold <= 1:
        raise ConfigError(f"threshold must lie between 0 and 1, not {threshold}")
    left_out = [_dotted(path) for path in ignore or ()]
    tolerance = Decimal(str(absolute or 0))

    def same(one: JSON, other: JSON) -> bool:
        numbers = [value for value in (one, other) if _is_number(value)]
        if tolerance and len(numbers) == 2:
            return abs(Decimal(str(one)) - Decimal(str(other))) <= tolerance
        return one is not _ABSENT and other is not _ABSENT and same_json(one, other)

    def judge(actual: JSON, expected: JSON) -> Scored:
        try:
            wanted = dict(_leaves(_parsed(expected, strict=False), left_out))
            got = dict(_leaves(_parsed(actual, strict=False), left_out))
        except RecursionError:
            return unscored("an object is nested too deeply to be compared")
        places = list(wanted) if further else list(dict.fromkeys([*wanted, *got]))
        if not places:
            return unscored("the expected output has no fields, or all are ignored")
        different = [
            place for place in places if not same(wanted.get(place, _ABSENT), got.get(place, _ABSENT))
        ]
        share = 1 - len(different) / len(places)
        return scored(share if threshold is None else share >= threshold, _difference(different, wanted, got))

    failed = 0.0 if threshold is None else False
    return against_expected(judge, output_path, expected_path, optional, absent=failed)


def _difference(different: list[str], wanted: Mapping[str, JSON], got: Mapping[str, JSON]) -> str | None:
    said = []
    for place in different[:_LISTED]:
        name = place or "the whole"
        if place not in got:
            said.append(f"{name}: missing, expected {quoted(wanted[place])}")
        elif place not in wanted:
            said.append(f"{name}: not expected, got {quoted(got[place])}")
        else:
            said.append(f"{name}: expected {quoted(wanted[place])}, got {quoted(got[place])}")
    if len(different) > _LISTED:
        said.append(f"and {len(different) - _LISTED} more")
    return shortened("; ".join(said), _LONGEST_COMMENT) if said else None


def _leaves(value: JSON, left_out: list[str], place: str = "") -> Iterator[tuple[str, JSON]]:
    """Dotted path and value of every end, an empty object or list being one."""
    if any(place == path or place.startswith(f"{path}.") for path in left_out):
        return
    if isinstance(value, Mapping) and value:
        for key in value:
            yield from _leaves(value[key], left_out, f"{place}.{key}" if place else str(key))
    elif isinstance(value, (list, tuple)) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, left_out, f"{place}.{index}" if place else str(index))
    else:
        yield place, value


def _parsed(value: JSON, *, strict: bool = True) -> JSON:
    """A text as the JSON that it holds. Raises JsonProblem, or leaves the text as it is."""
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except JsonProblem:
        if strict:
            raise
        return value


def _dotted(path: str) -> str:
    """A JSONPath of one place as a dotted path. Raises ConfigError for one of many places."""
    plain = re.sub(_PLACE, lambda match: f".{match[1] or match[2] or match[3]}", path.removeprefix("$"))
    plain = plain.removeprefix(".") if path.startswith(("$", "[")) else plain
    if ".." in path or any(sign in plain for sign in ("*", "[", "?(")):
        raise ConfigError(f"the path '{path}' leads to many places, and one is compared")
    return plain


def _is_number(value: JSON) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and json_type(value) == "a number"
