"""The outbox: what was handed over is remembered, what was not is due, across restarts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scoregate.records import RunHeader, RunItem, Score
from scoregate.store import Store
from scoregate.store.outbox import ROOT, WHOLE_RUN, Delivered, DeliveryCounts, RunScore

HERE = "https://langfuse.example project-1"
THERE = "https://langfuse.example project-2"
RUN = "run-1"


def fill(store: Store, number: int = 3) -> None:
    """A run of so many items: each with one score that has a value and one that has none."""
    store.create_run(RunHeader(run=RUN, dataset="d", candidate="v1", expected_items=number))
    cells = [
        (
            RunItem(f"q{n}", 0, "ok", output=n, started_at=1000.0 + n),
            [Score(f"q{n}", 0, "correct", n % 2 == 0), Score(f"q{n}", 0, "tone", None, "error", "no answer")],
        )
        for n in range(number)
    ]
    store.record(RUN, cells)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.sqlite3") as store:
        fill(store)
        yield store


def items_due(store: Store, target: str = HERE) -> list[str]:
    return [item.item for item in store.outbox.pending_items(RUN, target, 100)]


def scores_due(store: Store, target: str = HERE) -> list[tuple[str, str]]:
    return [(score.item, score.score) for score in store.outbox.pending_scores(RUN, target, 100)]


def test_every_run_item_and_every_cell_with_a_value_is_due(store: Store) -> None:
    assert items_due(store) == ["q0", "q1", "q2"]
    assert scores_due(store) == [("q0", "correct"), ("q1", "correct"), ("q2", "correct")]
    assert store.outbox.tally(RUN, HERE) == DeliveryCounts(items=3, scores=3)


def test_what_was_accepted_is_not_due_any_more_and_not_yet_seen(store: Store) -> None:
    store.outbox.mark(
        RUN, HERE, [Delivered("q0", 0, ROOT, "accepted"), Delivered("q0", 0, "correct", "accepted")]
    )
    assert items_due(store) == ["q1", "q2"]
    assert scores_due(store) == [("q1", "correct"), ("q2", "correct")]
    assert store.outbox.unseen(RUN, HERE) == {("q0", 0, ROOT), ("q0", 0, "correct")}
    tally = store.outbox.tally(RUN, HERE)
    assert (tally.items_accepted, tally.items_seen, tally.scores_accepted, tally.scores_seen) == (1, 0, 1, 0)


def test_a_score_is_not_looked_for_before_its_run_item_is_there(store: Store) -> None:
    store.outbox.mark(RUN, HERE, [Delivered("q1", 0, "correct", "accepted")])
    assert store.outbox.unseen(RUN, HERE) == set()
    assert store.outbox.tally(RUN, HERE).scores_accepted == 1


def test_what_was_seen_counts_as_delivered(store: Store) -> None:
    store.outbox.mark(RUN, HERE, [Delivered("q0", 0, ROOT, "accepted")])
    store.outbox.mark(RUN, HERE, [Delivered("q0", 0, ROOT, "seen")])
    assert store.outbox.unseen(RUN, HERE) == set()
    assert store.outbox.tally(RUN, HERE).items_seen == 1


def test_what_was_rejected_is_kept_with_its_reason(store: Store) -> None:
    entry = Delivered("q0", 0, "correct", "rejected", "above its maximum")
    store.outbox.mark(RUN, HERE, [entry])
    assert store.outbox.rejected(RUN, HERE) == [entry]
    assert ("q0", "correct") not in scores_due(store)


def test_what_was_not_seen_can_be_made_due_again(store: Store) -> None:
    store.outbox.mark(
        RUN,
        HERE,
        [
            Delivered("q0", 0, ROOT, "seen"),
            Delivered("q1", 0, ROOT, "accepted"),
            Delivered("q0", 0, "correct", "rejected", "no"),
        ],
    )
    assert store.outbox.forget_unseen(RUN, HERE) == 2
    assert items_due(store) == ["q1", "q2"]
    assert ("q0", "correct") in scores_due(store)


def test_another_project_is_owed_everything(store: Store) -> None:
    store.outbox.mark(RUN, HERE, [Delivered("q0", 0, ROOT, "seen")])
    assert items_due(store, THERE) == ["q0", "q1", "q2"]


def test_the_cells_of_an_item_include_those_without_a_value(store: Store) -> None:
    items = store.outbox.pending_items(RUN, HERE, 1)
    cells = store.outbox.cells_of(RUN, items)
    assert [cell.score for cell in cells["q0", 0]] == ["correct", "tone"]


def test_spans_wait_until_their_project_accepts_them(store: Store) -> None:
    store.outbox.put_spans(RUN, HERE, b"\x00protobuf", 7)
    [parcel] = store.outbox.parcels(RUN, HERE, 10)
    assert (parcel.payload, parcel.size) == (b"\x00protobuf", 7)
    assert store.outbox.parcels(RUN, THERE, 10) == []
    assert store.outbox.tally(RUN, HERE).spans_waiting == 7
    store.outbox.accepted(parcel)
    assert store.outbox.parcels(RUN, HERE, 10) == []
    assert store.outbox.tally(RUN, HERE).spans_waiting == 0


def test_spans_that_were_refused_are_kept_counted_and_sent_again_only_on_request(store: Store) -> None:
    store.outbox.put_spans(RUN, HERE, b"too large", 1)
    store.outbox.refused(store.outbox.parcels(RUN, HERE, 1)[0], "413")
    assert store.outbox.parcels(RUN, HERE, 10) == []
    assert store.outbox.tally(RUN, HERE).spans_refused == 1
    store.outbox.forget_unseen(RUN, HERE)
    assert len(store.outbox.parcels(RUN, HERE, 10)) == 1


def test_scores_of_the_run_are_due_at_every_project(store: Store) -> None:
    store.outbox.keep_run_scores(RUN, [RunScore("id-1", 0, "{}")])
    store.outbox.mark(RUN, HERE, [Delivered(WHOLE_RUN, 0, "id-1", "seen")])
    assert store.outbox.pending_run_scores(RUN, HERE) == []
    assert [score.id for score in store.outbox.pending_run_scores(RUN, THERE)] == ["id-1"]
    tally = store.outbox.tally(RUN, HERE)
    assert (tally.run_scores, tally.run_scores_seen, tally.scores_seen, tally.items_seen) == (1, 1, 0, 0)


def test_a_later_verdict_replaces_an_earlier_one_and_is_due_again(store: Store) -> None:
    store.outbox.keep_run_scores(RUN, [RunScore("id-1", 0, "{}")])
    store.outbox.mark(RUN, HERE, [Delivered(WHOLE_RUN, 0, "id-1", "seen")])
    store.outbox.keep_run_scores(RUN, [RunScore("id-1", 0, '{"value": "pass"}')])
    assert [score.body for score in store.outbox.pending_run_scores(RUN, HERE)] == ['{"value": "pass"}']


def test_large_outputs_are_looked_at_a_few_at_a_time(tmp_path: Path) -> None:
    with Store.open(tmp_path / "large.sqlite3") as store:
        store.create_run(RunHeader(run=RUN, dataset="d", candidate="v1", expected_items=5))
        store.record(RUN, [(RunItem(f"q{n}", 0, "ok", output="x" * 3_000_000), []) for n in range(5)])
        assert len(store.outbox.pending_items(RUN, HERE, 100)) == 3


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.sqlite3") as store:
        fill(store)
        store.outbox.mark(RUN, HERE, [Delivered("q0", 0, ROOT, "accepted")])
        store.outbox.put_spans(RUN, HERE, b"x", 1)
    with Store.open(tmp_path / "store.sqlite3") as store:
        assert items_due(store) == ["q1", "q2"]
        assert len(store.outbox.parcels(RUN, HERE, 10)) == 1


def test_a_run_that_is_deleted_takes_its_outbox_with_it(store: Store) -> None:
    store.outbox.mark(RUN, HERE, [Delivered("q0", 0, ROOT, "accepted")])
    store.outbox.put_spans(RUN, HERE, b"x", 1)
    store.delete_runs([RUN])
    fill(store)
    assert items_due(store) == ["q0", "q1", "q2"]
    assert store.outbox.parcels(RUN, HERE, 10) == []
