"""Opening a file that a user named: the errors that every reader shares, each in one line with a hint."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from scoregate.errors import ScoregateError, did_you_mean

_LISTED_NEIGHBOURS = 8


@contextmanager
def reading(path: Path, family: type[ScoregateError]) -> Iterator[None]:
    """Turn the operating system's and gzip's complaints about `path` into errors of `family`."""
    try:
        yield
    except EOFError:
        raise family("the gzip data is cut off", where=str(path), hint="write the file again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise family(f"broken gzip data: {error}", where=str(path), hint="write the file again") from None
    except OSError as error:
        raise family(f"cannot be read: {error.strerror or error}", where=str(path)) from None


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
    suffix = _suffix(path.name, suffixes)
    if suffix is None:
        raise family("unknown kind of file", where=str(path), hint=f"known: {', '.join(suffixes)}")
    return suffix


def open_bytes(path: Path) -> BinaryIO:
    """The content of a file; unpacked where the name ends in `.gz`."""
    if path.name.lower().endswith(".gz"):
        return cast(BinaryIO, gzip.open(path, "rb"))
    return path.open("rb")


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
