"""Requests that are made side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

_T = TypeVar("_T")


def at_once(work: Sequence[Callable[[], _T]], most: int) -> list[_T]:
    """What each job returned, in their order; at most so many at a time. Raises the first error, once all have ended.

    Daemon threads and no executor: an executor's threads would hold up the end of the process for as long as a server
    does not answer.
    """
    done: dict[int, _T] = {}
    problems: list[Exception] = []
    waiting = iter(enumerate(work))
    lock = threading.Lock()

    def do_some() -> None:
        while True:
            with lock:
                place, job = next(waiting, (None, None))
            if place is None or job is None:
                return
            try:
                done[place] = job()
            except Exception as problem:  # noqa: BLE001  the end of a thread: whoever started it is told
                problems.append(problem)

    threads = [
        threading.Thread(target=do_some, name="scoregate-send", daemon=True)
        for _ in range(min(most, len(work)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    return [done[place] for place in range(len(work))]
