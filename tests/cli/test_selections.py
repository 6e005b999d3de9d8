"""A part of the dataset is for the local loop: it says PARTIAL, may show a regression, and never passes."""

from __future__ import annotations

import pytest

from tests.cli.project import Project


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--item", "q003", "--item", "q001"), "item q003, q001: 2 of 64 items"),
        (("--slice", "intent=refund"), "slice intent=refund: 32 of 64 items"),
        (
            ("--sample", "20", "--seed", "7", "--limit", "9"),
            "sample of 20 with seed 7; the first 9: 9 of 64 items",
        ),
    ],
)
def test_a_selection_says_that_it_is_partial_and_does_not_pass(
    accepted: Project, words: tuple[str, ...], said: str
) -> None:
    ran = accepted.run(*words)
    assert ran.err.rstrip().endswith(f", PARTIAL: {said}")
    assert ran.outcome(3) == "INCONCLUSIVE"
    assert (
        "PARTIAL RUN: only a selection of the dataset was run, so this is no pass and no baseline." in ran.out
    )
    assert f"({said})" in " ".join(ran.out.split())


def test_a_selection_of_everything_is_the_whole(accepted: Project) -> None:
    assert accepted.run("--limit", "64").outcome(0) == "PASS"


def test_the_policy_on_inconclusive_does_not_soften_a_partial_run(accepted: Project) -> None:
    assert accepted.run("--limit", "63", "--on-inconclusive", "warn").outcome(3) == "INCONCLUSIVE"


def test_only_failed_takes_the_items_that_failed_in_the_newest_run(regressed: tuple[Project, str]) -> None:
    project, newest = regressed
    again = project.run("--only-failed")
    assert f"10 calls, about 1 s, PARTIAL: failed in run {newest}: 10 of 64 items" in again.err
    assert again.outcome(1) == "REGRESSION"  # a part can show one
    assert "PARTIAL RUN" in again.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--item", "q3"), "the dataset has no item 'q3' (did you mean 'q0"),
        (("--slice", "intent"), "--slice: 'intent' is not NAME=VALUE (such as --slice intent=refund)"),
        (("--slice", "intnt=refund"), "there is no slice 'intnt' (did you mean 'intent'?)"),
        (("--slice", "intent=refnd"), "slice 'intent' has no value 'refnd' (did you mean 'refund'?)"),
        (("--limit", "0"), "Invalid value for '--limit': 0 is not in the range x>=1"),
        (("--only-failed",), "no item failed in run"),
    ],
)
def test_a_selection_that_means_nothing(accepted: Project, words: tuple[str, ...], told: str) -> None:
    assert accepted.run(*words).error(2).startswith(told)
