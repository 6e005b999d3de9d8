"""The folder that a command was given in, wherever the user's code has moved the process meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

_chdir = partial(os.chdir)
_given: list[Path] = []
"""Of the command, or of the run that a program asked for: the first counts, as there is one folder for a process."""


def remember_folder() -> None:
    """From here on the present folder is `here`, if there is one."""
    with suppress(OSError):
        _given[:] = [Path.cwd()]


def here() -> Path:
    """The remembered folder; the present one where none is. Never fails: for a folder that is gone it is the root."""
    if _given:
        return _given[0]
    try:
        return Path.cwd()
    except OSError:
        return Path(os.sep)


def go_back() -> None:
    """Make the remembered folder the present one again, if it is still there."""
    with suppress(OSError):
        _chdir(here())


@contextmanager
def folder_kept() -> Iterator[None]:
    """Remember the present folder for a run of a program, unless one is remembered, and go back to it at the end."""
    if _given:
        yield
        return
    remember_folder()
    try:
        yield
    finally:
        go_back()
        _given.clear()
