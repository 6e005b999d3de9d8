"""Run items with every expected cell, and the thread that commits them: all that wait go into one transaction."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from scoregate.catalog import Catalog
from scoregate.errors import ContractError, StoreError, StoreWriteError
from scoregate.records import RunItem, Score
from scoregate.records.absent import NOT_GIVEN, gave_nothing
from scoregate.store import Store
from scoregate.store.rows import Unstorable

_ENOUGH = 512
"""A transaction of so many run items waits for no more."""
MEASURED: Mapping[str, Callable[[RunItem], float | None]] = MappingProxyType(
    {
        "latency_seconds": lambda item: item.latency_seconds,
        "cost_usd": lambda item: item.cost_usd,
        "tokens_input": lambda item: item.tokens.input if item.tokens else None,
        "tokens_output": lambda item: item.tokens.output if item.tokens else None,
        "tokens_total": lambda item: item.tokens.total if item.tokens else None,
    }
)
"""Scores that no scorer has to make: they are part of the run item."""


class Finished(NamedTuple):
    """A run item with all its cells."""

    run: str
    """Id of the run that it belongs to."""
    item: RunItem
    scores: tuple[Score, ...]


class Given(NamedTuple):
    """An answer that is not scored yet."""

    run: str
    item: RunItem


_Written = TypeVar("_Written", Finished, Given)


class Committer:
    """Takes finished run items from the event loop, and tells it what is committed."""

    def __init__(
        self,
        store: Store,
        *,
        committed: Callable[[Sequence[Finished], tuple[bool, ...]], None],
        failed: Callable[[StoreError], None],
    ) -> None:
        """`committed` is given a batch and which of it was new, `failed` the end of all writing; on the loop."""
        self._store = store
        self._committed = committed
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._waiting: SimpleQueue[Sequence[Finished | Given] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="scoregate-commit", daemon=True)
        self._thread.start()

    def put(self, finished: Sequence[Finished]) -> None:
        if finished:  # To the thread a batch of nothing is the end.
            self._waiting.put(finished)

    def keep(self, given: Given) -> None:
        """Keep an answer while it is being scored, in case the process does not live to see its scores."""
        self._waiting.put([given])

    def close(self, timeout: float | None) -> None:
        """Commit what is waiting and end the thread; wait for it at most `timeout` seconds."""
        self._waiting.put(None)
        self._thread.join(timeout)

    def _work(self) -> None:
        try:
            while batch := self._next_batch():
                for run, answers in _by_run(one for one in batch if isinstance(one, Given)).items():
                    self._store.unscored.keep(run, [given.item for given in answers])
                for run, part in _by_run(one for one in batch if isinstance(one, Finished)).items():
                    part, new = self._record(run, part)
                    self._tell(self._committed, part, new)
        except StoreError as error:
            self._tell(self._failed, error)
        except Exception as error:  # noqa: BLE001  the run must not wait for ever for a thread that died
            self._tell(self._failed, StoreWriteError(f"cannot commit: {type(error).__name__}: {error}"))

    def _next_batch(self) -> list[Finished | Given]:
        """At least one, unless this is the end."""
        batch: list[Finished | Given] = []
        try:
            waiting = self._waiting.get()
            while waiting is not None:
                batch.extend(waiting)
                if len(batch) >= _ENOUGH:
                    return batch
                waiting = self._waiting.get_nowait()
            if batch:
                self._waiting.put(None)  # The end is for the next time.
        except Empty:
            pass
        return batch

    def _record(self, run: str, batch: list[Finished]) -> tuple[list[Finished], tuple[bool, ...]]:
        try:
            return batch, self._store.record(run, [(item, scores) for _, item, scores in batch])
        except Unstorable as problem:
            if len(batch) == 1:
                failed = _as_error(batch[0], problem.message)
                return [failed], self._store.record(run, [(failed.item, failed.scores)])
        parts = [self._record(run, [finished]) for finished in batch]
        return [part[0][0] for part in parts], tuple(part[1][0] for part in parts)

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:
            return  # The loop is closed: the run was interrupted and nobody counts any more.


def _by_run(batch: Iterable[_Written]) -> dict[str, list[_Written]]:
    parts: dict[str, list[_Written]] = {}
    for one in batch:
        parts.setdefault(one.run, []).append(one)
    return parts


def _as_error(finished: Finished, reason: str) -> Finished:
    """The same cells, without what cannot be stored."""
    failed = replace(finished.item, status="error", error=reason, output=None, tokens=None, attempts=())
    return Finished(
        finished.run, failed, complete_cells(failed, (), [score.score for score in finished.scores])
    )


def complete_cells(
    run_item: RunItem,
    scores: Iterable[Score],
    expected: Sequence[str],
    catalog: Catalog | None = None,
    optional: Collection[str] = (),
) -> tuple[Score, ...]:
    """The cells of a run item, each name once: what the scorers made, then what is expected and not there.

    Each is a value, "not applicable", or an error with its reason.

    Expected measured scores are taken from the run item, also from a failed one. Every other expected score
    that no scorer made is an error; of a failed run item, with the candidate's own reason; where a scorer of unknown
    scores failed, with its reason. An `optional` one of which nothing was said does not apply, unless anything failed.
    """
    cells: dict[str, Score] = {}
    for score in scores:
        name = score.score
        if name in cells:
            cells[name] = _error(run_item, name, f"ambiguous: two scorers make a score named '{name}'")
        elif isinstance(score.value, float) and not math.isfinite(score.value):
            cells[name] = _error(run_item, name, f"{score.value} is no score value")
        else:
            cells[name] = score
    lacking = [name for name in expected if name not in cells]
    failed = None
    if lacking:
        failed = next((s for s in cells.values() if s.status == "error" and s.score not in expected), None)
    for name in expected:
        if name in lacking:
            cells[name] = _expected_cell(run_item, name, catalog, failed)
        if name in optional and gave_nothing(cells[name]):
            cells[name] = Score(
                run_item.item, run_item.trial, name, None, "not_applicable", cells[name].comment
            )
    return tuple(cells.values())


def _expected_cell(run_item: RunItem, name: str, catalog: Catalog | None, failed: Score | None) -> Score:
    measure = MEASURED.get(name)
    value = measure(run_item) if measure else None
    if value is not None:
        contract = catalog.get(name) if catalog else None
        try:
            checked = contract.check(value, item=run_item.item) if contract else value
        except ContractError as broken:
            return _error(run_item, name, str(broken))
        return Score(run_item.item, run_item.trial, name, checked)
    if run_item.status != "ok":
        return _error(run_item, name, f"the candidate failed: {run_item.error or run_item.status}")
    if measure:
        return _error(run_item, name, "the candidate does not say it")
    if failed is not None:
        return _error(run_item, name, f"'{failed.score}', which may make it, failed: {failed.comment}")
    return _error(run_item, name, NOT_GIVEN)


def _error(run_item: RunItem, name: str, reason: str) -> Score:
    return Score(run_item.item, run_item.trial, name, None, "error", reason)
