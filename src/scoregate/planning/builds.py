"""Many builds on all cores: each depends on its number alone, so that their order and their process do not matter."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

FEWEST = 20
"""Fewer builds than this are not worth a second process."""
_work: Callable[[int], Any] | None = None


def many(build: Callable[[int], T], builds: int) -> list[T]:
    """Results of builds 0, 1, … in that order.

    Other processes are forked, which hands them the build as it is; where that is not safe there is only this one.
    """
    workers = min(os.cpu_count() or 1, builds // FEWEST)
    if workers < 2 or sys.platform != "linux":
        return [build(number) for number in range(builds)]
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, mp_context=fork, initializer=_begin, initargs=(build,)) as pool:
        return list(pool.map(_one, range(builds), chunksize=max(1, builds // (4 * workers))))


def _begin(build: Callable[[int], Any]) -> None:
    global _work
    _work = build


def _one(number: int) -> Any:
    assert _work is not None
    return _work(number)
