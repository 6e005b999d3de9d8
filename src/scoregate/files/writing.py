"""Writing a file whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from scoregate.errors import ScoregateError


@contextmanager
def atomic_file(path: Path, family: type[ScoregateError]) -> Iterator[BinaryIO]:
    """A binary file that takes the place of `path` when the block ends well, and leaves no trace otherwise.

    The bytes are on the disk before the name points to them. A symbolic link is followed, and the permissions
    of a file that is replaced are kept. What is no regular file, such as `/dev/stdout`, is written to directly.
    Raises `family` where the folder or the disk refuses.
    """
    try:
        target = path.resolve()
        if target.exists() and not target.is_file() and not target.is_dir():
            with target.open("wb") as device:
                yield device
            return
        import secrets

        temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            with open(temporary, "xb") as file:  # noqa: PTH123 - Path.open gives no narrower type
                yield file
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                temporary.chmod(target.stat().st_mode & 0o7777)
            temporary.replace(target)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        _sync_folder(target.parent)
    except OSError as error:
        raise family(
            f"cannot be written: {error.strerror or error}", where=str(path), hint="nothing was changed"
        ) from None


def make_folder_of(path: Path, family: type[ScoregateError]) -> None:
    """Make the folder that a file is to be written to, with those around it. Raises `family` where that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise family(
            f"cannot be written: {error.strerror or error}", where=str(path), hint="choose another path"
        ) from None


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the file system lets a folder be synced."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
