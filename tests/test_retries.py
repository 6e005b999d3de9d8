"""When a request that failed is made again, and what a service may ask for."""

from __future__ import annotations

from random import Random

import pytest

from scoregate.retries import asked_pause, is_transient, pause_of_request, wait_before_retry


def test_waits_grow_and_start_with_what_was_asked_for() -> None:
    random = Random(0)
    waits = [max(wait_before_retry(attempt, 0.0, random) for _ in range(200)) for attempt in (1, 2, 3, 50)]
    assert [round(wait, 0) for wait in waits] == [0, 1, 2, 30]
    assert all(7.0 <= wait_before_retry(1, 7.0, random) <= 7.5 for _ in range(200))
    assert (asked_pause(None), asked_pause(5.0), asked_pause(3600.0)) == (0.0, 5.0, 60.0)


def test_pauses_of_requests_grow_and_are_never_none() -> None:
    random = Random(0)
    for attempt, bound in ((1, 0.2), (2, 0.4), (4, 1.6)):
        pauses = [pause_of_request(attempt, first=0.2, longest=5.0, random=random) for _ in range(200)]
        assert 0.5 * bound <= min(pauses) < 0.6 * bound
        assert 1.4 * bound < max(pauses) <= 1.5 * bound
    assert pause_of_request(1000, first=0.2, longest=5.0, random=random) == 5.0


@pytest.mark.parametrize(
    ("status", "transient"), [(400, False), (404, False), (408, True), (425, True), (429, True), (501, True)]
)
def test_what_a_busy_or_broken_server_says_may_be_gone_the_next_time(status: int, transient: bool) -> None:
    assert is_transient(status) is transient
