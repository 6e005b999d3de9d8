"""What `baseline accept` keeps of how a gate's runs move as a whole."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from statistics import stdev

import pytest

from scoregate.baselines.accepting import examine, succession
from scoregate.gate_file import Gate, read_gate
from scoregate.records import Run, RunHeader, RunItem, Score
from scoregate.records.run_facts import RunFacts
from scoregate.results_file import read_results
from scoregate.store import Store


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    (tmp_path / "gates").mkdir()
    path = tmp_path / "gates" / "agent.toml"
    path.write_text('baseline = "gates/agent.baseline.jsonl"\n[scores.latency_seconds]\n')
    return read_gate(path)


def run(number: int, factor: float, gate: str = "agent") -> Run:
    header = RunHeader(
        run=f"agent-{number}",
        dataset="d",
        candidate="v1",
        expected_items=20,
        started_at=f"2026-11-0{number + 1}T00:00:00Z",
        finished_at=f"2026-11-0{number + 1}T00:01:00Z",
    ).with_facts(RunFacts(gate=gate))
    items = tuple(RunItem(f"q{i:02}", 0, "ok", latency_seconds=factor * (i + 1)) for i in range(20))
    scores = tuple(Score(one.item, 0, "latency_seconds", one.latency_seconds) for one in items)
    return Run(header, items, scores)


def accepted(gate: Gate, store: Store, name: str = "agent-0") -> Run:
    step = succession(gate, name, store)
    step.accept("first", examine(step, store, why="first", force=False, best_of_several=False))
    return read_results(gate.root / "gates" / "agent.baseline.jsonl")


def test_four_runs_of_one_version_tell_and_the_lock_file_keeps_it(gate: Gate, tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.db") as store:
        for number, factor in enumerate((1.0, 1.3, 0.8, 1.1)):
            store.import_run(run(number, factor))
        shift = accepted(gate, store).header.facts.run_shifts["latency_seconds"]
    assert shift.runs == 4
    assert shift.sd == pytest.approx(stdev(map(math.log, (1.0, 1.3, 0.8, 1.1))))


def test_three_do_not_nor_do_those_of_another_gate(gate: Gate, tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.db") as store:
        for number, factor in enumerate((1.0, 1.3, 0.8)):
            store.import_run(run(number, factor))
        other = run(3, 1.1, gate="other")
        store.import_run(replace(other, header=replace(other.header, run="other-3")))
        assert accepted(gate, store).header.facts.run_shifts == {}


def test_the_same_run_is_accepted_again_when_more_runs_tell_and_fewer_take_nothing_back(
    gate: Gate, tmp_path: Path
) -> None:
    with Store.open(tmp_path / "store.db") as store:
        for number, factor in enumerate((1.0, 1.3, 0.8)):
            store.import_run(run(number, factor))
        accepted(gate, store)
        assert succession(gate, "agent-0", store).changes_nothing
        store.import_run(run(3, 1.1))
        assert not succession(gate, "agent-0", store).changes_nothing
        assert accepted(gate, store).header.facts.run_shifts["latency_seconds"].runs == 4
    with Store.open(tmp_path / "another.db") as store:
        store.import_run(run(7, 1.0))
        assert accepted(gate, store, "agent-7").header.facts.run_shifts["latency_seconds"].runs == 4
