"""Writing a run to a results file and reading it back."""

from __future__ import annotations

import gzip
import json
import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoregate.errors import ResultsError
from scoregate.records import (
    ITEM_STATUSES,
    SCORE_SOURCES,
    SCORE_STATUSES,
    Attempt,
    Run,
    RunHeader,
    RunItem,
    Score,
    ScoreValue,
    Tokens,
)
from scoregate.results_file import (
    iterate_lines,
    iterate_lock_lines,
    read_results,
    read_sealed,
    write_lock,
    write_results,
)

HEADER = RunHeader(run="run-1", dataset="support", candidate="v2", expected_items=2)

texts = st.text(max_size=6)
names = st.text(min_size=1, max_size=4)
amounts = st.none() | st.floats(min_value=0, allow_nan=False, allow_infinity=False)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
attempts = st.builds(
    Attempt,
    number=st.integers(1, 3),
    status=st.sampled_from(ITEM_STATUSES),
    error=st.none() | texts,
    latency_seconds=st.floats(0, 10),
)
cells = st.tuples(names, st.integers(0, 2))
run_items = st.builds(
    lambda cell, rest: replace(rest, item=cell[0], trial=cell[1]),
    cells,
    st.builds(
        RunItem,
        item=st.just(""),
        trial=st.just(0),
        status=st.sampled_from(ITEM_STATUSES),
        error=st.none() | texts,
        output=values,
        latency_seconds=amounts,
        cost_usd=amounts,
        tokens=st.none() | st.builds(Tokens, st.integers(0, 99), st.integers(0, 99)),
        trace_id=st.none() | texts,
        cluster=st.none() | texts,
        slices=st.dictionaries(texts, texts, max_size=2),
        attempts=st.lists(attempts, max_size=2).map(tuple),
        content=st.none() | texts,
        started_at=amounts,
    ),
)


@st.composite
def scores(draw: st.DrawFn) -> Score:
    item, trial = draw(cells)
    status = draw(st.sampled_from(SCORE_STATUSES))
    value: ScoreValue = draw(st.booleans() | numbers | texts) if status == "ok" else None
    comment = draw(st.none() | texts)
    return Score(item, trial, draw(names), value, status, comment, draw(st.sampled_from(SCORE_SOURCES)))


headers = st.builds(
    RunHeader,
    run=names,
    dataset=names,
    candidate=names,
    expected_items=st.integers(0, 9),
    trials=st.just(3),
    dataset_fingerprint=st.none() | texts,
    dataset_version=st.none() | texts,
    commit=st.none() | texts,
    scorers=st.dictionaries(texts, texts, max_size=2),
    started_at=st.none() | texts,
    finished_at=st.none() | texts,
    metadata=st.dictionaries(texts, values, max_size=2),
)
runs = st.builds(
    Run,
    header=headers,
    items=st.lists(run_items, max_size=4, unique_by=lambda item: (item.item, item.trial)).map(tuple),
    scores=st.lists(scores(), max_size=5, unique_by=lambda score: (score.item, score.trial, score.score)).map(
        tuple
    ),
)


def in_order(run: Run) -> Run:
    return Run(
        run.header,
        tuple(sorted(run.items, key=lambda item: (item.item, item.trial))),
        tuple(sorted(run.scores, key=lambda score: (score.item, score.trial, score.score))),
    )


def as_locked(run: Run) -> Run:
    """What a lock file keeps of a run; scores without an item stay whole."""
    known = {(item.item, item.trial) for item in run.items}
    return Run(
        run.header,
        tuple(
            replace(
                item,
                latency_seconds=None,
                cost_usd=None,
                tokens=None,
                trace_id=None,
                attempts=(),
                started_at=None,
            )
            for item in run.items
        ),
        tuple(
            replace(score, comment=None)
            if score.status == "ok" and (score.item, score.trial) in known
            else score
            for score in run.scores
        ),
    )


def from_lines(folder: Path, *lines: str) -> Run:
    path = folder / "run.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return read_results(path)


slow_disk = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@slow_disk
@given(runs, st.sampled_from(["run.jsonl", "run.jsonl.gz"]))
def test_a_run_is_the_same_after_writing_and_reading(run: Run, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_results(run, Path(folder, name))
        assert read_results(Path(folder, name)) == in_order(run)


@slow_disk
@given(runs)
def test_a_lock_gives_back_the_run_without_what_it_leaves_out(run: Run) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_lock(run, Path(folder, "gate.baseline.jsonl"))
        assert read_results(Path(folder, "gate.baseline.jsonl")) == in_order(as_locked(run))


@slow_disk
@given(runs, st.randoms(use_true_random=False))
def test_the_order_of_a_runs_records_does_not_change_a_byte(run: Run, chance: random.Random) -> None:
    items, scores = list(run.items), list(run.scores)
    chance.shuffle(items)
    chance.shuffle(scores)
    other = Run(run.header, tuple(items), tuple(scores))
    assert list(iterate_lines(other)) == list(iterate_lines(run))
    assert list(iterate_lock_lines(other)) == list(iterate_lock_lines(run))


def test_the_lines_have_the_keys_of_the_format_in_its_order() -> None:
    run = Run(
        replace(HEADER, scorers={"b": "2", "a": "1"}),
        (
            RunItem("b", 0, "error", error="boom", attempts=(Attempt(1, "error", "boom", 0.5),)),
            RunItem(
                "a",
                0,
                "ok",
                output="é",
                latency_seconds=1.2,
                tokens=Tokens(1, 2),
                slices={"x": "y"},
                content="0123456789abcdef",
                started_at=1790000000.25,
            ),
        ),
        (Score("a", 0, "tone", 0.7), Score("a", 0, "correct", None, "error", "no answer", "judge")),
    )
    assert list(iterate_lines(run)) == [
        '{"kind": "run", "schema": 1, "run": "run-1", "dataset": "support", "dataset_fingerprint": null, '
        '"dataset_version": null, "candidate": "v2", "commit": null, "trials": 1, "expected_items": 2, '
        '"scorers": {"a": "1", "b": "2"}, "started_at": null, "finished_at": null, "metadata": {}}',
        '{"kind": "item", "item": "a", "trial": 0, "status": "ok", "error": null, "output": "é", '
        '"latency_seconds": 1.2, "cost_usd": null, "tokens": {"input": 1, "output": 2}, "trace_id": null, '
        '"cluster": null, "slices": {"x": "y"}, "content": "0123456789abcdef", "started_at": 1790000000.25}',
        '{"kind": "score", "item": "a", "trial": 0, "score": "correct", "value": null, "status": "error", '
        '"comment": "no answer", "source": "judge"}',
        '{"kind": "score", "item": "a", "trial": 0, "score": "tone", "value": 0.7, "status": "ok", '
        '"comment": null, "source": "code"}',
        '{"kind": "item", "item": "b", "trial": 0, "status": "error", "error": "boom", '
        '"latency_seconds": null, "cost_usd": null, "tokens": null, "trace_id": null, "cluster": null, '
        '"slices": {}, "attempts": [{"number": 1, "status": "error", "error": "boom", '
        '"latency_seconds": 0.5}]}',
    ]


def test_a_lock_is_one_line_an_item_with_its_scores() -> None:
    run = Run(
        HEADER,
        (
            RunItem(
                "a",
                0,
                "ok",
                output="x",
                latency_seconds=1.0,
                cluster="c",
                slices={"intent": "refund"},
                content="0123456789abcdef",
                started_at=1790000000.25,
            ),
            RunItem("b", 0, "timeout", error="120 s"),
        ),
        (
            Score("a", 0, "tone", 0.7, comment="warm"),
            Score("a", 0, "correct", True),
            Score("a", 0, "policy", "pass", source="judge"),
            Score("b", 0, "correct", None, "error", "no output"),
            Score("b", 0, "policy", None, "not_applicable"),
        ),
    )
    assert list(iterate_lock_lines(run))[1:] == [
        '{"kind": "item", "item": "a", "trial": 0, "status": "ok", "scores": {"correct": true, '
        '"policy": {"value": "pass", "source": "judge"}, "tone": 0.7}, "cluster": "c", '
        '"slices": {"intent": "refund"}, "content": "0123456789abcdef", "output": "x"}',
        '{"kind": "item", "item": "b", "trial": 0, "status": "timeout", "error": "120 s", "scores": '
        '{"correct": {"status": "error", "comment": "no output"}, "policy": {"status": "not_applicable"}}}',
    ]


@pytest.mark.parametrize("digest", ["", None, 7, ["a"]])
def test_a_lock_file_whose_digest_is_no_text_is_one_without(tmp_path: Path, digest: object) -> None:
    path = tmp_path / "gate.baseline.jsonl"
    write_lock(Run(HEADER, (RunItem("a", 0, "ok", output="x"),)), path)
    assert read_sealed(path)[1] is True
    header, *others = path.read_text(encoding="utf-8").splitlines(keepends=True)
    fields = {**json.loads(header), "digest": digest}
    path.write_text("".join([f"{json.dumps(fields)}\n", *others]), encoding="utf-8")
    assert read_sealed(path)[1] is None


def test_a_packed_file_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    run = Run(HEADER, (RunItem("a", 0, "ok", output="x"),))
    write_results(run, tmp_path / "one.jsonl.gz")
    write_results(run, tmp_path / "two.jsonl.gz")
    packed = (tmp_path / "one.jsonl.gz").read_bytes()
    assert packed == (tmp_path / "two.jsonl.gz").read_bytes()
    assert packed[4:8] == b"\0\0\0\0"
    assert gzip.decompress(packed).decode() == "".join(f"{line}\n" for line in iterate_lines(run))


def test_half_a_surrogate_pair_in_an_output_is_kept(tmp_path: Path) -> None:
    run = Run(HEADER, (RunItem("a", 0, "ok", output="cut \ud83d"),))
    write_results(run, tmp_path / "run.jsonl")
    assert read_results(tmp_path / "run.jsonl") == run


MINIMAL = '{"kind": "run", "schema": 1, "run": "r", "dataset": "d", "candidate": "c", "expected_items": 9}'


def test_a_file_of_another_tool_may_leave_out_what_has_a_default(tmp_path: Path) -> None:
    run = from_lines(
        tmp_path,
        MINIMAL,
        "",
        '{"kind": "score", "item": 7, "score": "s", "value": 1, "status": "ok", "weight": 3}',
        '{"kind": "item", "item": "a", "status": "ok"}',
    )
    assert run == Run(
        RunHeader(run="r", dataset="d", candidate="c", expected_items=9),
        (RunItem("a", 0, "ok", output_left_out=True),),
        (Score("7", 0, "s", 1),),
    )


def test_lines_may_stand_in_any_order(tmp_path: Path) -> None:
    run = Run(
        replace(HEADER, trials=2),
        tuple(RunItem(item, trial, "ok") for item in "ab" for trial in (0, 1)),
        tuple(Score(item, trial, "s", True) for item in "ab" for trial in (0, 1)),
    )
    header, *rest = iterate_lines(run)
    random.Random(0).shuffle(rest)
    assert from_lines(tmp_path, header, *rest) == run


def test_inline_scores_and_score_lines_may_stand_in_one_file(tmp_path: Path) -> None:
    run = from_lines(
        tmp_path,
        MINIMAL,
        '{"kind": "item", "item": "a", "status": "ok", "scores": {"s": true}}',
        '{"kind": "score", "item": "a", "score": "t", "value": 0.5, "status": "ok"}',
    )
    assert run.scores == (Score("a", 0, "s", True), Score("a", 0, "t", 0.5))


def test_a_file_without_a_last_line_end_and_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("\ufeff" + MINIMAL + '\n{"kind": "item", "item": "a", "status": "ok"}')
    assert len(read_results(path).items) == 1


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (
            Run(HEADER, (RunItem("a", 0, "ok"), RunItem("a", 0, "error"))),
            "item 'a' trial 0: the run has it twice",
        ),
        (
            Run(HEADER, (), (Score("a", 0, "s", True), Score("a", 0, "s", False))),
            "item 'a' trial 0: the run has score 's' twice",
        ),
        (
            Run(HEADER, (), (Score("a", 0, "s", None),)),
            "item 'a' trial 0: score 's': a score of status 'ok' has no value",
        ),
        (
            Run(HEADER, (), (Score("a", 0, "s", float("nan")),)),
            "item 'a' trial 0: score 's': a score's value is finite, not nan",
        ),
        (Run(HEADER, (RunItem("a", 1, "ok"),)), "item 'a' trial 1: not one of the run's trials, 0 to 0"),
        (
            Run(HEADER, (RunItem("a", 0, "ok", output={"x"}),)),
            "item 'a' trial 0: cannot be written as JSON: Object of type set is not JSON serializable",
        ),
        (
            Run(HEADER, (RunItem("a", 0, "ok", cost_usd=float("inf")),)),
            "item 'a' trial 0: cannot be written as JSON: Out of range float values are not JSON compliant",
        ),
    ],
)
def test_what_could_not_be_read_back_is_not_written(tmp_path: Path, run: Run, message: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("the file that was there")
    for write in (write_results, write_lock):
        if write is write_lock and run.items and run.items[0].cost_usd is not None:
            continue  # A lock leaves the cost out.
        with pytest.raises(ResultsError) as caught:
            write(run, path)
        assert str(caught.value).startswith(message)
    assert path.read_text() == "the file that was there"
    assert list(tmp_path.iterdir()) == [path]


def test_fifty_thousand_lines_are_read_in_seconds(tmp_path: Path) -> None:
    lines = [MINIMAL]
    for number in range(12_500):
        lines.append(json.dumps({"kind": "item", "item": f"item-{number}", "trial": 0, "status": "ok"}))
        for score in "abc":
            lines.append(
                json.dumps(
                    {"kind": "score", "item": f"item-{number}", "trial": 0, "score": score}
                    | {"value": 0.5, "status": "ok", "comment": None, "source": "code"}
                )
            )
    path = tmp_path / "run.jsonl"
    path.write_text("\n".join(lines))
    start = time.process_time()
    run = read_results(path)
    assert (len(run.items), len(run.scores)) == (12_500, 37_500)
    assert time.process_time() - start < 3
