"""One at a time: a lock on a file, which the system drops when its holder ends, however that is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Condition

_held: set[Path] = set()
"""A record lock does not keep out its own process, so this does."""
_released = Condition()


class LockTaken(Exception):
    """Another process holds the lock, or another thread of this one."""


@contextmanager
def file_lock(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock of `path`, a file that is made for it and goes with it.

    Waits for whoever holds it, another thread of this process included; without `wait`, raises LockTaken. Raises
    OSError where the file cannot be made.

    A record lock (`lockf`) belongs to one process alone: unlike one of `flock`, it does not live on in the processes
    that a candidate forks. Where the system has none (Windows), only this process is kept out.
    """
    with _released:
        while path in _held:
            if not wait:
                raise LockTaken
            _released.wait()
        _held.add(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _locked(path, wait=wait)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(descriptor)
    finally:
        with _released:
            _held.discard(path)
            _released.notify_all()


def _locked(path: Path, *, wait: bool) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if sys.platform != "win32":
                import fcntl

                fcntl.lockf(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            # The last holder may have removed the file between our open and our lock.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return descriptor
        except BaseException as error:
            os.close(descriptor)
            if not wait and isinstance(error, (BlockingIOError, PermissionError)):
                raise LockTaken from None
            raise
        os.close(descriptor)


def _forget() -> None:
    """In a forked process: it holds none of the locks, and the thread that held `_released` is not there."""
    global _released
    _held.clear()
    _released = Condition()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_forget)
