"""An output that a record leaves out is not null: files, the store and a replay keep the two apart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scoregate.gate_file import CandidateSpec
from scoregate.records import DatasetItem, Run, RunHeader, RunItem, Score
from scoregate.results_file import read_results, write_lock, write_results
from scoregate.runner.candidates import Answer, CandidateError, build_candidate
from scoregate.store import Store

HEADER = RunHeader(run="r", dataset="d", candidate="c", expected_items=3)
NULL = RunItem("null", 0, "ok", output=None)
LEFT_OUT = RunItem("left-out", 0, "ok", output_left_out=True)
FAILED = RunItem("failed", 0, "error", error="no answer")
RUN = Run(HEADER, (FAILED, LEFT_OUT, NULL), (Score("null", 0, "correct", True),))


def test_null_is_an_answer_and_what_is_left_out_is_none() -> None:
    assert [item.has_output for item in (NULL, LEFT_OUT, FAILED)] == [True, False, False]


@pytest.mark.parametrize("write", [write_results, write_lock])
def test_a_file_keeps_null_and_leaves_out_what_was_left_out(
    tmp_path: Path, write: Callable[[Run, Path], None]
) -> None:
    write(RUN, tmp_path / "run.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "run.jsonl").read_text(encoding="utf-8").splitlines()]
    said = {line["item"]: line.get("output", "left out") for line in lines if line["kind"] == "item"}
    assert said == {"failed": "left out", "left-out": "left out", "null": None}
    assert read_results(tmp_path / "run.jsonl") == RUN


def test_the_store_gives_back_which_of_the_two_it_was(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.sqlite3") as store:
        store.import_run(RUN)
        assert store.load_run("r") == RUN


def test_a_run_that_is_read_without_outputs_says_nothing_of_them(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.sqlite3") as store:
        store.import_run(RUN)
        assert not any(item.has_output for item in store.load_run("r", outputs=False).items)


def test_an_unscored_answer_stays_null(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.sqlite3") as store:
        store.create_run(HEADER)
        store.unscored.keep("r", [NULL])
        assert store.unscored.of_run("r") == {("null", 0): NULL}


def test_what_was_left_out_is_not_replayed_as_null(tmp_path: Path) -> None:
    write_results(RUN, tmp_path / "run.jsonl")
    candidate = build_candidate(CandidateSpec(replay="run.jsonl"), root=tmp_path, timeout=None)
    assert asyncio.run(candidate.call(DatasetItem("null", "?"), 0)) == Answer(None)
    with pytest.raises(CandidateError, match="its output was left out of the results file"):
        asyncio.run(candidate.call(DatasetItem("left-out", "?"), 0))
