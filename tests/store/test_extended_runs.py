"""A run that gets further trials, and counts of some of its trials."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scoregate.errors import StoreError
from scoregate.records import Attempt, RunHeader, RunItem, Score
from scoregate.store import Store, Totals

FINISHED = "2026-11-01T00:00:00Z"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """With a finished run of one item and two trials, the second of which was retried and failed."""
    with Store.open(tmp_path / "store.sqlite3") as opened:
        opened.create_run(RunHeader(run="run-1", dataset="demo", candidate="v1", expected_items=1, trials=2))
        attempts = (Attempt(1, "error", "503", 0.1), Attempt(2, "timeout", "late", 2.0))
        opened.record(
            "run-1",
            [
                (RunItem("a", 0, "ok", latency_seconds=1.0, cost_usd=0.25), [Score("a", 0, "exact", True)]),
                (
                    RunItem("a", 1, "timeout", "late", latency_seconds=2.0, attempts=attempts),
                    [Score("a", 1, "exact", None, "error", "late")],
                ),
            ],
        )
        opened.finish_run("run-1", FINISHED)
        yield opened


def test_an_extended_run_expects_more_trials_and_is_unfinished(store: Store) -> None:
    assert store.extend_run("run-1", 3)
    header = store.header("run-1")
    assert (header.trials, header.finished_at) == (3, None)
    assert [(summary.expected, summary.done) for summary in store.list_runs()] == [(3, 2)]


def test_what_was_recorded_stays_and_what_follows_joins_it(store: Store) -> None:
    store.extend_run("run-1", 3)
    store.record("run-1", [(RunItem("a", 2, "ok"), [Score("a", 2, "exact", False)])])
    run = store.load_run("run-1")
    assert [(item.trial, item.status) for item in run.items] == [(0, "ok"), (1, "timeout"), (2, "ok")]
    assert [score.value for score in run.scores] == [True, None, False]


@pytest.mark.parametrize("trials", [0, 1, 2])
def test_no_trial_is_taken_away_and_a_run_that_has_enough_stays_finished(store: Store, trials: int) -> None:
    assert not store.extend_run("run-1", trials)
    header = store.header("run-1")
    assert (header.trials, header.finished_at) == (2, FINISHED)


def test_an_extension_is_there_when_the_store_is_opened_again(store: Store) -> None:
    store.extend_run("run-1", 5)
    with Store.open(store.path) as again:
        assert again.header("run-1").trials == 5


def test_an_unknown_run_cannot_be_extended(store: Store) -> None:
    with pytest.raises(StoreError, match="no run 'run-2'"):
        store.extend_run("run-2", 3)


def test_totals_can_be_those_of_some_trials(store: Store) -> None:
    first = Totals(ok=1, scores_ok=1, calls=1, cost_usd=0.25, latency_seconds=1.0)
    second = Totals(timeout=1, scores_error=1, calls=2, latency_seconds=2.0)
    assert store.totals("run-1", [0]) == first
    assert store.totals("run-1", range(1, 3)) == second
    assert store.totals("run-1", [7]) == Totals()
    assert store.totals("run-1") == first + second


def test_totals_of_several_runs_are_added_and_a_cost_is_unknown_only_if_no_run_knows_it() -> None:
    assert (Totals(ok=1) + Totals(ok=2, cost_usd=0.5)).cost_usd == 0.5
    assert sum([Totals(cost_usd=0.5), Totals(cost_usd=0.25)], Totals()).cost_usd == 0.75
    assert (Totals(ok=1) + Totals(error=2)).cost_usd is None
