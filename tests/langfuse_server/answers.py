"""What a request looks like to a handler, and what a handler gives back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = Any  # what json.loads gives; checked where it is used
Issue = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body: JSON unless `text` is given, which is sent as it is."""

    status: int
    body: Json = None
    text: str | None = None
    content_type: str | None = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)

    def payload(self) -> bytes:
        if self.text is not None:
            return self.text.encode()
        return json.dumps(self.body).encode()


class Refused(Exception):
    """Raised by a handler to answer with an error; nothing was applied."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status}")
        self.answer = answer


def invalid(*issues: Issue) -> Refused:
    """400 in the shape the real server gives its schema errors."""
    return Refused(Answer(400, {"message": "Invalid request data", "error": list(issues)}))


def refused(status: int, message: str, error: str | None = None) -> Refused:
    """An error with a message and, on most routes, the name of the error's class."""
    return Refused(Answer(status, {"message": message} | ({"error": error} if error else {})))


def plain(status: int, text: str) -> Refused:
    """An error of the layer in front of the routes: text, without a content type."""
    return Refused(Answer(status, text=text, content_type=None))


def wrong_type(path: Sequence[str | int], expected: str, value: Json, *, given: bool = True) -> Issue:
    """The issue of a value that is missing or of another type."""
    received = javascript_type(value) if given else "undefined"
    return {
        "expected": expected,
        "code": "invalid_type",
        "path": list(path),
        "message": f"Invalid input: expected {expected}, received {received}",
    }


def custom(path: Sequence[str | int], message: str) -> Issue:
    """The issue of a rule that is no type or range."""
    return {"code": "custom", "path": list(path), "message": message}


def not_an_option(path: Sequence[str | int], options: Sequence[str]) -> Issue:
    """The issue of a value outside an enumeration."""
    listed = "|".join(f'"{option}"' for option in options)
    return {
        "code": "invalid_value",
        "values": list(options),
        "path": list(path),
        "message": f"Invalid option: expected one of {listed}",
    }


def no_such_variant(path: Sequence[str | int]) -> Issue:
    """The issue of a union's discriminator that names no member."""
    return {
        "code": "invalid_union",
        "errors": [],
        "note": "No matching discriminator",
        "discriminator": str(path[-1]),
        "path": list(path),
        "message": "Invalid input",
    }


def too_big(origin: str, path: Sequence[str | int], maximum: int) -> Issue:
    """The issue of a number above, or a string longer than, `maximum`."""
    what = f"string to have <={maximum} characters" if origin == "string" else f"number to be <={maximum}"
    return {
        "origin": origin,
        "code": "too_big",
        "maximum": maximum,
        "inclusive": True,
        "path": list(path),
        "message": f"Too big: expected {what}",
    }


def too_small(origin: str, path: Sequence[str | int], minimum: int, *, inclusive: bool = True) -> Issue:
    """The issue of a number below, or a string shorter than, `minimum`."""
    sign = ">=" if inclusive else ">"
    what = (
        f"string to have {sign}{minimum} characters"
        if origin == "string"
        else f"number to be {sign}{minimum}"
    )
    return {
        "origin": origin,
        "code": "too_small",
        "minimum": minimum,
        "inclusive": inclusive,
        "path": list(path),
        "message": f"Too small: expected {what}",
    }


def javascript_type(value: Json) -> str:
    """The name the real server, which is JavaScript, has for a JSON value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"
