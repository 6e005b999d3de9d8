"""The comment's text: read back as it was written, below GitHub's limit, and joined in any order alike."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoregate.github.body import ROOM, compose, is_ours, parse, size
from scoregate.github.job import Job, WorkflowRun
from scoregate.github.section import section_of
from scoregate.github.sections import WORDS, Older, Part, Section, Tally, joined, key_of, stands
from scoregate.reports import Report
from tests.github.markdown import rendered
from tests.github.reports import REGRESSION
from tests.reports.verdicts import any_reports, lost, rule, verdict

JOB = Job(repository="acme/support", pull_request=7, commit="4f3c2b1a" * 5, run=WorkflowRun(100))


def long_report(gate: str, items: int) -> Report:
    flips = tuple(lost(f"{gate}-{number:03}", comment="wrong " * 50) for number in range(items))
    return replace(REGRESSION, verdict=replace(REGRESSION.verdict, gate=gate, flips=flips), provenance=None)


def test_detail_is_left_out_from_the_bottom_and_counted() -> None:
    sections = [section_of(long_report(f"gate-{number}", 50), JOB) for number in range(8)]
    assert sum(size(compose([one])) for one in sections) > 2 * ROOM

    text = compose(sections)
    assert ROOM - 3_000 < size(text) <= ROOM
    found = {one.title: one for one in parse(text)}
    kept = [len(part.blocks) for one in found.values() for part in one.parts if part.name == "worse"]
    assert kept[0] == 50
    assert kept == sorted(kept, reverse=True)
    assert kept[-1] == 0
    assert "… and 50 more, left out here for length." in text
    assert "Some detail was left out here for length: the job's summary has all." in text
    assert rendered(text).tags.count("details") == 8 * 2


def test_what_was_left_out_is_still_counted_when_another_job_writes() -> None:
    sections = [section_of(long_report(f"gate-{number}", 50), JOB) for number in range(8)]
    once = compose(sections)
    again = compose(list(joined(parse(once)).values()))
    assert again == once

    worse = section_of(long_report("aaa", 50), JOB)
    thrice = compose([*parse(again), worse])
    for text in (once, thrice):
        counted = [
            len(part.blocks) + part.left for one in parse(text) for part in one.parts if part.name == "worse"
        ]
        assert set(counted) == {50}


@pytest.mark.parametrize("number", [1, 40, 120])
def test_any_number_of_gates_stays_below_the_limit(number: int) -> None:
    sections = [section_of(long_report(f"gate-{index:03}", 20), JOB) for index in range(number)]
    text = compose(sections)
    assert size(text) <= ROOM
    assert text.startswith("### ❌ Regression in ")
    kept = len(parse(text))
    assert kept == number or f"… and {number - kept:,} more gates, left out here for length." in text
    rendered(text)


def test_the_worst_stays_longest() -> None:
    bad = section_of(long_report("zz", 1), JOB)
    good = [
        section_of(Report(verdict(gate=f"gate-{index:03}", reason="nothing " * 60)), JOB)
        for index in range(400)
    ]
    assert parse(compose([*good, bad]))[0].title == "zz"


@settings(max_examples=25, deadline=None)
@given(any_reports())
def test_any_report_is_read_back_as_it_was_written(report: Report) -> None:
    text = compose([section_of(report, JOB)])
    assert size(text) <= ROOM
    assert compose(parse(text)) == text
    rendered(text)


def test_only_what_has_rows_is_shown() -> None:
    whole = verdict(
        rule(score="a", outcome="regression", difference=-0.1, ci_low=-0.2, ci_high=-0.05),
        rule(score="b", outcome="inconclusive"),
        rule(score="c", outcome="invalid"),
        rule(score="d", difference=0.1, ci_low=0.05, ci_high=0.2),
        rule(score="e"),
        outcome="regression",
    )
    text = compose([section_of(Report(whole), JOB)])
    assert re.findall(r"^\*\*(.+)\*\*$", text, re.MULTILINE) == [
        "Broken",
        "Not comparable",
        "Not settled",
        "Better",
    ]
    assert "<summary>1 rule holds</summary>" in text
    assert "items" not in text
    assert "None" not in text

    settled = compose([section_of(Report(verdict(rule(score="e"))), JOB)])
    assert re.findall(r"^\*\*(.+)\*\*$", settled, re.MULTILINE) == []


def test_a_few_items_are_named_without_being_unfolded() -> None:
    assert "Worse: <code>gate-000</code>, <code>gate-001</code>\n" in compose(
        [section_of(long_report("gate", 2), JOB)]
    )
    assert ", <code>gate-004</code> and 45 more\n" in compose([section_of(long_report("gate", 50), JOB)])


def test_a_rule_against_the_anchor_says_so() -> None:
    whole = verdict(rule(score="a", outcome="regression", against="anchor"), outcome="regression")
    assert "| a (against the anchor) |" in compose([section_of(Report(whole), JOB)])


def test_a_comment_is_ours_by_a_line_of_its_own() -> None:
    text = compose([section_of(REGRESSION, JOB)])
    assert is_ours(text)
    assert is_ours(text.replace("\n", "\r\n"))  # edited on the page
    assert not is_ours("\n".join(f"> {line}" for line in text.splitlines()))
    assert parse(text.replace("\n", "\r\n")) == parse(text)


@pytest.mark.parametrize("damage", ["AAAA", "e30=", "bnVsbA==", "W10="])
def test_a_section_whose_state_was_edited_is_dropped(damage: str) -> None:
    text = compose([section_of(REGRESSION, JOB)])
    damaged = re.sub(r"(scoregate:section [0-9a-f]{12}) \S+", rf"\1 {damage}", text)
    assert damaged != text
    assert parse(damaged) == []


@st.composite
def any_sections(draw: st.DrawFn) -> Section:
    """Of one of two gates, with older verdicts of older runs."""
    number = draw(st.integers(2, 5))
    older = draw(st.sets(st.integers(1, number - 1), max_size=2))
    word = st.sampled_from(WORDS)
    return Section(
        key=key_of(draw(st.sampled_from("ab")), None),
        title="gate",
        word=draw(word),
        run=WorkflowRun(number),
        commit=str(number),
        tally=Tally(1, 2, 3, 4),
        parts=(Part("head", "text"),),
        older=tuple(Older(WorkflowRun(run), str(run), draw(word)) for run in sorted(older, reverse=True)),
    )


_STATES = st.lists(any_sections(), max_size=3)


def of(state: dict[str, Section]) -> object:
    """What counts of a state: which verdict stands, and which older ones are told of below it."""
    return {key: (one.state, one.older) for key, one in state.items()}


@settings(max_examples=100, deadline=None)
@given(_STATES, _STATES, _STATES)
def test_states_are_joined_in_any_order_and_as_often_as_one_likes(
    a: list[Section], b: list[Section], c: list[Section]
) -> None:
    ab, ba = joined(a, b), joined(b, a)
    assert of(ab) == of(ba)
    assert of(joined(ab.values(), c)) == of(joined(a, joined(b, c).values()))
    assert of(joined(ab.values(), ab.values(), a)) == of(ab)
    assert stands(a, joined(a, b))
    assert stands(b, joined(a, b))


def test_a_state_without_a_verdict_does_not_stand() -> None:
    ours = section_of(REGRESSION, JOB)
    other = section_of(REGRESSION, replace(JOB, run=WorkflowRun(99)))
    assert not stands([ours], {})
    assert not stands([ours], joined([other]))
    assert stands([ours], reduce(lambda held, one: joined(held.values(), [one]), [ours, other], joined([])))
    assert not stands([other], {ours.key: ours})
