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


def test_what_results_say_nothing_of_may_count_as_not_applicable(make: RunMaker) -> None:
    everywhere, here_and_there = passing(120), passing(100)
    before, now = (make(run, polite=everywhere, correct=here_and_there) for run in "ab")
    rules = {"polite": Rule(), "correct": Rule(max_drop=0.05, absent="not_applicable")}
    verdict = compare(before, now, rules)
    assert verdict.outcome == "pass"
    assert (verdict.rules[1].n_items, verdict.rules[1].missing) == (100, 0)
    missing = compare(before, now, {"polite": Rule(), "correct": Rule(max_drop=0.05)})
    assert missing.rules[1].missing == 20


def test_saying_nothing_where_it_failed_before_is_found(make: RunMaker) -> None:
    everywhere, before = passing(100), passing(100, failing=20)
    now = {item: value for item, value in before.items() if value}
    rules = {"polite": Rule(), "correct": Rule(absent="not_applicable")}
    verdict = compare(
        make("a", polite=everywhere, correct=before), make("b", polite=everywhere, correct=now), rules
    )
    assert verdict.outcome == "regression"
    assert "correct" in verdict.reason
    assert "applies to fewer items than before" in verdict.reason


def test_an_item_that_failed_or_is_not_there_is_missing_all_the_same(make: RunMaker) -> None:
    before, now = make("a", correct=passing(20)), make("b", correct=passing(20))
    failed = replace(
        now,
        items=(replace(now.items[0], status="error", error="boom"), *now.items[2:]),
        scores=tuple(score for score in now.scores if score.item not in ("q000", "q001")),
    )
    verdict = compare(before, failed, {"correct": Rule(absent="not_applicable")})
    assert verdict.rules[0].missing == 2
