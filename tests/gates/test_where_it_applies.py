"""Scores that do not apply to every item: what is compared, and what escapes."""

from scoregate import Gate, Rule, compare
from scoregate.catalog import Catalog, Contract
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


def test_a_score_that_applies_nowhere_holds(make: RunMaker) -> None:
    values = dict.fromkeys(passing(20), "n/a")
    verdict = compare(
        make("a", correct=passing(200), rare=dict.fromkeys(passing(200), "n/a")),
        make("b", correct=passing(200), rare=dict.fromkeys(passing(200), "n/a")),
        {"correct": Rule(), "rare": Rule()},
    )
    assert values
    assert verdict.outcome == "pass"
    assert verdict.rules[1].reason == "applies to no item of either run"
