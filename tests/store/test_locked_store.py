"""A store that another process keeps locked: it is waited for, and then it is no fault of the command's."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from scoregate.errors import StoreLocked
from scoregate.store.database import Database


def locked_by_another(path: Path, how: str) -> sqlite3.Connection:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("PRAGMA locking_mode = EXCLUSIVE" if how == "wholly" else "PRAGMA user_version")
    other.execute("BEGIN EXCLUSIVE")
    return other


def opened(path: Path) -> Database:
    database = Database.open(path, create=True, busy_seconds=0.5)
    with database.transaction() as connection:
        connection.execute("SELECT 1")
    return database


@pytest.mark.parametrize("how", ["wholly", "for writing"])
def test_a_locked_store_is_waited_for_and_then_the_command_ends_with_5(tmp_path: Path, how: str) -> None:
    path = tmp_path / "store.sqlite3"
    opened(path).close()
    other = locked_by_another(path, how)
    began = time.monotonic()
    with pytest.raises(StoreLocked, match="another process keeps the store locked") as raised:
        opened(path)
    assert time.monotonic() - began > 0.4
    assert raised.value.exit_code == 5
    other.close()


def test_a_new_file_that_another_process_holds_is_waited_for_as_well(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    other = locked_by_another(path, "wholly")
    other.execute("CREATE TABLE held (x)")
    with pytest.raises(StoreLocked):
        opened(path)
    other.execute("ROLLBACK")
    other.close()


def test_one_that_is_let_go_meanwhile_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    opened(path).close()
    other = locked_by_another(path, "for writing")

    def let_go() -> None:
        time.sleep(0.2)
        other.execute("ROLLBACK")
        other.close()

    threading.Thread(target=let_go).start()
    opened(path).close()
