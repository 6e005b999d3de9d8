"""What a person reads on the terminal."""

import re
from dataclasses import replace

import pytest
import wcwidth
from hypothesis import given, settings
from hypothesis import strategies as st

from scoregate.catalog import Contract
from scoregate.records import DatasetItem, Outcome, Spread
from scoregate.reports.report import Report
from scoregate.reports.terminal import render_terminal
from scoregate.reports.text import display_width
from tests.reports.verdicts import (
    CONFIRMED,
    REGRESSION,
    REPORT,
    any_reports,
    broken,
    fresh,
    lost,
    part,
    rule,
    verdict,
    won,
)


def shown(report: Report, width: int = 100, max_items: int = 10) -> str:
    return render_terminal(report, width=width, colour=False, max_items=max_items)


def test_the_manual() -> None:
    assert (
        shown(REPORT, width=120)
        == """\
REGRESSION: answer_correctness: fell from 81.0 % to 76.7 % (−4.3 points)
candidate v2 (run run-b) against baseline v1 (run run-a), dataset support-agent, gate support-agent

  score               baseline  candidate  difference [95 %]          p   scored  lost/won  detectable  outcome
------------------------------------------------------------------------------------------------------------------
- answer_correctness    81.0 %     76.7 %  −4.3 pt [−7.1, −1.5]  0.0016  200/200       2/1      3.1 pt  regression
- worse; p: one-sided for worse; lost/won: items that are worse / better; detectable: smallest drop that these data
would have shown 4 times in 5

Items that moved: 2 worse, 1 better
- refund-017: answer_correctness true → false, critical
    input     {"question": "May I return an opened kettle?"}
    expected  no, not once opened
    before    No, opened kettles stay with you.
    after     Yes, within 30 days.
- refund-018: answer_correctness true → false
    input     Where is my order?
    expected  on its way
    before    It is on its way.
    after     (no output)
+ invoice-003: answer_correctness false → true

→ scoregate run gates/support-agent.toml --only-failed

exit code 1, alpha 0.01, seed 0
"""
    )


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        ("pass", "PASS"),
        ("regression", "REGRESSION"),
        ("inconclusive", "INCONCLUSIVE"),
        ("invalid", "INVALID"),
    ],
)
def test_the_first_word_is_the_verdict_and_the_rest_of_the_line_says_why(outcome: Outcome, word: str) -> None:
    text = shown(Report(verdict(outcome=outcome, reason="because of the data")))

    assert text.splitlines()[0] == f"{word}: because of the data"


def test_a_partial_run_says_so_loudly() -> None:
    text = shown(Report(verdict(outcome="inconclusive", partial=True)))

    assert "PARTIAL RUN: only a selection of the dataset was run" in text


def test_an_inconclusive_verdict_that_only_warns_says_why_the_exit_code_is_zero() -> None:
    warns = verdict(outcome="inconclusive")

    assert 'exit code 0 (on_inconclusive = "warn")' in shown(Report(warns))
    assert "exit code 3," in shown(Report(replace(warns, on_inconclusive="fail")))


def test_every_rule_that_does_not_pass_says_why() -> None:
    both = verdict(
        rule(), rule(score="groundedness", outcome="inconclusive", reason="300 items would settle it")
    )

    assert "- groundedness: 300 items would settle it" in shown(Report(both))


def test_missing_items_are_counted_and_the_first_ones_named() -> None:
    text = shown(Report(verdict(missing_items=tuple(f"q{i:02d}" for i in range(14)))))

    assert "! Missing or failed in 14 items: q00, q01, " in text
    assert "q09 … and 4 more" in text


def test_critical_items_come_first_then_lost_then_won() -> None:
    flips = (won("better"), lost("worse"), lost("worst", critical=True))

    text = shown(Report(verdict(flips=flips)))

    assert text.index("worst:") < text.index("worse:") < text.index("better:")


def test_an_item_that_moved_on_several_scores_is_shown_once() -> None:
    flips = (lost("q1", comment="wrong sum"), lost("q1", score="groundedness", candidate_value=None))

    text = shown(Report(broken(flips=flips)))

    assert "- q1: answer_correctness 1 → 0; groundedness 1 → missing" in text
    assert "comment   answer_correctness: wrong sum" in text
    assert "Items that moved: 1 worse, 0 better" in text


def test_three_items_that_break_a_rule_are_shown_in_full_and_the_others_in_a_line() -> None:
    flips = tuple(lost(f"q{i}", comment="too short") for i in range(5))
    text = shown(Report(broken(flips=flips), baseline_outputs={f"q{i}": "before" for i in range(5)}))

    assert text.count("    before    before") == 3
    assert "- q4: answer_correctness 1 → 0 (too short)" in text


def test_what_breaks_a_rule_comes_before_what_only_moved() -> None:
    text = shown(Report(broken(flips=(lost("aside", score="groundedness"), lost("evidence")))))

    assert text.index("evidence:") < text.index("aside:")


def test_items_beyond_the_limit_are_counted_with_the_command_that_lists_them() -> None:
    report = Report(verdict(flips=tuple(lost(f"q{i}") for i in range(12))))

    assert "… and 2 more (scoregate runs diff run-a run-b)" in shown(report)
    assert "… and 2 more (scoregate other)" in shown(replace(report, diff_command="scoregate other"))
    assert "more" not in shown(report, max_items=12).partition("Items that moved")[2]


def test_items_that_failed_with_one_error_are_one_line() -> None:
    error = "KeyError: 'text'"
    flips = tuple(lost(f"q{n:03}", candidate_value=None, comment=error) for n in range(64))
    text = shown(Report(broken(flips=(*flips, lost("z", comment="says nothing")))))
    assert text.count(error) == 2  # the first one in full, then the others
    assert "- q001 and 62 more alike: answer_correctness 1 → missing (KeyError: 'text')" in text
    assert "- z: " in text
    assert "more\n" not in text


def test_an_output_that_did_not_change_is_not_repeated() -> None:
    report = Report(
        broken(flips=(lost("q1"),)), baseline_outputs={"q1": "18"}, candidate_outputs={"q1": "18"}
    )

    assert "after     (the same)" in shown(report)


def test_a_value_takes_two_lines_at_most() -> None:
    report = Report(broken(flips=(lost("q1"),)), items={"q1": DatasetItem("q1", "long\nquestion " * 200)})

    lines = shown(report, width=80).splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith("    input"))

    assert lines[first + 1].endswith("…")
    assert lines[first + 2] == ""
    assert "long ⏎ question long" in lines[first]


def test_a_narrow_terminal_gives_up_columns_and_keeps_mark_score_difference_and_outcome() -> None:
    wide, medium, narrow = (shown(REPORT, width).splitlines() for width in (140, 80, 60))

    assert any("detectable" in line for line in wide)
    assert any("candidate" in line and "outcome" in line for line in medium)
    assert not any("detectable" in line for line in medium)
    assert "- answer_correctn…  76.7 %  −4.3 pt [−7.1, −1.5]  regression" in narrow


def test_wide_characters_do_not_break_the_table() -> None:
    of_slice = rule(score="correct", slice="意图=退款", outcome="regression")
    report = Report(verdict(rule(score="correct"), of_slice))

    lines = shown(report).splitlines()
    starts = {display_width(line[: line.index("81.0 %")]) for line in lines if "81.0 %" in line}

    assert len(starts) == 1


def test_joined_emoji_do_not_break_the_table() -> None:
    signs = ("👨\u200d👩\u200d👧", "❤\ufe0f", "👋🏽", "\u1112\u1161\u11ab", "plain")
    report = Report(
        verdict(*(rule(score="correct", slice=f"who={sign}", outcome="regression") for sign in signs))
    )

    lines = [line for line in shown(report, width=140).splitlines() if "81.0 %" in line]
    starts = {wcwidth.width(line[: line.index("81.0 %")]) for line in lines}

    assert len(lines) == len(signs)
    assert len(starts) == 1


def test_colour_is_only_in_the_word_and_the_marks() -> None:
    coloured = render_terminal(REPORT, width=100, colour=True)

    assert coloured.startswith("\x1b[1;31mREGRESSION\x1b[0m: ")
    assert "\x1b[31m-\x1b[0m answer_correctness" in coloured
    assert "\x1b[32m+\x1b[0m invoice-003" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == shown(REPORT)


def test_an_output_cannot_write_to_the_terminal() -> None:
    report = Report(
        broken(flips=(lost("q1"),)), baseline_outputs={"q1": "\x1b[2J"}, candidate_outputs={"q1": "\u202e"}
    )

    assert "\x1b" not in shown(report)
    assert "\u202e" not in shown(report)


def test_links_and_notes_are_shown() -> None:
    report = Report(verdict(notes=("the tree was dirty",)), links={"run": "https://example.org/run/1"})

    assert "note: the tree was dirty" in shown(report)
    assert "→ run: https://example.org/run/1" in shown(report)


def test_a_verdict_without_rules_has_no_table() -> None:
    refused = replace(REGRESSION, outcome="invalid", reason="different datasets", rules=(), flips=())

    assert "score" not in shown(Report(refused)).partition("exit code")[0]


@settings(max_examples=100, deadline=None)
@given(any_reports(), st.integers(60, 160))
def test_any_text_fits_the_terminal_and_can_be_written(report: Report, width: int) -> None:
    text = render_terminal(report, width=width, colour=False)

    text.encode("utf-8")
    assert not any(ord(character) < 32 for character in text if character != "\n")
    uncut = ("→ ", "… and ")
    assert all(display_width(line) <= width for line in text.split("\n") if not line.startswith(uncut))


def test_booleans_of_several_trials_are_shares() -> None:
    flips = (lost("q1", baseline_value=1.0, candidate_value=2 / 3),)
    contracts = {"answer_correctness": Contract("answer_correctness", "boolean")}

    assert "q1: answer_correctness true → 0.667" in shown(Report(verdict(flips=flips), contracts=contracts))


def test_rounds_and_evidence_stand_between_the_table_and_the_items_that_moved() -> None:
    report = Report(
        CONFIRMED,
        items={"refund-017": DatasetItem("refund-017", "May I return it?")},
        contracts={"answer_correctness": Contract("answer_correctness", "boolean")},
    )

    assert """
Rounds, both versions side by side:
A      200 items × 1  answer_correctness looks worse (p = 0.031)
B  6 items × 5 fresh  regression, as said above
In each version 1 trial of every item and 5 fresh of 6 items: 460 calls, 1.1 × one pass of both versions
Stopped early, after round B (the last would be D): the differences shown may be a little exaggerated.

Fresh trials of the 3 items behind the suspicion: 2 worse
- refund-017: answer_correctness 5 of 5 before, 0 of 5 now
    input     May I return it?
- refund-018: answer_correctness 5 of 5 before, 0 of 5 now

Items that moved: 3 worse, 0 better
- refund-017: answer_correctness true → false (fresh 5/5 → 0/5)
- refund-018: answer_correctness true → false (fresh 5/5 → 0/5)
- refund-019: answer_correctness true → false (fresh 5/5 → 5/5)

""" in shown(report, width=120)


def test_the_evidence_beyond_ten_items_is_counted() -> None:
    text = shown(Report(broken(confirmed=tuple(fresh(f"q{i:02d}") for i in range(13)))))

    assert "- q09: answer_correctness 5 of 5 before, 0 of 5 now\n… and 3 more items\n" in text


def test_advice_is_told_from_what_decides() -> None:
    text = shown(Report(verdict(rule(), rule(score="tone", role="advisory", outcome="regression"))), 140)

    assert re.search(r"^- tone .* advisory \(regression\)$", text, re.MULTILINE)
    narrow = shown(Report(verdict(rule(), rule(score="tone", role="advisory", outcome="regression"))), 66)
    assert re.search(r"^- tone .* advisory$", narrow, re.MULTILINE)


def test_primary_scores_are_named_where_a_pass_rests_on_them() -> None:
    rules = rule(role="primary"), rule(score="tone", role="secondary")

    assert "a pass rests on answer_correctness; other scores can only break the gate" in shown(
        Report(verdict(*rules)), 300
    )


def test_the_anchor_has_a_block_of_its_own_and_nothing_is_explained_twice() -> None:
    report = Report(verdict(rule(), rule(against="anchor", candidate_value=0.7)), anchor="run:release-7")
    text = shown(report, width=140)

    assert "\n\nAgainst the anchor run:release-7:\n  score               anchor  candidate" in text
    assert text.count("p: one-sided") == 1


def test_what_no_table_shows_is_not_explained() -> None:
    quiet = shown(Report(verdict(rule(), part("intent=refund", q_value=0.5))), width=80)

    assert "1 slice sought, none broken" in quiet
    assert "false discovery rate" not in quiet
    assert "p: one-sided" not in quiet
    assert "false discovery rate 10 %" in shown(
        Report(verdict(rule(), part("intent=refund", q_value=0.05))), width=200
    )


def test_how_measured_scores_spread_is_told_below_the_table() -> None:
    spread = Spread("latency_seconds", ("p50", "p99"), (0.8123, 4.0), (0.9, None))
    text = render_terminal(
        replace(REPORT, verdict=replace(REPORT.verdict, spreads=(spread,))), width=100, colour=False
    )
    assert "latency_seconds: p50 0.812 → 0.9, p99 4 → –" in text
