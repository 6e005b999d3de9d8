"""The store: every run item and score is committed here before it is counted anywhere."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from scoregate.errors import StoreError, StoreWriteError
from scoregate.files.lock import LockTaken, file_lock
from scoregate.records import Attempt, DatasetItem, Run, RunHeader, RunItem, Score
from scoregate.store import listing, rows
from scoregate.store.database import Database
from scoregate.store.listing import RunSummary, Totals
from scoregate.store.rows import cell_rows, insert_cells, insert_scores

if TYPE_CHECKING:
    from scoregate.store.judging import JudgeUsage, Replies, UnscoredAnswers
    from scoregate.store.outbox import Outbox

STORE_PATH = Path(".scoregate/store.sqlite3")
"""Default place, relative to the project's root."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was deleted."""

    runs: int
    items: int
    scores: int
    freed_bytes: int


class Store:
    """Runs in one SQLite file. May be used from any thread, and by several processes at once.

    Every method raises StoreError, with one line that says what to do; `record`, `extend_run` and `finish_run`
    raise its subclass StoreWriteError. Made by `Store.open`; closes as a context manager.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys: dict[str, int] = {}

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Store:
        """Open, and where allowed create, a store.

        A file that is damaged, no database, another program's, or of a newer schema is a StoreError and is
        not changed. A directory made here, or named `.scoregate`, gets a `.gitignore` that hides it from git.
        """
        if create:
            _make_folder(path.parent)
        return cls(Database.open(path, create=create))

    @property
    def path(self) -> Path:
        return self._database.path

    @property
    def outbox(self) -> Outbox:
        """What was handed over to a service, and what was not."""
        from scoregate.store.outbox import Outbox

        return Outbox(self._database, self._key)

    @property
    def replies(self) -> Replies:
        """What judges replied, for all runs."""
        from scoregate.store.judging import Replies

        return Replies(self._database, self.judge_usage)

    @property
    def judge_usage(self) -> JudgeUsage:
        """What judges took of each run."""
        from scoregate.store.judging import JudgeUsage

        return JudgeUsage(self._database, self._key)

    @property
    def unscored(self) -> UnscoredAnswers:
        """Answers that are still to be scored."""
        from scoregate.store.judging import UnscoredAnswers

        return UnscoredAnswers(self._database, self._key)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def create_run(self, header: RunHeader, dataset_items: Iterable[DatasetItem] = ()) -> None:
        """Begin a run. The items' content is kept under the header's fingerprint, where it has one."""
        contents = self._content_rows(header, dataset_items)
        with self._database.transaction() as connection:
            self._insert_header(header)
            connection.executemany(_INSERT_CONTENT, contents)

    def finish_run(self, run_id: str, finished_at: str) -> None:
        """Note when a run ended (ISO time). It has no answers then that are still to be scored."""
        key = self._key(run_id)
        with self._database.transaction(StoreWriteError) as connection:
            connection.execute("UPDATE runs SET finished_at = ? WHERE key = ?", (finished_at, key))
            connection.execute("DELETE FROM unscored_answers WHERE run = ?", (key,))

    def extend_run(self, run_id: str, trials: int) -> bool:
        """Raise the number of trials of a run, which thereby is unfinished again; whether it was raised.

        A run that has as many or more stays as it is, finished or not: a session that is repeated after an
        interruption may say again what it wants.
        """
        with self._database.transaction(StoreWriteError) as connection:
            raised = connection.execute(
                "UPDATE runs SET trials = :trials, finished_at = NULL WHERE key = :key AND trials < :trials",
                {"trials": trials, "key": self._key(run_id)},
            )
            return raised.rowcount == 1

    def note(self, header: RunHeader) -> None:
        """Keep the facts of this header as those of its run, which is there."""
        values = rows.json_text(header.facts.to_metadata(), header.run), self._key(header.run)
        with self._database.transaction(StoreWriteError) as connection:
            connection.execute("UPDATE runs SET metadata = ? WHERE key = ?", values)

    def record(self, run_id: str, batch: Sequence[tuple[RunItem, Sequence[Score]]]) -> tuple[bool, ...]:
        """Commit run items with their scores in one transaction; which of them were new.

        An item × trial that is already there stays as it is, with its scores. Raises Unstorable, before
        anything is written, for a record that SQLite cannot hold.
        """
        key = self._key(run_id)
        cells = [cell_rows(key, item, scores) for item, scores in batch]
        with self._database.transaction(StoreWriteError) as connection:
            return insert_cells(connection, cells)

    def add_scores(self, run_id: str, scores: Sequence[Score]) -> None:
        """Commit cells of run items that are there already; a cell that is there too is a StoreError."""
        with self._database.transaction(StoreWriteError) as connection:
            insert_scores(connection, [rows.score_row(self._key(run_id), score) for score in scores])

    def forget_failed(self, run_id: str) -> None:
        """Delete the run items that failed, with their scores and attempts, so that they are called again."""
        failed = "SELECT item, trial FROM run_items WHERE run = :run AND status != 'ok'"
        key = {"run": self._key(run_id)}
        with self._database.transaction(StoreWriteError) as connection:
            for table in ("scores", "attempts", "run_items"):
                connection.execute(
                    f"DELETE FROM {table} WHERE run = :run AND (item, trial) IN ({failed})", key
                )

    def done_cells(self, run_id: str) -> set[tuple[str, int]]:
        """`(item, trial)` of every committed run item."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT item, trial FROM run_items WHERE run = ?", (self._key(run_id),)
            )
            return {(item, trial) for item, trial in found}

    def totals(self, run_id: str, trials: Sequence[int] | None = None) -> Totals:
        """Counts, cost and latency of what is committed; of some trials only, if they are named."""
        with self._database.reading() as connection:
            return listing.totals_of(connection, self._key(run_id), trials)

    def header(self, run_id: str) -> RunHeader:
        with self._database.reading() as connection:
            row = connection.execute(
                f"SELECT {rows.HEADER_COLUMNS} FROM runs WHERE key = ?", (self._key(run_id),)
            ).fetchone()
            return rows.header_from(row)

    def load_run(self, run_id: str, *, outputs: bool = True) -> Run:
        """The run with its items and scores, sorted by item and trial; outputs that are not needed are left out."""
        output = "output" if outputs else f"'{rows.LEFT_OUT}'"
        columns = rows.ITEM_COLUMNS.replace("output", output, 1)
        with self._database.reading() as connection:
            key = (self._key(run_id),)
            connection.execute("BEGIN")  # One view of the file, however long the three queries take.
            try:
                attempts: dict[tuple[str, int], list[Attempt]] = {}
                for row in connection.execute(
                    f"SELECT {rows.ATTEMPT_COLUMNS} FROM attempts WHERE run = ? ORDER BY item, trial, number",
                    key,
                ):
                    cell, attempt = rows.attempt_from(row)
                    attempts.setdefault(cell, []).append(attempt)
                items = tuple(
                    rows.run_item_from(row, tuple(attempts.get((row[0], row[1]), ())))
                    for row in connection.execute(
                        f"SELECT {columns} FROM run_items WHERE run = ? ORDER BY item, trial", key
                    )
                )
                scores = tuple(
                    rows.score_from(row)
                    for row in connection.execute(
                        f"SELECT {rows.SCORE_COLUMNS} FROM scores WHERE run = ? ORDER BY item, trial, score",
                        key,
                    )
                )
                return Run(self.header(run_id), items, scores)
            finally:
                connection.execute("COMMIT")

    def list_runs(self, limit: int | None = None, gate: str | None = None) -> list[RunSummary]:
        """Newest first; of one gate, if named."""
        with self._database.reading() as connection:
            return listing.list_runs(connection, limit, gate)

    def newest_totals(self, gate: str, *, other_than: str | None = None) -> Totals | None:
        """Of the newest run of a gate that holds anything, `other_than` this one; None where there is none."""
        earlier = [run for run in self.list_runs(limit=9, gate=gate) if run.run != other_than and run.done]
        return self.totals(earlier[0].run) if earlier else None

    def find_run(self, prefix: str) -> str:
        """The id of the one run that it begins. Raises StoreError, naming the runs that could be meant."""
        with self._database.reading() as connection:
            return listing.find_run(connection, prefix, str(self.path))

    def dataset_items(self, fingerprint: str) -> dict[str, DatasetItem]:
        """Item id -> item, as far as a run has used them."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT item, content FROM dataset_items WHERE fingerprint = ? ORDER BY item", (fingerprint,)
            )
            return {row[0]: rows.dataset_item_from(row) for row in found}

    def import_run(self, run: Run, replace: bool = False, dataset_items: Iterable[DatasetItem] = ()) -> None:
        """Take over a whole run. Raises StoreError if its id is taken, unless it may be replaced."""
        contents = self._content_rows(run.header, dataset_items)
        with self.lock(run.id), self._database.transaction() as connection:
            if replace:
                connection.execute("DELETE FROM runs WHERE run = ?", (run.id,))
                self._keys.pop(run.id, None)
            key = self._insert_header(run.header)
            connection.executemany(_INSERT_CONTENT, contents)
            new = insert_cells(connection, [cell_rows(key, item, ()) for item in run.items])
            insert_scores(connection, [rows.score_row(key, score) for score in run.scores])
            twice = next((item for item, is_new in zip(run.items, new, strict=True) if not is_new), None)
            if twice is not None:
                raise StoreError(f"item '{twice.item}' is there twice in trial {twice.trial}", where=run.id)

    def delete_runs(self, run_ids: Iterable[str]) -> Pruned:
        """Delete runs with all they hold, and give the room back to the disk.

        Raises StoreError, before anything is deleted, for an unknown run or one that is being run.
        """
        runs = sorted(set(run_ids))
        for run in runs:
            with self.lock(run):
                self._key(run)
        before = self._size()
        items = scores = 0
        with self._database.transaction() as connection:
            for run in runs:
                key = (self._keys.pop(run),)
                items += connection.execute("SELECT count(*) FROM run_items WHERE run = ?", key).fetchone()[0]
                scores += connection.execute("SELECT count(*) FROM scores WHERE run = ?", key).fetchone()[0]
                connection.execute("DELETE FROM runs WHERE key = ?", key)
            connection.execute(
                "DELETE FROM dataset_items WHERE fingerprint NOT IN "
                "(SELECT dataset_fingerprint FROM runs WHERE dataset_fingerprint IS NOT NULL)"
            )
        if runs:
            with self._database.reading() as connection:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return Pruned(len(runs), items, scores, max(0, before - self._size()))

    def prune(
        self, keep: int | None = None, before: str | None = None, protect: Iterable[str] = ()
    ) -> Pruned:
        """Delete old runs: all but the newest `keep`, and only what started before the ISO time `before`.

        At least one of the two is given. Runs in `protect` stay.
        """
        if keep is None and before is None:
            raise StoreError("nothing says which runs are old", hint="say how many to keep, or before when")
        with self._database.reading() as connection:
            if before is not None and not _is_time(connection.execute("SELECT julianday(?)", (before,))):
                raise StoreError(f"'{before}' is no ISO time", hint="such as 2026-11-01T00:00:00Z")
            old = listing.runs_to_prune(connection, keep, before, frozenset(protect))
        return self.delete_runs(old)

    def lock(self, run_id: str) -> AbstractContextManager[None]:
        """Hold a run while it is driven. Raises StoreError on entry if another process does.

        The lock goes when the process does, however it ends.
        """
        return _run_lock(self.path.parent / "locks", run_id)

    def _size(self) -> int:
        return sum(p.stat().st_size for p in (self.path, Path(f"{self.path}-wal")) if p.exists())

    def _key(self, run_id: str) -> int:
        key = self._keys.get(run_id)
        if key is None:
            with self._database.reading() as connection:
                row = connection.execute("SELECT key FROM runs WHERE run = ?", (run_id,)).fetchone()
            if row is None:
                raise StoreError(f"there is no run '{run_id}'", where=str(self.path))
            key = self._keys[run_id] = int(row[0])
        return key

    def _insert_header(self, header: RunHeader) -> int:
        values = rows.header_row(header)
        marks = ", ".join("?" * len(values))
        with self._database.reading() as connection:
            cursor = connection.execute(
                f"INSERT INTO runs ({rows.HEADER_COLUMNS}) VALUES ({marks}) ON CONFLICT DO NOTHING", values
            )
        if cursor.rowcount != 1 or cursor.lastrowid is None:
            raise StoreError(f"there is already a run '{header.run}'", where=str(self.path))
        return cursor.lastrowid

    @staticmethod
    def _content_rows(header: RunHeader, items: Iterable[DatasetItem]) -> list[rows.SqlRow]:
        if header.dataset_fingerprint is None:
            return []
        return [rows.dataset_item_row(header.dataset_fingerprint, item) for item in items]


_INSERT_CONTENT = (
    "INSERT INTO dataset_items (fingerprint, item, content) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
)


def _is_time(found: Iterable[tuple[float | None]]) -> bool:
    return next(iter(found))[0] is not None


@contextmanager
def _run_lock(folder: Path, run: str) -> Iterator[None]:
    plain = run.isascii() and run.replace("-", "").isalnum()
    import hashlib

    path = folder / f"{run if plain else hashlib.sha256(run.encode()).hexdigest()}.lock"
    with ExitStack() as held:
        try:
            held.enter_context(file_lock(path, wait=False))
        except LockTaken:
            message = f"run '{run}' is being run by another process"
            raise StoreError(message, hint="wait for it, or stop it first") from None
        except OSError as problem:
            raise StoreError(f"cannot lock the run: {problem.strerror}", where=str(path)) from problem
        yield


def _make_folder(folder: Path) -> None:
    try:
        if not folder.is_dir() or folder.name == STORE_PATH.parent.name:
            folder.mkdir(parents=True, exist_ok=True)
            # Exclusive, so that an ignore file of the user's own stays.
            with (folder / ".gitignore").open("x", encoding="utf-8") as file:
                file.write("*\n")
    except FileExistsError:
        return
    except OSError as problem:
        reason = problem.strerror or os.strerror(problem.errno or 0)
        raise StoreError(
            f"the store's directory cannot be used: {reason}",
            where=str(folder),
            hint="name another place with --store",
        ) from problem
