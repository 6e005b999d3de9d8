"""That the candidate's calls failed is told first, whatever keeps the two runs from being compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from scoregate import Gate, Rule, Run, compare
from scoregate.gates.compare import nothing_to_compare
from scoregate.records import RunItem
from tests.gates.runs import RunMaker, passing

RULES = {"correct": Rule(), "polite": Rule()}


def refused(run: Run, errors: Mapping[str, str]) -> Run:
    """The run with these items failed."""
    items = (
        RunItem(item.item, item.trial, "error", errors[item.item]) if item.item in errors else item
        for item in run.items
    )
    return replace(run, items=tuple(items))


@pytest.mark.parametrize(
    ("before", "now", "why"),
    [
        ({}, {}, "the baseline has no score 'polite'"),
        ({"dataset_fingerprint": "a"}, {"dataset_fingerprint": "b"}, "changed since the baseline was made"),
        ({"scorers": {"correct": "1"}}, {"scorers": {"correct": "2"}}, "the scorer of correct changed"),
        ({"metadata": {"selection": "1 of 2"}}, {}, "the baseline a ran only a part of its dataset"),
    ],
)
def test_before_what_differs(
    make: RunMaker, before: Mapping[str, object], now: Mapping[str, object], why: str
) -> None:
    failed = dict.fromkeys(passing(64), "AuthenticationError: invalid key")
    after = refused(make("b", header=now, correct=passing(64, 64), polite=passing(64)), failed)
    verdict = compare(make("a", header=before, correct=passing(64)), after, RULES)
    assert verdict.outcome == "invalid"
    told, rest = verdict.reason.split("; besides, ", 1)
    assert told == (
        "64 of 64 items failed in the candidate's run: AuthenticationError: invalid key (first: q000)"
    )
    assert why in rest


def test_before_a_baseline_that_is_not_there(make: RunMaker) -> None:
    after = refused(make("b", correct=passing(64)), dict.fromkeys(passing(64), "no route"))
    verdict = nothing_to_compare(after, Gate(name="g", rules=RULES), "there is no baseline yet")
    assert verdict.reason.startswith("64 of 64 items failed in the candidate's run: no route")
    assert verdict.reason.endswith("; besides, there is no baseline yet")


def test_the_most_frequent_error_is_told_with_its_count(make: RunMaker) -> None:
    errors = {item: f"no answer for {item}" for item in passing(50)} | {
        "q001": "time-out",
        "q002": "time-out",
    }
    verdict = compare(
        make("a", correct=passing(64)),
        refused(make("b", correct=passing(64), polite=passing(64)), errors),
        RULES,
    )
    assert verdict.reason.startswith(
        "50 of 64 items failed in the candidate's run: no answer for q000 (48 times, first: q000); besides, "
    )


def test_a_score_that_was_never_made_is_told_as_well(make: RunMaker) -> None:
    after = make("b", correct=dict.fromkeys(passing(64)), polite=passing(64))
    verdict = compare(make("a", correct=passing(64)), after, RULES)
    assert verdict.reason.startswith(
        "64 of 64 items have no correct: the scorer failed (first: q000); besides, "
    )


def test_a_few_failures_are_not_what_it_is_about(make: RunMaker) -> None:
    after = refused(make("b", correct=passing(64), polite=passing(64)), {"q000": "time-out"})
    verdict = compare(make("a", correct=passing(64)), after, RULES)
    assert verdict.reason.startswith("the baseline has no score 'polite'")
