"""Scores on their way to the server, and what it said to each of them.

Servers from 4.59 on take many scores in one request. Older ones refuse an array, and then get the scores one by one.
Every score has an id, so sending it again replaces it, and what is in doubt is simply sent again.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal
from weakref import WeakSet

from scoregate.errors import ScoregateError, ServiceError
from scoregate.langfuse.at_once import at_once
from scoregate.langfuse.connection import Connection, Refused
from scoregate.langfuse.score_body import MOST_BYTES
from scoregate.langfuse.wire import CONNECTIONS
from scoregate.own import json_codec
from scoregate.records import JSON

PATH = "/scores"
MOST_IN_A_BATCH = 200
_TAKES_NO_ARRAY = "received array"
_AT_ONCE = CONNECTIONS
"""Requests at a time where scores go one by one."""
_NOT_ABOUT_THE_SCORE = frozenset((401, 403, 404, 405))
"""Refusals of keys and addresses: no score is to blame, and every other one would meet them too."""
_FAILURES_IN_A_ROW = 2
"""After so many nothing more is sent; a single one may be the score's own doing."""
_MOST_OF_A_REASON = 300
_INDEX = re.compile(r"Score at index (\d+):")
_ONE_BY_ONE: WeakSet[Connection] = WeakSet()
"""Connections to servers that are known to take no arrays."""

_State = Literal["accepted", "rejected", "failed"]
Body = Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class _SentScore:
    """What became of one score."""

    id: str
    name: str
    state: _State
    """accepted: the server said it has it. rejected: it said, twice, that it will not take it. failed: it said neither,
    and the score may be sent again."""
    reason: str | None = None
    """Why not, in the server's words."""
    error: ScoregateError | None = None
    """The same as an error with a hint, for who stops at it."""


def send_scores(connection: Connection, bodies: Sequence[Body]) -> list[_SentScore]:
    """Send scores (see `score_body`; ids must differ) and tell of each, in their order, what the server said.

    Raises nothing for what the server or the network does: that is a score's state. Several threads may send.
    """
    return _Sending(connection, bodies).all_of_them()


def goes_one_by_one(connection: Connection) -> bool:
    """Whether the server has refused an array of scores."""
    return connection in _ONE_BY_ONE


class _Sending:
    def __init__(self, connection: Connection, bodies: Sequence[Body]) -> None:
        self._connection = connection
        self._bodies = bodies
        self._told: dict[int, _SentScore] = {}
        self._alone: list[int] = []
        """Places of those that go one by one: all of them side by side, whatever batch they were in."""
        self._lock = threading.Lock()
        self._failures = 0
        self._gave_up: ScoregateError | None = None

    def all_of_them(self) -> list[_SentScore]:
        for batch in self._batches():
            if self._gave_up is not None:
                self._tell_all(batch, self._gave_up)
            elif len(batch) == 1 or goes_one_by_one(self._connection):
                self._alone += batch
            else:
                self._send_together(batch)
        self._send_singly(self._alone)
        return [self._told[place] for place in range(len(self._bodies))]

    def _batches(self) -> list[list[int]]:
        batches: list[list[int]] = []
        size = 0
        for place, body in enumerate(self._bodies):
            try:
                more = len(json_codec.dumps(body, ensure_ascii=False, allow_nan=False).encode()) + 2
            except ValueError as problem:
                self._tell(place, "rejected", f"it cannot be written as JSON: {problem}")
                continue
            if not batches or len(batches[-1]) == MOST_IN_A_BATCH or size + more > MOST_BYTES:
                batches.append([])
                size = 0
            batches[-1].append(place)
            size += more
        return batches

    def _send_together(self, batch: list[int]) -> None:
        together = [self._bodies[place] for place in batch]
        try:
            reply = self._connection.post(PATH, together, wanted=(400,))
            if reply.status == 400 and _TAKES_NO_ARRAY in str(reply.body):
                # So much is no whim of a server that is overloaded.
                _ONE_BY_ONE.add(self._connection)
                self._alone += batch
                return
            if reply.status == 400:
                reply = self._connection.post(PATH, together)
        except Refused as refusal:
            if refusal.status in _NOT_ABOUT_THE_SCORE:
                self._gave_up = refusal
                self._tell_all(batch, refusal)
                return
            self._alone += batch
        except ServiceError as failure:
            self._tell_all(batch, failure)
            self._failed(failure)
        else:
            self._failures = 0
            doubtful = _rejected(reply.body, len(batch)) if reply.status == 207 else set()
            for index, place in enumerate(batch):
                if index not in doubtful:
                    self._tell(place, "accepted")
            self._alone += [batch[index] for index in sorted(doubtful)]

    def _send_singly(self, places: list[int]) -> None:
        if len(places) == 1:
            self._send_one(places[0])
        elif places:
            at_once([partial(self._send_one, place) for place in places], _AT_ONCE)

    def _send_one(self, place: int) -> None:
        if self._gave_up is not None:
            self._tell_all([place], self._gave_up)
            return
        try:
            reply = self._connection.post(PATH, self._bodies[place])
        except Refused as refusal:
            if refusal.status in _NOT_ABOUT_THE_SCORE:
                self._gave_up = refusal
                self._tell_all([place], refusal)
            else:
                self._failures = 0
                self._tell(place, "rejected", refusal.reason, refusal)
        except ServiceError as failure:
            self._tell_all([place], failure)
            self._failed(failure)
        else:
            self._failures = 0
            if reply.status == 207 and _rejected(reply.body, 1):
                self._tell(place, "rejected", str(reply.body)[:_MOST_OF_A_REASON])
            else:
                self._tell(place, "accepted")

    def _failed(self, failure: ServiceError) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= _FAILURES_IN_A_ROW:
                self._gave_up = failure

    def _tell_all(self, places: list[int], failure: ScoregateError) -> None:
        reason = failure.reason if isinstance(failure, Refused) else failure.message
        for place in places:
            self._tell(place, "failed", reason, failure)

    def _tell(
        self, place: int, state: _State, reason: str | None = None, error: ScoregateError | None = None
    ) -> None:
        body = self._bodies[place]
        self._told[place] = _SentScore(
            str(body.get("id", "")), str(body.get("name", "")), state, reason, error
        )


def _rejected(body: JSON, size: int) -> set[int]:
    """Places in a batch that a 207 rejects; all where it does not say which."""
    everything = set(range(size))
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list):
        return everything
    found = [
        _INDEX.match(str(error.get("message", error) if isinstance(error, dict) else error))
        for error in errors
    ]
    places = {int(match[1]) for match in found if match is not None}
    clear = None not in found and places <= everything and len(places) == body.get("rejected", len(places))
    return places if clear else everything
