"""The tool calls of the output against those that are expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from scoregate.files.reading import JsonProblem, parse_json
from scoregate.paths import json_type
from scoregate.records import JSON
from scoregate.scorers.outcome import Scored, shortened
from scoregate.scorers.reading import ScoringCall, after_reading, against_expected, quoted, same_json, scored

TOOL_CALLS_VERSION = "1"

_Mode = Literal["exact", "subset", "any_order"]
_ArgumentsMode = Literal["exact", "subset", "ignore"]

_LONGEST_COMMENT = 500


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool: its name and its arguments by name."""

    name: str
    arguments: Mapping[str, JSON]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={quoted(value)}' for key, value in self.arguments.items())})"


def tool_calls(
    *,
    mode: _Mode = "exact",
    arguments: _ArgumentsMode = "exact",
    path: str = "tool_calls",
    expected_path: str = "tool_calls",
    optional: bool = False,
) -> ScoringCall:
    """True if the calls at `path` of the output are those at `expected_path` of the expected output.

    Both are lists of `{name, arguments}`; no `arguments` means none, and a text of JSON is parsed. `mode`:
    "exact" (these, in this order, nothing else), "subset" (these, in this order, others may stand between) or
    "any_order" (these and nothing else). `arguments`: "exact", "subset" (the expected ones, at any depth;
    further ones may be given) or "ignore".
    """
    fits = {"exact": _same_arguments, "subset": _holds_arguments, "ignore": _any_arguments}[arguments]

    def judge(got: list[ToolCall], wanted: list[ToolCall]) -> Scored:
        same = {"exact": _in_step, "subset": _in_order, "any_order": _one_to_one}[mode](wanted, got, fits)
        return scored(same, None if same else _difference(wanted, got, fits, others_allowed=mode == "subset"))

    of_json = after_reading(
        _read_calls, judge, of_output="tool calls of the output", of_item="expected tool calls"
    )
    return against_expected(of_json, path, expected_path, optional)


def _read_calls(value: JSON) -> list[ToolCall]:
    """The tool calls of a JSON list. Raises ValueError naming the call that is none."""
    if not isinstance(value, list):
        raise ValueError(f"must be a list of calls, not {json_type(value)}")
    return [_read_call(call, index) for index, call in enumerate(value)]


def _read_call(call: JSON, index: int) -> ToolCall:
    if not isinstance(call, Mapping) or not isinstance(call.get("name"), str):
        raise ValueError(f"call {index} has no 'name': {quoted(call)}")
    arguments = call.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = parse_json(arguments)
        except JsonProblem:
            raise ValueError(f"call {index} has arguments that are no JSON: {quoted(arguments)}") from None
    if arguments is not None and not isinstance(arguments, Mapping):
        raise ValueError(f"call {index} has arguments that are {json_type(arguments)}, not an object")
    return ToolCall(call["name"], arguments or {})


_Fits = Callable[[ToolCall, ToolCall], bool]


def _same_arguments(wanted: ToolCall, got: ToolCall) -> bool:
    return wanted.name == got.name and same_json(wanted.arguments, got.arguments)


def _holds_arguments(wanted: ToolCall, got: ToolCall) -> bool:
    return wanted.name == got.name and _holds(got.arguments, wanted.arguments)


def _any_arguments(wanted: ToolCall, got: ToolCall) -> bool:
    return wanted.name == got.name


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
