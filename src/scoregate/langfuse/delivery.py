"""Hands over what the store holds of runs, and reads it back: the outbox's other end.

1. A thread sends what is committed, while the run goes on: root spans, the candidate's own spans, scores. Everything is
   sent from the store and marked there, so that a process that dies loses nothing and another one goes on.
2. Ids follow from run, item, trial and score: what is sent again, because an answer was lost, is there once.
3. What fails while the server serves other requests is sent in smaller and smaller company, so that one item that it
   cannot take holds up no other.
4. What the server took is looked for until it is seen (`read_back`). Only what was seen counts as delivered.

None of this can change a verdict. The engine never waits for it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from scoregate.catalog import Catalog
from scoregate.errors import ScoregateError
from scoregate.langfuse import ids
from scoregate.langfuse.at_once import at_once
from scoregate.langfuse.connection import Connection, Refused
from scoregate.langfuse.project import project_of
from scoregate.langfuse.read_back import Shown, began, item_count, roots_shown, scores_shown
from scoregate.langfuse.score_configs import ScoreConfig, read_configs
from scoregate.langfuse.score_sending import goes_one_by_one
from scoregate.langfuse.sending import Sender, Spending
from scoregate.store import Store
from scoregate.store.outbox import ROOT, WHOLE_RUN, Delivered, DeliveryCounts

_SENDERS = 4
"""Requests at once."""
_ITEMS_OF_A_REQUEST = 200
_SCORES_OF_A_REQUEST = 400
_PASS_SECONDS = 1.0
"""Pause between two passes while the run goes on; it grows while nothing can be sent."""
_FIRST_PAUSE = 0.1
"""The pause after the first pass, which grows to that one: what there is to send is there once a run has begun."""
_LONGEST_PAUSE = 8.0
_SILENCE_SECONDS = 45.0
"""A server that has not answered for so long, be it with a wish to wait, is given up for this time."""
_LOOK_SECONDS = (0.25, 4.0)
"""First and longest pause between two looks at the server, each of which is a small request or two."""
_USUAL_SECONDS = 10.0
"""In which a server shows what it took. Later on a pause is half as long again as the one before."""
_SMALLER = 8
"""A group that failed is sent again in groups of an eighth of its size."""
_HOPELESS = 5
"""What has failed so often, alone in the end, is left for another time."""
_DENIALS = 3
"""How often the keys must be refused, once a run is over, until that is believed."""
_CellKey = tuple[str, str, int, str]
"""Run, item, trial and score of a cell."""
_Entry = TypeVar("_Entry")


@dataclass(frozen=True, slots=True)
class _RunDelivery:
    """What became of one run."""

    run: str
    tally: DeliveryCounts
    rejected: tuple[Delivered, ...]

    @property
    def complete(self) -> bool:
        return self.tally.complete


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What became of everything that was to be delivered."""

    runs: tuple[_RunDelivery, ...]
    trouble: str | None
    """The last reason why something could not be handed over or read back, in one line."""

    @property
    def complete(self) -> bool:
        return all(run.complete for run in self.runs)


class Delivery:
    """Delivers runs of one store to one project. `start` and `add` at any time, `finish` once."""

    def __init__(
        self,
        store: Store,
        connection: Connection,
        catalog: Catalog,
        *,
        stop: threading.Event,
        spending: Spending = lambda _: frozenset(),
    ) -> None:
        """`store` is used by threads of the delivery: give it one of its own, so that the engine never waits for it.

        `stop`, the event that `connection` was made with, ends every wait once it is set.
        """
        self._store = store
        self._outbox = store.outbox
        self._connection = connection
        self._target = connection.settings.target
        self._catalog = catalog
        self._spending = spending
        self._sender: Sender | None = None
        self._runs: list[str] = []
        self._failures: Counter[_CellKey] = Counter()
        self._counts: dict[tuple[str, int], int] = {}
        """Run and trial -> how many items the server counted when it was last asked."""
        self._stop = stop
        self._closing = threading.Event()
        self._trouble: str | None = None
        self._alive = True
        """Whether the server answered the last pass, or was asked why not and did."""
        self._denied = False
        """Whether it then said that the keys are no good."""
        self._thread = threading.Thread(target=self._work, name="scoregate-deliver", daemon=True)
        self.drained: float | None = None
        """When everything was handed over, by `time.perf_counter`; None until `finish` is called."""

    def add(self, run: str) -> None:
        """Deliver this run as well: what it holds, and what is committed later."""
        if run not in self._runs:
            self._runs.append(run)

    def start(self) -> None:
        if self._thread.ident is None:
            self._thread.start()

    def finish(self, seconds: float) -> DeliveryReport:
        """Send the rest, read back until all is seen, for at most so many seconds, and say what became of it."""
        deadline = time.monotonic() + seconds
        self._connection.end_by(deadline)
        for key, failures in self._failures.items():
            self._failures[key] = min(failures, _HOPELESS - 2)  # another chance, while somebody waits for it
        self._closing.set()
        try:
            self.start()
            self._thread.join(seconds)
            self.drained = time.perf_counter()
            self._read_back(deadline)
        finally:
            self._stop.set()
        return self.report()

    def recheck(self) -> None:
        """Look again for all that was ever sent, and make due what is not there, or was rejected.

        Raises Refused, ServiceError; then nothing is due that was not before.
        """
        for run in self._runs:
            self._outbox.doubt(run, self._target)
            self._look(run, once=True)
            self._outbox.forget_unseen(run, self._target)

    def abandon(self) -> None:
        """End now; what was not sent stays in the outbox."""
        self._closing.set()
        self._stop.set()

    def report(self) -> DeliveryReport:
        """Where things stand."""
        return DeliveryReport(
            tuple(
                _RunDelivery(
                    run,
                    self._outbox.tally(run, self._target),
                    tuple(self._outbox.rejected(run, self._target)),
                )
                for run in self._runs
            ),
            self._trouble,
        )

    def _work(self) -> None:
        """In the thread: pass after pass, until nothing is left, nobody answers, or time is up."""
        pause, denied = _FIRST_PAUSE / 2, 0
        while not self._stop.is_set():
            closing = self._closing.is_set()
            try:
                settled, failed = self._pass()
            except Exception as problem:  # noqa: BLE001  the end of a thread: it must be told, not lost
                self._trouble = f"{type(problem).__name__}: {problem}"
                return
            if closing:
                if not settled and (not failed or self._connection.silence > _SILENCE_SECONDS):
                    return
                if settled:
                    continue
                denied += self._denied
                if denied >= _DENIALS:
                    return
            alive = settled or not failed or self._alive
            longest = _PASS_SECONDS if alive else _LONGEST_PAUSE
            pause = _PASS_SECONDS if alive and closing else min(2 * pause, longest)
            (self._stop if closing else self._closing).wait(pause)

    def _pass(self) -> tuple[int, int]:
        """Send one round of what is due: how many cells were settled, and how many requests failed."""
        if self._sender is None:
            self._sender = Sender(
                self._store, self._connection, self._catalog, self._configs(), self._spending
            )
        jobs = [job for run in list(self._runs) for job in self._due(run, self._sender)]
        outcomes = at_once([partial(self._try, job) for job in jobs], _SENDERS)
        settled = sum(outcome or 0 for outcome in outcomes)
        failed = [job for job, outcome in zip(jobs, outcomes, strict=True) if outcome is None]
        self._alive = bool(settled) or not failed or self._serves()
        if failed and self._alive:
            for job in failed:
                self._failures.update(job.keys)
        return settled, len(failed)

    def _try(self, job: _Job) -> int | None:
        try:
            return job.do()
        except ScoregateError as problem:
            self._trouble = str(problem)
            return None

    def _serves(self) -> bool:
        """Whether the server answers at all, so that what failed is to blame for it."""
        self._denied = False
        try:
            project_of(self._connection)
        except ScoregateError as problem:
            self._denied = isinstance(problem, Refused) and problem.status in (401, 403)
            return False
        return True

    def _configs(self) -> Sequence[ScoreConfig]:
        try:
            return read_configs(self._connection)
        except ScoregateError:
            return ()  # a server without them, or keys that may not read them: scores refer to none

    def _due(self, run: str, sender: Sender) -> list[_Job]:
        """The requests of one round, without what has failed too often."""
        hopeless = sum(count >= _HOPELESS for count in self._failures.values())
        items = self._outbox.pending_items(run, self._target, _SENDERS * _ITEMS_OF_A_REQUEST + hopeless)
        scores = self._outbox.pending_scores(run, self._target, _SENDERS * _SCORES_OF_A_REQUEST + hopeless)
        parcels = self._outbox.parcels(run, self._target, _SENDERS + hopeless)
        of_run = self._outbox.pending_run_scores(run, self._target)
        # Each group asks for connections of its own.
        together = len(scores) if goes_one_by_one(self._connection) else _SCORES_OF_A_REQUEST
        return [
            # First, as a server is slowest to show them.
            *self._grouped([((run, s.item, s.trial, s.score), s) for s in scores], sender.scores, together),
            *self._grouped(
                [((run, i.item, i.trial, ROOT), i) for i in items], sender.items, _ITEMS_OF_A_REQUEST
            ),
            *self._grouped([((run, "spans", p.key, ""), p) for p in parcels], sender.parcels, 1),
            *self._grouped(
                [((run, WHOLE_RUN, s.trial, s.id), s) for s in of_run], sender.run_scores, len(of_run)
            ),
        ]

    def _grouped(
        self,
        entries: Sequence[tuple[_CellKey, _Entry]],
        send: Callable[[str, Sequence[_Entry]], int],
        size: int,
    ) -> Iterator[_Job]:
        """Requests of so many entries; what failed before goes in smaller and smaller company."""
        by_failures: dict[int, list[tuple[_CellKey, _Entry]]] = {}
        for key, entry in entries:
            by_failures.setdefault(self._failures[key], []).append((key, entry))
        for failures, some in sorted(by_failures.items()):
            if failures >= _HOPELESS:
                continue
            at_a_time = max(1, size // _SMALLER**failures)
            for start in range(0, len(some), at_a_time):
                group = some[start : start + at_a_time]
                yield _Job(
                    partial(send, group[0][0][0], [entry for _, entry in group]), [key for key, _ in group]
                )

    def _read_back(self, deadline: float) -> None:
        pause, longest = _LOOK_SECONDS
        began = time.monotonic()
        while True:
            try:
                if not [run for run in self._runs if self._look(run)]:
                    return
            except ScoregateError as problem:
                self._trouble = str(problem)
                if self._connection.silence > _SILENCE_SECONDS:
                    return
            if time.monotonic() + pause > deadline or self._stop.wait(pause):
                return
            if time.monotonic() - began > _USUAL_SECONDS:
                pause = min(1.5 * pause, longest)

    def _look(self, run: str, *, once: bool = False) -> bool:
        """Mark what the server shows; whether something that it took is still not to be seen.

        `once` where no other look follows, so that no question is put off.
        """
        unseen = self._outbox.unseen(run, self._target)
        since = began(self._store.header(run), self._outbox.began_at(run))
        due = {_id_of(run, cell): cell for cell in sorted(unseen)}
        for part in self._parts(run, due, since, once=once):
            # Answer by answer, so that a server that fails in between has not answered in vain.
            seen = [due[known] for known in (part.roots | part.scores) & due.keys()]
            self._outbox.mark(run, self._target, [Delivered(*cell, "seen") for cell in seen])
            unseen -= set(seen)
        return bool(unseen)

    def _parts(
        self, run: str, due: Mapping[str, tuple[str, int, str]], since: datetime, *, once: bool
    ) -> Iterator[Shown]:
        """What the server shows of a run, asked as cheaply as what is due allows."""
        roots: dict[int, list[str]] = {}
        for known, (item, trial, score) in due.items():
            if score == ROOT and item != WHOLE_RUN:
                roots.setdefault(trial, []).append(known)
        for trial, of_trial in roots.items():
            count = item_count(self._connection, run, trial, since=since)
            if count >= self._outbox.taken_items(run, self._target, trial):
                # Their ids follow from the run, so that as many as were sent are those that were sent.
                yield Shown(frozenset(of_trial), frozenset())
            elif count and (once or count == self._counts.get((run, trial))):
                yield from roots_shown(self._connection, run, trial, since=since)
            self._counts[run, trial] = count
        scores = [known for known, (item, _, score) in due.items() if score != ROOT or item == WHOLE_RUN]
        if scores:
            yield from scores_shown(self._connection, scores, since=since, sampled=not once)


@dataclass(frozen=True, slots=True)
class _Job:
    """One request, and the cells that it is about."""

    do: Callable[[], int]
    keys: list[_CellKey]


def _id_of(run: str, cell: tuple[str, int, str]) -> str:
    """The id under which the server shows it; those of observations and of scores differ in length."""
    item, trial, score = cell
    if item == WHOLE_RUN:
        return score
    return ids.root_span_id(run, item, trial) if score == ROOT else ids.score_id(run, item, trial, score)
