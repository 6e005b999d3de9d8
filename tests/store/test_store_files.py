"""Which files the store opens, makes and leaves alone."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scoregate.errors import StoreError
from scoregate.records import RunHeader, RunItem, Score
from scoregate.store import Store
from scoregate.store.database import migrate, schema_version
from scoregate.store.schema import APPLICATION_ID, MIGRATIONS
from tests.fork_server.process import start_python


def header(run: str = "run-1") -> RunHeader:
    return RunHeader(run=run, dataset="demo", candidate="v1", expected_items=1)


def refused(path: Path, reason: str, *, create: bool = True) -> None:
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(StoreError, match=reason) as caught:
        Store.open(path, create=create)
    assert "\n" not in str(caught.value)
    assert (path.read_bytes() if path.exists() else None) == before


def test_a_new_store_is_hidden_from_git(tmp_path: Path) -> None:
    Store.open(tmp_path / ".scoregate" / "store.sqlite3").close()
    assert (tmp_path / ".scoregate" / ".gitignore").read_text() == "*\n"


def test_a_directory_of_the_users_own_gets_no_ignore_file(tmp_path: Path) -> None:
    Store.open(tmp_path / "store.sqlite3").close()
    assert not (tmp_path / ".gitignore").exists()


def test_an_ignore_file_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / ".scoregate").mkdir()
    (tmp_path / ".scoregate" / ".gitignore").write_text("mine")
    Store.open(tmp_path / ".scoregate" / "store.sqlite3").close()
    assert (tmp_path / ".scoregate" / ".gitignore").read_text() == "mine"


def test_a_store_that_must_exist_is_not_made(tmp_path: Path) -> None:
    refused(tmp_path / ".scoregate" / "store.sqlite3", "there is no store", create=False)
    assert not (tmp_path / ".scoregate").exists()


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite3").touch()
    with Store.open(tmp_path / "store.sqlite3") as store:
        assert store.list_runs() == []


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite3").write_text("dear diary")
    refused(tmp_path / "store.sqlite3", "no SQLite database")


def test_a_directory_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read: Is a directory"):
        Store.open(tmp_path)


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".scoregate").write_text("")
    with pytest.raises(StoreError, match=r"directory cannot be used|cannot be read: Not a directory"):
        Store.open(tmp_path / ".scoregate" / "store.sqlite3")


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (text)")
    connection.commit()
    connection.close()
    refused(path, "belongs to another program")


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    Store.open(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    refused(path, f"the store has schema {len(MIGRATIONS) + 1} and this version of scoregate knows")


@pytest.mark.parametrize("damage", ["truncated", "overwritten"])
def test_a_damaged_store_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "store.sqlite3"
    with Store.open(path) as store:
        store.create_run(header())
        store.record("run-1", [(RunItem(f"item-{n}", 0, "ok", output="x" * 500), ()) for n in range(500)])
    whole = path.read_bytes()
    half = len(whole) // 2
    broken = whole[:half] if damage == "truncated" else whole[:half] + b"\xff" * 8192 + whole[half + 8192 :]
    path.write_bytes(broken)
    refused(path, "the store is damaged")


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    """A folder that this process may look into and not write; the superuser gives up the right for a moment."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o555)
        nobody, before = 65534, os.geteuid()
        if before == 0:
            os.seteuid(nobody)
        try:
            yield Path(name)
        finally:
            os.seteuid(before)
            Path(name).chmod(0o755)


def test_a_directory_that_is_read_only_is_refused(read_only_folder: Path) -> None:
    refused(read_only_folder / "store.sqlite3", "cannot be opened or created")
    refused(read_only_folder / "new" / "store.sqlite3", "directory cannot be used: Permission denied")


def test_migrations_lift_an_older_file_in_order_and_keep_its_rows(tmp_path: Path) -> None:
    older = (("CREATE TABLE notes (text TEXT)",),)
    newer = (*older, ("ALTER TABLE notes ADD COLUMN author TEXT", "CREATE TABLE tags (name TEXT)"))
    connection = sqlite3.connect(tmp_path / "made-up.sqlite3", isolation_level=None)
    migrate(connection, older)
    connection.execute("INSERT INTO notes VALUES ('kept')")
    assert schema_version(connection) == 1

    migrate(connection, newer)
    assert schema_version(connection) == 2
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert connection.execute("SELECT text, author FROM notes").fetchall() == [("kept", None)]
    migrate(connection, newer)
    assert schema_version(connection) == 2


def test_a_store_of_the_first_schema_keeps_its_runs_and_takes_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    connection = sqlite3.connect(path, isolation_level=None)
    migrate(connection, MIGRATIONS[:1])
    connection.execute(
        "INSERT INTO runs (run, dataset, candidate, expected_items, trials, scorers, metadata) "
        "VALUES ('old', 'demo', 'v0', 1, 1, '{}', '{}')"
    )
    connection.execute(
        "INSERT INTO run_items (run, item, trial, status, output, slices) VALUES (1, 'a', 0, 'ok', '1', '{}')"
    )
    connection.close()

    new = RunItem("a", 0, "ok", output=1, content="0123456789abcdef", started_at=1.5)
    with Store.open(path) as store:
        store.create_run(header("new"))
        store.record("new", [(new, [])])
        assert store.load_run("old").items == (RunItem("a", 0, "ok", output=1),)
        assert store.load_run("new").items == (new,)


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "made-up.sqlite3", isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, (("CREATE TABLE notes (text TEXT)", "CREATE NONSENSE"),))
    assert schema_version(connection) == 0
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


WRITER = """
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from scoregate.records import RunHeader, RunItem, Score
from scoregate.store import Store
path, name = Path(sys.argv[1]), sys.argv[2]
with Store.open(path) as store:
    store.create_run(RunHeader(run=name, dataset="demo", candidate="v1", expected_items=100))
    for number in range(100):
        store.record(name, [(RunItem(str(number), 0, "ok"), [Score(str(number), 0, "exact", True)])])
"""


def test_several_processes_may_make_and_fill_one_store_at_once(tmp_path: Path) -> None:
    path = tmp_path / ".scoregate" / "store.sqlite3"
    writers = [start_python(["-c", WRITER, str(path), name]) for name in ("a", "b", "c")]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    with Store.open(path) as store:
        assert {run.run: run.done for run in store.list_runs()} == {"a": 100, "b": 100, "c": 100}


@pytest.mark.parametrize("number", range(30))
def test_a_store_that_is_being_made_is_nobody_elses(tmp_path: Path, number: int) -> None:
    path, together = tmp_path / "store.sqlite3", threading.Barrier(4)

    def open_it() -> None:
        together.wait()
        Store.open(path).close()

    with ThreadPoolExecutor(4) as pool:
        opened = [pool.submit(open_it) for _ in range(4)]
        assert [one.result() for one in opened] == [None] * 4


LIMITED = """
import resource, signal, sys
from pathlib import Path
from scoregate.errors import StoreWriteError
from scoregate.records import RunHeader, RunItem
from scoregate.store import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
store = Store.open(Path(sys.argv[1]))
store.create_run(RunHeader(run="run-1", dataset="demo", candidate="v1", expected_items=100))
done = 0
try:
    for number in range(100):
        store.record("run-1", [(RunItem(str(number), 0, "ok", output="x" * 20_000), ())])
        done += 1
except StoreWriteError as error:
    print(done, error)
"""


def test_a_file_that_cannot_grow_stops_the_writing_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    found, complaints = start_python(["-c", LIMITED, str(path)]).communicate(timeout=60)
    done, message = found.split(" ", 1)
    assert "what was committed is kept" in message, complaints
    assert int(done) > 0
    with Store.open(path) as store:
        assert len(store.done_cells("run-1")) == int(done)


def test_a_store_read_while_another_connection_writes_shows_whole_items(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    with Store.open(path) as writer, Store.open(path) as reader:
        writer.create_run(header())
        writer.record("run-1", [(RunItem("a", 0, "ok"), [Score("a", 0, "exact", True)])])
        run = reader.load_run("run-1")
        assert (len(run.items), len(run.scores)) == (1, 1)


def test_a_new_store_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / ".scoregate" / "store.sqlite3"
    with Store.open(path) as store:
        store.create_run(header())
        with store.lock("run-1"):
            files = [file for file in path.parent.rglob("*") if file.is_file() and file.name != ".gitignore"]
            assert len(files) >= 2
            assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


_READ_AS_ANOTHER = """
import hashlib, os, sys
from pathlib import Path
from scoregate.errors import StoreError
from scoregate.records import RunHeader
from scoregate.store import Store, schema, judging, listing, outbox
if os.getuid() == 0:
    os.setuid(65534)
with Store.open(Path(sys.argv[1]), create=False) as store:
    print([summary.run for summary in store.list_runs()])
    try:
        store.create_run(RunHeader(run="2", dataset="demo", candidate="v1", expected_items=1))
    except StoreError as error:
        print(error)
"""


@pytest.mark.parametrize("in_use", [False, True])
def test_a_store_that_may_not_be_written_can_be_read(in_use: bool) -> None:
    folder = Path(tempfile.mkdtemp())  # a folder of pytest's own is closed to other users
    path = folder / "store.sqlite3"
    with Store.open(path) as store:
        store.create_run(header())
        if not in_use:
            store.close()
        for file in folder.iterdir():
            file.chmod(0o444)
        folder.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", _READ_AS_ANOTHER, str(path)], capture_output=True, text=True
        )
        folder.chmod(0o755)
    shutil.rmtree(folder)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "['run-1']",
        f"{path}: the store cannot be written: it or its directory is read-only (name another with --store)",
    ]
