"""A verdict whose judges may not decide: what is left of it."""

from __future__ import annotations

from dataclasses import replace

from scoregate.calibration.requirement import Requirement
from scoregate.gate_file import Gate, Rule, rule_from_mapping
from scoregate.gates.compare import compare, compare_with_both, nothing_to_compare
from scoregate.gates.untrusted_judges import with_biased, with_uncalibrated
from scoregate.records import RuleResult, Verdict
from tests.gates.runs import RunMaker, passing

WHY = {"tone": "the judge 'tone' has no calibration; make one: …"}
MAKE = RunMaker()


def decided(
    *, tone: int = 0, correct: int = 0, advisory: bool = False, header: dict[str, object] | None = None
) -> Verdict:
    """100 items; so many of them fail now."""
    rules = {"correct": {"max_drop": 0.05}, "tone": {"max_drop": 0.05, "advisory": advisory}}
    gate = Gate(name="x", rules={name: rule_from_mapping(rule, name) for name, rule in rules.items()})
    baseline = MAKE("before", correct=passing(100), tone=passing(100))
    now = MAKE("now", header=header, correct=passing(100, correct), tone=passing(100, tone))
    return compare_with_both(gate, baseline, now, None, seed=0)


def rule(verdict: Verdict, score: str) -> RuleResult:
    return next(rule for rule in verdict.rules if rule.score == score and rule.slice is None)


def test_with_all_judges_calibrated_nothing_changes() -> None:
    verdict = decided()
    assert with_uncalibrated(verdict, {}) is verdict


def test_a_pass_becomes_invalid_and_only_the_judges_rule_is_touched() -> None:
    verdict = with_uncalibrated(decided(), WHY)
    assert (verdict.outcome, verdict.exit_code, verdict.reason) == ("invalid", 4, WHY["tone"])
    assert rule(verdict, "tone").outcome == "invalid"
    assert rule(verdict, "correct").outcome == "pass"
    assert rule(verdict, "tone").candidate_value == 1.0


def test_a_drop_that_only_the_judge_saw_is_no_regression() -> None:
    assert decided(tone=40).outcome == "regression"
    verdict = with_uncalibrated(decided(tone=40), WHY)
    assert (verdict.outcome, verdict.reason) == ("invalid", WHY["tone"])


def test_a_drop_that_a_judge_shows_in_spite_of_favouring_the_candidate_stands() -> None:
    verdict = with_biased(decided(tone=40), WHY, favoured={"tone"})
    assert verdict.outcome == "regression"
    assert verdict.reason.startswith("tone: ")
    assert rule(verdict, "tone").outcome == "regression"
    assert f"{WHY['tone']}; as that favours the candidate, the drop that is proved all the same stands" in (
        verdict.notes
    )


def test_without_a_drop_a_judge_that_favours_the_candidate_decides_nothing() -> None:
    verdict = with_biased(decided(), WHY, favoured={"tone"})
    assert (verdict.outcome, verdict.reason) == ("invalid", WHY["tone"])


def test_a_drop_that_another_score_proves_stays_a_regression() -> None:
    verdict = with_uncalibrated(decided(tone=40, correct=40), WHY)
    assert verdict.outcome == "regression"
    assert verdict.reason.startswith("correct: ")
    assert "more rule" not in verdict.reason
    assert WHY["tone"] in verdict.notes


def test_an_advisory_judge_is_shown_as_invalid_and_gates_nothing() -> None:
    verdict = with_uncalibrated(decided(advisory=True), WHY)
    assert verdict.outcome == "pass"
    assert rule(verdict, "tone").outcome == "invalid"
    assert WHY["tone"] in verdict.notes


def test_a_part_of_the_dataset_is_no_excuse() -> None:
    verdict = decided(header={"metadata": {"selection": "--limit 3"}})
    assert verdict.outcome == "inconclusive"
    assert with_uncalibrated(verdict, WHY).outcome == "invalid"


def test_what_was_not_compared_keeps_its_own_reason() -> None:
    rules = {name: rule_from_mapping({"max_drop": 0.05}, name) for name in ("correct", "tone")}
    nothing = nothing_to_compare(
        MAKE("now", correct=passing(3), tone=passing(3)), Gate(name="x", rules=rules), "no baseline"
    )
    verdict = with_uncalibrated(nothing, WHY)
    assert verdict == replace(nothing, notes=(*nothing.notes, WHY["tone"]))


def test_a_comparison_that_looks_at_no_file_says_so() -> None:
    rules = {"tone": Rule(max_drop=0.05, require_calibration=Requirement(kappa=0.6))}
    verdict = compare(MAKE("before", tone=passing(100)), MAKE("now", tone=passing(100)), rules)
    assert verdict.outcome == "pass"
    note = "whether the judge 'tone' is calibrated as its rule requires was not looked at"
    assert verdict.notes == (note,)


def with_true_margin(*, tone: int = 0, advisory: bool = False) -> Verdict:
    """A margin of the truth where no calibration is looked at."""
    rules = {
        "tone": Rule(max_drop=0.05, margin_of="truth", advisory=advisory),
        "correct": Rule(max_drop=0.05),
    }
    before = MAKE("before", tone=passing(100), correct=passing(100))
    return compare(before, MAKE("now", tone=passing(100, tone), correct=passing(100)), rules)


def test_a_margin_of_the_truth_passes_nothing_without_a_calibration() -> None:
    verdict = with_true_margin()
    assert (verdict.outcome, rule(verdict, "tone").outcome) == ("inconclusive", "inconclusive")
    assert rule(verdict, "correct").outcome == "pass"
    assert verdict.reason == (
        "tone: its margin is one of the truth, and what that is in the judge's scores takes its calibration, which was "
        "not looked at"
    )


def test_a_margin_of_the_truth_may_be_broken_without_a_calibration() -> None:
    assert with_true_margin(tone=40).outcome == "regression"


def test_an_advisory_margin_of_the_truth_gates_nothing() -> None:
    verdict = with_true_margin(advisory=True)
    assert (verdict.outcome, rule(verdict, "tone").outcome) == ("pass", "inconclusive")
