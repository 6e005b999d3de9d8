"""One process drives a run at a time: a lock on a file, which the system drops when the process ends."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scoregate.errors import StoreError

_held: set[Path] = set()
"""A record lock does not keep out its own process, so this does."""


@contextmanager
def run_lock(folder: Path, run: str) -> Iterator[None]:
    """Hold the lock of a run. Raises StoreError if another process, or this one, holds it.

    A record lock (`lockf`) belongs to this process alone: unlike one of `flock`, it does not live on in the
    processes that a candidate forks. Where the system has none (Windows), only this process is kept out.
    """
    name = (
        run if run.isascii() and run.replace("-", "").isalnum() else hashlib.sha256(run.encode()).hexdigest()
    )
    path = folder / f"{name}.lock"
    if path in _held:
        raise _taken(run)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _locked(path, run)
    except OSError as problem:
        raise StoreError(f"cannot lock the run: {problem.strerror}", where=str(path)) from problem
    _held.add(path)
    try:
        yield
    finally:
        _held.discard(path)
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _locked(path: Path, run: str) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if sys.platform != "win32":
                import fcntl

                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The last holder may have removed the file between our open and our lock.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return descriptor
        except (BlockingIOError, PermissionError):
            os.close(descriptor)
            raise _taken(run) from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _taken(run: str) -> StoreError:
    return StoreError(f"run '{run}' is being run by another process", hint="wait for it, or stop it first")
