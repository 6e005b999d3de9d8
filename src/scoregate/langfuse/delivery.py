"""Hands over what the store holds of a run, and reads it back: the outbox's other end.

1. A thread sends what is committed, while the run goes on: root spans, the candidate's own spans, scores. Everything is
   sent from the store and marked there, so that a process that dies loses nothing and another one goes on.
2. Ids follow from run, item, trial and score: what is sent again, because an answer was lost, is there once.
3. What the server took is looked for until it is seen (`read_back`). Only what was seen counts as delivered.

None of this can change a verdict. The engine never waits for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from scoregate.errors import ScoregateError
from scoregate.langfuse import ids
from scoregate.langfuse.connection import Connection, Refused
from scoregate.langfuse.read_back import item_count, shown
from scoregate.langfuse.sending import Sender
from scoregate.store import Store
from scoregate.store.outbox import ROOT, Delivered, Tally

SENDERS = 4
"""Requests at once."""
ITEMS_OF_A_REQUEST = 200
SCORES_OF_A_REQUEST = 400
PASS_SECONDS = 1.0
"""Pause between two passes while the run goes on."""
SILENCE_SECONDS = 45.0
"""A server that has not answered for so long, be it with a wish to wait, is given up for this time."""
_LOOK_SECONDS = (0.5, 4.0)
"""First and longest pause between two looks at the server."""


@dataclass(frozen=True, slots=True)
class RunDelivery:
    """What became of one run."""

    run: str
    tally: Tally
    rejected: tuple[Delivered, ...]

    @property
    def complete(self) -> bool:
        tally = self.tally
        return (tally.items_seen, tally.scores_seen, tally.parcels) == (tally.items, tally.scores, 0)


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What became of everything that was to be delivered."""

    runs: tuple[RunDelivery, ...]
    trouble: str | None
    """The last reason why something could not be handed over or read back, in one line."""

    @property
    def complete(self) -> bool:
        return all(run.complete for run in self.runs)


class Delivery:
    """Delivers runs of one store to one project. `start` and `add` at any time, `finish` once."""

    def __init__(
        self, store: Store, connection: Connection, target: str, sender: Sender, stop: threading.Event
    ) -> None:
        """`stop`, the event that `connection` was made with, ends every wait once it is set."""
        self._store = store
        self._outbox = store.outbox
        self._connection = connection
        self._target = target
        self._sender = sender
        self._runs: list[str] = []
        self._stop = stop
        self._closing = threading.Event()
        self._trouble: str | None = None
        self._locked_out = False
        self.drained: float | None = None
        """When everything was handed over, by `time.perf_counter`; None until `finish` is called."""
        self._thread = threading.Thread(target=self._work, name="scoregate-deliver", daemon=True)

    def add(self, run: str) -> None:
        """Deliver this run as well: what it holds, and what is committed later."""
        if run not in self._runs:
            self._runs.append(run)

    def look(self) -> None:
        """Mark what the server shows by now. Raises Refused, ServiceError."""
        for run in self._runs:
            self._look(run)

    def start(self) -> None:
        if self._thread.ident is None:
            self._thread.start()

    def finish(self, seconds: float) -> DeliveryReport:
        """Send the rest, read back until all is seen, for at most so many seconds, and say what became of it."""
        deadline = time.monotonic() + seconds
        self._connection.listen()
        self._closing.set()
        try:
            self.start()
            self._thread.join(seconds)
            self.drained = time.perf_counter()
            self._read_back(deadline)
        finally:
            self._stop.set()
        return self.report()

    def abandon(self) -> None:
        """End now; what was not sent stays in the outbox."""
        self._closing.set()
        self._stop.set()

    def report(self) -> DeliveryReport:
        """Where things stand."""
        return DeliveryReport(
            tuple(
                RunDelivery(
                    run,
                    self._outbox.tally(run, self._target),
                    tuple(self._outbox.rejected(run, self._target)),
                )
                for run in self._runs
            ),
            self._trouble,
        )

    def _work(self) -> None:
        """In the thread: pass after pass, until nothing is left or time is up."""
        while not self._stop.is_set():
            closing = self._closing.is_set()
            try:
                sent = sum([self._pass(run) for run in list(self._runs)])
            except ScoregateError as problem:
                self._trouble = str(problem)
                if isinstance(problem, Refused) and problem.status in (401, 403):
                    self._locked_out = True  # A key that is refused is not tried again and again.
                    return
            except Exception as problem:  # noqa: BLE001  the end of a thread: it must be told, not lost
                self._trouble = f"{type(problem).__name__}: {problem}"
                return
            else:
                if closing and not sent:
                    return
                if closing:
                    continue
            if closing and self._connection.silence > SILENCE_SECONDS:
                return
            (self._stop if closing else self._closing).wait(PASS_SECONDS)

    def _pass(self, run: str) -> int:
        """Send one round of everything that is due; how many things were settled. Raises what a sender raised."""
        due = self._outbox.pending_items(run, self._target, SENDERS * ITEMS_OF_A_REQUEST)
        scores = self._outbox.pending_scores(run, self._target, SENDERS * SCORES_OF_A_REQUEST)
        work: list[Callable[[], int]] = [
            *(partial(self._sender.parcel, parcel) for parcel in self._outbox.parcels(run, SENDERS)),
            *(partial(self._sender.items, run, items) for items in _groups(due, ITEMS_OF_A_REQUEST)),
            *(partial(self._sender.scores, run, group) for group in _groups(scores, SCORES_OF_A_REQUEST)),
        ]
        return sum(_side_by_side(work))

    def _read_back(self, deadline: float) -> None:
        pause, longest = _LOOK_SECONDS
        while not self._locked_out:
            try:
                if not [run for run in self._runs if self._look(run)]:
                    return
            except ScoregateError as problem:
                self._trouble = str(problem)
                if self._connection.silence > SILENCE_SECONDS:
                    return
            if time.monotonic() + pause > deadline or self._stop.wait(pause):
                return
            pause = min(2 * pause, longest)

    def _look(self, run: str) -> bool:
        """Mark what the server shows; whether something that it took is still not to be seen."""
        unseen = self._outbox.unseen(run, self._target)
        header = self._store.header(run)
        for trial in sorted({trial for _, trial, _ in unseen}):
            due = {cell for cell in unseen if cell[1] == trial}
            roots = [cell for cell in due if cell[2] == ROOT]
            if len(roots) > 1 and item_count(self._connection, header, trial) == 0:
                continue  # One small request instead of all pages, while nothing is there.
            names = {score for _, _, score in due if score != ROOT}
            by_id = {_id_of(run, cell): cell for cell in due}
            for part in shown(self._connection, header, trial, scores=names):
                # Page by page, so that a server that fails in between has not answered in vain.
                seen = [by_id[known] for known in (part.roots | part.scores) & by_id.keys()]
                self._outbox.mark(run, self._target, [Delivered(*cell, "seen") for cell in seen])
                unseen -= set(seen)
                if not unseen:
                    break
        return bool(unseen)


def _side_by_side(work: Sequence[Callable[[], int]]) -> list[int]:
    """What each returned; once all have ended, the first error of one that failed.

    Daemon threads and no executor: the end of the process does not wait for a server that does not answer.
    """
    done: list[int] = []
    problems: list[Exception] = []

    def do(job: Callable[[], int]) -> None:
        try:
            done.append(job())
        except Exception as problem:  # noqa: BLE001  the end of a thread: whoever started it is told
            problems.append(problem)

    threads = [threading.Thread(target=do, args=(job,), name="scoregate-send", daemon=True) for job in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    return done


def _id_of(run: str, cell: tuple[str, int, str]) -> str:
    """The id under which the server shows it; those of observations and of scores differ in length."""
    item, trial, score = cell
    return ids.root_span_id(run, item, trial) if score == ROOT else ids.score_id(run, item, trial, score)


_Entry = TypeVar("_Entry")


def _groups(entries: Sequence[_Entry], size: int) -> list[Sequence[_Entry]]:
    return [entries[start : start + size] for start in range(0, len(entries), size)]
