"""Before a run: what planning rests on, and the line that warns of a gate that cannot see its own margin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scoregate.errors import ConfigError
from scoregate.gate_file import Gate, read_gate
from scoregate.planning.basis import Assumption, Prices, basis_of, spending
from scoregate.planning.chances import size_of_dataset
from scoregate.planning.gate_plan import plan_gate
from scoregate.planning.noise import measured_noise
from scoregate.planning.outlook import warning_of, warnings_before
from scoregate.planning.stored_trials import placed_trials, stored_trials, trials_of_baseline
from scoregate.records import Dataset, Run
from scoregate.sources import open_store, read_gate_dataset
from scoregate.store import Store, Totals
from tests.cli.project import GATE, Project
from tests.gates.runs import RunMaker


def blind_warning(gate: Gate, dataset: Dataset, baseline: Run) -> str | None:
    return warnings_before(gate, dataset, baseline).blind


def small_gate(folder: Path, *, items: int, gate: str = GATE) -> Gate:
    project = Project.small(folder, number=items, gate=gate)
    return read_gate(project.path("gates/agent.toml"))


def repeated(run: str, *, version: str = "v1", trials: int = 3, **header: object) -> Run:
    cells = {f"q{n:03}": [(n + trial) % 4 > 0 for trial in range(trials)] for n in range(20)}
    about = {"candidate": version, "started_at": f"2026-01-01T00:00:{run[-2:]}Z", "finished_at": "2026-01-02"}
    metadata = {"gate": "agent", **header.pop("metadata", {})}  # type: ignore[dict-item]
    return RunMaker()(run, correct=cells, header={**about, **header, "metadata": metadata})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path)


def test_a_gate_that_cannot_see_its_margin_is_told_so_in_one_line(tmp_path: Path) -> None:
    gate = small_gate(tmp_path, items=40)
    basis = basis_of(gate, None)
    warning = warning_of(gate, basis.noises, basis.size, assumed=basis.assumed)
    assert warning is not None
    assert warning.startswith("with 40 items and 1 trial this gate sees drops of ")
    assert "its margin is 5.0 points: most builds will be inconclusive" in warning
    assert warning.endswith("shows what would help")
    assert "\n" not in warning


@pytest.mark.parametrize(
    ("rule", "follows"),
    [
        ("max_drop = 0.05", "every build will be invalid"),
        ("", "every build will be invalid"),
        ("min = 1.0\nmax_drop = 0.05", "every build will be invalid"),
        ("min = 1.0", "most builds will be inconclusive"),
    ],
)
def test_a_handful_of_items_that_cannot_gate_is_told_what_builds_will_be(
    tmp_path: Path, rule: str, follows: str
) -> None:
    """Floors decide a handful of items too; a drop in it cannot be told from chance."""
    gate = small_gate(tmp_path, items=6, gate=GATE.replace("max_drop = 0.05", rule))
    warning = blind_warning(gate, read_gate_dataset(gate), repeated("run-01", trials=1))
    assert warning is not None
    assert f": {follows}; `scoregate plan" in warning


def test_a_build_costs_as_many_retries_as_the_run_before(tmp_path: Path) -> None:
    limits = small_gate(tmp_path, items=40).limits
    assert spending(Prices(limits=limits), 40).calls == 40
    assert spending(Prices(limits=limits, previous=Totals(ok=20, calls=30)), 40).calls == 60


def test_a_gate_that_sees_its_margin_is_not_warned_of(tmp_path: Path) -> None:
    gate = small_gate(tmp_path, items=2000)
    basis = basis_of(gate, None)
    assert warning_of(gate, basis.noises, basis.size, assumed=basis.assumed) is None


def test_before_a_run_the_noise_is_that_of_the_baselines_own_trials(tmp_path: Path) -> None:
    gate = small_gate(tmp_path, items=20)
    baseline, dataset = repeated("run-01"), read_gate_dataset(gate)
    trials = trials_of_baseline(gate, baseline)
    assert trials is not None
    noises = measured_noise(gate, placed_trials(gate, trials, dataset).table)
    size = size_of_dataset(gate, dataset, baseline_trials=3)
    warning = blind_warning(gate, dataset, baseline)
    assert warning == warning_of(gate, noises, size, assumed=False)
    assert warning is not None
    assert "disagreed" not in warning


@pytest.mark.parametrize(
    "few", [{"trials": 1}, {"metadata": {"selection": "items q000"}}], ids=["one trial", "a part"]
)
def test_before_a_run_no_noise_is_assumed_where_the_baseline_tells_none(
    tmp_path: Path, few: dict[str, Any]
) -> None:
    gate = small_gate(tmp_path, items=20)
    baseline = repeated("run-01", **few)
    basis = basis_of(gate, None, assumption=Assumption(discordance=0.0))
    size = replace(basis.size, baseline_trials=baseline.header.trials)
    warning = blind_warning(gate, read_gate_dataset(gate), baseline)
    assert warning == warning_of(gate, basis.noises, size, assumed=True)
    assert warning is not None
    assert ", even if no two runs disagreed" in warning


def test_before_a_run_a_baseline_that_tells_nothing_of_a_score_is_no_reason_not_to_run(
    tmp_path: Path,
) -> None:
    gate = small_gate(tmp_path, items=20)
    baseline = RunMaker()("run-01", polite={f"q{n:03}": [True, True] for n in range(20)})
    assert blind_warning(gate, read_gate_dataset(gate), baseline) is None


def test_before_a_run_a_gate_that_sees_its_margin_is_not_warned_of(tmp_path: Path) -> None:
    gate = small_gate(tmp_path, items=2000)
    assert blind_warning(gate, read_gate_dataset(gate), repeated("run-01", trials=1)) is None


def test_too_few_items_for_a_margin_are_told_with_the_policy_that_needs_none(tmp_path: Path) -> None:
    few = small_gate(tmp_path / "few", items=20)
    (note,) = (n for n in plan_gate(few, basis_of(few, None)).notes if "cannot hold a margin" in n)
    assert note.startswith("correct: 20 items cannot hold a margin of 5.0 points")
    assert "critical = true in place of the margin asks that no item flips" in note
    enough = small_gate(tmp_path / "enough", items=60)
    assert not any("cannot hold a margin" in n for n in plan_gate(enough, basis_of(enough, None)).notes)
    flips = GATE.replace("max_drop = 0.05", "critical = true")
    gate = small_gate(tmp_path / "flips", items=20, gate=flips)
    assert not any("cannot hold a margin" in n for n in plan_gate(gate, basis_of(gate, None)).notes)


def test_a_gate_whose_items_may_not_flip_is_not_called_blind(tmp_path: Path) -> None:
    gate = small_gate(tmp_path, items=7, gate=GATE.replace("max_drop = 0.05", "critical = true"))
    assert blind_warning(gate, read_gate_dataset(gate), repeated("run-01", trials=1)) is None


def test_slices_count_as_further_chances_to_find_a_drop(tmp_path: Path) -> None:
    assert basis_of(small_gate(tmp_path / "a", items=40), None).size.hypotheses == 3
    assert basis_of(small_gate(tmp_path / "b", items=12), None).size.hypotheses == 1  # slices of six are none


def test_repeated_runs_are_preferred_and_the_newest_version_of_them(tmp_path: Path, store: Store) -> None:
    gate = small_gate(tmp_path, items=20)
    store.import_run(repeated("run-01", version="old"))
    store.import_run(repeated("run-02", version="new"))
    store.import_run(repeated("run-03", version="once", trials=1))
    store.import_run(repeated("run-04", version="once", trials=1))
    found = stored_trials(gate, store)
    assert found is not None
    assert found.origin == "run run-02: 3 trials of new"


def test_runs_that_say_nothing_of_a_version_are_left_out(tmp_path: Path, store: Store) -> None:
    gate = small_gate(tmp_path, items=20)
    store.import_run(repeated("run-01", metadata={"selection": "5 items"}))
    store.import_run(repeated("run-02", finished_at=None))
    store.import_run(repeated("run-03", trials=1, metadata={"dirty": True}))
    store.import_run(repeated("run-04", trials=1, metadata={"dirty": True}))
    silent = repeated("run-05")
    errors = tuple(replace(score, value=None, status="error") for score in silent.scores)
    store.import_run(replace(silent, scores=errors))
    assert stored_trials(gate, store) is None


def test_a_score_without_noise_or_range_is_named(tmp_path: Path) -> None:
    gate = small_gate(tmp_path, items=40)
    rule = replace(gate.rules["correct"], direction="higher")
    unknown = replace(gate, rules={"depth": rule})
    with pytest.raises(ConfigError, match="nothing is known of the noise of depth"):
        plan_gate(unknown, basis_of(unknown, None))
    both = replace(gate, rules={**gate.rules, "depth": rule})
    assert plan_gate(both, basis_of(both, None)).unknown == ("depth",)


def test_the_smallest_margin_is_told_as_the_gate_would_hold_it(tmp_path: Path) -> None:
    catalog = '[correct]\ntype = "numeric"\nmin = 0\nmax = 10\ndirection = "higher"\n'
    project = Project.small(tmp_path, number=300, gate=GATE.replace("max_drop = 0.05", "max_drop = 1.5"))
    project.write("gates/scores.toml", catalog)
    gate = read_gate(project.path("gates/agent.toml"))
    (score,) = plan_gate(gate, basis_of(gate, None)).scores
    assert score.margin == 1.5
    assert score.smallest_margin is not None
    assert 0.2 <= score.smallest_margin <= 1.5
    rules = {**gate.rules, "correct": replace(gate.rules["correct"], max_drop=score.smallest_margin)}
    narrow = replace(gate, rules=rules)
    assert plan_gate(narrow, basis_of(narrow, None)).passes >= 0.95
