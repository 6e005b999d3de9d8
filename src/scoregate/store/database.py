"""One SQLite connection for all threads of a process: opened only if the file is ours, every error one line."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from scoregate.errors import StoreError, StoreLocked
from scoregate.own import clock
from scoregate.store.schema import APPLICATION_ID, MIGRATIONS, Migration

_BUSY_SECONDS = 30.0
"""How long a statement waits for another process to finish its transaction."""
_CHECKED_WHOLE_BYTES = 8 << 20
"""Files up to this size are checked page by page when they are opened (some ten milliseconds)."""
_MAGIC = b"SQLite format 3\0"


class Database:
    """A connection behind a lock. Statements outside `transaction` commit at once."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: Path, *, create: bool, busy_seconds: float = _BUSY_SECONDS) -> Database:
        """Open the file, creating or migrating it. Raises StoreError; a file that is not ours is left alone.

        `busy_seconds` is how long a statement waits for another process; then it is a StoreLocked.
        """
        _check_file(path, create=create)
        if create:
            _make_private(path)
        only_read = not (create or (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)))
        with _explained_errors(path):
            connection = _connect(path, only_read=only_read, busy_seconds=busy_seconds)
        try:
            with _explained_errors(path):
                _check_owner(path, connection)
                if not only_read:
                    _write_ahead(connection, busy_seconds)
                    connection.execute("PRAGMA foreign_keys = ON")
                migrate(connection)
        except BaseException:
            connection.close()
            raise
        return cls(path, connection)

    @contextmanager
    def reading(self, error: type[StoreError] = StoreError) -> Iterator[sqlite3.Connection]:
        """The connection, with SQLite's errors as `error`."""
        with self._lock, _explained_errors(self.path, error):
            yield self.connection

    @contextmanager
    def transaction(self, error: type[StoreError] = StoreError) -> Iterator[sqlite3.Connection]:
        """The same within one transaction: all of it is committed, or nothing."""
        with self.reading(error) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # A full disk may have rolled back already.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        with self._lock, _explained_errors(self.path):
            self.connection.close()


def _connect(path: Path, *, only_read: bool, busy_seconds: float) -> sqlite3.Connection:
    """A connection in autocommit mode; one that only reads where the file or its folder cannot be written.

    SQLite reads a file with a write-ahead log only beside an index of it, which it would have to make. A store that
    its last user closed has no log: it is then read as a file that nobody changes.
    """
    where = str(path)
    if only_read:
        log = path.with_name(f"{path.name}-wal")
        where = f"{path.absolute().as_uri()}?{'mode=ro' if log.exists() else 'immutable=1'}"
    return sqlite3.connect(
        where, timeout=busy_seconds, isolation_level=None, check_same_thread=False, uri=only_read
    )


def _make_private(path: Path) -> None:
    """A new file that its owner alone can read: answers and errors may hold what is nobody else's business."""
    with suppress(OSError):  # it is there already, or whoever opens it says what is wrong
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


@contextmanager
def _explained_errors(path: Path, error: type[StoreError] = StoreError) -> Iterator[None]:
    """Turn SQLite's errors into one line that says what to do."""
    try:
        yield
    except sqlite3.Error as problem:
        message, hint = _explain(problem)
        if _is_busy(problem) and error is StoreError:
            error = StoreLocked
        raise error(message, where=str(path), hint=hint) from problem


def _check_file(path: Path, *, create: bool) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except FileNotFoundError:
        if create:
            return
        raise StoreError("there is no store", where=str(path), hint="run a gate first") from None
    except OSError as problem:
        raise StoreError(f"the store cannot be read: {problem.strerror}", where=str(path)) from problem
    # SQLite itself takes an empty file for an empty database: a process died before its first write.
    if start and start != _MAGIC:
        raise StoreError(
            "this file is no SQLite database; nothing was changed",
            where=str(path),
            hint="move it away, or name another place with --store",
        )


def _check_owner(path: Path, connection: sqlite3.Connection) -> None:
    """Everything here only reads: a foreign file keeps every byte."""
    connection.execute("BEGIN")  # One view: another process may be making this very store.
    try:
        tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
        owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
        version = schema_version(connection)
    finally:
        connection.execute("COMMIT")
    if owner != APPLICATION_ID and (owner or tables or version):
        raise StoreError(
            "this SQLite database belongs to another program; nothing was changed",
            where=str(path),
            hint="name another place with --store",
        )
    if version > len(MIGRATIONS):
        raise StoreError(
            f"the store has schema {version} and this version of scoregate knows {len(MIGRATIONS)}; "
            "nothing was changed",
            where=str(path),
            hint="upgrade scoregate, or name another place with --store",
        )
    if path.stat().st_size <= _CHECKED_WHOLE_BYTES:
        found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        if found != "ok":
            raise sqlite3.DatabaseError(found)


def _write_ahead(connection: sqlite3.Connection, busy_seconds: float) -> None:
    """WAL, in which a commit survives the death of the process, and readers never wait for the writer."""
    deadline = clock.seconds() + busy_seconds
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
                return  # A file system without shared memory: the rollback journal, at full synchronisation.
        except sqlite3.OperationalError as problem:
            # SQLite does not wait by itself when two processes switch a new file at once.
            if problem.sqlite_errorcode != sqlite3.SQLITE_BUSY or clock.seconds() > deadline:
                raise
            clock.sleep(0.01)
    connection.execute("PRAGMA synchronous = NORMAL")


def _explain(problem: sqlite3.Error) -> tuple[str, str]:
    # The low byte is the primary code; Python's own errors (a closed connection) carry none.
    match getattr(problem, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT if _is_damage(problem) else 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return "the disk is full; what was committed is kept", "free some space and try again"
        case sqlite3.SQLITE_READONLY:
            return (
                "the store cannot be written: it or its directory is read-only",
                "name another with --store",
            )
        case sqlite3.SQLITE_CANTOPEN:
            return "the store cannot be opened or created", "check that its directory exists and is writable"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return (
                "another process keeps the store locked, and has not let go of it in time",
                "try again later",
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return f"the store is damaged: {problem}", "move the file away; nothing in it was changed"
        case sqlite3.SQLITE_CONSTRAINT:
            return f"a row is there twice: {problem}", "every item, trial and score name may appear once"
        case sqlite3.SQLITE_IOERR:
            return (
                f"the store cannot be read or written: {problem}",
                "check the disk; what was committed is kept",
            )
    return f"the store failed: {problem}", "what was committed is kept"


def _is_busy(problem: sqlite3.Error) -> bool:
    code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _is_damage(problem: sqlite3.Error) -> bool:
    """Whether it is what `quick_check` found, raised above without a code."""
    return type(problem) is sqlite3.DatabaseError


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Lift a file of ours, or an empty one, to the present schema: wholly or not at all.

    The connection is in autocommit mode. Raises sqlite3.Error, after which the file is as it was.
    """
    if schema_version(connection) >= len(migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Read again: another process may have done it while this one waited for the lock.
        for migration in migrations[schema_version(connection) :]:
            for statement in migration:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def schema_version(connection: sqlite3.Connection) -> int:
    """How many migrations the file has seen."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
