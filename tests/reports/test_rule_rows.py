"""The cells of a rule's row."""

import pytest

from scoregate.catalog import Contract
from scoregate.records import Role, RuleResult
from scoregate.reports.report import Report
from scoregate.reports.shown_rules import RuleRow, further_reasons, mark_of, outcome_of, rule_rows
from tests.reports.verdicts import part, rule, verdict


def row(result: RuleResult, *contracts: Contract) -> RuleRow:
    report = Report(verdict(result), contracts={contract.name: contract for contract in contracts})
    (only,) = rule_rows(report, [result])
    return only


@pytest.mark.parametrize(
    ("mark", "result"),
    [
        ("+", rule(difference=0.04, ci_low=0.01, ci_high=0.07)),
        ("-", rule(difference=-0.04, ci_low=-0.07, ci_high=-0.01)),
        ("-", rule(outcome="regression", difference=0.0)),
        ("~", rule(difference=-0.04, ci_low=-0.09, ci_high=0.01)),
        ("~", rule(difference=0.0, lost=2, won=2)),
        ("=", rule(difference=0.0, lost=0, won=0)),
        ("!", rule(outcome="invalid")),
        (" ", rule(difference=None, ci_low=None, ci_high=None)),
        ("+", rule(direction="lower", difference=-0.2, ci_low=-0.3, ci_high=-0.1)),
        ("-", rule(direction="lower", difference=0.2, ci_low=0.1, ci_high=0.3)),
    ],
)
def test_the_mark_says_how_the_candidate_compares(mark: str, result: RuleResult) -> None:
    assert mark_of(result) == mark


def test_shares_are_in_percent_and_their_difference_in_points() -> None:
    result = rule(
        baseline_value=0.81,
        candidate_value=0.767,
        difference=-0.043,
        ci_low=-0.071,
        ci_high=-0.015,
        minimum_detectable_drop=0.0312,
    )

    cells = row(result, Contract("answer_correctness", "boolean"))

    assert (cells.baseline, cells.candidate) == ("81.0 %", "76.7 %")
    assert cells.difference == "−4.3 pt [−7.1, −1.5]"
    assert cells.detectable == "3.1 pt"
    assert (cells.scored, cells.moved) == ("200/200", "3/3")


def test_a_score_without_a_contract_is_a_share_if_its_values_can_be() -> None:
    assert row(rule(baseline_value=0.5)).baseline == "50.0 %"
    assert row(rule(baseline_value=3.4, candidate_value=3.5)).baseline == "3.400"


def test_numbers_keep_their_unit_beside_the_name() -> None:
    result = rule(
        score="steps", baseline_value=4.0, candidate_value=5.5, difference=1.5, ci_low=0.2, ci_high=2.8
    )

    cells = row(result, Contract("steps", "numeric", direction="lower", unit="calls"))

    assert cells.label == "steps (calls)"
    assert cells.candidate == "5.5"
    assert cells.difference == "+1.5 [+0.2, +2.8]"


@pytest.mark.parametrize(
    ("score", "unit"), [("wait_seconds", "seconds"), ("wait_seconds", "s"), ("fee_usd", "USD")]
)
def test_a_unit_that_the_name_says_is_not_said_again(score: str, unit: str) -> None:
    assert row(rule(score=score), Contract(score, "numeric", unit=unit)).label == score


def test_latency_differs_by_a_share_of_itself() -> None:
    result = rule(
        score="latency_seconds",
        direction="lower",
        baseline_value=1.331,
        candidate_value=1.468,
        difference=0.103,
        ci_low=0.070,
        ci_high=0.138,
        minimum_detectable_drop=0.058,
    )

    cells = row(result)

    assert (cells.baseline, cells.candidate) == ("1.331", "1.468")
    assert cells.difference == "+10.3 % [+7.0, +13.8]"
    assert cells.detectable == "5.8 %"


def test_what_is_unknown_is_a_dash() -> None:
    cells = row(
        rule(
            baseline_value=None,
            difference=None,
            ci_low=None,
            ci_high=None,
            adjusted_p_value=None,
            minimum_detectable_drop=None,
        )
    )

    assert cells.baseline == cells.difference == cells.p == cells.detectable == "–"
    assert cells.candidate == "81.0 %"


def test_a_slice_stands_below_its_score_or_is_named_in_full() -> None:
    rules = rule(), rule(slice="intent=refund"), rule(score="x", slice="intent=refund")
    rows = rule_rows(Report(verdict(*rules)), rules)

    assert [cells.label for cells in rows] == ["answer_correctness", "· intent=refund", "x · intent=refund"]


def test_reasons_that_the_verdict_gave_are_not_given_again() -> None:
    said = rule(outcome="regression", reason="0.5 is below its minimum")
    unsaid = rule(score="groundedness", outcome="regression", reason="0.5 is below its minimum")
    both = verdict(
        said, unsaid, rule(), reason="answer_correctness: 0.5 is below its minimum (and 1 more rule)"
    )

    assert further_reasons(both, both.rules) == (("groundedness", "0.5 is below its minimum"),)


def test_of_advisory_scores_only_a_regression_is_worth_a_sentence_and_says_that_it_is_advice() -> None:
    advice = rule(score="tone", role="advisory", outcome="regression", reason="fell to 3.1")
    open_ = rule(score="length", role="advisory", outcome="inconclusive", reason="too few items")
    of_slice = rule(score="tone", slice="lang=de", role="advisory", outcome="regression", reason="fell")
    both = verdict(advice, of_slice, open_)

    assert further_reasons(both, both.rules) == (("tone (advisory)", "fell to 3.1"),)


@pytest.mark.parametrize(
    ("role", "result", "shown"),
    [
        ("gate", "pass", "pass"),
        ("primary", "pass", "pass"),
        ("secondary", "pass", "no drop proved"),
        ("secondary", "regression", "regression"),
        ("advisory", "pass", "advisory (pass)"),
        ("advisory", "regression", "advisory (regression)"),
    ],
)
def test_the_outcome_claims_no_more_than_it_decides(role: Role, result: str, shown: str) -> None:
    assert outcome_of(rule(role=role, outcome=result)) == shown


def test_a_slice_proves_no_pass() -> None:
    assert outcome_of(part("intent=refund", q_value=0.4)) == "no drop proved"
    assert outcome_of(part("intent=refund", q_value=0.1)) == "looks worse"
    assert outcome_of(part("intent=refund", q_value=0.1, outcome="regression")) == "regression"


def test_a_statistic_other_than_the_mean_is_named() -> None:
    assert row(rule(score="latency_seconds", statistic="p95")).label == "latency_seconds p95"
    steps = rule(score="steps", statistic="p50")
    assert row(steps, Contract("steps", "numeric", unit="calls")).label == "steps p50 (calls)"


def test_a_sum_is_no_share() -> None:
    total = rule(statistic="sum", baseline_value=162.0, candidate_value=158.0)

    assert row(total, Contract("answer_correctness", "boolean")).baseline.startswith("162")


def test_what_a_score_does_not_apply_to_is_not_in_its_denominator() -> None:
    assert row(rule(n_scored=95, n_expected=100, missing=5, not_applicable=40)).scored == "55/60"
