"""Kept replies as a file, to be shared between machines: JSON Lines, one reply a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from scoregate.errors import ResultsError
from scoregate.files.strict_json import JsonProblem, parse_json
from scoregate.files.writing import atomic_file
from scoregate.paths import json_type
from scoregate.store.replies import KeptReply

KIND = "judge_reply"
_TYPES: dict[str, tuple[type, ...]] = {
    "key": (str,),
    "score": (str,),
    "judge": (str,),
    "model": (str,),
    "series": (str,),
    "trial": (int,),
    "vote": (int,),
    "value": (bool, int, float, str, type(None)),
    "reasoning": (str, type(None)),
    "error": (str, type(None)),
    "calls": (int,),
    "tokens_input": (int, type(None)),
    "tokens_output": (int, type(None)),
    "cost_usd": (int, float, type(None)),
    "run": (str, type(None)),
    "made_at": (int, float),
}


def write_replies(replies: Iterable[KeptReply], path: Path) -> int:
    """Write replies, the same ones always to the same bytes; how many. Raises ResultsError."""
    lines = [
        json.dumps({"kind": KIND, **asdict(reply)}, ensure_ascii=False, allow_nan=False) for reply in replies
    ]
    with atomic_file(path, ResultsError) as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
    return len(lines)


def read_replies(path: Path) -> list[KeptReply]:
    """The replies of a file. Raises ResultsError with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ResultsError(f"cannot be read: {(error.strerror or '').lower()}", where=str(path)) from None
    except UnicodeDecodeError:
        raise ResultsError("is not UTF-8", where=str(path)) from None
    return list(_read_lines(text, str(path)))


def _read_lines(text: str, name: str) -> Iterator[KeptReply]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        place = f"{name}:{number}"
        try:
            record = parse_json(line)
        except JsonProblem as problem:
            raise ResultsError(f"no JSON: {problem}", where=place) from None
        if not isinstance(record, dict) or record.get("kind") != KIND:
            raise ResultsError(f'no line of kind "{KIND}"', where=place)
        yield _reply(record, place)


def _reply(record: dict[str, Any], place: str) -> KeptReply:
    values: dict[str, Any] = {field.name: record.get(field.name) for field in fields(KeptReply)}
    for name, value in values.items():
        right = isinstance(value, _TYPES[name])
        if isinstance(value, bool) and bool not in _TYPES[name]:
            right = False
        if not right:
            raise ResultsError(f"'{name}' is {json_type(value)}", where=place)
    if (values["value"] is None) == (values["error"] is None):
        raise ResultsError("a reply has either a value or an error", where=place)
    return KeptReply(**values)
