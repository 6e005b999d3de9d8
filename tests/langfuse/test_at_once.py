"""Requests side by side: every job is done, and no error is lost."""

from __future__ import annotations

import threading

import pytest

from scoregate.langfuse.at_once import at_once


def test_the_results_come_in_the_order_of_the_jobs() -> None:
    second_is_done = threading.Event()

    def first() -> int:
        assert second_is_done.wait(10)
        return 1

    def second() -> int:
        second_is_done.set()
        return 2

    assert at_once([first, second], 2) == [1, 2]
    assert at_once([], 2) == []


def test_an_error_is_raised_when_all_others_are_done() -> None:
    done = []

    def fails() -> None:
        raise ConnectionError("reset")

    with pytest.raises(ConnectionError, match="reset"):
        at_once([fails, *(lambda number=number: done.append(number) for number in range(5))], 1)
    assert done == [0, 1, 2, 3, 4]


def test_no_more_are_under_way_than_was_said() -> None:
    lock = threading.Lock()
    now, most = 0, 0

    def job() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        threading.Event().wait(0.01)
        with lock:
            now -= 1

    at_once([job] * 12, 3)
    assert most == 3
