"""What the store keeps, gives back and refuses."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoregate.errors import StoreError, StoreWriteError
from scoregate.records import Attempt, DatasetItem, Run, RunHeader, RunItem, Score, Tokens
from scoregate.store import Store
from scoregate.store.rows import Unstorable


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.sqlite3") as opened:
        yield opened


def header(run: str = "run-1", **changes: object) -> RunHeader:
    values: dict[str, object] = {"dataset": "demo", "candidate": "v1", "expected_items": 2, "trials": 1}
    return RunHeader(run=run, **(values | changes))  # type: ignore[arg-type]


def cell(item: str, trial: int = 0, **changes: object) -> tuple[RunItem, list[Score]]:
    run_item = RunItem(item=item, trial=trial, **({"status": "ok"} | changes))  # type: ignore[arg-type]
    return run_item, [Score(item, trial, "exact", True)]


FULL_ITEM = RunItem(
    item="ünï-1",
    trial=2,
    status="error",
    error="gave up\nafter two",
    output={"text": "ä\ud800", "parts": [1, 2.5, None, True]},
    latency_seconds=0.1 + 0.2,
    cost_usd=0.001,
    tokens=Tokens(10, 20),
    trace_id="abc",
    cluster="c-1",
    slices={"intent": "refund"},
    attempts=(Attempt(1, "error", "429", 0.5), Attempt(2, "error", "gave up", 0.25)),
    content="0123456789abcdef",
    started_at=1_790_000_000.123456,
)


def test_a_run_comes_back_as_it_was_recorded(store: Store) -> None:
    scores = [
        Score(FULL_ITEM.item, 2, "boolean", True),
        Score(FULL_ITEM.item, 2, "category", "pass", comment="fine"),
        Score(FULL_ITEM.item, 2, "failed", None, status="error", comment="raised", source="judge"),
        Score(FULL_ITEM.item, 2, "float", 1.0),
        Score(FULL_ITEM.item, 2, "integer", 1),
        Score(FULL_ITEM.item, 2, "not_there", None, status="not_applicable"),
    ]
    about = header(
        dataset_fingerprint="f" * 64,
        dataset_version="2026-11-01T00:00:00Z",
        commit="c0ffee",
        scorers={"boolean": "1"},
        started_at="2026-11-01T00:00:00Z",
        metadata={"gate": "demo", "dirty": False},
    )
    store.create_run(about)
    store.record("run-1", [(FULL_ITEM, scores)])

    assert store.load_run("run-1") == Run(about, (FULL_ITEM,), tuple(scores))
    assert [type(score.value) for score in store.load_run("run-1").scores[:1]] == [bool]
    assert store.header("run-1") == about


def test_outputs_can_be_left_out(store: Store) -> None:
    store.create_run(header())
    store.record("run-1", [cell("a", output="long text")])
    assert store.load_run("run-1", outputs=False).items[0].output is None


def test_recording_says_what_was_new_and_keeps_what_was_there(store: Store) -> None:
    store.create_run(header())
    assert store.record("run-1", [cell("a", output="first")]) == (True,)
    later = (RunItem("a", 0, "ok", output="second"), [Score("a", 0, "other", False)])
    assert store.record("run-1", [cell("b"), later, cell("b", output="twice")]) == (True, False, False)

    run = store.load_run("run-1")
    assert [(item.item, item.output) for item in run.items] == [("a", "first"), ("b", None)]
    assert [(score.item, score.score) for score in run.scores] == [("a", "exact"), ("b", "exact")]


def test_a_large_batch_is_recorded_whole(store: Store) -> None:
    store.create_run(header())
    batch = [cell(f"item-{number:04}") for number in range(1_337)]
    assert store.record("run-1", batch) == (True,) * 1_337
    assert store.done_cells("run-1") == {(f"item-{number:04}", 0) for number in range(1_337)}
    assert store.totals("run-1").scores_ok == 1_337


def test_the_same_item_in_two_runs_is_two_rows(store: Store) -> None:
    for run in ("run-1", "run-2"):
        store.create_run(header(run))
        assert store.record(run, [cell("a")]) == (True,)


def test_a_record_that_cannot_be_kept_is_refused_before_anything_is_written(store: Store) -> None:
    store.create_run(header())
    with pytest.raises(Unstorable, match="b: a value cannot be stored"):
        store.record("run-1", [cell("a"), cell("b", output=float("nan"))])
    with pytest.raises(Unstorable, match="b: a token count beyond 64 bits"):
        store.record("run-1", [cell("a"), cell("b", tokens=Tokens(1 << 63, 0))])
    assert store.done_cells("run-1") == set()


def test_half_of_a_surrogate_pair_in_a_message_is_spelled_out(store: Store) -> None:
    store.create_run(header())
    store.record("run-1", [(RunItem("a", 0, "error", error="bad \udcff byte"), ())])
    assert store.load_run("run-1").items[0].error == "bad \\udcff byte"


def test_totals_count_items_scores_calls_and_cost(store: Store) -> None:
    store.create_run(header())
    broken = Score("b", 0, "exact", None, status="error")
    store.record(
        "run-1",
        [
            cell("a", cost_usd=0.25, latency_seconds=1.5),
            (
                RunItem(
                    "b",
                    0,
                    "timeout",
                    attempts=(Attempt(1, "error", "x", 1.0), Attempt(2, "timeout", "y", 1.0)),
                ),
                [broken],
            ),
            cell("c", cost_usd=0.5, latency_seconds=0.5),
            (RunItem("d", 0, "error"), ()),
        ],
    )
    totals = store.totals("run-1")
    assert (totals.ok, totals.error, totals.timeout, totals.items) == (2, 1, 1, 4)
    assert (totals.scores_ok, totals.scores_error) == (2, 1)
    assert (totals.calls, totals.cost_usd, totals.latency_seconds) == (5, 0.75, 2.0)


def test_totals_of_a_run_that_never_says_its_cost_have_none(store: Store) -> None:
    store.create_run(header())
    store.record("run-1", [cell("a")])
    assert store.totals("run-1").cost_usd is None


def test_a_run_id_can_be_used_once(store: Store) -> None:
    store.create_run(header())
    with pytest.raises(StoreError, match="already a run 'run-1'"):
        store.create_run(header())


def test_an_unknown_run_is_an_error(store: Store) -> None:
    with pytest.raises(StoreError, match="there is no run 'nope'"):
        store.load_run("nope")


def test_the_end_of_a_run_is_noted(store: Store) -> None:
    store.create_run(header())
    store.finish_run("run-1", "2026-11-01T00:00:00Z")
    assert store.header("run-1").finished_at == "2026-11-01T00:00:00Z"


def test_dataset_items_are_kept_once_for_all_runs_of_a_fingerprint(store: Store) -> None:
    items = [DatasetItem("a", {"q": "?"}, "yes", {"intent": "refund"}), DatasetItem("b", "text")]
    store.create_run(header("run-1", dataset_fingerprint="f1"), items[:1])
    store.create_run(header("run-2", dataset_fingerprint="f1"), items)
    assert store.dataset_items("f1") == {"a": items[0], "b": items[1]}
    assert store.dataset_items("other") == {}


def test_runs_are_listed_newest_first(store: Store) -> None:
    times = {"old": "2026-01-02T00:00:00+02:00", "new": "2026-01-02T00:00:00Z", "none": None}
    for run, started in times.items():
        gate = "g2" if run == "new" else "g1"
        store.create_run(header(run, started_at=started, metadata={"gate": gate, "selection": "limit 1"}))
    store.record("new", [cell("a", cost_usd=0.5), (RunItem("b", 0, "error"), ())])

    assert [run.run for run in store.list_runs()] == ["new", "old", "none"]
    assert [run.run for run in store.list_runs(limit=1)] == ["new"]
    assert [run.run for run in store.list_runs(gate="g1")] == ["old", "none"]
    first = store.list_runs()[0]
    assert (first.gate, first.expected, first.done, first.failed) == ("g2", 2, 2, 1)
    assert (first.cost_usd, first.selection) == (0.5, "limit 1")


def test_a_run_is_found_by_the_start_of_its_id(store: Store) -> None:
    for run in ("20260101-aa", "20260101-ab", "20260101-a"):
        store.create_run(header(run))
    assert store.find_run("20260101-ab") == "20260101-ab"
    assert store.find_run("20260101-a") == "20260101-a"
    with pytest.raises(StoreError, match=r"begins the ids of 3 runs: .*20260101-ab"):
        store.find_run("2026")
    with pytest.raises(StoreError, match=r"there is no run '%' \(the latest are"):
        store.find_run("%")


def test_up_to_five_runs_are_named_where_one_is_sought(store: Store) -> None:
    for number in range(5):
        store.create_run(header(f"nightly-{number}"))
    with pytest.raises(StoreError) as five:
        store.find_run("nightly")
    assert "…" not in str(five.value)
    assert all(f"nightly-{number}" in str(five.value) for number in range(5))
    store.create_run(header("nightly-5"))
    with pytest.raises(StoreError, match=r"begins the ids of 6 runs: (nightly-\d, ){5}…"):
        store.find_run("nightly")


def test_an_imported_run_is_the_same_run(store: Store) -> None:
    run = Run(header(), (FULL_ITEM,), (Score(FULL_ITEM.item, 2, "exact", 0.5),))
    store.import_run(run)
    assert store.load_run("run-1") == run
    with pytest.raises(StoreError, match="already a run"):
        store.import_run(run)
    smaller = Run(header(candidate="v2"))
    store.import_run(smaller, replace=True)
    assert store.load_run("run-1") == smaller


def test_an_import_with_a_doubled_row_leaves_nothing(store: Store) -> None:
    item = cell("a")[0]
    with pytest.raises(StoreError, match="item 'a' is there twice in trial 0"):
        store.import_run(Run(header(), (item, item)))
    score = Score("a", 0, "exact", True)
    with pytest.raises(StoreError, match="a row is there twice"):
        store.import_run(Run(header(), (item,), (score, score)))
    assert store.list_runs() == []


def test_deleting_a_run_deletes_its_rows_and_items_that_nothing_else_uses(store: Store) -> None:
    for run, fingerprint in (("run-1", "f1"), ("run-2", "f2")):
        store.create_run(header(run, dataset_fingerprint=fingerprint), [DatasetItem("a", "x" * 100_000)])
        store.record(run, [cell("a", attempts=(Attempt(1, "error", "x", 1.0), Attempt(2, "ok", None, 1.0)))])
    deleted = store.delete_runs(["run-1"])
    assert (deleted.runs, deleted.items, deleted.scores) == (1, 1, 1)
    assert deleted.freed_bytes > 50_000
    assert store.dataset_items("f1") == {}
    assert store.dataset_items("f2") != {}
    with sqlite3.connect(store.path) as other:
        left = [
            other.execute(f"SELECT count(*) FROM {t}").fetchone()[0]
            for t in ("run_items", "attempts", "scores")
        ]
    assert left == [1, 2, 1]


def test_deleting_an_unknown_run_deletes_none(store: Store) -> None:
    store.create_run(header())
    with pytest.raises(StoreError, match="no run 'run-2'"):
        store.delete_runs(["run-1", "run-2"])
    assert len(store.list_runs()) == 1


def test_pruning_keeps_the_newest_and_the_protected(store: Store) -> None:
    for day in range(1, 7):
        store.create_run(header(f"day-{day}", started_at=f"2026-01-0{day}T00:00:00Z"))
    store.prune(keep=4, protect=["day-1"])
    assert [run.run for run in store.list_runs()] == ["day-6", "day-5", "day-4", "day-3", "day-1"]
    store.prune(keep=1, before="2026-01-04T00:00:00Z")
    assert [run.run for run in store.list_runs()] == ["day-6", "day-5", "day-4"]
    store.prune(before="2026-01-06T00:00:00Z")
    assert [run.run for run in store.list_runs()] == ["day-6"]
    with pytest.raises(StoreError, match="nothing says which runs are old"):
        store.prune()
    with pytest.raises(StoreError, match="'yesterday' is no ISO time"):
        store.prune(before="yesterday")


def test_several_threads_may_record_at_once(store: Store) -> None:
    store.create_run(header())

    def record(offset: int) -> None:
        for number in range(offset, 200, 2):
            store.record("run-1", [cell(f"item-{number}"), cell("shared", trial=number)])

    # The two halves overlap in "shared" of no trial, and each waits for the other's transactions.
    threads = [threading.Thread(target=record, args=(offset,)) for offset in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.done_cells("run-1")) == 400


def test_a_full_disk_is_one_line_and_keeps_what_was_committed(store: Store) -> None:
    store.create_run(header())
    store.record("run-1", [cell("a")])
    with store._database.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreWriteError, match="the disk is full; what was committed is kept") as caught:
        store.record("run-1", [cell("b"), cell("c", output="x" * 100_000)])
    assert "\n" not in str(caught.value)
    assert store.done_cells("run-1") == {("a", 0)}
