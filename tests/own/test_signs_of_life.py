"""A process that cannot say anything any more: native code holds the interpreter, or the process is stopped."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable

import pytest

from scoregate.own.signs_of_life import AtWork, SignsOfLife, Watch, at_work, signs_given
from scoregate.own.supervisor import ProcessHung, supervise


def hold_the_interpreter() -> None:
    """A call of C that does not let go of the interpreter while it sleeps."""
    ctypes.PyDLL(None).sleep(60)


def stop_the_process() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


@pytest.mark.parametrize("hang", [hold_the_interpreter, stop_the_process])
def test_a_process_without_a_sign_of_life_is_ended_and_its_call_is_named(hang: Callable[[], None]) -> None:
    def work() -> int:
        with signs_given(1.0):
            with at_work("run-1", "q001", 0):
                pass
            time.sleep(0.1)
            with at_work("run-1", "q002", 3, "tone"):
                hang()
        return 0

    began = time.monotonic()
    with pytest.raises(ProcessHung, match="gave no sign of life for [12] s and was ended") as raised:
        supervise(work)
    assert time.monotonic() - began < 30
    assert [call[1:] for call in raised.value.at_work] == [("run-1", "q002", 3, "tone")]


def test_of_two_calls_the_one_that_keeps_a_processor_busy_is_named() -> None:
    def work() -> int:
        with signs_given(1.0), at_work("run-1", "waits", 0):
            import threading

            def long_power() -> None:
                with at_work("run-1", "reckons", 0):
                    pow(7, 7**9)

            thread = threading.Thread(target=long_power)
            thread.start()
            thread.join()
        return 0

    if not os.path.isdir("/proc/self/task"):  # noqa: PTH112
        pytest.skip("the system does not tell what a thread does")
    with pytest.raises(ProcessHung) as raised:
        supervise(work)
    assert [call.item for call in raised.value.at_work] == ["reckons"]


def test_a_call_that_lets_go_of_the_interpreter_may_take_as_long_as_it_likes() -> None:
    def work() -> int:
        with signs_given(0.5):
            time.sleep(1.5)
        return 7

    assert supervise(work) == 7


def test_nothing_is_missed_before_and_after_a_session() -> None:
    signs = SignsOfLife()
    watch = Watch(signs, 0.01)
    time.sleep(0.05)
    assert watch.missing() is None
    with signs.told(0.02):
        assert signs.beats()[1] == 0.02
    time.sleep(0.05)
    assert watch.missing() is None


def test_a_thread_that_stops_its_process_may_come_to_the_end_of_its_call_first() -> None:
    signs = SignsOfLife()
    assert signs.at_work() == []
    for item in ("q001", "q002"):
        with signs.at("run-1", item, 0):
            time.sleep(0.1)
    assert signs.at_work() == []
    assert [call.item for call in signs.at_work(stopped=True)] == ["q002"]


def test_more_calls_than_there_is_room_for_do_no_harm() -> None:
    signs = SignsOfLife()
    entered = [signs.at("run-1", f"q{n}", 0) for n in range(600)]
    for call in entered:
        call.__enter__()
    assert len(signs.at_work()) == 512
    for call in entered:
        call.__exit__(None, None, None)
    with signs.at("run-1", "ü" * 600, 0):
        assert all(isinstance(call, AtWork) for call in signs.at_work())
