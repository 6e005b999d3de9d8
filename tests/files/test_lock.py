"""Whoever holds a lock is alone, and what ends takes its locks with it."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from scoregate.files.lock import LockTaken, file_lock
from tests.fork_server.process import start_python

COUNTER = """
import sys
from pathlib import Path
from scoregate.files.lock import file_lock
counter, lock = map(Path, sys.argv[1:])
for _ in range(200):
    with file_lock(lock):
        counter.write_text(str(int(counter.read_text()) + 1))
"""


def test_processes_that_wait_for_each_other_are_never_in_at_once(tmp_path: Path) -> None:
    counter, lock = tmp_path / "counter", tmp_path / "locks" / "lock"
    counter.write_text("0")
    processes = [start_python(["-c", COUNTER, str(counter), str(lock)]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert counter.read_text() == "600"
    assert list(lock.parent.iterdir()) == []


def test_threads_of_one_process_wait_for_each_other(tmp_path: Path) -> None:
    seen: list[str] = []

    def second() -> None:
        with file_lock(tmp_path / "lock"):
            seen.append("second")

    with file_lock(tmp_path / "lock"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.05)
        seen.append("first")
    thread.join(10)
    assert seen == ["first", "second"]


def test_who_does_not_wait_is_told_that_it_is_taken(tmp_path: Path) -> None:
    with file_lock(tmp_path / "lock"):
        with pytest.raises(LockTaken), file_lock(tmp_path / "lock", wait=False):
            pass
        with file_lock(tmp_path / "another", wait=False):
            pass
    with file_lock(tmp_path / "lock", wait=False):
        pass


def test_a_forked_process_holds_no_lock_of_its_parent(tmp_path: Path) -> None:
    go_on, released = os.pipe()
    with file_lock(tmp_path / "lock"):
        child = os.fork()
        if child == 0:
            os._exit(_free(tmp_path / "lock", go_on))
    os.write(released, b".")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _free(path: Path, released: int) -> int:
    try:
        os.read(released, 1)
        with file_lock(path, wait=False):
            return 0
    except LockTaken:
        return 1


def test_a_lock_is_kept_out_of_a_forked_process(tmp_path: Path) -> None:
    with file_lock(tmp_path / "lock"):
        child = os.fork()
        if child == 0:
            try:
                with file_lock(tmp_path / "lock", wait=False):
                    os._exit(1)
            except LockTaken:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
