"""The process of a command is a short one: what the interpreter and numpy do for long ones is left out.

Where the code of others runs in it, it is as they know it; see `as_usual`.
"""

from __future__ import annotations

import atexit
import gc
import os

_USUAL_COLLECTING = gc.get_threshold()
_IDLE_THREADS = "OPENBLAS_THREAD_TIMEOUT"
_HALF_A_MILLISECOND = "20"
"""In powers of two of a processor's ticks. The 26 of OpenBLAS are 25 milliseconds of every thread."""


def begin_process() -> None:
    """Call it before numpy is imported.

    Its threads, one a processor, look for work from the import on, and would do nothing else for 25 milliseconds; a
    value that the environment has stays. At the end nothing is searched for garbage any more: all of it goes.
    """
    collect_rarely()
    if _IDLE_THREADS not in os.environ:
        os.environ[_IDLE_THREADS] = _HALF_A_MILLISECOND
        _is_ours.append(True)
    atexit.register(gc.freeze)


_is_ours: list[bool] = []
"""Filled where the variable is not the user's."""


def collect_rarely() -> None:
    """Look for garbage after a million new objects and not after 700: what a command loads and compares stays."""
    gc.set_threshold(1_000_000)


def as_usual() -> None:
    """From here on the candidate's code runs, and counts on it; what it starts has the user's environment.

    What was loaded until here stays, and is not searched for the garbage of what follows.
    """
    gc.freeze()
    gc.set_threshold(*_USUAL_COLLECTING)
    if _is_ours:
        os.environ.pop(_IDLE_THREADS, None)
