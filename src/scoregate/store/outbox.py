"""What has been handed over to a service, and what has not: the memory of delivery, across restarts.

Run items and scores are not copied: a row in `deliveries` says what became of them at one target, and what has no
row is still to be sent. What exists nowhere else (the candidate's own spans, scores of a whole run) lies in `outbox`
until it is accepted. A target is a project on a server, as a text without secrets.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from scoregate.errors import StoreWriteError
from scoregate.records import RunItem, Score
from scoregate.store import rows
from scoregate.store.database import Database

State = Literal["accepted", "seen", "rejected"]
"""accepted: the server took it; seen: it was read back; rejected: the server, or its contract, will not have it."""
ROOT = ""
"""Stands in a cell's score name for the run item itself."""


class Delivered(NamedTuple):
    """What became of a run item (`score` is ROOT) or of one of its scores."""

    item: str
    trial: int
    score: str
    state: State
    reason: str | None = None


class Parcel(NamedTuple):
    """Something to send that the store holds only for that."""

    key: int
    kind: str
    """spans: OTLP protobuf; run_score: JSON."""
    payload: bytes
    size: int
    """Spans or scores in it."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one run at one target. Expected are run items, and cells that hold a value."""

    items: int = 0
    items_accepted: int = 0
    """The server took them, whether or not they were seen again."""
    items_seen: int = 0
    scores: int = 0
    scores_accepted: int = 0
    scores_seen: int = 0
    parcels: int = 0
    """Spans of the candidate and scores of the run that are still to be sent."""
    parcels_refused: int = 0
    """Of these what the server will not have; they are kept."""


class Outbox:
    """The outbox of one store. Raises StoreError, on writing StoreWriteError."""

    def __init__(self, database: Database, key_of: Callable[[str], int]) -> None:
        self._database = database
        self._key_of = key_of

    def pending_items(self, run: str, target: str, limit: int) -> list[RunItem]:
        """Run items that were not sent yet, in the order in which they were committed."""
        columns = ", ".join(f"r.{name.strip()}" for name in rows.ITEM_COLUMNS.split(","))
        query = f"""SELECT {columns} FROM run_items r LEFT JOIN deliveries d
            ON d.run = r.run AND d.target = ? AND d.item = r.item AND d.trial = r.trial AND d.score = ''
            WHERE r.run = ? AND d.state IS NULL ORDER BY r.rowid LIMIT ?"""
        with self._database.reading() as connection:
            found = connection.execute(query, (self._target(target), self._key_of(run), limit))
            return [rows.item_from(row) for row in found]

    def pending_scores(self, run: str, target: str, limit: int) -> list[Score]:
        """Cells with a value that were not sent yet."""
        columns = ", ".join(f"s.{name.strip()}" for name in rows.SCORE_COLUMNS.split(","))
        query = f"""SELECT {columns} FROM scores s LEFT JOIN deliveries d
            ON d.run = s.run AND d.target = ? AND d.item = s.item AND d.trial = s.trial AND d.score = s.score
            WHERE s.run = ? AND s.status = 'ok' AND d.state IS NULL LIMIT ?"""
        with self._database.reading() as connection:
            found = connection.execute(query, (self._target(target), self._key_of(run), limit))
            return [rows.score_from(row) for row in found]

    def cells_of(self, run: str, items: Iterable[RunItem]) -> dict[tuple[str, int], list[Score]]:
        """(item, trial) -> all its cells, of some run items."""
        found: dict[tuple[str, int], list[Score]] = {}
        query = f"SELECT {rows.SCORE_COLUMNS} FROM scores WHERE run = ? AND item = ? AND trial = ?"
        with self._database.reading() as connection:
            key = self._key_of(run)
            for item in items:
                cells = connection.execute(query, (key, item.item, item.trial))
                found[item.item, item.trial] = [rows.score_from(row) for row in cells]
        return found

    def mark(self, run: str, target: str, delivered: Sequence[Delivered]) -> None:
        """Note what became of run items and scores; a later word replaces an earlier one."""
        key, place = self._key_of(run), self._target(target)
        with self._database.transaction(StoreWriteError) as connection:
            connection.executemany(
                "INSERT INTO deliveries (run, target, item, trial, score, state, reason) VALUES (?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (run, target, item, trial, score) DO UPDATE SET state = excluded.state, "
                "reason = excluded.reason",
                [(key, place, *entry) for entry in delivered],
            )

    def forget_unseen(self, run: str, target: str) -> int:
        """Make everything that was sent and not read back, or was rejected, due again; how much that is."""
        with self._database.transaction(StoreWriteError) as connection:
            return connection.execute(
                "DELETE FROM deliveries WHERE run = ? AND target = ? AND state <> 'seen'",
                (self._key_of(run), self._target(target)),
            ).rowcount

    def unseen(self, run: str, target: str) -> set[tuple[str, int, str]]:
        """(item, trial, score) of what the server took and has not shown yet."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT item, trial, score FROM deliveries WHERE run = ? AND target = ? AND state = 'accepted'",
                (self._key_of(run), self._target(target)),
            )
            return {(item, trial, score) for item, trial, score in found}

    def rejected(self, run: str, target: str) -> list[Delivered]:
        """What the server, or a contract, would not have, with the reason."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT item, trial, score, state, reason FROM deliveries "
                "WHERE run = ? AND target = ? AND state = 'rejected' ORDER BY item, trial, score",
                (self._key_of(run), self._target(target)),
            )
            return [Delivered(*row) for row in found]

    def tally(self, run: str, target: str) -> Tally:
        key, place = self._key_of(run), self._target(target)
        with self._database.reading() as connection:
            items = connection.execute("SELECT count(*) FROM run_items WHERE run = ?", (key,)).fetchone()[0]
            scores = connection.execute(
                "SELECT count(*) FROM scores WHERE run = ? AND status = 'ok'", (key,)
            ).fetchone()[0]
            counts = {
                (bool(is_score), state): count
                for is_score, state, count in connection.execute(
                    "SELECT score <> '', state, count(*) FROM deliveries WHERE run = ? AND target = ? GROUP BY 1, 2",
                    (key, place),
                )
            }
            parcels, refused = connection.execute(
                "SELECT coalesce(sum(count) FILTER (WHERE reason IS NULL), 0), "
                "coalesce(sum(count) FILTER (WHERE reason IS NOT NULL), 0) FROM outbox WHERE run = ?",
                (key,),
            ).fetchone()
        seen, scores_seen = counts.get((False, "seen"), 0), counts.get((True, "seen"), 0)
        return Tally(
            items=items,
            items_accepted=seen + counts.get((False, "accepted"), 0),
            items_seen=seen,
            scores=scores,
            scores_accepted=scores_seen + counts.get((True, "accepted"), 0),
            scores_seen=scores_seen,
            parcels=parcels,
            parcels_refused=refused,
        )

    def put(self, run: str, kind: str, payload: bytes, size: int) -> None:
        """Keep something until it is accepted."""
        with self._database.transaction(StoreWriteError) as connection:
            connection.execute(
                "INSERT INTO outbox (run, kind, payload, count) VALUES (?, ?, ?, ?)",
                (self._key_of(run), kind, payload, size),
            )

    def parcels(self, run: str, limit: int) -> list[Parcel]:
        """What waits, oldest first; rejected parcels are kept and not among them."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT key, kind, payload, count FROM outbox WHERE run = ? AND reason IS NULL ORDER BY key LIMIT ?",
                (self._key_of(run), limit),
            )
            return [Parcel(*row) for row in found]

    def accepted(self, parcel: Parcel) -> None:
        with self._database.transaction(StoreWriteError) as connection:
            connection.execute("DELETE FROM outbox WHERE key = ?", (parcel.key,))

    def refused(self, parcel: Parcel, reason: str) -> None:
        """Keep a parcel that the server will not have, with its reason."""
        with self._database.transaction(StoreWriteError) as connection:
            connection.execute("UPDATE outbox SET reason = ? WHERE key = ?", (reason, parcel.key))

    def _target(self, target: str) -> int:
        with self._database.reading() as connection:
            row = connection.execute("SELECT key FROM targets WHERE target = ?", (target,)).fetchone()
            if row is None:
                _insert_target(connection, target)
                row = connection.execute("SELECT key FROM targets WHERE target = ?", (target,)).fetchone()
            return int(row[0])


def _insert_target(connection: sqlite3.Connection, target: str) -> None:
    connection.execute("INSERT INTO targets (target) VALUES (?) ON CONFLICT DO NOTHING", (target,))
