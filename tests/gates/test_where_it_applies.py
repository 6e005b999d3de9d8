"""Scores that do not apply to every item: what is compared, and what escapes."""

from dataclasses import replace

import pytest

from scoregate import Gate, Rule, compare
from scoregate.catalog import Catalog, Contract
from scoregate.gates.levels import GUARD_SHARE
from scoregate.records import RuleResult
from tests.gates.runs import RunMaker, passing

FIVE_POINTS = {"correct": Rule(max_drop=0.05)}
CATALOG = Catalog(
    {
        "policy": Contract(
            name="policy",
            type="categorical",
            categories=("pass", "fail", "none"),
            passing=("pass",),
            ignore=("none",),
        )
    }
)


def gate(**rule: object) -> Gate:
    return Gate(name="g", rules={"policy": Rule(**rule)}, catalog=CATALOG)  # type: ignore[arg-type]


def test_an_ignored_category_leaves_the_denominator_in_both_arms(make: RunMaker) -> None:
    values = {f"q{i:03d}": "pass" if i < 100 else "none" for i in range(150)}
    verdict = compare(make("a", policy=values), make("b", policy=values), gate())
    assert verdict.rules[0].n_items == 100
    assert verdict.rules[0].missing == 0
    assert verdict.outcome == "pass"


def test_failing_where_it_did_not_apply_before_is_a_loss(make: RunMaker) -> None:
    before = {f"q{i:03d}": "pass" if i < 100 else "none" for i in range(150)}
    now = dict(before, q120="fail")
    verdict = compare(make("a", policy=before), make("b", policy=now), gate(critical=True))
    assert verdict.outcome == "regression"
    assert "q120" in verdict.reason


def test_escaping_into_not_applicable_is_found(make: RunMaker) -> None:
    before = {f"q{i:03d}": "pass" if i >= 20 else "fail" for i in range(100)}
    now = {item: "none" if value == "fail" else value for item, value in before.items()}
    verdict = compare(make("a", policy=before), make("b", policy=now), gate())
    assert verdict.outcome == "regression"
    assert "applies to fewer items than before" in verdict.reason


def test_a_scorer_may_say_so_itself(make: RunMaker) -> None:
    values = {**passing(100), "x": "n/a"}
    verdict = compare(make("a", correct=values), make("b", correct=values), FIVE_POINTS)
    assert verdict.rules[0].n_items == 100
    assert verdict.outcome == "pass"


def test_a_score_that_applies_nowhere_guards_nothing(make: RunMaker) -> None:
    nowhere = dict.fromkeys(passing(200), "n/a")
    verdict = compare(
        make("a", correct=passing(200), rare=nowhere),
        make("b", correct=passing(200), rare=nowhere),
        {"correct": Rule(), "rare": Rule()},
    )
    assert [rule.outcome for rule in verdict.rules] == ["pass", "inconclusive"]
    assert "guards nothing: it applies to none of 200 items of the baseline" in verdict.reason


@pytest.mark.parametrize(
    ("then", "now", "broken"),
    [("none", "fail", "policy (newly failing)"), ("pass", "none", "policy (applicable)")],
)
def test_a_change_as_likely_by_chance_as_is_allowed_is_a_regression(
    make: RunMaker, then: str, now: str, broken: str
) -> None:
    others = {f"q{i:03d}": "pass" if i < 98 else "none" for i in range(12, 100)}
    moved = [f"q{i:03d}" for i in range(12)]
    baseline = make("a", policy={**dict.fromkeys(moved, then), **others})
    candidate = make("b", policy={**dict.fromkeys(moved, now), **others})

    def rules(alpha: float) -> dict[str, RuleResult]:
        verdict = compare(baseline, candidate, replace(gate(), alpha=alpha))
        return {rule.score: rule for rule in verdict.rules}

    p_value = rules(alpha=0.05)[broken].adjusted_p_value
    assert p_value is not None
    as_likely = p_value / GUARD_SHARE
    assert GUARD_SHARE * as_likely == p_value
    assert rules(alpha=as_likely)[broken].outcome == "regression"
    assert broken not in rules(alpha=0.999 * as_likely)
