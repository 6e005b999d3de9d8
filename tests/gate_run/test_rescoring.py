"""Scoring a stored run again: what is made anew, what stays, and what is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from scoregate.errors import BaselineError, ConfigError
from scoregate.gate_file import read_gate
from scoregate.gate_run.assembly import assemble_scorers
from scoregate.gate_run.begin import new_id
from scoregate.gate_run.rescore import prepare, rescore, rewrite
from scoregate.records import Run, RunHeader, RunItem, Score, Tokens
from scoregate.results_file import read_results, write_lock, write_results
from scoregate.store import Store

DATASET = "".join(f'{{"id": "q{n}", "input": {n}, "expected_output": {n}}}\n' for n in range(4))
GATE = """\
dataset = "datasets/agent.jsonl"
baseline = "gates/agent.baseline.jsonl"
experiment = "agent.py"

[limits]
timeout_seconds = 1

[scores.correct]
"""
AGENT = """\
import asyncio

def task(*, item, **kwargs):
    raise RuntimeError("no candidate is called")

"""
CORRECT = AGENT + "def correct(*, output, expected_output, **kwargs):\n    return output == expected_output\n"

Write = Callable[[str, str], Path]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a file of a project whose gate scores `correct` by the evaluators of `agent.py`."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    write("datasets/agent.jsonl", DATASET)
    write("gates/agent.toml", GATE)
    write("agent.py", CORRECT + "\nevaluators = [correct]\n")
    return write


def stored(
    *, outputs: tuple[object, ...] = (0, 1, 2, 0), scores: tuple[Score, ...] = (), **header: object
) -> Run:
    """A run of four items, of which the last was answered wrong."""
    about = RunHeader(
        **{
            "run": new_id("agent"),
            "dataset": "agent",
            "candidate": "v1",
            "expected_items": 4,
            "scorers": {"correct": "old"},
            "started_at": "2026-01-01T00:00:00+00:00",
            "finished_at": "2026-01-01T00:01:00+00:00",
            **header,
        }  # type: ignore[arg-type]  # fields of a header by name
    )
    items = tuple(
        RunItem(f"q{n}", 0, "ok", output=output, latency_seconds=0.5, cost_usd=0.1, tokens=Tokens(n, n))
        for n, output in enumerate(outputs)
    )
    return Run(about, items, scores or tuple(Score(item.item, 0, "correct", False) for item in items))


def rescored(run: Run, *, outputs: Path | None = None) -> Run:
    gate = read_gate(Path("gates/agent.toml"))
    with Store.open(Path("store.sqlite3")) as store:
        return rescore(prepare(assemble_scorers(gate), run, store, outputs=outputs), store)


def values(run: Run, score: str) -> list[object]:
    return [one.value for one in run.scores if one.score == score]


def test_every_output_is_scored_by_the_present_scorers(project: Write) -> None:
    run = stored()
    again = rescored(run)
    assert values(again, "correct") == [True, True, True, False]
    assert again.header.scorers["correct"].startswith("src-")
    assert again.header.metadata["rescored_from"] == run.id
    assert (again.header.started_at, again.header.finished_at) == (
        run.header.started_at,
        run.header.finished_at,
    )
    assert [item.output for item in again.items] == [0, 1, 2, 0]
    assert [item.tokens for item in again.items] == [Tokens(n, n) for n in range(4)]


def test_async_evaluators_and_those_that_hang_are_cells_too(project: Write) -> None:
    project(
        "agent.py",
        AGENT
        + "async def correct(*, output, **kwargs):\n    await asyncio.sleep(9 if output == 2 else 0)\n    return True\n"
        "\nevaluators = [correct]\n",
    )
    again = rescored(stored())
    cells = {score.item: (score.value, score.comment) for score in again.scores}
    assert cells["q0"] == (True, None)
    assert cells["q2"] == (None, "timed out after 1 s")


def test_measured_and_human_scores_stay_and_what_nothing_makes_is_left_out(project: Write) -> None:
    scores = (
        Score("q0", 0, "latency_seconds", 0.75),
        Score("q0", 0, "helpful", 4, source="human"),
        Score("q0", 0, "gone", True),
    )
    again = rescored(stored(scores=scores))
    first = {score.score: score for score in again.scores if score.item == "q0"}
    assert first.keys() == {"correct", "latency_seconds", "helpful"}
    assert first["latency_seconds"].value == 0.75
    assert first["helpful"].source == "human"


def test_evaluators_are_given_the_measurements_that_are_stored(project: Write) -> None:
    head = "def correct(*, latency_seconds, cost_usd, tokens):\n"
    body = "    return (latency_seconds, cost_usd, tokens.total) == (0.5, 0.1, 4)\n"
    project("agent.py", AGENT + head + body + "\nevaluators = [correct]\n")
    assert values(rescored(stored()), "correct") == [False, False, True, False]


def test_a_changed_scorer_of_measurements_needs_them(project: Write, tmp_path: Path) -> None:
    source = "def correct(*, latency_seconds):\n    return latency_seconds < 1\n\nevaluators = [correct]\n"
    project("agent.py", AGENT + source)
    run, lock = stored(), tmp_path / "lock.jsonl"
    write_lock(run, lock)
    with pytest.raises(ConfigError, match="'correct' changed and reads latency, cost or tokens"):
        rescored(read_results(lock))
    write_results(run, tmp_path / "whole.jsonl")
    again = rescored(read_results(lock), outputs=tmp_path / "whole.jsonl")
    assert values(again, "correct") == [True] * 4

    write_lock(again, lock)
    (tmp_path / "store.sqlite3").unlink()
    assert values(rescored(read_results(lock)), "correct") == [True] * 4


def test_failed_items_keep_their_reason(project: Write) -> None:
    run = stored()
    failed = replace(run.items[1], status="timeout", error="timed out after 1 s", output=None)
    again = rescored(replace(run, items=(run.items[0], failed, *run.items[2:])))
    cell = next(score for score in again.scores if score.item == "q1")
    assert (cell.status, cell.comment) == ("error", "the candidate failed: timed out after 1 s")
    assert again.items[1].error == "timed out after 1 s"


def test_items_that_the_dataset_lost_cannot_be_scored(project: Write) -> None:
    run = stored(dataset_fingerprint="another")
    with pytest.raises(BaselineError, match=r"4 of its items \(first: q0\) cannot be scored again"):
        rescored(run)
    project("gates/agent.toml", 'on_dataset_change = "intersection"\n' + GATE)
    again = rescored(run)
    assert {score.status for score in again.scores} == {"error"}
    assert "not known any more" in (again.scores[0].comment or "")


def test_the_store_knows_what_was_asked_when_the_dataset_has_changed(project: Write) -> None:
    gate = read_gate(Path("gates/agent.toml"))
    dataset = assemble_scorers(gate).dataset
    run = stored(dataset_fingerprint=dataset.fingerprint)
    with Store.open(Path("store.sqlite3")) as store:
        store.import_run(run, dataset_items=dataset.items)
    project("datasets/agent.jsonl", '{"id": "q9", "input": 9, "expected_output": 9}\n')
    assert values(rescored(run), "correct") == [True, True, True, False]


def test_a_results_file_that_is_the_baseline_stays_one(project: Write, tmp_path: Path) -> None:
    run, path = stored(), tmp_path / "gates" / "agent.baseline.jsonl"
    write_results(run, path)
    again = rescored(read_results(path))
    assert rewrite(read_gate(Path("gates/agent.toml")), again, run) == (path,)
    written = read_results(path)
    assert written.id == again.id
    assert written.items[0].latency_seconds == 0.5


def test_the_number_of_scorings_is_known_before_any_is_made(project: Write) -> None:
    gate = read_gate(Path("gates/agent.toml"))
    with Store.open(Path("store.sqlite3")) as store:
        prepared = prepare(assemble_scorers(gate), stored(), store)
        assert prepared.scorings == 4
        assert prepared.announcement().endswith("by 1 scorer: 4 scorings; no candidate is called")
        rescore(prepared, store)
