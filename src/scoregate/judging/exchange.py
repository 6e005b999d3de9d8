"""Kept replies as a file, to be shared between machines: JSON Lines, one reply a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scoregate.errors import ResultsError
from scoregate.files.reading import JsonProblem, parse_json
from scoregate.files.writing import atomic_file
from scoregate.paths import json_type
from scoregate.store.judging import KeptReply

_KIND = "judge_reply"
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
_HASHES = frozenset(("key", "judge"))
_HASH = re.compile(r"[0-9a-f]{64}")
_COUNTED = frozenset(("trial", "vote", "calls", "tokens_input", "tokens_output", "cost_usd", "made_at"))
_LARGEST = 2**63 - 1


def write_replies(replies: Iterable[KeptReply], path: Path) -> int:
    """Write replies, the same ones always to the same bytes; how many. Raises ResultsError."""
    lines = [
        json.dumps({"kind": _KIND, **asdict(reply)}, ensure_ascii=False, allow_nan=False) for reply in replies
    ]
    with atomic_file(path, ResultsError) as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
    return len(lines)


def read_replies(path: Path) -> list[KeptReply]:
    """The replies of a file, all of them in order. Raises ResultsError with file and line of the first that is not.

    A reply is in order where a judge could have given it and a store can keep it: a value with its reasoning or an
    error with its reason, the two hashes whole, no number that is negative, not finite or longer than 64 bits.
    """
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
        if not isinstance(record, dict) or record.get("kind") != _KIND:
            raise ResultsError(f'no line of kind "{_KIND}"', where=place)
        yield _reply(record, place)


def _reply(record: dict[str, Any], place: str) -> KeptReply:
    unknown = sorted(record.keys() - _TYPES.keys() - {"kind"})
    if unknown:
        raise ResultsError(f"unknown field {unknown[0]!r}", where=place)
    values: dict[str, Any] = {name: record.get(name) for name in _TYPES}
    wrong = next(_faults(values), None)
    if wrong is not None:
        raise ResultsError(wrong, where=place)
    return KeptReply(**values)


def _faults(values: Mapping[str, Any]) -> Iterator[str]:
    """What a store could not keep, or what no judge ever replied."""
    for name, value in values.items():
        right = isinstance(value, _TYPES[name]) and (type(value) is not bool or bool in _TYPES[name])
        if not right:
            yield f"'{name}' is {json_type(value)}"
        elif isinstance(value, str) and not _storable(value):
            yield f"'{name}' holds half a character (an unpaired surrogate)"
        elif isinstance(value, int) and abs(value) > _LARGEST:
            yield f"'{name}' is an integer of more than 64 bits"
        elif name in _COUNTED and value is not None and value < 0:
            yield f"'{name}' is negative"
        elif name in _HASHES and not _HASH.fullmatch(value):
            yield f"'{name}' is no hash of 64 hexadecimal digits"
    if (values["value"] is None) == (values["error"] is None):
        yield "a reply has either a value or an error"
    if values["error"] is not None:
        if not values["error"].strip():
            yield "a reply without the reason of its error"
    elif not (values["reasoning"] or "").strip():
        yield "a reply without reasoning"


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
