"""Scorers within a run: what they are given, how they run, and that every expected cell has an outcome."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from scoregate.catalog import Catalog, Contract
from scoregate.gate_file import Limits
from scoregate.records import DatasetItem
from scoregate.runner.candidates.candidate import Answer
from scoregate.scorers.scorer import Scorer

Drive = Any


async def echo(item: DatasetItem, trial: int) -> Any:
    if item.metadata.get("fails"):
        raise ValueError("no stock")
    return item.id


def exact(*, output: Any, expected_output: Any, **_: Any) -> bool:
    return bool(output == expected_output)


async def judged(*, output: Any, **_: Any) -> float:
    await asyncio.sleep(0.001)
    return 0.5


def test_a_scorer_without_end_before_another_is_an_error_of_its_cell_alone(drive: Drive) -> None:
    def endless(*, input: dict[str, str], **_: Any) -> bool:
        while input["q"] == "a":
            time.sleep(0.01)
        return True

    limits = Limits(concurrency=2, timeout_seconds=0.5)
    driven = drive(echo, items=2, evaluators=[endless, exact], limits=limits)
    assert {item: cell.status for item, cell in driven.scores("endless").items()} == {"a": "error", "b": "ok"}
    assert driven.scores("endless")["a"].comment == "timed out after 0.5 s"
    assert {cell.status for cell in driven.scores("exact").values()} == {"ok"}


def test_sync_and_async_scorers_score_the_same_items(drive: Drive) -> None:
    driven = drive(echo, items=50, evaluators=[exact, judged], expected_scores=["exact", "judged"])
    assert {score.value for score in driven.scores("exact").values()} == {True}
    assert {score.value for score in driven.scores("judged").values()} == {0.5}
    assert (driven.report.scores_ok, driven.report.scores_error) == (100, 0)


def test_slow_scorers_run_side_by_side_and_do_not_hold_up_the_candidate(drive: Drive) -> None:
    all_here = threading.Barrier(10)

    def slow(**_: Any) -> bool:
        all_here.wait(30)
        return True

    report = drive(echo, items=10, evaluators=[slow], limits=Limits(concurrency=10)).report
    assert (report.calls, report.scores_ok) == (10, 10)


def test_quick_scorers_share_a_thread_and_its_jobs(drive: Drive) -> None:
    threads = set()

    def quick(*, output: Any, expected_output: Any, **_: Any) -> bool:
        threads.add(threading.get_ident())
        return True

    drive(echo, items=2000, evaluators=[quick], limits=Limits(concurrency=50))
    assert len(threads) < 10


def test_the_backlog_of_slow_scorers_is_bounded(drive: Drive) -> None:
    called = scored = most = 0

    async def task(item: DatasetItem, trial: int) -> str:
        nonlocal called, most
        called += 1
        most = max(most, called - scored)
        return item.id

    def slow(**_: Any) -> bool:
        nonlocal scored
        time.sleep(0.03)
        scored += 1
        return True

    drive(task, items=60, evaluators=[slow], limits=Limits(concurrency=4))
    assert most <= 20


def test_a_failed_item_is_not_scored_and_its_expected_cells_say_why(drive: Drive) -> None:
    scored = []

    def seen(*, input: Any, **_: Any) -> bool:
        scored.append(input)
        return True

    items = [DatasetItem("a", "qa"), DatasetItem("b", "qb", None, {"fails": True})]
    driven = drive(
        echo, items=items, evaluators=[seen], expected_scores=["seen", "latency_seconds", "cost_usd"]
    )
    assert scored == ["qa"]
    cell = driven.scores("seen")["b"]
    assert (cell.status, cell.value, cell.comment) == (
        "error",
        None,
        "the candidate failed: ValueError: no stock",
    )
    assert driven.scores("latency_seconds")["b"].value == driven.items()["b", 0].latency_seconds
    assert driven.scores("cost_usd")["b"].status == "error"


def test_measured_scores_that_are_expected_are_taken_from_the_run_item(drive: Drive) -> None:
    async def task(item: DatasetItem, trial: int) -> Answer:
        return Answer(item.id, cost_usd=0.5 if item.id == "a" else 2.0)

    catalog = Catalog({"cost_usd": Contract("cost_usd", "numeric", max=1.0)})
    expected = ["latency_seconds", "cost_usd", "tokens_total"]
    driven = drive(task, items=2, expected_scores=expected, catalog=catalog)
    assert driven.scores("cost_usd")["a"].value == 0.5
    assert "above its maximum" in driven.scores("cost_usd")["b"].comment
    assert driven.scores("latency_seconds")["a"].value > 0
    missing = driven.scores("tokens_total")["a"]
    assert (missing.status, missing.comment) == ("error", "the candidate does not say it")


def test_an_expected_score_that_no_scorer_makes_is_an_error_cell(drive: Drive) -> None:
    cell = drive(echo, evaluators=[exact], expected_scores=["exact", "tone"]).scores("tone")["a"]
    assert (cell.status, cell.comment) == ("error", "no scorer gave this score for this item")


def test_a_score_that_two_scorers_make_is_ambiguous(drive: Drive) -> None:
    one, two = (Scorer("tone", "1", lambda n=n, **_: n, scores=("tone",)) for n in (0, 1))
    cell = drive(echo, items=1, scorers=[one, two], expected_scores=["tone"]).scores("tone")["a"]
    assert (cell.status, cell.value) == ("error", None)
    assert "ambiguous: two scorers" in cell.comment


def test_a_scorer_that_raises_is_an_error_cell_and_no_more(drive: Drive) -> None:
    def raising(*, output: Any, **_: Any) -> bool:
        if output == "b":
            raise KeyError("who")
        if output == "c":
            raise KeyboardInterrupt
        return True

    driven = drive(echo, evaluators=[raising, exact], expected_scores=["raising", "exact"])
    assert [driven.scores("raising")[name].status for name in "abc"] == ["ok", "error", "error"]
    assert "KeyError" in driven.scores("raising")["b"].comment
    assert [driven.scores("exact")[name].status for name in "abc"] == ["ok", "ok", "ok"]
    assert driven.report.scores_error == 2


def test_an_async_scorer_that_hangs_or_raises_is_an_error_cell(drive: Drive) -> None:
    async def judge(*, output: Any, **_: Any) -> bool:
        if output == "a":
            await asyncio.sleep(60)
        if output == "b":
            raise SystemExit(1)
        return True

    driven = drive(echo, evaluators=[judge, exact], limits=Limits(timeout_seconds=0.5))
    scores = driven.scores("judge")
    assert [scores[name].status for name in "abc"] == ["error", "error", "ok"]
    assert scores["a"].comment == "timed out after 0.5 s"
    assert [score.value for score in driven.scores("exact").values()] == [True] * 3


def test_after_a_scorer_hangs_the_others_still_score_that_item_and_the_rest(drive: Drive) -> None:
    def hangs_once(*, output: Any, **_: Any) -> bool:
        if output == "item-0300":
            time.sleep(60)
        return True

    # By then the scorer has proved quick, so that it hangs in the middle of a job of many.
    driven = drive(echo, items=600, evaluators=[exact, hangs_once], limits=Limits(timeout_seconds=0.5))
    assert driven.report.complete
    failed = [score.item for score in driven.scores("hangs_once").values() if score.status != "ok"]
    assert failed == ["item-0300"]
    assert len([score for score in driven.scores("exact").values() if score.value is True]) == 600


def test_a_run_without_scorers_records_outputs(drive: Drive) -> None:
    driven = drive(echo)
    assert (driven.report.ok, driven.report.scores_ok, len(driven.run.scores)) == (3, 0, 0)
