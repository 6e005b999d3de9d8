"""From a gate's files to a session of two arms, its runs and their resumption."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scoregate.errors import ConfigError
from scoregate.gate_file import Limits, read_gate
from scoregate.gate_run.assembly import Assembly, assemble
from scoregate.gate_run.begin import finish_run, plan_run, plan_session, resume_run, start_run
from scoregate.records.run_facts import RunFacts
from scoregate.runner.candidates import Candidate
from scoregate.runner.session import run
from scoregate.store import Store
from tests.cli.project import Project


@pytest.fixture
def assembly(tmp_path: Path) -> Assembly:
    project = Project.small(tmp_path)
    return assemble(read_gate(project.path("gates/agent.toml")))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.sqlite3") as opened:
        yield opened


@pytest.fixture
def baseline(assembly: Assembly) -> Candidate:
    """Another version, which is wrong everywhere."""

    async def wrong(item: Any, trial: int) -> int:
        return -1

    return replace(
        assembly.candidate, version="v0", commit="c0ffee", dirty=False, call=wrong, is_async=True, close=None
    )


def with_limits(assembly: Assembly, **limits: Any) -> Assembly:
    return replace(assembly, gate=replace(assembly.gate, limits=Limits(**limits)))


def test_two_arms_become_two_runs_with_the_same_items_and_scorers(
    assembly: Assembly, store: Store, baseline: Candidate
) -> None:
    items = assembly.dataset.items
    before = start_run(
        assembly, store, items, None, trials=2, candidate=baseline, facts=RunFacts(arm="baseline")
    )
    now = start_run(assembly, store, items, None, trials=2)
    plan = plan_session(
        assembly,
        store,
        [(before, baseline), (now, assembly.candidate)],
        trials=range(2),
        seed=0,
        progress=None,
    )
    assert run(plan).complete
    for started in (before, now):
        finish_run(store, started.header.run)
    stored = [store.load_run(started.header.run) for started in (before, now)]
    assert [(s.header.candidate, len(s.items)) for s in stored] == [("v0", 16), ("v1", 16)]
    assert stored[0].header.scorers == stored[1].header.scorers
    assert stored[0].header.commit == "c0ffee"
    assert (stored[0].header.metadata["arm"], stored[0].header.metadata["dirty"]) == ("baseline", False)
    correct = [{score.value for score in s.scores if score.score == "correct"} for s in stored]
    assert correct == [{False}, {True}]


def test_runs_of_different_items_are_no_session(
    assembly: Assembly, store: Store, baseline: Candidate
) -> None:
    items = assembly.dataset.items
    whole = start_run(assembly, store, items, None, trials=1, candidate=baseline)
    part = start_run(assembly, store, items[:3], "3 items", trials=1)
    with pytest.raises(ValueError, match="different items"):
        plan_session(
            assembly,
            store,
            [(whole, baseline), (part, assembly.candidate)],
            trials=range(1),
            seed=0,
            progress=None,
        )


def test_a_selection_and_further_metadata_stand_beside_each_other(assembly: Assembly, store: Store) -> None:
    about = {"round": "B", "confirms": "run-1"}
    started = start_run(
        assembly, store, assembly.dataset.items[:2], "2 suspects", trials=5, facts=RunFacts.of(about)
    )
    metadata = store.header(started.header.run).metadata
    assert metadata["selected_items"] == ["q000", "q001"]
    assert (metadata["selection"], metadata["round"], metadata["confirms"]) == ("2 suspects", "B", "run-1")


def test_a_run_notes_its_time_limit_if_it_has_one(assembly: Assembly, store: Store) -> None:
    for limit, noted in ((2.5, 2.5), (None, "nothing")):
        limited = with_limits(assembly, timeout_seconds=limit)
        header = start_run(limited, store, assembly.dataset.items, None, trials=1).header
        assert store.header(header.run).metadata.get("timeout_seconds", "nothing") == noted


def test_an_unfinished_arm_is_resumed_with_its_own_candidate(
    assembly: Assembly, store: Store, baseline: Candidate
) -> None:
    started = start_run(assembly, store, assembly.dataset.items, None, trials=1, candidate=baseline)
    assert resume_run(assembly, store, started.header.run, candidate=baseline) == started
    with pytest.raises(ConfigError, match=r"the candidate changed since it started \(v0 then, v1 now\)"):
        resume_run(assembly, store, started.header.run)


def test_a_run_is_not_resumed_under_another_time_limit(assembly: Assembly, store: Store) -> None:
    limited = with_limits(assembly, timeout_seconds=2.5)
    started = start_run(limited, store, assembly.dataset.items, None, trials=1)
    assert resume_run(limited, store, started.header.run) == started
    with pytest.raises(ConfigError, match=r"the time limit changed since it started \(2.5 then, 9 now\)"):
        resume_run(with_limits(assembly, timeout_seconds=9), store, started.header.run)


def test_a_session_of_later_trials_extends_both_runs(
    assembly: Assembly, store: Store, baseline: Candidate
) -> None:
    candidates = (baseline, assembly.candidate)
    started = [
        start_run(assembly, store, assembly.dataset.items, None, trials=1, candidate=candidate)
        for candidate in candidates
    ]
    for trials, total in ((range(1), 1), (range(1, 3), 3)):
        for arm in started:
            store.extend_run(arm.header.run, total)
        arms = list(zip(started, candidates, strict=True))
        report = run(plan_session(assembly, store, arms, trials=trials, seed=0, progress=None))
        assert (report.expected, report.resumed, report.complete) == (16 * len(trials), 0, True)
    assert [len(store.done_cells(arm.header.run)) for arm in started] == [24, 24]


def test_the_plan_of_one_run_holds_all_its_trials(assembly: Assembly, store: Store) -> None:
    started = start_run(assembly, store, assembly.dataset.items, None, trials=3)
    plan = plan_run(assembly, store, started, limits=Limits(max_calls=5), seed=0, progress=None)
    assert (plan.expected, plan.done, plan.interleaved) == (24, 0, False)
    run(plan)
    again = plan_run(assembly, store, started, limits=Limits(), seed=0, progress=None)
    assert (again.expected, again.done) == (24, 5)
