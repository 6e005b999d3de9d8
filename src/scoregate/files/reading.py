"""Reading what a user named: files, with the errors that every reader shares, and strict JSON.

Strict: no NaN or Infinity, no number too large for a float, no member named twice. Python's own parser lets all three
pass, the last by keeping only one of the values.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from scoregate.errors import ScoregateError, did_you_mean
from scoregate.records import JSON

if TYPE_CHECKING:
    from gzip import GzipFile

    from typing_extensions import Buffer

_LISTED_NEIGHBOURS = 8
_MOST_UNPACKED = 300
"""Times the packed size. JSON of many like lines is packed to a fiftieth; a file made to fill the memory to less than
a thousandth."""
_LITTLE = 64 << 20
"""Bytes that any file may unpack to."""


@contextmanager
def reading(path: Path, family: type[ScoregateError]) -> Iterator[None]:
    """Turn the operating system's and gzip's complaints about `path` into errors of `family`."""
    try:
        yield
    except EOFError:
        raise family("the gzip data is cut off", where=str(path), hint="write the file again") from None
    except _broken_gzip() as error:
        raise family(f"broken gzip data: {error}", where=str(path), hint="write the file again") from None
    except _UnpacksToTooMuch:
        raise family(
            f"unpacks to more than {_MOST_UNPACKED:,} times its size",
            where=str(path),
            hint="unpack it, and look",
        ) from None
    except OSError as error:
        raise family(f"cannot be read: {error.strerror or error}", where=str(path)) from None


def _broken_gzip() -> tuple[type[Exception], ...]:
    """Asked for only once something was raised, and so only then imported."""
    import gzip
    import zlib

    return gzip.BadGzipFile, zlib.error


def check_input_file(path: Path, suffixes: Sequence[str], family: type[ScoregateError]) -> str:
    """The one of `suffixes` that the name ends with (in any case).

    Raises `family` for an absent file (naming near ones in its folder), a folder, and any other ending.
    """
    with reading(path, family):
        if path.is_dir():
            raise family("is a folder, not a file", where=str(path), hint=_neighbours(path, "", suffixes))
        if not path.exists():
            if not path.parent.is_dir():
                raise family(f"the folder '{path.parent}' does not exist", where=str(path))
            raise family("no such file", where=str(path), hint=_neighbours(path.parent, path.name, suffixes))
        if not path.is_file():
            raise family(
                "is no file that can be read again", where=str(path), hint="write it to a file first"
            )
    suffix = _suffix(path.name, suffixes)
    if suffix is None:
        raise family("unknown kind of file", where=str(path), hint=f"known: {', '.join(suffixes)}")
    return suffix


def open_bytes(path: Path) -> BinaryIO:
    """The content of a file; unpacked where the name ends in `.gz`, as far as that is plausible."""
    if path.name.lower().endswith(".gz"):
        import gzip

        most = max(_LITTLE, _MOST_UNPACKED * path.stat().st_size)
        return io.BufferedReader(_Unpacked(gzip.open(path, "rb"), most), 1 << 17)
    return path.open("rb")


class _UnpacksToTooMuch(Exception):
    """A small file holds more than any honest one of its size."""


class _Unpacked(io.RawIOBase):
    """What gzip unpacks, up to so many bytes."""

    def __init__(self, file: GzipFile, most: int) -> None:
        self._file = file
        self._left = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        room = memoryview(buffer)
        data = self._file.read1(len(room))
        self._left -= len(data)
        if self._left < 0:
            raise _UnpacksToTooMuch
        room[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def decode_utf8(data: bytes) -> str:
    """Text of UTF-8 bytes, without a byte order mark. UnicodeDecodeError counts its offset in `data`."""
    return data.decode("utf-8").removeprefix("\ufeff")


def _suffix(name: str, suffixes: Sequence[str]) -> str | None:
    fitting = [suffix for suffix in suffixes if name.lower().endswith(suffix)]
    return max(fitting, key=len, default=None)


def _neighbours(folder: Path, name: str, suffixes: Sequence[str]) -> str | None:
    names = sorted(entry.name for entry in folder.iterdir() if _suffix(entry.name, suffixes))
    hint = did_you_mean(name, names)
    if hint is None:
        return f"there is no {', '.join(suffixes)} file in '{folder}'"
    if hint.startswith("known: ") and len(names) > _LISTED_NEIGHBOURS:
        return f"'{folder}' holds {len(names)} other such files"
    return hint.replace("known: ", f"in '{folder}': ", 1)


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


def shown_path(path: Path) -> str:
    """A path as a person types it: relative to the working directory where it lies below it."""
    from scoregate.own.folder import here

    folder = here()
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
