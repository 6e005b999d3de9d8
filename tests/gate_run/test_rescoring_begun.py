"""A rescoring that was begun: which run it is gone on with in, and what another process did to it meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scoregate.gate_file import Gate, read_gate
from scoregate.gate_run.assembly import assemble_scorers
from scoregate.gate_run.rescore import Prepared, prepare, rescore
from scoregate.records import Run, RunHeader, RunItem, Score
from scoregate.store import Store
from tests.cli.judged import KEY, KEY_NAME, judged_project
from tests.model_server.answers import judged
from tests.model_server.server import ModelServer


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(script=lambda _: judged(8)) as server:
        yield server


@pytest.fixture
def gate(server: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Its judge grades every answer 8."""
    monkeypatch.setenv(KEY_NAME, KEY)
    monkeypatch.chdir(tmp_path)
    judged_project(tmp_path, server, number=4)
    return read_gate(Path("gates/agent.toml"))


@pytest.fixture
def store(gate: Gate) -> Iterator[Store]:
    with Store.open(Path("store.sqlite3")) as store:
        yield store


def stored(*, trials: int = 1, **metadata: str) -> Run:
    """Four answers of each trial, which an earlier judge graded 5."""
    header = RunHeader(
        run="agent-1",
        dataset="agent",
        candidate="v1",
        trials=trials,
        expected_items=4,
        scorers={"relevance": "earlier"},
        started_at="2026-01-01T00:00:00+00:00",
        finished_at="2026-01-01T00:01:00+00:00",
        metadata=dict(metadata),
    )
    cells = [(f"q{n:03}", trial) for n in range(4) for trial in range(trials)]
    items = tuple(RunItem(item, trial, "ok", output=f"answer {item} {trial}") for item, trial in cells)
    return Run(
        header, items, tuple(Score(item, trial, "relevance", 5, source="judge") for item, trial in cells)
    )


def begun(gate: Gate, run: Run, store: Store) -> Prepared:
    return prepare(assemble_scorers(gate), run, store)


def test_the_run_that_was_begun_is_found_again(gate: Gate, store: Store) -> None:
    assert begun(gate, stored(), store).header.run == begun(gate, stored(), store).header.run


def test_a_run_that_has_grown_by_a_trial_since_begins_anew(gate: Gate, store: Store) -> None:
    first = begun(gate, stored(), store)
    grown = begun(gate, stored(trials=2), store)
    assert grown.header.run != first.header.run
    again = rescore(grown, store)
    assert (again.header.trials, len(again.items)) == (2, 8)


def test_what_another_process_finished_meanwhile_is_whole(
    gate: Gate, store: Store, server: ModelServer
) -> None:
    first, second = begun(gate, stored(), store), begun(gate, stored(), store)
    whole = rescore(first, store)
    assert rescore(second, store) == whole
    assert len(server.requests) == 4


def test_replies_on_a_confirmation_are_announced_as_what_they_are(
    gate: Gate, store: Store, server: ModelServer
) -> None:
    """Its trials have the numbers of the whole set's, whose replies are not theirs."""
    rescore(begun(gate, stored(), store), store)
    fresh = replace(stored(), header=replace(stored().header, run="agent-1-confirm", metadata={"round": "B"}))
    prepared = begun(gate, fresh, store)
    assert "4 scorings, up to 4 new judge replies" in prepared.announcement()
    rescore(prepared, store)
    assert len(server.requests) == 8
    assert "no new judge reply" in begun(gate, fresh, store).announcement()


def test_runs_that_are_prepared_together_keep_their_own_replies(
    gate: Gate, store: Store, server: ModelServer
) -> None:
    fresh = replace(stored(), header=replace(stored().header, run="agent-1-confirm", metadata={"round": "B"}))
    assembly = assemble_scorers(gate)
    first, second = prepare(assembly, fresh, store), prepare(assembly, stored(), store)
    rescore(first, store)
    assert "up to 4 new judge replies" in second.announcement()
    rescore(second, store)
    assert len(server.requests) == 8
