"""The evidence item by item."""

from dataclasses import replace

import pytest

from scoregate.catalog import Contract
from scoregate.reports.report import Report
from scoregate.reports.shown_items import fresh_evidence, in_short, in_words
from tests.reports.verdicts import broken, fresh, rule, unconfirmed, verdict

RATE = Contract("answer_correctness", "boolean")


def test_rates_are_counted() -> None:
    assert in_words(fresh("q1"), RATE) == "5 of 5 before, 0 of 5 now"
    assert in_short(fresh("q1"), RATE) == "5/5 → 0/5"


def test_missing_trials_are_said_and_count_as_no_pass() -> None:
    lost = fresh("q1", candidate_values=(None, 0.0, None, 1.0, 0.0))

    assert in_words(lost, RATE) == "5 of 5 before, 1 of 5 now (2 missing)"
    assert in_short(lost, RATE) == "5/5 → 1/5, 2 missing"


def test_a_category_may_also_not_apply_so_its_gaps_are_not_called_missing() -> None:
    policy = Contract("policy", "categorical", ignore=("not_applicable",))

    assert in_words(fresh("q1", candidate_values=(0.0, None)), policy) == (
        "5 of 5 before, 0 of 2 now (1 without a value)"
    )


def test_where_true_is_bad_it_says_what_is_counted() -> None:
    worse = fresh("q1", baseline_values=(0.0,) * 5, candidate_values=(1.0,) * 5)

    assert in_words(worse, replace(RATE, direction="lower")) == "true in 0 of 5 before, 5 of 5 now"


@pytest.mark.parametrize(
    ("score", "before", "now", "words", "short"),
    [
        ("tone", (0.8, 0.9), (0.3, 0.4), "0.850 before, 0.350 now (means of 2 trials)", "0.850 → 0.350"),
        ("tone", (0.8,), (0.3,), "0.800 before, 0.300 now (mean of 1 trial)", "0.800 → 0.300"),
        (
            "tone",
            (4.0, 2.0),
            (None, None),
            "3.00 before, no value now (means of 2 trials; 2 missing now)",
            "3.00 → no value, 2 missing",
        ),
        (
            "latency_seconds",
            (1.0, 4.0),
            (2.0, 8.0),
            "2.00 before, 4.00 now (geometric means of 2 trials)",
            "2.00 → 4.00",
        ),
    ],
)
def test_numbers_are_averaged_as_the_gate_does(
    score: str, before: tuple[float, ...], now: tuple[float | None, ...], words: str, short: str
) -> None:
    again = fresh("q1", score=score, baseline_values=before, candidate_values=now)

    assert in_words(again, Contract(score, "numeric")) == words
    assert in_short(again, Contract(score, "numeric")) == short


def test_without_a_contract_ones_and_zeros_are_a_rate() -> None:
    assert in_words(fresh("q1"), None) == "5 of 5 before, 0 of 5 now"
    assert in_words(fresh("q1", candidate_values=(0.5,) * 5), None).startswith("1.00 before, 0.50 now")


def test_an_item_is_there_once_with_the_scores_on_which_it_was_worse() -> None:
    confirmed = (
        fresh("q1"),
        fresh("q2"),
        fresh("q1", score="tone"),
        replace(unconfirmed("q2"), score="tone"),
    )
    evidence = fresh_evidence(Report(broken(confirmed=confirmed)))

    assert [(item.id, [one.score for one in item.scores]) for item in evidence.items] == [
        ("q1", ["answer_correctness", "tone"]),
        ("q2", ["answer_correctness"]),
    ]
    assert evidence.not_worse == 0


def test_what_was_not_worse_again_is_only_counted() -> None:
    evidence = fresh_evidence(Report(verdict(confirmed=(fresh("q1"), unconfirmed("q2"), unconfirmed("q3")))))

    assert evidence.title == "Fresh trials of the 3 items behind the suspicion: 1 worse"
    assert [item.id for item in evidence.items] == ["q1"]
    assert evidence.not_worse == 2


def test_items_of_a_broken_score_come_first() -> None:
    both = verdict(rule(outcome="regression"), confirmed=(fresh("q1", score="tone"), fresh("q2")))

    assert [(item.id, item.breaks) for item in fresh_evidence(Report(both)).items] == [
        ("q2", True),
        ("q1", False),
    ]
