"""The tool calls of the output against those that are expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from scoregate.errors import ConfigError
from scoregate.own import json_codec
from scoregate.records import JSON
from scoregate.scorers.outcome import Scored, shortened
from scoregate.scorers.patterns import compile_pattern
from scoregate.scorers.reading import (
    ScoringCall,
    after_reading,
    against_expected,
    quoted,
    same_json,
    scored,
    unscored,
)
from scoregate.scorers.tool_call_forms import ToolCall, UnknownForm, read_calls

TOOL_CALLS_VERSION = "2"

_Mode = Literal["exact", "subset", "any_order"]
_ArgumentsMode = Literal["exact", "subset", "ignore"]

_LONGEST_COMMENT = 500


@dataclass(frozen=True, slots=True)
class _ArgumentRule:
    """How the values of one argument are compared. Whether it must be there, the mode of the arguments says."""

    fits: Callable[[JSON, JSON], bool]
    """Takes the expected value and the given one. Raises ValueError for an expected value that it cannot compare."""
    is_ignored: bool = False


def tool_calls(
    *,
    mode: _Mode = "exact",
    arguments: _ArgumentsMode = "exact",
    rules: dict[str, Any] | None = None,
    path: str = "tool_calls",
    expected_path: str = "tool_calls",
    optional: bool = False,
) -> ScoringCall:
    """True if the calls at `path` of the output are those at `expected_path` of the expected output.

    Both are lists of calls in any spelling of `tool_call_forms`; no arguments may be `null` or `""`, and a text of
    JSON is parsed. `mode`: "exact" (these, in this order, nothing else), "subset" (these, in this order, others may
    stand between) or "any_order" (these and nothing else). `arguments`: "exact", "subset" (the expected ones, at any
    depth; further ones may be given) or "ignore".

    `rules` are of single arguments, by `argument` or `tool.argument`: "exact", "ignore", `{absolute = 0.01}`,
    `{relative = 0.1}` (a number, also written as text) or `{pattern = "…"}` (the whole text of what is given). An
    argument that is expected must be given all the same, unless it is ignored.
    """
    own = {name: _argument_rule(name, rule) for name, rule in (rules or {}).items()}
    fits = _comparison(arguments, own)

    def judge(got: list[ToolCall], wanted: list[ToolCall]) -> Scored:
        try:
            same = {"exact": _in_step, "subset": _in_order, "any_order": _one_to_one}[mode](wanted, got, fits)
            comment = None if same else _difference(wanted, got, fits, others_allowed=mode == "subset")
        except ValueError as error:
            return unscored(f"expected tool calls: {error}")
        return scored(same, comment)

    of_json = after_reading(
        read_calls,
        judge,
        of_output="tool calls of the output",
        of_item="expected tool calls",
        unclear=UnknownForm,
    )
    return against_expected(of_json, path, expected_path, optional)


def _argument_rule(name: str, rule: object) -> _ArgumentRule:
    """The rule as a gate file writes it. Raises ConfigError."""
    if rule in ("exact", "ignore"):
        return _ArgumentRule(same_json, is_ignored=rule == "ignore")
    keys = list(rule) if isinstance(rule, Mapping) else []
    if isinstance(rule, Mapping) and keys in (["absolute"], ["relative"]):
        tolerance = rule[keys[0]]
        if isinstance(tolerance, (int, float)) and not isinstance(tolerance, bool) and 0 <= tolerance < 1e300:
            return _ArgumentRule(partial(_within, Decimal(str(tolerance)), keys[0] == "relative"))
    if isinstance(rule, Mapping) and keys == ["pattern"] and isinstance(rule["pattern"], str):
        compiled = compile_pattern(rule["pattern"])
        return _ArgumentRule(lambda _, given: compiled.fullmatch(_text_of(given)) is not None)
    raise ConfigError(
        f"the rule of argument '{name}' is {quoted(rule)}",
        hint='write "exact", "ignore", {absolute = 0.01}, {relative = 0.1} or {pattern = "[0-9]+"}',
    )


def _within(tolerance: Decimal, relative: bool, wanted: JSON, given: JSON) -> bool:
    from scoregate.scorers.numbers import read_number  # It compiles much, for a rule that few have.

    expected, number = read_number(wanted), read_number(given)
    if expected is None:
        raise ValueError(f"an argument with a tolerance must be a number, not {quoted(wanted)}")
    return number is not None and abs(number - expected) <= tolerance * (abs(expected) if relative else 1)


def _text_of(value: JSON) -> str:
    return value if isinstance(value, str) else json_codec.dumps(value, ensure_ascii=False)


_Fits = Callable[[ToolCall, ToolCall], bool]


def _comparison(mode: _ArgumentsMode, rules: Mapping[str, _ArgumentRule]) -> _Fits:
    """Whether a call is the one that is wanted: each argument by its rule, the others by the mode."""
    by_mode = {"exact": same_json, "subset": _holds, "ignore": _anything}[mode]

    def fits(wanted: ToolCall, got: ToolCall) -> bool:
        if wanted.name != got.name:
            return False
        ruled = {
            name: rule
            for name in {**wanted.arguments, **got.arguments}
            if (rule := rules.get(f"{wanted.name}.{name}", rules.get(name))) is not None
        }
        for name, rule in ruled.items():
            if rule.is_ignored:
                continue
            if name not in got.arguments or (name not in wanted.arguments and mode == "exact"):
                return False
            if name in wanted.arguments and not rule.fits(wanted.arguments[name], got.arguments[name]):
                return False
        rest, expected = (
            {name: value for name, value in call.arguments.items() if name not in ruled}
            for call in (got, wanted)
        )
        return by_mode(rest, expected)

    return fits


def _anything(_given: JSON, _wanted: JSON) -> bool:
    return True


def _holds(whole: JSON, part: JSON) -> bool:
    if isinstance(whole, Mapping) and isinstance(part, Mapping):
        return all(key in whole and _holds(whole[key], part[key]) for key in part)
    return same_json(whole, part)


def _in_step(wanted: Sequence[ToolCall], got: Sequence[ToolCall], fits: _Fits) -> bool:
    return len(wanted) == len(got) and all(map(fits, wanted, got))


def _in_order(wanted: Sequence[ToolCall], got: Sequence[ToolCall], fits: _Fits) -> bool:
    # `any` takes from the same iterator up to the first that fits, so each call is used once and in order.
    rest = iter(got)
    return all(any(fits(call, other) for other in rest) for call in wanted)


def _one_to_one(wanted: Sequence[ToolCall], got: Sequence[ToolCall], fits: _Fits) -> bool:
    return len(wanted) == len(got) and len(_pairs(wanted, got, fits)) == len(wanted)


def _pairs(wanted: Sequence[ToolCall], got: Sequence[ToolCall], fits: _Fits) -> dict[int, int]:
    """Index of a call in `got` -> index in `wanted`: as many pairs that fit as there can be.

    Augmenting paths, because with partly given arguments the first call that fits may be needed by another.
    """
    holder: dict[int, int] = {}

    def place(index: int, tried: set[int]) -> bool:
        for other in range(len(got)):
            if other not in tried and fits(wanted[index], got[other]):
                tried.add(other)
                if other not in holder or place(holder[other], tried):
                    holder[other] = index
                    return True
        return False

    for index in range(len(wanted)):
        place(index, set())
    return holder


def _difference(
    wanted: Sequence[ToolCall], got: Sequence[ToolCall], fits: _Fits, *, others_allowed: bool
) -> str:
    """What is missing, unexpected or called with other arguments; if none of these, that the order is wrong."""
    pairs = _pairs(wanted, got, fits)
    missing = [call for index, call in enumerate(wanted) if index not in pairs.values()]
    unexpected = [call for index, call in enumerate(got) if index not in pairs]
    different = []
    for call in list(missing):
        other = next((one for one in unexpected if one.name == call.name), None)
        if other is not None:
            missing.remove(call)
            unexpected.remove(other)
            different.append(f"expected {call}, got {other}")
    if others_allowed:
        unexpected = []
    said = [
        f"{word}: {', '.join(map(str, calls))}"
        for word, calls in (("missing", missing), ("different", different), ("unexpected", unexpected))
        if calls
    ]
    if not said:
        said = [f"wrong order: expected {_names(wanted)}, got {_names(got)}"]
    return shortened("; ".join(said), _LONGEST_COMMENT)


def _names(calls: Sequence[ToolCall]) -> str:
    return ", ".join(call.name for call in calls)
