"""A run in a child process that may die in any way."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import time

import pytest

from scoregate.errors import RunInterrupted
from scoregate.own.supervisor import supervise
from tests.fork_server.process import Process, start_python


@pytest.mark.parametrize("code", [0, 1, 5])
def test_the_exit_code_of_the_work_comes_back(code: int) -> None:
    assert supervise(lambda: code) == code


def test_the_work_is_done_in_another_process(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        sys.stdout.write(f"{os.getpid()}")
        return 0

    supervise(work)
    assert int(capfd.readouterr().out) != os.getpid()


def crash() -> None:
    faulthandler.disable()  # pytest's: its dump would only look like a failure of this test
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (lambda: os._exit(3), "ended with exit code 3"),
        (lambda: os._exit(0), "ended with exit code 0"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "was killed by SIGKILL"),
        (crash, "was killed by SIGSEGV"),
    ],
)
def test_work_that_kills_its_own_process_is_one_line(end: object, how: str) -> None:
    def work() -> int:
        end()  # type: ignore[operator]
        return 0

    with pytest.raises(RunInterrupted) as caught:
        supervise(work, hint="resume with: scoregate run --resume r")
    line = str(caught.value)
    assert f"the run's process {how}; the candidate or a scorer ended it" in line
    assert "resume with" in line
    assert "\n" not in line
    assert caught.value.exit_code == 5


def test_work_that_leaves_with_sys_exit_keeps_its_code() -> None:
    assert supervise(lambda: sys.exit(2)) == 2


def test_work_that_raises_says_so_and_ends_as_interrupted(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        raise ZeroDivisionError("oh")

    assert supervise(work) == 5
    assert "ZeroDivisionError: oh" in capfd.readouterr().err


def test_a_process_that_outlives_the_child_does_not_hold_up_the_parent() -> None:
    told, tell = os.pipe()

    def work() -> int:
        left = os.fork()
        if left == 0:
            time.sleep(60)
        os.write(tell, str(left).encode())
        os._exit(3)

    with pytest.raises(RunInterrupted):
        supervise(work)
    left = int(os.read(told, 20))
    assert _is_alive(left)
    os.kill(left, signal.SIGKILL)
    os.close(told)
    os.close(tell)


def test_what_the_candidate_left_for_the_end_of_the_process_is_done(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def work() -> int:
        import atexit

        atexit.register(lambda: sys.stdout.write("spans sent"))
        return 0

    supervise(work)
    assert capfd.readouterr().out == "spans sent"


SUPERVISED = r"""
import os, signal, sys, time
from scoregate.errors import RunInterrupted
from scoregate.own.supervisor import supervise

def work():
    seen = []

    def note(number, _frame):
        seen.append(number)
        os.write(1, signal.Signals(number).name.encode() + b"\n")

    signal.signal(signal.SIGTERM, note)
    signal.signal(signal.SIGINT, note)
    print(os.getpid(), flush=True)
    started = time.monotonic()
    while time.monotonic() - started < 60 and len(seen) < int(sys.argv[1]):
        time.sleep(0.01)
    return 5 if seen else 0

try:
    sys.exit(supervise(work))
except RunInterrupted as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


def start(signals: int) -> tuple[Process, int]:
    """The supervising process, and the id of its child, which writes each signal it gets and ends after so many."""
    process = start_python(["-c", f"import os; os.setsid()\n{SUPERVISED}", str(signals)])
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_ctrl_c_before_the_run_begins_ends_the_work(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
        return 0

    assert supervise(work) == 5
    assert capfd.readouterr().err == "interrupted\n"


def test_a_forwarded_signal_that_comes_after_the_run_does_no_harm() -> None:
    from scoregate.own.supervisor import Interruptions

    def work() -> int:
        with Interruptions(lambda: None):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        return 4

    assert supervise(work) == 4


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_parent_alone_reaches_the_child(number: signal.Signals) -> None:
    process, _ = start(1)
    process.send_signal(number)
    assert process.communicate(timeout=50)[0] == "SIGTERM\n"
    assert process.returncode == 5


def test_ctrl_c_in_a_terminal_is_not_taken_for_the_same_signal_twice() -> None:
    process, _ = start(2)
    os.killpg(process.pid, signal.SIGINT)
    assert sorted(process.communicate(timeout=50)[0].split()) == ["SIGINT", "SIGTERM"]


def test_a_child_that_is_killed_after_a_signal_was_asked_to_end() -> None:
    process, child = start(2)
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    assert process.stdout.readline() == "SIGTERM\n"
    os.kill(child, signal.SIGKILL)
    _, complaint = process.communicate(timeout=50)
    assert complaint == "the run was ended at once; what was committed is kept\n"
    assert process.returncode == 5


def test_a_killed_parent_leaves_no_child_behind() -> None:
    process, child = start(1)
    process.kill()
    # The child holds the other end of these pipes: they close when it is gone.
    process.communicate(timeout=30)
    deadline = time.monotonic() + 20
    while _is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _is_alive(child)


def _is_alive(process: int) -> bool:
    """Whether it runs; a zombie that nobody reaps does not."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
