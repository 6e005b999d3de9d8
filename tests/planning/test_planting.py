"""Drops that are planted in one arm: the mean falls by just that much, and only where there is a value."""

from __future__ import annotations

import numpy as np
import pytest

from scoregate.catalog import Catalog, Contract
from scoregate.errors import ConfigError
from scoregate.gate_file import Gate, Rule
from scoregate.gates.table import NOT_APPLICABLE, table_from_run
from scoregate.planning.assigning import TrialPool, trial_pool_of
from scoregate.planning.planting import DropKind, Planted, check_drop, target
from tests.gates.runs import Cells, RunMaker

BUILDS = 200
N = 100


def gate_of(contract: Contract | None) -> Gate:
    catalog = Catalog({"x": contract} if contract else {})
    return Gate(name="g", rules={"x": Rule(max_drop=0.05)}, catalog=catalog)


def planted(
    contract: Contract | None, cells: Cells, drop: float, kind: DropKind
) -> tuple[TrialPool, list[np.ndarray]]:
    """The pool, and the cells (N, k) of many builds after the drop."""
    pool = trial_pool_of(table_from_run(RunMaker()("stored", {"x": cells})))
    chosen = target(gate_of(contract), pool, "x")
    rows = np.arange(len(pool.table.items))
    damages = (Planted(chosen, drop, kind, np.random.default_rng(n)) for n in range(BUILDS))
    return pool, [damage(pool.values["x"], rows) for damage in damages]


PASSING: Cells = {f"q{n:03}": [n % 5 > 0, n % 10 > 0] for n in range(N)}
"""A rate of 0.85."""


@pytest.mark.parametrize("kind", ["concentrated", "diffuse"])
def test_a_rate_falls_by_the_drop(kind: DropKind) -> None:
    pool, builds = planted(None, PASSING, 0.07, kind)
    mean = np.mean([cells.astype(float).mean() for cells in builds])
    assert mean == pytest.approx(pool.values["x"].astype(float).mean() - 0.07, abs=0.005)


def test_a_concentrated_drop_breaks_items_in_all_of_their_trials() -> None:
    pool, builds = planted(None, PASSING, 0.07, "concentrated")
    for cells in builds:
        changed = (cells != pool.values["x"]).any(axis=1)
        assert not cells[changed].any()


@pytest.mark.parametrize("kind", ["concentrated", "diffuse"])
@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_a_number_with_a_range_falls_and_stays_within_it(kind: DropKind, direction: str) -> None:
    contract = Contract(name="x", type="numeric", direction=direction, min=0.0, max=10.0)  # type: ignore[arg-type]
    cells = {f"q{n:03}": [4.0 + n % 3, 5.0] for n in range(N)}
    pool, builds = planted(contract, cells, 0.5, kind)
    sign = 1 if direction == "higher" else -1
    mean = np.mean([c.astype(float).mean() for c in builds])
    assert mean == pytest.approx(pool.values["x"].astype(float).mean() - sign * 0.5, abs=0.05)
    assert all(0.0 <= value <= 10.0 for c in builds for value in c.ravel())


@pytest.mark.parametrize("kind", ["concentrated", "diffuse"])
def test_latency_rises_by_the_share(kind: DropKind) -> None:
    pool = trial_pool_of(
        table_from_run(RunMaker()("stored", latency_seconds={f"q{n:03}": [1.0, 2.0] for n in range(N)}))
    )
    gate = Gate(name="g", rules={"latency_seconds": Rule(max_increase=0.1)})
    damage = Planted(target(gate, pool, "latency_seconds"), 0.25, kind, np.random.default_rng(0))
    after = damage(pool.values["latency_seconds"], np.arange(N)).astype(float)
    before = pool.values["latency_seconds"].astype(float)
    assert np.exp(np.log(after).mean() - np.log(before).mean()) == pytest.approx(1.25)


def test_categories_fall_to_one_that_fails() -> None:
    contract = Contract(
        name="x", type="categorical", categories=("pass", "fail", "skip"), passing=("pass",), ignore=("skip",)
    )
    cells: Cells = {f"q{n:03}": ["skip" if n % 4 == 0 else "pass"] for n in range(N)}
    pool, builds = planted(contract, cells, 0.5, "concentrated")
    ignored = pool.values["x"] == "skip"
    for after in builds:
        assert (after[ignored] == "skip").all()
        assert set(after[~ignored].tolist()) == {"pass", "fail"}


def test_grades_fall_to_the_worst() -> None:
    contract = Contract(name="x", type="categorical", categories=("bad", "fair", "good"), ordered=True)
    _, builds = planted(contract, {f"q{n:03}": ["fair", "good"] for n in range(N)}, 0.5, "diffuse")
    lost = [(cells == "bad").mean() for cells in builds]
    assert np.mean(lost) == pytest.approx(0.5 / 1.5, abs=0.02)


def test_cells_without_a_value_stay_as_they_are() -> None:
    cells: Cells = {f"q{n:03}": [True, None, "n/a"] for n in range(N)}
    _, builds = planted(None, cells, 0.3, "concentrated")
    for after in builds:
        assert all(value is None for value in after[:, 1])
        assert all(value is NOT_APPLICABLE for value in after[:, 2])


def test_a_drop_below_the_worst_value_is_refused() -> None:
    pool = trial_pool_of(table_from_run(RunMaker()("stored", x=PASSING)))
    with pytest.raises(ConfigError, match="a drop of 0.9 cannot be planted in x"):
        check_drop(target(gate_of(None), pool, "x"), 0.9)
