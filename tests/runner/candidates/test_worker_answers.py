"""What a worker answers, of a candidate that goes on from test to test with its processes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from scoregate.records import Tokens
from scoregate.runner.candidates import Answer, Candidate, TransientError
from tests.runner.candidates.actions import ASYNC, SYNC
from tests.runner.candidates.workers import AT_ONCE, answers, is_gone, made, question, wait_for


@pytest.fixture(scope="module", params=[SYNC, ASYNC], ids=["sync", "async"])
def open_candidate(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Candidate]:
    """One that goes on from test to test, with its processes; what is tested of it is not their start."""
    candidate = made(tmp_path_factory.mktemp("open"), request.param)
    yield candidate

    async def end() -> None:
        assert candidate.close is not None
        await candidate.close()

    asyncio.run(end())


def ask_open(candidate: Candidate, *what: str) -> list[Any]:
    """The same, of one that stays open."""
    return asyncio.run(answers(candidate, what))


def test_the_task_gets_the_whole_item_as_in_process(open_candidate: Candidate) -> None:
    assert ask_open(open_candidate, "shape") == [["order-1", "shape", "on its way", {"intent": "shipping"}]]


def test_whatever_is_printed_does_not_break_the_answer(open_candidate: Candidate) -> None:
    async def answer() -> Answer:
        given = await open_candidate.call(question("noise"), 0)
        assert isinstance(given, Answer)
        return given

    assert asyncio.run(answer()) == Answer("quiet", 0.5, Tokens(1, 2), "t-1")


def test_large_answers_and_an_empty_stdin(open_candidate: Candidate) -> None:
    assert ask_open(open_candidate, "large", "stdin") == ["ü" * 3_000_000, ""]


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("fails", "ValueError: no such order"),
        ("exits", "the candidate called exit(3)"),
        ("returns_no_json", "returned something that is no JSON: object at output.rows"),
        ("ends", "task ended its process before it answered (exit code 0)"),
        ("dies", "killed by SIGKILL"),
        ("crashes", "killed by SIGSEGV: about to crash"),
        ("dies_with_a_fork_left", "exit code 5"),
    ],
)
def test_every_end_costs_one_item_and_has_its_reason(
    open_candidate: Candidate, what: str, reason: str
) -> None:
    started = time.monotonic()
    error, next_one = ask_open(open_candidate, what, "shape")
    assert str(error) == reason
    assert not isinstance(error, TransientError)
    assert next_one[0] == "order-1"
    assert time.monotonic() - started < AT_ONCE


def test_a_transient_error_stays_one(open_candidate: Candidate) -> None:
    (error,) = ask_open(open_candidate, "busy")
    assert isinstance(error, TransientError)
    assert (str(error), error.retry_after, error.rate_limited) == ("too many", 3, True)


def test_a_process_that_was_killed_between_two_items_costs_none(open_candidate: Candidate) -> None:
    async def work() -> str:
        pid = (await open_candidate.call(question("pid"), 0)).output
        os.kill(pid, signal.SIGKILL)
        assert wait_for(lambda: is_gone(pid))
        answer = await open_candidate.call(question("shape"), 0)
        return str(answer.output[0])

    assert asyncio.run(work()) == "order-1"


def test_a_call_costs_less_than_two_milliseconds(open_candidate: Candidate) -> None:
    async def work() -> float:
        seconds = []
        for _ in range(201):
            started = time.perf_counter()
            await open_candidate.call(question("shape"), 0)
            seconds.append(time.perf_counter() - started)
        return min(seconds)  # of the call that nothing else on the machine has held up

    assert asyncio.run(work()) < 0.002
