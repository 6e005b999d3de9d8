"""The store: damaged, foreign, full, out of reach, and used by several processes at once."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.project import NOTE_CALL, Project, agent, ended

Small = Callable[..., Project]
STORE = ".scoregate/store.sqlite3"


def rows(project: Project, table: str) -> dict[str, int]:
    """Run id -> number of its rows in a table."""
    with closing(sqlite3.connect(project.path(STORE))) as connection:
        found = connection.execute(
            f"SELECT runs.run, count(*) FROM {table} JOIN runs ON runs.key = {table}.run GROUP BY runs.run"
        )
        return dict(found.fetchall())


def _garbled(data: bytes) -> bytes:
    return data[:5000] + b"\x5a" * 4000 + data[9000:]


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda data: data[:3000], "the store is damaged: "),
        (_garbled, "the store is damaged: "),
        (
            lambda _: b"these are my notes, not a database",
            "this file is no SQLite database; nothing was changed",
        ),
    ],
    ids=["cut off", "garbled", "a text"],
)
def test_a_damaged_store_is_told_and_left_alone(
    accepted: Project, damage: Callable[[bytes], bytes], told: str
) -> None:
    data = damage(accepted.path(STORE).read_bytes())
    accepted.write(STORE, data)
    line = accepted.run().error(2)
    assert line.startswith(f"{STORE}: {told}")
    assert "move " in line
    assert accepted.scoregate("runs", "list").error(2) == line
    assert accepted.path(STORE).read_bytes() == data


def test_a_store_of_a_newer_version_is_told_and_left_alone(accepted: Project) -> None:
    with closing(sqlite3.connect(accepted.path(STORE))) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = accepted.path(STORE).read_bytes()
    line = accepted.run().error(2)
    assert line.startswith(f"{STORE}: the store has schema 99 and this version of scoregate knows ")
    assert "upgrade scoregate" in line
    assert accepted.path(STORE).read_bytes() == before


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (
            "gates/agent.toml/store.sqlite3",
            "gates/agent.toml/store.sqlite3: the store cannot be read: Not a directory",
        ),
        ("/proc/scoregate/store.sqlite3", "/proc/scoregate: the store's directory cannot be used: "),
        ("gates/agent.toml", "gates/agent.toml: this file is no SQLite database; nothing was changed"),
    ],
)
def test_a_store_where_nothing_can_be_written(small: Small, place: str, told: str) -> None:
    if place.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("this system has no /proc")
    project = small()
    before = project.read("gates/agent.toml")
    assert project.run("--store", place).error(2).startswith(told)
    assert project.read("gates/agent.toml") == before


def _obey_permissions() -> None:
    """Take from a process of root the right to write what permissions forbid; it shows from the next exec on."""
    drop_from_bounding_set, override_permissions = 24, 1
    if os.geteuid() == 0 and ctypes.CDLL(None).prctl(drop_from_bounding_set, override_permissions, 0, 0, 0):
        raise OSError("root keeps its rights here")


@pytest.mark.skipif(sys.platform != "linux", reason="takes a right from root in the way of Linux")
def test_a_project_that_may_not_be_written_to(small: Small) -> None:
    project = small()
    project.folder.chmod(0o555)
    try:
        told = project.scoregate("run", "gates/agent.toml", before=_obey_permissions).error(2)
    except subprocess.SubprocessError:
        pytest.skip("root cannot be bound by permissions here")
    finally:
        project.folder.chmod(0o755)
    assert told.startswith(
        ".scoregate: the store's directory cannot be used: Permission denied (name another place"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="takes a right from root in the way of Linux")
def test_a_baseline_that_may_not_be_written_stays_as_it_was(accepted: Project) -> None:
    run, before = accepted.run().started, accepted.read("gates/agent.baseline.jsonl")
    accepted.path("gates").chmod(0o555)
    words = ("baseline", "accept", "gates/agent.toml", run, "--why", "x")
    try:
        told = accepted.scoregate(*words, before=_obey_permissions).error(2)
    except subprocess.SubprocessError:
        pytest.skip("root cannot be bound by permissions here")
    finally:
        accepted.path("gates").chmod(0o755)
    assert told == "gates/agent.baseline.jsonl: cannot be written: Permission denied (nothing was changed)"
    assert accepted.read("gates/agent.baseline.jsonl") == before
    assert not list(accepted.path("gates").glob(".*"))


BIG = agent("return 'x' * 20_000")
"""200 answers of it take 4 MB."""


def _no_file_beyond_two_mb() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))


def test_a_store_that_cannot_grow_keeps_what_is_committed_and_says_how_to_go_on(small: Small) -> None:
    project = small(number=200, experiment=BIG)
    ran = project.scoregate("run", "gates/agent.toml", "--concurrency", "4", before=_no_file_beyond_two_mb)
    line = ran.error(5)
    resume = f"scoregate run gates/agent.toml --resume {ran.started} --concurrency 4"
    assert line.startswith(f"{STORE}: ")
    assert line.endswith(f"what was committed is kept; go on with: {resume})")
    kept = rows(project, "run_items").get(ran.started, 0)
    assert kept < 200
    resumed = project.scoregate(*resume.split()[1:])
    assert resumed.outcome(4) == "INVALID"  # no baseline
    assert "200 ok of 200 expected" in resumed.out
    assert rows(project, "run_items") == {ran.started: 200}


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except OSError as error:
        pytest.skip(f"cannot mount a small file system here: {error}")
    if done.returncode:
        pytest.skip(f"cannot mount a small file system here: {done.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_told_by_its_name(small: Small, tiny_disk: Path) -> None:
    project = small(number=200, experiment=BIG)
    ran = project.run("--store", tiny_disk / "store.sqlite3")
    line = ran.error(5)
    assert "the disk is full; what was committed is kept (free some space and try again; go on with: " in line
    assert f"--resume {ran.started} --store {tiny_disk}/store.sqlite3" in line


def test_a_report_that_does_not_fit_the_disk_hides_no_verdict_and_leaves_no_half(
    accepted: Project, tiny_disk: Path
) -> None:
    (tiny_disk / "ballast").write_bytes(b"x" * 1_000_000)
    (tiny_disk / "more").write_bytes(b"x" * (1024 * 1024 - 1_003_520))
    ran = accepted.run("-o", f"json={tiny_disk}/verdict.json")
    assert "PASS: " in ran.out
    assert ran.error(2).startswith(f"{tiny_disk}/verdict.json: cannot be written: No space left on device")
    assert sorted(path.name for path in tiny_disk.iterdir()) == ["ballast", "more"]


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("json=gates", "-o: 'gates' is a folder (name a file)"),
        ("json=gates/agent.toml/verdict.json", "-o: 'gates/agent.toml/verdict.json' cannot be written: "),
        ("jsn=verdict.json", "-o: unknown report format 'jsn' (did you mean 'json'?)"),
        ("json=-", "-o: 'json=-' names no file (--json prints the report on stdout)"),
        ("verdict.json", "-o: 'verdict.json' is not FORMAT=PATH (such as -o markdown=verdict.md)"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_the_run(
    small: Small, output: str, told: str
) -> None:
    project = small()
    assert project.run("-o", output).error(2).startswith(told)
    assert not project.path(".scoregate").exists()


WAITING = agent(
    f"{NOTE_CALL}\nwhile not os.path.exists('go'): time.sleep(0.01)\nreturn n", before="import os, time"
)
"""Answers nothing until there is a file `go`."""


def test_two_runs_into_one_store_at_once_lose_nothing(small: Small) -> None:
    project = small(number=64, experiment=WAITING)
    both = [project.start("run", "gates/agent.toml", "--concurrency", "8") for _ in range(2)]
    project.wait_for_calls(16)
    project.write("go", "")
    first, second = (ended(process) for process in both)
    assert (first.outcome(4), second.outcome(4)) == ("INVALID", "INVALID")  # no baseline
    assert rows(project, "run_items") == rows(project, "scores") == {first.started: 64, second.started: 64}


def test_one_run_is_resumed_by_one_process_at_a_time(small: Small) -> None:
    project = small(experiment=WAITING)
    stopped = project.start("run", "gates/agent.toml")
    project.wait_for_calls(8)
    stopped.send_signal(signal.SIGINT)
    run = ended(stopped).started
    resuming = project.start("run", "gates/agent.toml", "--resume", run)
    project.wait_for_calls(16)
    assert f"run '{run}' is being run by another process" in project.run("--resume", run).error(2)
    project.write("go", "")
    assert ended(resuming).outcome(4) == "INVALID"  # no baseline
    assert rows(project, "run_items") == {run: 8}
