"""Scores that are numbers: which way is worse, and what a missing one costs."""

from typing import Literal

import numpy as np
import pytest

from scoregate import Rule, compare
from scoregate.errors import ConfigError
from tests.gates.runs import RunMaker


def test_direction_decides_what_is_worse(make: RunMaker) -> None:
    rng = np.random.default_rng(0)
    before = {f"q{i:03d}": float(v) for i, v in enumerate(rng.uniform(0.5, 0.9, 100))}
    now = {k: v - 0.05 for k, v in before.items()}
    expected: dict[Literal["higher", "lower"], str] = {"higher": "regression", "lower": "pass"}
    for direction, outcome in expected.items():
        verdict = compare(
            make("a", s=before), make("b", s=now), {"s": Rule(max_drop=0.02, direction=direction)}
        )
        assert verdict.outcome == outcome
        assert verdict.rules[0].difference == pytest.approx(-0.05)


def test_nothing_says_which_numbers_are_better(make: RunMaker) -> None:
    values = {f"q{i:03d}": 0.5 for i in range(20)}
    with pytest.raises(ConfigError, match="nothing says which are better"):
        compare(make("a", s=values), make("b", s=values), {"s": Rule(max_drop=0.1)})


def test_zeros_and_ones_are_booleans(make: RunMaker) -> None:
    values = {f"q{i:03d}": float(i > 5) for i in range(200)}
    verdict = compare(make("a", s=values), make("b", s=values), {"s": Rule()})
    assert verdict.outcome == "pass"


def test_latency_is_compared_by_its_ratio(make: RunMaker) -> None:
    rng = np.random.default_rng(1)
    before = {f"q{i:03d}": float(v) for i, v in enumerate(rng.lognormal(0, 1, 200))}
    slower = {k: v * rng.uniform(1.2, 1.5) for k, v in before.items()}
    rule = {"latency_seconds": Rule(max_increase=0.10, fails_on="any proved drop")}
    verdict = compare(make("a", latency_seconds=before), make("b", latency_seconds=slower), rule)
    assert verdict.outcome == "regression"
    assert verdict.rules[0].difference == pytest.approx(0.34, abs=0.03)
    same = compare(make("a", latency_seconds=before), make("b", latency_seconds=dict(before)), rule)
    assert same.outcome == "pass"


def test_a_missing_number_without_a_range_cannot_pass(make: RunMaker) -> None:
    values = {f"q{i:03d}": 10.0 + i % 3 for i in range(200)}
    verdict = compare(
        make("a", s=values),
        make("b", s=dict(values, q000=None)),
        {"s": Rule(max_drop=1.0, direction="higher")},
    )
    assert verdict.outcome == "inconclusive"
    assert "no range in the score's contract" in verdict.reason


def test_a_number_without_range_and_margin_cannot_be_decided(make: RunMaker) -> None:
    values = {f"q{i:03d}": 10.0 + i for i in range(20)}
    with pytest.raises(ConfigError, match="no margin can be assumed"):
        compare(make("a", s=values), make("b", s=values), {"s": Rule(direction="higher")})


def stars(lower: float, *, items: int = 60) -> dict[str, float]:
    """Grades from 5 to 8, each lower by up to twice `lower`."""
    return {f"q{i:03d}": 5 + i % 4 - lower * (1 + i % 2) for i in range(items)}


def test_items_that_fell_by_less_than_the_margin_are_named_where_together_they_break_the_rule(
    make: RunMaker,
) -> None:
    rules = {"stars": Rule(max_drop=1.5, direction="higher")}
    verdict = compare(make("a", stars=stars(0)), make("b", stars=stars(0.5)), rules)
    assert verdict.outcome == "regression"
    assert len(verdict.regressed_items) == 60
    assert [flip.item for flip in verdict.flips[:2]] == ["q001", "q003"], "the largest first"


def test_they_are_not_named_where_nothing_is_broken(make: RunMaker) -> None:
    before = {f"q{i:03d}": 5.0 for i in range(60)}
    now = {item: value + (0.1 if int(item[1:]) % 2 else -0.1) for item, value in before.items()}
    verdict = compare(
        make("a", stars=before), make("b", stars=now), {"stars": Rule(max_drop=1.5, direction="higher")}
    )
    assert (verdict.outcome, verdict.regressed_items) == ("pass", ())
