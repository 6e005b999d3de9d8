"""The thread that commits finished run items: whatever is waiting goes into one transaction."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue

from scoregate.errors import StoreError, StoreWriteError
from scoregate.records import RunItem, Score
from scoregate.runner.cells import complete
from scoregate.store import Store
from scoregate.store.rows import Unstorable

Finished = tuple[RunItem, tuple[Score, ...]]
"""A run item with all its cells."""

ENOUGH = 512
"""A transaction of so many run items waits for no more."""


class Committer:
    """Takes finished run items from the event loop, and tells it what is committed."""

    def __init__(
        self,
        store: Store,
        run: str,
        *,
        committed: Callable[[Sequence[Finished], tuple[bool, ...]], None],
        failed: Callable[[StoreError], None],
    ) -> None:
        """`committed` is given a batch and which of it was new, `failed` the end of all writing; on the loop."""
        self._store = store
        self._run = run
        self._committed = committed
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._waiting: SimpleQueue[Sequence[Finished] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="scoregate-commit", daemon=True)
        self._thread.start()

    def put(self, finished: Sequence[Finished]) -> None:
        self._waiting.put(finished)

    def close(self, timeout: float | None) -> None:
        """Commit what is waiting and end the thread; wait for it at most `timeout` seconds."""
        self._waiting.put(None)
        self._thread.join(timeout)

    def _work(self) -> None:
        try:
            while batch := self._next_batch():
                batch, new = self._record(batch)
                self._tell(self._committed, batch, new)
        except StoreError as error:
            self._tell(self._failed, error)
        except Exception as error:  # noqa: BLE001  the run must not wait for ever for a thread that died
            self._tell(self._failed, StoreWriteError(f"cannot commit: {type(error).__name__}: {error}"))

    def _next_batch(self) -> list[Finished]:
        """At least one, unless this is the end."""
        batch: list[Finished] = []
        try:
            finished = self._waiting.get()
            while finished is not None:
                batch.extend(finished)
                if len(batch) >= ENOUGH:
                    return batch
                finished = self._waiting.get_nowait()
            if batch:
                self._waiting.put(None)  # The end is for the next time.
        except Empty:
            pass
        return batch

    def _record(self, batch: list[Finished]) -> tuple[list[Finished], tuple[bool, ...]]:
        try:
            return batch, self._store.record(self._run, batch)
        except Unstorable as problem:
            if len(batch) == 1:
                batch = [_as_error(*batch[0], reason=problem.message)]
                return batch, self._store.record(self._run, batch)
        parts = [self._record([finished]) for finished in batch]
        return [part[0][0] for part in parts], tuple(part[1][0] for part in parts)

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:
            return  # The loop is closed: the run was interrupted and nobody counts any more.


def _as_error(run_item: RunItem, scores: tuple[Score, ...], *, reason: str) -> Finished:
    """The same cells, without what cannot be stored."""
    failed = replace(run_item, status="error", error=reason, output=None, tokens=None, attempts=())
    return failed, complete(failed, (), [score.score for score in scores])
