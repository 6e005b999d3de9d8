"""The sentence that is read first is of the rule that matters most, wherever it stands in the gate."""

import pytest

from scoregate import Rule, compare
from scoregate.gates.sentences import why
from scoregate.records import Outcome, RuleResult
from tests.gates.runs import RunMaker, passing


def rule(
    score: str,
    difference: float | None,
    *,
    outcome: Outcome = "inconclusive",
    p: float = 0.5,
    margin: float | None = 0.05,
    part: str | None = None,
    items: int = 100,
    direction: str = "higher",
) -> RuleResult:
    return RuleResult(
        score=score, slice=part, outcome=outcome, reason="so", direction=direction, baseline_value=1.0,
        candidate_value=1.0, difference=difference, ci_low=None, ci_high=None, p_value=p, adjusted_p_value=p,
        n_items=items, n_clusters=items, n_scored=items, n_expected=items, missing=0, baseline_missing=0,
        minimum_detectable_drop=None, lost=0, won=0, margin=margin,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "first"),
    [
        ([rule("tone", 0.0), rule("facts", -0.24)], "facts"),
        ([rule("tone", 0.2), rule("facts", -0.01)], "facts"),
        ([rule("tone", -0.10, p=0.2), rule("facts", -0.05, p=0.01)], "facts"),
        ([rule("tone", -0.05, p=0.01), rule("facts", -0.10, p=0.02)], "facts"),
        ([rule("tone", None), rule("facts", -0.1)], "facts"),
        ([rule("latency_seconds", 0.12, margin=0.1, direction="lower"), rule("facts", -0.3)], "facts"),
        ([rule("facts", -0.06), rule("latency_seconds", 1.0, margin=0.1, direction="lower")], "latency_seconds"),
        # No item may be lost of "safe", so that one is more than any margin.
        ([rule("facts", -0.3, p=0.001), rule("safe", -0.01, p=0.5, margin=0.0)], "safe"),
        # A slice weighs as much as it is of its score.
        ([rule("facts", -0.3, part="intent=refund", items=10), rule("facts", -0.1), rule("tone", 0.0)], "facts"),
        ([rule("tone", -0.1), rule("facts", -0.1)], "tone"),
    ],
)  # fmt: skip
def test_proved_before_likely_and_large_before_small(rules: list[RuleResult], first: str) -> None:
    others = len(rules) - 1
    more = "1 more rule" if others == 1 else f"{others} more rules"
    assert why("inconclusive", rules) == f"{first}: so (and {more})"


def test_the_score_that_fell_is_named_before_one_in_which_nothing_moved(make: RunMaker) -> None:
    before = make("a", tone=passing(25), facts=passing(25, 4))
    after = make("b", tone=passing(25), facts=passing(25, 10))
    verdict = compare(before, after, {"tone": Rule(max_drop=0.05), "facts": Rule(max_drop=0.05)})
    assert verdict.reason.startswith("facts: ")


def test_a_large_regression_is_named_before_a_small_one(make: RunMaker) -> None:
    before = make("a", tone=passing(200), facts=passing(200))
    after = make("b", tone=passing(200, 20), facts=passing(200, 80))
    verdict = compare(before, after, {"tone": Rule(), "facts": Rule()})
    assert verdict.reason.startswith("facts: ")
    assert verdict.reason.endswith("(and 1 more rule)")


def test_one_score_is_not_called_several(make: RunMaker) -> None:
    before = {f"q{i:03d}": i >= 4 for i in range(24)}
    after = {f"q{i:03d}": not 4 <= i < 19 for i in range(24)}
    verdict = compare(make("a", correct=before), make("b", correct=after), {"correct": Rule()})
    assert verdict.outcome == "inconclusive"
    assert "is suspected (p = 0.0096, and 0.009 would prove it); more trials" in verdict.reason
    two = compare(
        make("a", correct=before, tone=before),
        make("b", correct=after, tone=after),
        {"correct": Rule(), "tone": Rule()},
    )
    assert "in one of 2 tests chance does as much" in two.reason
