"""Real signals to real processes: what is finished is kept, and nobody waits."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from scoregate.store import Store
from tests.fork_server.process import Process, start_python

SESSION = r"""
import asyncio, os, signal, sys, time
from pathlib import Path
from scoregate.gate_file import Limits
from scoregate.records import DatasetItem, RunHeader
from scoregate.runner.candidates.candidate import Candidate
from scoregate.runner.plan import Arm, RunPlan
from scoregate.runner.session import run
from scoregate.own.supervisor import own_process
from scoregate.scorers.scorer import Scorer
from scoregate.store import Store

kind = sys.argv[2]
if "command" in sys.argv:
    own_process()

def say(line):
    os.write(1, line.encode() + b"\n")

async def waits(item, trial):
    if item.id != "0":
        await asyncio.sleep(60)

async def swallows(item, trial):
    say("waiting")
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

async def blocks(item, trial):
    if item.id != "0":
        say("waiting")
        time.sleep(60)

def hangs(item, trial):
    if item.id != "0":
        time.sleep(60)

async def dies(item, trial):
    if item.id != "0":
        await committed.wait()
        os.kill(os.getpid(), signal.SIGKILL)

committed = asyncio.Event()

def first_is_committed(report):
    if report.done and kind in ("waits", "hangs", "dies"):
        say("waiting")
        committed.set()

async def insists(item, trial):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
        say(number.name)
        os.kill(os.getpid(), number)

def stuck(**_):
    say("waiting")
    time.sleep(60)

async def answers(item, trial):
    return 1

task = answers if kind == "scorer" else globals()[kind]
scorers = [Scorer("stuck", "1", stuck)] if kind == "scorer" else []
store = Store.open(Path(sys.argv[1]))
store.create_run(RunHeader(run="r", dataset="d", candidate="c", expected_items=4))
items = [DatasetItem(str(n), n) for n in range(4)]
candidate = Candidate("c", None, None, "python", task, is_async=task is not hangs)
plan = RunPlan(
    arms=[Arm(run="r", candidate=candidate)], items=items, store=store, scorers=scorers,
    limits=Limits(concurrency=2), progress=first_is_committed,
)
before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGURG)
report = run(plan)
after = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGURG)
say(f"report {report.done} {report.interrupted} {report.stopped} {before == after}")
"""


AT_ONCE = 30.0
"""Seconds: some of a slow and busy machine, and half of what a call would take that is not ended."""


def begin(code: str, *words: str | Path) -> Process:
    """The code in a process of its own, which leads a group."""
    arguments = ("-c", f"import os; os.setsid()\n{code}", *map(str, words))
    return start_python(arguments)


def start(path: Path, kind: str, code: str = SESSION) -> Process:
    """Gives the process when it waits."""
    process = begin(code, path, kind)
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("kind", "done"), [("waits", 1), ("hangs", 1), ("blocks", 1), ("swallows", 0), ("scorer", 0)]
)
def test_a_signal_ends_the_run_at_once_and_keeps_what_is_done(
    tmp_path: Path, number: signal.Signals, kind: str, done: int
) -> None:
    process = start(tmp_path / "store.sqlite3", kind)
    process.send_signal(number)
    printed, complaints = process.communicate(timeout=AT_ONCE)
    assert printed.splitlines()[-1] == f"report {done} True None True"
    assert complaints == ""
    assert process.returncode == 0
    with Store.open(tmp_path / "store.sqlite3") as store:
        assert len(store.done_cells("r")) == done


def test_the_same_signal_again_ends_the_process_at_once(tmp_path: Path) -> None:
    process = begin(SESSION, tmp_path / "store.sqlite3", "insists", "command")
    printed, _ = process.communicate(timeout=AT_ONCE)
    assert printed == "SIGTERM\nSIGINT\nSIGTERM\n"  # and no report
    assert process.returncode == 5


def test_in_somebody_elses_process_the_same_signal_again_does_what_it_did_before(tmp_path: Path) -> None:
    process = begin(SESSION, tmp_path / "store.sqlite3", "insists")
    printed, _ = process.communicate(timeout=AT_ONCE)
    assert printed == "SIGTERM\nSIGINT\nSIGTERM\n"
    assert process.returncode == -signal.SIGTERM


SUPERVISED = (
    f"SESSION = {SESSION!r}\n"
    + """
import sys
from scoregate.errors import RunInterrupted
from scoregate.own.supervisor import supervise

def work():
    scope = {"__name__": "session"}
    exec(SESSION, scope)
    return 5 if scope["report"].interrupted else 0

try:
    sys.exit(supervise(work, hint="resume with: scoregate run --resume r"))
except RunInterrupted as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""
)


@pytest.mark.parametrize("to_the_child_as_well", [False, True])
def test_ctrl_c_ends_a_supervised_run_in_the_same_way(tmp_path: Path, to_the_child_as_well: bool) -> None:
    process = start(tmp_path / "store.sqlite3", "hangs", SUPERVISED)
    if to_the_child_as_well:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    printed, complaints = process.communicate(timeout=AT_ONCE)
    assert printed == "report 1 True None True\n"
    assert (complaints, process.returncode) == ("", 5)


def test_a_candidate_that_kills_its_process_is_one_line_and_what_was_committed_is_kept(
    tmp_path: Path,
) -> None:
    process = start(tmp_path / "store.sqlite3", "dies", SUPERVISED)
    printed, complaints = process.communicate(timeout=AT_ONCE)
    assert printed == ""
    assert complaints == (
        "the run's process was killed by SIGKILL; the candidate or a scorer ended it "
        "(resume with: scoregate run --resume r)\n"
    )
    assert process.returncode == 5
    with Store.open(tmp_path / "store.sqlite3") as store:
        assert store.done_cells("r") == {("0", 0)}
