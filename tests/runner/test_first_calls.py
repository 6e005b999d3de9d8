"""The first calls of a version that all fail alike end the session; anything else among them does not."""

from __future__ import annotations

import time
from typing import Any

import pytest

from scoregate.gate_file import Limits
from scoregate.records import DatasetItem
from scoregate.runner.candidates.failures import CandidateError

Drive = Any


def refuse(item: DatasetItem, trial: int) -> str:
    raise CandidateError(f"401: no such key (request {item.id})")


def test_calls_that_all_fail_alike_end_the_session(drive: Drive) -> None:
    driven = drive(refuse, items=64)
    alike = driven.report.failed_alike
    assert alike is not None
    assert alike.error.startswith("401: no such key (request item-00")
    # Sixteen, and those that were under way meanwhile.
    assert 16 <= alike.calls == driven.report.calls == driven.report.error < 16 + 4
    assert not driven.report.complete


def test_of_many_items_a_tenth_is_called(drive: Drive) -> None:
    report = drive(refuse, items=400).report
    assert 40 <= report.calls < 40 + 4


def test_keep_going_makes_every_call(drive: Drive) -> None:
    report = drive(refuse, items=64, limits=Limits(concurrency=4, keep_going=True)).report
    assert (report.error, report.failed_alike) == (64, None)


@pytest.mark.parametrize("number", [3, 16])
def test_few_items_are_all_called(drive: Drive, number: int) -> None:
    assert drive(refuse, items=number).report.complete


def test_one_answer_among_the_first_calls_is_enough_to_go_on(drive: Drive) -> None:
    def task(item: DatasetItem, trial: int) -> str:
        return "answer" if item.id == "item-0015" else refuse(item, trial)

    report = drive(task, items=64).report
    assert (report.ok, report.error, report.complete) == (1, 63, True)


def test_refusals_that_come_back_before_the_answers_end_nothing(drive: Drive) -> None:
    def task(item: DatasetItem, trial: int) -> str:
        if item.id != "item-0000":
            return refuse(item, trial)
        time.sleep(0.5)
        return "answer"

    report = drive(task, items=64).report
    assert (report.ok, report.error, report.complete) == (1, 63, True)


def test_different_errors_end_nothing(drive: Drive) -> None:
    def task(item: DatasetItem, trial: int) -> str:
        if item.id == "item-0003":
            raise CandidateError("503: overloaded")
        return refuse(item, trial)

    assert drive(task, items=64).report.complete


def test_the_time_limit_is_an_error_as_well(drive: Drive) -> None:
    def task(item: DatasetItem, trial: int) -> None:
        time.sleep(60)

    limits = Limits(concurrency=16, timeout_seconds=0.1)
    alike = drive(task, items=64, limits=limits).report.failed_alike
    assert alike is not None
    assert alike.error == "timed out after 0.1 s"


def test_items_that_failed_before_are_all_called(drive: Drive) -> None:
    assert drive(refuse, items=64, of_failures=True).report.complete
