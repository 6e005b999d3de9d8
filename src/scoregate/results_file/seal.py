"""The digest of a lock file's lines, which stands in its first one: what was edited by hand since is noticed.

It keeps honest people from mistakes, such as a merge that takes lines of both sides; whoever means to deceive can write
a digest as well. Line ends, blank lines and the order of lines do not count, as reading passes over them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from scoregate.files.reading import open_bytes
from scoregate.records import JSON

KEY = "digest"
_EMPTY = f'"{KEY}": ""'


class Seal:
    """Takes the lines of a file as they are read; `intact` once all were."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._digest: str | None = None

    def add(self, line: bytes, record: JSON) -> None:
        """Take a line and what it holds."""
        line = line.strip()
        if not self._lines:
            line = line.removeprefix(b"\xef\xbb\xbf")
            found = record.get(KEY) if isinstance(record, dict) else None
            if isinstance(found, str) and found:
                self._digest = found
                line = line.replace(f'"{KEY}": "{found}"'.encode(), _EMPTY.encode(), 1)
        self._lines.append(hashlib.sha256(line).digest())

    @property
    def intact(self) -> bool | None:
        """Whether the file is as it was written; None where it has no digest to tell it by."""
        return None if self._digest is None else self._digest == _digest(self._lines)


def holds_digest(path: Path) -> bool:
    """Whether the first line of a results file holds a digest. The file was read before."""
    with open_bytes(path) as file:
        return f'"{KEY}": "'.encode() in file.readline()


def sealed(lines: Iterable[str]) -> list[str]:
    """The lines of a lock file, with their digest in the first."""
    first, *others = lines
    header = f"{first.removesuffix('}')}, {_EMPTY}}}"
    digest = _digest([hashlib.sha256(line.encode("utf-8")).digest() for line in (header, *others)])
    return [f'{header.removesuffix(f"{_EMPTY}}}")}"{KEY}": "{digest}"}}', *others]


def _digest(lines: list[bytes]) -> str:
    return hashlib.sha256(b"".join([lines[0], *sorted(lines[1:])])).hexdigest()
