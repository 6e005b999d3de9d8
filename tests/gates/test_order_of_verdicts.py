"""A worse candidate never gets the better verdict: regression < inconclusive < pass.

benchmarks/order_of_verdicts.py tries it on 20,000 random tables; here a part of them, and what once broke it.
"""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from scoregate import Gate, Rule, compare
from scoregate.catalog import Catalog, Contract
from scoregate.records import ScoreValue
from tests.gates.runs import RunMaker

make = RunMaker()
ORDER = ("regression", "inconclusive", "pass")
Values = dict[str, ScoreValue]


@pytest.fixture(scope="module")
def law() -> Iterator[ModuleType]:
    folder = str(Path(__file__).parents[2] / "benchmarks")
    sys.path.insert(0, folder)
    try:
        yield importlib.import_module("order_of_verdicts")
    finally:
        sys.path.remove(folder)


@pytest.mark.parametrize("first", [0, 8])
def test_no_random_table_breaks_the_order(law: ModuleType, first: int) -> None:
    broken = [pair for number in range(first, first + 8) for pair in law.tried(7, number, 3)[2]]
    assert broken == []


def items(values: np.ndarray) -> Values:
    return {f"q{n:03d}": value for n, value in enumerate(values.tolist())}


def outcome(rules: dict[str, Rule], before: dict[str, Values], now: dict[str, Values]) -> str:
    return compare(make("before", before), make("now", now), rules).outcome


WANDERING = np.arange(50) >= 8
"""A second score that fails on other items than before, as many as it mends."""
WANDERED = np.roll(WANDERING, 8)


@pytest.mark.parametrize("lost", [70, 0])
def test_a_lost_item_does_not_hide_that_others_are_worse(lost: int) -> None:
    rules = {"tone": Rule(max_drop=5, direction="higher"), "correct": Rule(max_drop=0.4)}
    before = np.full(50, 70.0)
    now = np.where(np.arange(50) % 2, 69.0, 70.0)
    now[40] = lost
    baseline = {"tone": items(before), "correct": items(WANDERING)}
    assert outcome(rules, baseline, {"tone": items(now), "correct": items(WANDERED)}) == "regression"


@pytest.mark.parametrize("times", [1, 1_000])
def test_a_dear_call_does_not_hide_that_the_bill_is_higher(times: int) -> None:
    rules = {"cost_usd": Rule(max_increase=0.3, statistic="sum"), "correct": Rule(max_drop=0.4)}
    before = np.random.default_rng(2).lognormal(0, 0.4, 50)
    now = 2 * before
    now[9] *= times
    baseline = {"cost_usd": items(before), "correct": items(WANDERING)}
    assert outcome(rules, baseline, {"cost_usd": items(now), "correct": items(WANDERED)}) == "regression"


@pytest.mark.parametrize("gain", [0, 5, 300, 1e6])
@pytest.mark.parametrize("rule", [{"max_drop": 2}, {"min": 18}])
def test_a_better_answer_costs_no_pass(rule: dict[str, float], gain: float) -> None:
    rng = np.random.default_rng(3)
    before = 20 + rng.normal(size=40)
    now = before + 0.2 * rng.normal(size=40)
    now[11] += gain
    rules = {"points": Rule(direction="higher", **rule)}  # type: ignore[arg-type]
    assert outcome(rules, {"points": items(before)}, {"points": items(now)}) == "pass"


@pytest.mark.parametrize("share", [1, 0.5, 1e-4])
def test_a_faster_call_costs_no_pass(share: float) -> None:
    rng = np.random.default_rng(4)
    before = rng.lognormal(0, 0.5, 60)
    now = before * rng.lognormal(0, 0.05, 60)
    now[11] *= share
    rules = {"cost_usd": Rule(max_increase=0.25)}
    assert outcome(rules, {"cost_usd": items(before)}, {"cost_usd": items(now)}) == "pass"


@pytest.mark.parametrize("lost", [0, 1_000, 1e9])
def test_a_floor_that_is_broken_stays_so_when_an_item_falls_further(lost: float) -> None:
    now = 50 + np.random.default_rng(5).normal(size=40)
    now[3] -= lost
    rules = {"points": Rule(direction="higher", min=52)}
    assert outcome(rules, {"points": items(now)}, {"points": items(now)}) == "regression"


@pytest.mark.parametrize("lost", [0, 100, 1e6])
def test_missing_cells_do_not_stand_for_the_one_item_that_fell_furthest(lost: float) -> None:
    """A number without ends: what is missing in both runs counts as bad in both, and outweighed all that was worse."""
    before = 50 + np.random.default_rng(6).normal(size=60)
    now = before - 1
    now[30] -= lost
    baseline, candidate = items(before), items(now)
    for number in range(4):
        baseline[f"q{number:03d}"] = candidate[f"q{number + 4:03d}"] = None
    gate = Gate(
        name="",
        rules={"points": Rule(max_drop=5)},
        catalog=Catalog({"points": Contract(name="points", type="numeric")}),
        max_failed_items=1.0,
    )
    assert compare(make("a", points=baseline), make("b", points=candidate), gate).outcome == "regression"


def test_one_value_in_all_of_a_baseline_gives_no_narrower_bound_to_a_loss() -> None:
    """Where nothing moved the size of the values has to do for a range, and a small loss does not replace it."""
    rules = {"points": Rule(direction="higher", max_drop=1)}
    before = np.full(40, 50.0)
    verdicts = []
    for loss in (0.0, 0.1, 1.0):
        now = before.copy()
        now[0] -= loss
        verdicts.append(ORDER.index(outcome(rules, {"points": items(before)}, {"points": items(now)})))
    assert verdicts == sorted(verdicts, reverse=True)
