"""What has been handed over to a service, and what has not: the memory of delivery, across restarts.

Run items and scores are not copied: a row in `deliveries` says what became of them at one target, and what has no
row is still to be sent. Scores of a whole run are kept in `run_scores`. The candidate's own spans exist nowhere else
and lie in `outbox` until they are accepted. A target is a project on a server, as a text without secrets.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

from scoregate.errors import StoreWriteError
from scoregate.records import RunItem, Score
from scoregate.store import rows
from scoregate.store.database import Database

DeliveryState = Literal["accepted", "seen", "rejected"]
"""accepted: the server took it; seen: it was read back; rejected: the server, or its contract, will not have it."""
ROOT = ""
"""Stands in a cell's score name for the run item itself."""
WHOLE_RUN = ""
"""Stands in the place of an item where a score is of the whole run; the score's name is then its id."""
MOST_BYTES = 8_000_000
"""Outputs of run items that are looked at at once."""


_OURS = (
    "s.score NOT IN (SELECT theirs.value FROM runs, json_each(runs.metadata, '$.wait_for') AS theirs "
    "WHERE runs.key = s.run)"
)
"""Not what evaluators in Langfuse have written, which is there already (`RunHeader.awaited`)."""


class Delivered(NamedTuple):
    """What became of a run item (`score` is ROOT), of one of its scores, or of a run's score (`item` is WHOLE_RUN)."""

    item: str
    trial: int
    score: str
    state: DeliveryState
    reason: str | None = None


class Parcel(NamedTuple):
    """Spans of the candidate, which the store holds only until they are accepted."""

    key: int
    payload: bytes
    """OTLP protobuf."""
    size: int
    """Spans in it."""


class RunScore(NamedTuple):
    """A score of a whole run, of one of its trials."""

    id: str
    trial: int
    body: str
    """JSON text, as it is sent."""


@dataclass(frozen=True, slots=True)
class DeliveryCounts:
    """Counts of one run at one target. Expected are run items, cells that hold a value, and scores of the run."""

    items: int = 0
    items_accepted: int = 0
    """The server took them, whether or not they were seen again."""
    items_seen: int = 0
    scores: int = 0
    scores_accepted: int = 0
    scores_seen: int = 0
    run_scores: int = 0
    run_scores_seen: int = 0
    spans_waiting: int = 0
    """Of the candidate, not sent yet."""
    spans_refused: int = 0
    """Of the candidate, which the server will not have; they are kept."""

    @property
    def complete(self) -> bool:
        """Whether everything was seen, and every span of the candidate accepted."""
        return (
            self.items_seen == self.items
            and self.scores_seen == self.scores
            and self.run_scores_seen == self.run_scores
            and not self.spans_waiting
            and not self.spans_refused
        )


class Outbox:
    """The outbox of one store. Raises StoreError, on writing StoreWriteError."""

    def __init__(self, database: Database, key_of: Callable[[str], int]) -> None:
        self._database = database
        self._key_of = key_of

    def pending_items(self, run: str, target: str, limit: int) -> list[RunItem]:
        """Run items that were not sent yet, in the order in which they were committed; fewer where they are large."""
        columns = ", ".join(f"r.{name.strip()}" for name in rows.ITEM_COLUMNS.split(","))
        output = [name.strip() for name in rows.ITEM_COLUMNS.split(",")].index("output")
        query = f"""SELECT {columns} FROM run_items r LEFT JOIN deliveries d
            ON d.run = r.run AND d.target = ? AND d.item = r.item AND d.trial = r.trial AND d.score = ''
            WHERE r.run = ? AND d.state IS NULL ORDER BY r.rowid LIMIT ?"""
        found, size = [], 0
        with self._database.reading() as connection:
            for row in connection.execute(query, (self._target(target), self._key_of(run), limit)):
                found.append(rows.run_item_from(row))
                size += len(row[output])
                if size > MOST_BYTES:
                    break
        return found

    def began_at(self, run: str) -> float | None:
        """When the first call began (Unix seconds), as far as the run items say."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT min(started_at) FROM run_items WHERE run = ?", (self._key_of(run),)
            )
            return cast(float | None, found.fetchone()[0])

    def pending_scores(self, run: str, target: str, limit: int) -> list[Score]:
        """Cells with a value that were not sent yet."""
        columns = ", ".join(f"s.{name.strip()}" for name in rows.SCORE_COLUMNS.split(","))
        query = f"""SELECT {columns} FROM scores s LEFT JOIN deliveries d
            ON d.run = s.run AND d.target = ? AND d.item = s.item AND d.trial = s.trial AND d.score = s.score
            WHERE s.run = ? AND s.status = 'ok' AND d.state IS NULL AND {_OURS} LIMIT ?"""
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

    def doubt(self, run: str, target: str) -> None:
        """Take nothing for seen any more: it is to be looked for again."""
        with self._database.transaction(StoreWriteError) as connection:
            connection.execute(
                "UPDATE deliveries SET state = 'accepted' WHERE run = ? AND target = ? AND state = 'seen'",
                (self._key_of(run), self._target(target)),
            )

    def forget_unseen(self, run: str, target: str) -> int:
        """Make everything due again that was sent and not read back, or was rejected; how much that is."""
        with self._database.transaction(StoreWriteError) as connection:
            connection.execute("UPDATE outbox SET reason = NULL WHERE run = ?", (self._key_of(run),))
            return connection.execute(
                "DELETE FROM deliveries WHERE run = ? AND target = ? AND state <> 'seen'",
                (self._key_of(run), self._target(target)),
            ).rowcount

    def unseen(self, run: str, target: str) -> set[tuple[str, int, str]]:
        """(item, trial, score) of what the server took and has not shown yet.

        Without scores whose run item it has not: they are not shown before that is.
        """
        query = """SELECT item, trial, score FROM deliveries d WHERE run = ? AND target = ? AND state = 'accepted'
            AND (score = '' OR item = '' OR EXISTS (
                SELECT 1 FROM deliveries r WHERE r.run = d.run AND r.target = d.target AND r.item = d.item
                AND r.trial = d.trial AND r.score = '' AND r.state <> 'rejected'))"""
        with self._database.reading() as connection:
            found = connection.execute(query, (self._key_of(run), self._target(target)))
            return {(item, trial, score) for item, trial, score in found}

    def taken_items(self, run: str, target: str, trial: int) -> int:
        """How many run items of a trial the server took, whether or not they were seen again."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT count(*) FROM deliveries WHERE run = ? AND target = ? AND trial = ? AND score = '' "
                "AND item <> '' AND state <> 'rejected'",
                (self._key_of(run), self._target(target), trial),
            )
            return int(found.fetchone()[0])

    def rejected(self, run: str, target: str) -> list[Delivered]:
        """What the server, or a contract, would not have, with the reason."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT item, trial, score, state, reason FROM deliveries "
                "WHERE run = ? AND target = ? AND state = 'rejected' ORDER BY item = '', item, trial, score",
                (self._key_of(run), self._target(target)),
            )
            return [Delivered(*row) for row in found]

    def tally(self, run: str, target: str) -> DeliveryCounts:
        key, place = self._key_of(run), self._target(target)
        with self._database.reading() as connection:
            items = connection.execute("SELECT count(*) FROM run_items WHERE run = ?", (key,)).fetchone()[0]
            scores = connection.execute(
                f"SELECT count(*) FROM scores s WHERE run = ? AND status = 'ok' AND {_OURS}", (key,)
            ).fetchone()[0]
            of_run = connection.execute("SELECT count(*) FROM run_scores WHERE run = ?", (key,)).fetchone()[0]
            counts = {
                (kind, state): count
                for kind, state, count in connection.execute(
                    "SELECT CASE WHEN item = '' THEN 'run' WHEN score = '' THEN 'item' ELSE 'score' END, state, "
                    "count(*) FROM deliveries WHERE run = ? AND target = ? GROUP BY 1, 2",
                    (key, place),
                )
            }
            waiting, refused = connection.execute(
                "SELECT coalesce(sum(count) FILTER (WHERE reason IS NULL), 0), "
                "coalesce(sum(count) FILTER (WHERE reason IS NOT NULL), 0) "
                "FROM outbox WHERE run = ? AND target = ?",
                (key, target),
            ).fetchone()
        seen, scores_seen = counts.get(("item", "seen"), 0), counts.get(("score", "seen"), 0)
        return DeliveryCounts(
            items=items,
            items_accepted=seen + counts.get(("item", "accepted"), 0),
            items_seen=seen,
            scores=scores,
            scores_accepted=scores_seen + counts.get(("score", "accepted"), 0),
            scores_seen=scores_seen,
            run_scores=of_run,
            run_scores_seen=counts.get(("run", "seen"), 0),
            spans_waiting=waiting,
            spans_refused=refused,
        )

    def keep_run_scores(self, run: str, scores: Sequence[RunScore]) -> None:
        """Keep the scores of the whole run, in place of those that were kept before; they are due everywhere."""
        key = self._key_of(run)
        with self._database.transaction(StoreWriteError) as connection:
            connection.execute("DELETE FROM run_scores WHERE run = ?", (key,))
            connection.execute("DELETE FROM deliveries WHERE run = ? AND item = ''", (key,))
            connection.executemany(
                "INSERT INTO run_scores (run, id, trial, body) VALUES (?, ?, ?, ?)",
                [(key, *score) for score in scores],
            )

    def pending_run_scores(self, run: str, target: str) -> list[RunScore]:
        """Scores of the whole run that were not sent yet."""
        query = """SELECT s.id, s.trial, s.body FROM run_scores s LEFT JOIN deliveries d
            ON d.run = s.run AND d.target = ? AND d.item = '' AND d.trial = s.trial AND d.score = s.id
            WHERE s.run = ? AND d.state IS NULL"""
        with self._database.reading() as connection:
            return [
                RunScore(*row) for row in connection.execute(query, (self._target(target), self._key_of(run)))
            ]

    def put_spans(self, run: str, target: str, payload: bytes, size: int) -> None:
        """Keep spans of the candidate until this target accepts them."""
        with self._database.transaction(StoreWriteError) as connection:
            connection.execute(
                "INSERT INTO outbox (run, target, payload, count) VALUES (?, ?, ?, ?)",
                (self._key_of(run), target, payload, size),
            )

    def parcels(self, run: str, target: str, limit: int) -> list[Parcel]:
        """Spans that wait, oldest first; refused ones are kept and not among them."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT key, payload, count FROM outbox WHERE run = ? AND target = ? AND reason IS NULL "
                "ORDER BY key LIMIT ?",
                (self._key_of(run), target, limit),
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
