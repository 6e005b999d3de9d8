"""Two processes do not drive one run at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scoregate.errors import StoreError
from scoregate.records import RunHeader
from scoregate.store import Store

HOLDER = """
import os, sys, time
from pathlib import Path
from scoregate.store import Store
with Store.open(Path(sys.argv[1])) as store, store.lock("run-1"):
    if len(sys.argv) > 2 and os.fork() == 0:
        os.close(1)
        time.sleep(60)
        os._exit(0)
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(path: Path, *arguments: str) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_run_that_another_process_drives_is_refused_until_it_ends(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.sqlite3") as store:
        holder = hold(store.path)
        with (
            pytest.raises(StoreError, match="run 'run-1' is being run by another process"),
            store.lock("run-1"),
        ):
            pass
        with store.lock("run-2"):
            pass
        holder.communicate("")
        with store.lock("run-1"):
            pass
        assert list((tmp_path / "locks").iterdir()) == []


def test_the_lock_goes_with_a_killed_process_even_if_its_children_live(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.sqlite3") as store:
        holder = hold(store.path, "fork")
        holder.kill()
        holder.wait()
        try:
            with store.lock("run-1"):
                pass
        finally:
            os.killpg(holder.pid, signal.SIGKILL)
            holder.communicate()


def test_one_process_cannot_take_a_lock_twice(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.sqlite3") as store, store.lock("run-1"):
        with pytest.raises(StoreError, match="is being run"), store.lock("run-1"):
            pass
        with pytest.raises(StoreError, match="is being run"), store.lock("run-1"):
            pass


def test_a_run_with_an_id_that_is_no_file_name_can_be_locked(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.sqlite3") as store, store.lock("../" * 100 + "a/b"):
        assert len(list((tmp_path / "locks").iterdir())) == 1


def test_a_run_in_progress_is_not_deleted(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.sqlite3") as store:
        store.create_run(RunHeader(run="run-1", dataset="demo", candidate="v1", expected_items=1))
        with store.lock("run-1"), pytest.raises(StoreError, match="is being run"):
            store.delete_runs(["run-1"])
        assert store.delete_runs(["run-1"]).runs == 1
