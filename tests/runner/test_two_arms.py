"""A session of two arms: interleaved calls, one budget, two runs that are whole."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scoregate.gate_file import Limits
from scoregate.records import DatasetItem, RunHeader
from scoregate.runner.candidates.candidate import Answer, Candidate
from scoregate.runner.candidates.failures import TransientError
from scoregate.runner.plan import Arm, RunPlan, RunReport
from scoregate.runner.session import run
from scoregate.scorers.scorer import Scorer
from scoregate.store import Store

ARMS = ("baseline", "candidate")
ONE_AT_A_TIME = Limits(concurrency=1)

Call = tuple[str, str, int]
"""Arm, item, trial."""


def exact(*, output: Any, expected_output: Any, **_: Any) -> bool:
    return bool(output == expected_output)


class Session:
    """Runs two candidates, by default ones that say the item's id, and notes the order of their calls."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.calls: list[Call] = []
        for name in ARMS:
            store.create_run(RunHeader(run=name, dataset="demo", candidate=name, expected_items=1))

    def candidate(self, name: str, answer: Callable[[DatasetItem], Any] = lambda item: item.id) -> Candidate:
        """An async baseline, a sync candidate."""

        def call(item: DatasetItem, trial: int) -> Any:
            self.calls.append((name, item.id, trial))
            return answer(item)

        async def async_call(item: DatasetItem, trial: int) -> Any:
            return call(item, trial)

        is_async = name == "baseline"
        return Candidate(name, None, None, "python", async_call if is_async else call, is_async=is_async)

    def __call__(
        self,
        items: int,
        *,
        candidates: Sequence[Candidate] | None = None,
        arms: Sequence[str] = ARMS,
        **plan: Any,
    ) -> RunReport:
        candidates = candidates or [self.candidate(name) for name in arms]
        return run(
            RunPlan(
                arms=[
                    Arm(run=name, candidate=candidate, done=self.store.done_cells(name))
                    for name, candidate in zip(arms, candidates, strict=True)
                ],
                items=[
                    DatasetItem(f"item-{number:03}", number, f"item-{number:03}") for number in range(items)
                ],
                store=self.store,
                scorers=[Scorer("exact", "1", exact, scores=("exact",))],
                expected_scores=["exact"],
                **plan,
            )
        )

    def stored(self, name: str) -> Counter[tuple[str, int]]:
        return Counter((item.item, item.trial) for item in self.store.load_run(name).items)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with Store.open(tmp_path / "store.sqlite3") as store:
        yield Session(store)


def whole(items: int, trials: int) -> dict[tuple[str, int], int]:
    return {(f"item-{number:03}", trial): 1 for number in range(items) for trial in range(trials)}


def test_both_arms_of_an_item_are_called_directly_one_after_the_other(session: Session) -> None:
    session(40, limits=ONE_AT_A_TIME, trials=range(2))
    pairs = list(zip(session.calls[::2], session.calls[1::2], strict=True))
    assert all(first[1:] == second[1:] and first[0] != second[0] for first, second in pairs)
    assert [first[2] for first, _ in pairs] == [0] * 40 + [1] * 40


def test_at_no_moment_is_one_arm_ahead_by_more_than_a_call(session: Session) -> None:
    session(40, limits=ONE_AT_A_TIME)
    ahead = 0
    for arm, _, _ in session.calls:
        ahead += 1 if arm == "baseline" else -1
        assert abs(ahead) <= 1


def test_each_arm_goes_first_about_half_the_time_and_the_items_come_in_random_order(session: Session) -> None:
    session(300, limits=ONE_AT_A_TIME)
    first = Counter(arm for arm, _, _ in session.calls[::2])
    assert 115 <= first["baseline"] <= 185  # four standard deviations
    order = [item for _, item, _ in session.calls[::2]]
    assert order != sorted(order)


@pytest.mark.parametrize(("seeds", "same"), [((7, 7), True), ((7, 8), False)])
def test_the_order_follows_from_the_seed(tmp_path: Path, seeds: tuple[int, int], same: bool) -> None:
    orders = []
    for number, seed in enumerate(seeds):
        with Store.open(tmp_path / f"{number}.sqlite3") as store:
            session = Session(store)
            session(20, limits=ONE_AT_A_TIME, seed=seed)
            orders.append(session.calls)
    assert (orders[0] == orders[1]) is same


def test_a_later_round_calls_its_trials_in_the_order_that_one_long_session_would(
    session: Session, tmp_path: Path
) -> None:
    session(20, limits=ONE_AT_A_TIME)
    session(20, limits=ONE_AT_A_TIME, trials=range(1, 3))
    with Store.open(tmp_path / "long.sqlite3") as store:
        long = Session(store)
        long(20, limits=ONE_AT_A_TIME, trials=range(3))
    assert session.calls == long.calls


def test_one_arm_keeps_the_order_of_the_items(session: Session) -> None:
    session(5, arms=["candidate"], limits=ONE_AT_A_TIME, seed=3)
    assert [item for _, item, _ in session.calls] == [f"item-{number:03}" for number in range(5)]


def test_what_comes_of_an_arm_goes_to_its_own_run(session: Session) -> None:
    baseline = session.candidate("baseline", lambda item: "wrong")
    report = session(30, candidates=[baseline, session.candidate("candidate")], trials=range(2))
    assert (report.expected, report.done, report.calls, report.scores_ok) == (120, 120, 120, 120)
    assert report.complete
    for name, right in (("baseline", False), ("candidate", True)):
        stored = session.store.load_run(name)
        assert session.stored(name) == whole(30, 2)
        assert {(score.score, score.value) for score in stored.scores} == {("exact", right)}
        assert len(stored.scores) == 60


def test_a_session_that_was_cut_off_goes_on_where_it_was_in_both_runs(session: Session) -> None:
    reports = [
        session(30, limits=Limits(concurrency=4, max_calls=calls), trials=range(2)) for calls in (25, 61)
    ]
    assert [(report.done, report.stopped) for report in reports] == [(25, "max_calls"), (61, "max_calls")]
    assert reports[1].resumed == 25
    last = session(30, limits=Limits(concurrency=4), trials=range(2))
    assert (last.resumed, last.calls, last.done, last.complete) == (61, 59, 120, True)
    assert session.stored("baseline") == session.stored("candidate") == whole(30, 2)
    assert set(Counter(session.calls).values()) == {1}


def test_resuming_keeps_the_order(session: Session, tmp_path: Path) -> None:
    session(20, limits=Limits(concurrency=1, max_calls=13))
    session(20, limits=ONE_AT_A_TIME)
    with Store.open(tmp_path / "whole.sqlite3") as store:
        uninterrupted = Session(store)
        uninterrupted(20, limits=ONE_AT_A_TIME)
    assert session.calls == uninterrupted.calls


def test_an_interruption_keeps_what_both_arms_have_finished(session: Session) -> None:
    async def forever(item: DatasetItem, trial: int) -> str:
        if int(item.id[-3:]) % 2:
            await asyncio.sleep(60)
        return item.id

    from scoregate.runner.engine import Engine

    items = [DatasetItem(f"item-{number:03}", number, f"item-{number:03}") for number in range(20)]
    slow = [Candidate(name, None, None, "python", forever, is_async=True) for name in ARMS]

    async def interrupted() -> RunReport:
        committed = asyncio.Event()
        engine = Engine(
            RunPlan(
                arms=[Arm(run=name, candidate=c) for name, c in zip(ARMS, slow, strict=True)],
                items=items,
                store=session.store,
                limits=Limits(concurrency=30),
                progress=lambda report: committed.set() if report.done >= 10 else None,
            )
        )
        running = asyncio.create_task(engine.run())
        await committed.wait()
        engine.interrupt()
        return await running

    report = asyncio.run(interrupted())
    assert report.interrupted
    assert report.done == sum(len(session.stored(name)) for name in ARMS)
    assert session(20).complete
    assert session.stored("baseline") == session.stored("candidate") == whole(20, 1)


def costing(item: DatasetItem) -> Answer:
    return Answer(item.id, cost_usd=0.25)


def test_a_cap_on_cost_counts_both_arms(session: Session) -> None:
    candidates = [session.candidate(name, costing) for name in ARMS]
    report = session(30, candidates=candidates, limits=Limits(concurrency=1, max_cost_usd=2.0))
    assert (report.stopped, report.done, report.cost_usd) == ("max_cost_usd", 8, 2.0)
    assert [len(session.stored(name)) for name in ARMS] == [4, 4]


def test_caps_count_earlier_rounds_and_the_other_runs_that_are_named(session: Session) -> None:
    candidates = [session.candidate(name, costing) for name in ARMS]
    session(5, candidates=candidates)
    session.store.create_run(RunHeader(run="confirmation", dataset="demo", candidate="x", expected_items=5))
    session(5, arms=["confirmation"], candidates=candidates[1:])
    report = session(
        5,
        candidates=candidates,
        trials=range(1, 3),
        also_counted=["confirmation", "baseline"],
        limits=Limits(concurrency=1, max_calls=18),
    )
    assert (report.expected, report.done, report.calls, report.stopped) == (20, 3, 3, "max_calls")
    assert report.cost_usd == 0.75
    by_cost = Limits(concurrency=1, max_cost_usd=5.0)
    later = session(
        5, candidates=candidates, trials=range(1, 3), also_counted=["confirmation"], limits=by_cost
    )
    assert (later.resumed, later.calls, later.stopped) == (3, 2, "max_cost_usd")


@pytest.mark.parametrize("failing", ARMS)
def test_an_arm_that_always_fails_leaves_the_other_whole(session: Session, failing: str) -> None:
    def fail(item: DatasetItem) -> str:
        raise ValueError("broken build")

    candidates = [
        session.candidate(name, fail) if name == failing else session.candidate(name) for name in ARMS
    ]
    report = session(20, candidates=candidates, limits=Limits(concurrency=4, keep_going=True))
    assert (report.ok, report.error, report.complete) == (20, 20, True)
    for name in ARMS:
        stored = session.store.load_run(name)
        assert {item.status for item in stored.items} == ({"error"} if name == failing else {"ok"})
        assert {score.status for score in stored.scores} == ({"error"} if name == failing else {"ok"})
        assert session.stored(name) == whole(20, 1)


@pytest.mark.parametrize("failing", ARMS)
def test_an_arm_whose_first_calls_all_fail_alike_ends_the_session(session: Session, failing: str) -> None:
    def fail(item: DatasetItem) -> str:
        raise ValueError("broken build")

    candidates = [
        session.candidate(name, fail) if name == failing else session.candidate(name) for name in ARMS
    ]
    report = session(40, candidates=candidates, limits=Limits(concurrency=4))
    assert report.failed_alike is not None
    assert (report.failed_alike.run, report.failed_alike.error) == (failing, "ValueError: broken build")
    assert 16 <= report.error < 20
    assert report.ok < 24


def test_both_arms_are_retried_alike(session: Session) -> None:
    seen: Counter[Call] = Counter()

    def flaky(item: DatasetItem) -> str:
        call = session.calls[-1]
        seen[call] += 1
        if seen[call] == 1:
            raise TransientError("busy")
        return item.id

    candidates = [session.candidate(name, flaky) for name in ARMS]
    report = session(3, candidates=candidates, limits=Limits(concurrency=1, retries=1), seed=3820)
    assert (report.ok, report.calls, report.retries) == (6, 12, 6)


def test_an_extended_run_takes_two_more_trials_in_a_second_session(session: Session) -> None:
    session(10)
    for name in ARMS:
        session.store.finish_run(name, "2026-11-01T00:00:00Z")
        assert session.store.extend_run(name, 3)
        assert session.store.header(name).finished_at is None
    report = session(10, trials=range(1, 3))
    assert (report.expected, report.resumed, report.calls, report.complete) == (40, 0, 40, True)
    for name in ARMS:
        assert session.store.header(name).trials == 3
        assert session.stored(name) == whole(10, 3)


def test_both_candidates_are_prepared_before_the_calls_and_closed_after_them(session: Session) -> None:
    events: list[str] = []

    def with_events(name: str) -> Candidate:
        async def close() -> None:
            events.append(f"close {name}")

        return replace(
            session.candidate(name, lambda item: events.append("call")),
            prepare=lambda items: events.append(f"prepare {name}, {len(items)}"),
            close=close,
        )

    session(2, candidates=[with_events(name) for name in ARMS])
    assert events[:2] == ["prepare baseline, 2", "prepare candidate, 2"]
    assert events[2:6] == ["call"] * 4
    assert sorted(events[6:]) == ["close baseline", "close candidate"]


def test_a_candidate_that_stands_in_both_arms_is_prepared_once(session: Session) -> None:
    prepared = []
    same = replace(session.candidate("candidate"), prepare=lambda items: prepared.append(len(items)))
    assert session(4, candidates=[same, same]).ok == 8
    assert prepared == [4]


def test_an_arm_that_cannot_be_prepared_ends_the_session_before_any_call(session: Session) -> None:
    closed = []

    async def close() -> None:
        closed.append("baseline")

    def refuse(items: Sequence[DatasetItem]) -> None:
        raise OSError("no such port")

    candidates = [
        replace(session.candidate("baseline"), close=close),
        replace(session.candidate("candidate"), prepare=refuse),
    ]
    with pytest.raises(OSError, match="no such port"):
        session(4, candidates=candidates)
    assert (session.calls, closed) == ([], ["baseline"])


@pytest.mark.parametrize("how", ["awaits", "swallows", "blocks the loop", "hangs in a thread"])
def test_a_call_that_times_out_is_measured_at_the_limit_to_the_digit(session: Session, how: str) -> None:
    async def slow(item: DatasetItem, trial: int) -> str:
        while True:
            try:
                await asyncio.sleep(60) if how != "blocks the loop" else time.sleep(60)
            except asyncio.CancelledError:
                if how == "awaits":
                    raise

    def hangs(item: DatasetItem, trial: int) -> None:
        time.sleep(3)

    is_async = how != "hangs in a thread"
    candidate = Candidate("v1", None, None, "python", slow if is_async else hangs, is_async=is_async)
    limits = Limits(concurrency=1, timeout_seconds=0.15)
    session(1, candidates=[candidate, candidate], limits=limits)
    for name in ARMS:
        (item,) = session.store.load_run(name).items
        assert (item.status, item.latency_seconds) == ("timeout", 0.15)


@pytest.mark.parametrize(
    ("arms", "trials", "complaint"),
    [
        ([], range(1), "one or two arms, not 0"),
        (["a", "b", "c"], range(1), "one or two arms, not 3"),
        (["a", "a"], range(1), "both arms are the run 'a'"),
        (["a", "b"], [1, 1], "a trial is there twice"),
    ],
)
def test_a_plan_that_would_mix_things_up_is_refused(
    session: Session, arms: list[str], trials: Sequence[int], complaint: str
) -> None:
    candidate = session.candidate("candidate")
    with pytest.raises(ValueError, match=complaint):
        RunPlan(
            arms=[Arm(run=name, candidate=candidate) for name in arms],
            items=[],
            store=session.store,
            trials=trials,
        )


def test_the_versions_take_turns_however_long_answers_wait_to_be_kept(session: Session) -> None:
    pauses = random.Random(0)

    def uneven(name: str) -> Candidate:
        async def call(item: DatasetItem, trial: int) -> Any:
            session.calls.append((name, item.id, trial))
            await asyncio.sleep(pauses.choice((0, 0, 0.001, 0.004)))
            return item.id

        return Candidate(name, None, None, "python", call, is_async=True)

    session(300, candidates=[uneven(name) for name in ARMS], limits=Limits(concurrency=8))

    begun: dict[str, list[int]] = {}
    for place, (_, item, _) in enumerate(session.calls):
        begun.setdefault(item, []).append(place)
    assert max(second - first for first, second in begun.values()) <= 2
