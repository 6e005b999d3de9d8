"""Latency, cost and tokens: the typical call, the bill, and rises that a few items carry."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scoregate import Gate, Rule, Verdict, compare
from scoregate.catalog import built_in_contract
from scoregate.gates.bill import few_can_carry_it
from scoregate.gates.levels import one_look
from scoregate.gates.measuring import gather
from scoregate.gates.pairing import paired_score, universe
from scoregate.statistics.rare import equal_items, fewest_items, share_that_carries
from tests.gates.test_corners import table

BUILDS = 200


def costs(before: np.ndarray, now: np.ndarray, **rule: object) -> Verdict:
    """Costs of items in dollars, a row each."""
    runs = table("cost_usd", before[:, None], "main"), table("cost_usd", now[:, None], "branch")
    return compare(runs[0], runs[1], {"cost_usd": Rule(**rule)})  # type: ignore[arg-type]


def passes(before: np.ndarray, now: np.ndarray, rule: Rule) -> bool:
    """Whether a rise of the margin is ruled out, without the test of a proved one, which takes most of the time."""
    runs = table("cost_usd", before[:, None], "main"), table("cost_usd", now[:, None], "branch")
    contract = built_in_contract("cost_usd")
    everything = universe(*runs)
    pair = paired_score("cost_usd", contract, everything, *runs, rule.statistic)
    evidence = gather("cost_usd", pair, contract, rule, everything, alpha=0.01, level=0.05)
    assert evidence.worst_case is not None
    assert evidence.margin is not None
    levels = one_look(Gate(name="g", rules={})).of(1.0, family=1)
    return evidence.worst_case > -evidence.margin and few_can_carry_it(evidence, levels) is None


@pytest.mark.parametrize(("items", "times"), [(50, 10), (50, 50), (130, 50)])
def test_a_rise_of_the_margin_that_few_items_carry_does_not_pass(items: int, times: int) -> None:
    """2 to 4 items in a hundred cost 10 or 50 times as much, so that the typical call costs 10 % more."""
    share = math.log(1.1) / math.log(times)
    passed = 0
    for build in range(BUILDS):
        random = np.random.default_rng([build, items, times])
        before = np.exp(random.normal(-6, 0.5, items))
        now = before * np.exp(random.normal(0, 0.1, items)) * np.where(random.random(items) < share, times, 1)
        passed += passes(before, now, Rule())
    assert passed <= 0.06 * BUILDS + 8  # 8: chance in so few builds


@pytest.mark.parametrize("items", [50, 100, 200])
def test_a_bill_that_a_few_items_raise_by_the_margin_does_not_pass(items: int) -> None:
    """2 items in a hundred cost 6 times as much: a tenth more in all."""
    passed = 0
    for build in range(BUILDS):
        random = np.random.default_rng([build, items])
        before = np.exp(random.normal(-6, 0.3, items))
        now = before * np.exp(random.normal(0, 0.1, items)) * np.where(random.random(items) < 0.02, 6, 1)
        passed += passes(before, now, Rule(statistic="sum"))
    assert passed <= 0.06 * BUILDS + 8


def test_as_many_items_pass_as_would_hold_one_that_carries_the_margin() -> None:
    cost = np.full(200, 0.01)
    few = costs(cost[:121], cost[:121])
    assert few.outcome == "inconclusive"
    assert few.reason == (
        "cost_usd: a rise of 10.0 % in the typical call cannot be ruled out: 2.4 items in a hundred can carry it, and "
        "121 independent items may hold none of them; 122 would hold one; the bill, their sum, changed by 0.0 %"
    )
    assert costs(cost[:122], cost[:122]).outcome == "pass"
    assert costs(cost[:60], cost[:60], max_increase=0.25).outcome == "pass"


def test_the_items_of_a_bill_count_by_their_size() -> None:
    """One item in fifty takes half of the bill, so that 400 are worth few."""
    cost = np.where(np.arange(400) % 50 == 0, 0.49, 0.01)
    verdict = costs(cost, cost, statistic="sum")
    assert verdict.outcome == "inconclusive"
    assert (
        "400 independent items (worth 31 of one size) may hold none of them; 149 would hold one"
        in verdict.reason
    )
    assert costs(np.full(160, 0.01), np.full(160, 0.01), statistic="sum").outcome == "pass"


def test_a_pass_says_that_it_is_of_the_typical_call_and_what_the_bill_did() -> None:
    before = np.full(300, 0.01)
    moved = np.where(np.arange(300) % 2 == 0, 1.02, 0.98)
    passed = costs(before, before * moved)
    assert passed.outcome == "pass"
    assert passed.rules[0].reason.startswith(
        "a rise of 10.0 % or more in the typical call is ruled out (bound +"
    )
    assert passed.rules[0].reason.endswith("; the bill, their sum, changed by 0.0 %")
    assert passed.spreads[0].totals == pytest.approx((3.0, 3.0))
    assert not passed.notes


def test_where_bill_and_typical_call_part_by_more_than_the_margin_it_is_said() -> None:
    """One call in a hundred costs 30 times as much, all others a little less."""
    before = np.full(300, 0.01)
    verdict = costs(before, before * np.where(np.arange(300) % 100 == 0, 30.0, 0.97))
    assert verdict.notes == (
        "cost_usd: the typical call changed by +0.4 %, the bill (the sum) by +26.0 %: a few items carry the "
        'difference; statistic = "sum" gates the bill',
    )


def test_a_missing_call_is_in_neither_sum() -> None:
    before, now = np.full(300, 0.01), np.full(300, 0.01)
    now[0] = math.nan
    assert costs(before, now).spreads[0].totals == pytest.approx((2.99, 2.99))


class TestHowManyItemsItTakes:
    def test_the_chance_to_miss_them_all_is_the_level(self) -> None:
        for margin in (0.05, 0.0953, 0.3, 1.0):
            for level in (0.01, 0.05):
                number = fewest_items(margin, level, of_sum=False)
                share = share_that_carries(margin, of_sum=False)
                assert (1 - share) ** number <= level < (1 - share) ** (number - 1)

    def test_a_margin_beyond_the_largest_multiple_needs_one(self) -> None:
        assert fewest_items(math.log(60), 0.05, of_sum=False) == 1

    def test_items_of_one_weight_count_in_full(self) -> None:
        assert equal_items(np.full(40, 0.3)) == pytest.approx(40)
        assert equal_items(np.array([1.0, 0.0, 0.0])) == pytest.approx(1)
        assert equal_items(np.zeros(3)) == 0.0
