"""JSON, read strictly: no NaN or Infinity, no number too large for a float, no member named twice.

Python's own parser lets all three pass, the last by keeping only one of the values.
"""

from __future__ import annotations

import json
import math

from scoregate.records import JSON


class JsonProblem(ValueError):
    """A text that is no strict JSON. `str(problem)` says why, in one line, without the place of the text."""


def unique_members(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    """An `object_pairs_hook` that raises JsonProblem for an object with two members of one name."""
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise JsonProblem(f"the key '{twice}' appears twice in one object")
    return members


def parse_json(text: str) -> JSON:
    """The value of a JSON text. Raises JsonProblem."""
    try:
        return _STRICT.decode(text)
    except (ValueError, RecursionError) as error:
        raise json_problem(error) from None


def json_problem(error: ValueError | RecursionError) -> JsonProblem:
    """What Python's parser complained of, as a JsonProblem."""
    if isinstance(error, JsonProblem):
        return error
    if isinstance(error, json.JSONDecodeError):
        reason = error.msg[:1].lower() + error.msg[1:]
        return JsonProblem(f"broken JSON at column {_column(error)}: {reason}")
    if isinstance(error, RecursionError):
        return JsonProblem("JSON that is nested too deeply")
    return JsonProblem("an integer with too many digits to be read")


def _column(error: json.JSONDecodeError) -> int:
    """From 1. Of a text that ends too early, the one behind it, and not that of the line after its line end."""
    if error.doc[error.pos :].strip():
        return error.colno
    text = error.doc.rstrip("\r\n")
    return len(text) - text.rfind("\n")


def _refuse_constant(name: str) -> float:
    raise JsonProblem(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise JsonProblem(f"the number {digits[:40]} is too large")
    return number


_STRICT = json.JSONDecoder(
    object_pairs_hook=unique_members, parse_constant=_refuse_constant, parse_float=_finite
)
