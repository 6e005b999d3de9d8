"""One request as the handlers see it: path segments, query, body; with the checks every route shares."""

from __future__ import annotations

import base64
import heapq
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from tests.langfuse_server.answers import (
    Issue,
    Json,
    custom,
    invalid,
    not_an_option,
    plain,
    refused,
    too_big,
    too_small,
    wrong_type,
)

Row = TypeVar("Row")

MEBIBYTE = 1024 * 1024
DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`names` are the path's variable segments, decoded; `headers` have lower-case names.

    With `reject_every` n, a fault asks that each n-th score of an array is rejected.
    """

    method: str
    path: str
    names: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    reject_every: int = 0

    def json(self, *, limit: float) -> Json:
        """The body as the real server's parser reads it: `{}` when empty, a string under another content type.

        Raises `Refused` (413, 400) for a body above `limit` MiB and for malformed JSON.
        """
        if len(self.body) > limit * MEBIBYTE:
            raise plain(413, f"Body exceeded {limit:g}mb limit")
        if not self.headers.get("content-type", "").startswith("application/json"):
            return self.body.decode("utf-8", "replace")
        if not self.body:
            return {}
        try:
            return json.loads(self.body, parse_constant=_no_constant)
        except ValueError:
            raise plain(400, "Invalid JSON") from None

    def record(self, *, limit: float) -> dict[str, Json]:
        """The body as an object; 400 for anything else."""
        body = self.json(limit=limit)
        if not isinstance(body, dict):
            raise invalid(wrong_type([], "object", body))
        return body

    def whole(self, name: str, *, default: int, maximum: int) -> int:
        """A query parameter from 1 to `maximum`."""
        text = self.query.get(name)
        if text is None:
            return default
        if not re.fullmatch(r"-?\d+", text):
            raise invalid(
                {
                    "expected": "number",
                    "code": "invalid_type",
                    "received": "NaN",
                    "path": [name],
                    "message": "Invalid input: expected number, received NaN",
                }
            )
        if int(text) > maximum:
            raise invalid(too_big("number", [name], maximum))
        if int(text) < 1:
            raise invalid(too_small("number", [name], 1))
        return int(text)

    def page(self) -> int:
        """The query's page, counted from 1."""
        text = self.query.get("page", "1")
        if not text.isdigit() or int(text) < 1:
            raise invalid(too_small("number", ["page"], 0, inclusive=False))
        return int(text)

    def words(self, name: str) -> frozenset[str] | None:
        """The alternatives of a comma-separated query parameter, or None where it is absent."""
        text = self.query.get(name)
        return None if text is None else frozenset(text.split(","))

    def fields(self, options: Sequence[str], *, default: Sequence[str]) -> frozenset[str]:
        """The field groups asked for; 400 for one that is not among the options."""
        text = self.query.get("fields")
        if not text:
            return frozenset(default)
        asked = text.split(",")
        for place, name in enumerate(asked):
            if name not in options:
                raise invalid(not_an_option(["fields", place], options))
        return frozenset(asked)

    def moment(self, name: str, *, required: bool = False) -> datetime | None:
        """A date with time and zone; 400 for another form, or for a missing one that is required."""
        text = self.query.get(name)
        if text is None:
            if required:
                raise invalid(wrong_type([name], "string", None, given=False))
            return None
        if not DATETIME.fullmatch(text):
            raise invalid(no_datetime(name))
        return parse_moment(text)

    def cursor(self, width: int) -> tuple[str, ...] | None:
        """The place a page starts after, as `page_cursor` wrote it; 400 for anything else."""
        text = self.query.get("cursor")
        if text is None:
            return None
        try:
            place = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except ValueError:
            raise refused(400, "Invalid cursor format", "InvalidRequestError") from None
        if not isinstance(place, dict) or place.get("v") != 1 or len(place.get("last", ())) != width:
            raise invalid(
                {
                    "code": "invalid_union",
                    "errors": [],
                    "note": "No matching discriminator",
                    "discriminator": "v",
                    "path": ["cursor", "v"],
                    "message": "Invalid input",
                }
            )
        return tuple(place["last"])

    def filters(self) -> list[dict[str, Json]]:
        """The conditions of a JSON filter parameter."""
        text = self.query.get("filter")
        if not text:
            return []
        try:
            conditions = json.loads(text)
        except ValueError:
            raise refused(400, "Invalid JSON in filter parameter", "InvalidRequestError") from None
        if not isinstance(conditions, list):
            raise invalid(wrong_type(["filter"], "array", conditions))
        return conditions


def page_cursor(*last: str) -> str:
    """The cursor of the page that starts after the element named by `last`."""
    packed = json.dumps({"v": 1, "last": last}, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def newest_page(
    rows: Iterable[Row], *, limit: int, after: tuple[str, ...] | None, key: Callable[[Row], tuple[str, ...]]
) -> tuple[list[Row], str | None]:
    """A page of rows, the greatest key first, and the cursor of the next one if there is one."""
    placed = ((key(row), row) for row in rows)
    left = (pair for pair in placed if after is None or pair[0] < after)
    page = heapq.nlargest(limit + 1, left, key=lambda pair: pair[0])
    cursor = page_cursor(*page[limit - 1][0]) if len(page) > limit else None
    return [row for _, row in page[:limit]], cursor


def parse_moment(text: str) -> datetime:
    """An ISO date with zone, cut to the milliseconds the real server keeps."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


def string(body: Mapping[str, Json], name: str) -> str:
    """A required string of a body; 400 where it is missing or of another type."""
    value = body.get(name)
    if not isinstance(value, str):
        raise invalid(wrong_type([name], "string", value, given=name in body))
    return value


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def no_datetime(name: str) -> Issue:
    """The issue of a text that is no date with time and zone."""
    return custom([name], "Invalid ISO datetime") | {
        "origin": "string",
        "code": "invalid_format",
        "format": "datetime",
        "pattern": DATETIME.pattern,
    }
