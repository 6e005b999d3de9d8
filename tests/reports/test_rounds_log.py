"""The rounds as a log of what was run."""

from scoregate.records import RoundResult
from scoregate.reports.report import Report
from scoregate.reports.rounds_log import RoundLine, effort, round_lines, stopped_early
from tests.reports.verdicts import CONFIRMED, verdict

WHOLE = (
    RoundResult("A", 200, 1, None, "a drop of 5.0 points cannot be ruled out; 300 items would settle it"),
    RoundResult("C", 200, 2, None, "still open"),
    RoundResult("D", 200, 2, "pass", "the rule holds"),
)


def test_each_round_says_what_was_run_and_what_it_showed() -> None:
    assert round_lines(CONFIRMED) == (
        RoundLine("A", "200 items × 1", "answer_correctness looks worse (p = 0.031)"),
        RoundLine("B", "6 items × 5 fresh", "regression, as said above"),
    )


def test_of_a_long_reason_the_log_has_the_beginning() -> None:
    assert [(line.ran, line.showed) for line in round_lines(verdict(rounds=WHOLE))] == [
        ("200 items × 1", "a drop of 5.0 points cannot be ruled out"),
        ("200 items × 2 more", "still open"),
        ("200 items × 2 more", "pass: the rule holds"),
    ]


def test_the_effort_is_told_in_trials_calls_and_passes() -> None:
    assert effort(CONFIRMED) == (
        "In each version 1 trial of every item and 5 fresh of 6 items: 460 calls, 1.1 × one pass of both versions"
    )
    assert effort(verdict(rounds=WHOLE)) == (
        "In each version 5 trials of every item: 2,000 calls, 5 × one pass of both versions"
    )
    assert effort(verdict(rounds=WHOLE[:1])) == (
        "In each version 1 trial of every item: 400 calls, one pass of both versions"
    )


def test_stored_results_have_no_rounds() -> None:
    assert (round_lines(verdict()), effort(verdict()), stopped_early(Report(verdict()))) == ((), "", None)


def test_an_early_end_is_said_because_it_favours_what_is_large_by_chance() -> None:
    assert stopped_early(Report(CONFIRMED)) == (
        "Stopped early, after round B (the last would be D): the differences shown may be a little exaggerated."
    )
    assert stopped_early(Report(CONFIRMED, last_round="B")) is None
    assert stopped_early(Report(verdict(rounds=WHOLE))) is None
    assert stopped_early(Report(verdict(rounds=WHOLE[:1], outcome="invalid"))) is None
