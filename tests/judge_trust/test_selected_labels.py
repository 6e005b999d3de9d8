"""Labels that are no random part of a run's answers: what gives them away."""

from __future__ import annotations

from collections.abc import Callable

from scoregate.judge_trust.corrected_values import why_not_random
from scoregate.judge_trust.judged_answers import JudgedAnswer

Chosen = Callable[[int], bool]
Cells = dict[str, list[JudgedAnswer]]


def run(answer: str, *, labelled: Chosen, good: Chosen = lambda n: True, number: int = 300) -> Cells:
    """An item an answer, which the judge and people see alike."""
    return {
        f"i{n}": [JudgedAnswer(0, f"{answer}{n}", float(good(n)), float(good(n)) if labelled(n) else None)]
        for n in range(number)
    }


def every(step: int) -> Chosen:
    return lambda n: n % step == 0


def test_labels_of_every_fifth_item_are_not_doubted() -> None:
    before = run("a", labelled=every(5))
    assert why_not_random(before, run("b", labelled=every(5), good=lambda n: n % 7 > 0), worst=0.0) is None
    assert why_not_random({}, run("b", labelled=every(5)), worst=0.0) is None


def test_labels_of_what_the_judge_failed_are_seen_without_a_baseline() -> None:
    now = run("b", labelled=lambda n: n < 60, good=lambda n: n >= 18)
    assert why_not_random({}, now, worst=0.0) == (
        "the labels are no random part of the answers: the judge scores 18 of the 60 labelled ones below its mean, and "
        "0 of the 240 others"
    )


def test_labels_of_the_items_that_were_lost_are_seen() -> None:
    """As many answers of both versions fail, so that the candidate's scores alone show nothing."""
    before = run("a", labelled=lambda n: n < 60, good=lambda n: 18 <= n < 78 or n >= 150)
    before |= {f"i{n}": [JudgedAnswer(0, f"a{n}", 1.0, 1.0)] for n in range(18)}
    now = run("b", labelled=lambda n: n < 60, good=lambda n: 18 <= n < 78 or n >= 150)
    told = why_not_random(before, now, worst=0.0)
    assert told is not None
    assert told.endswith(
        "of the items with two different answers 18 of the 60 that are labelled in both versions are worse by the "
        "judge, and 0 of the 240 others"
    )
    other_way = why_not_random(now, before, worst=0.0)
    assert other_way is not None
    assert "18 of the 60 that are labelled in both versions are better by the judge" in other_way


def test_labels_of_any_trial_are_seen_as_they_meet_the_first_one_where_all_are_the_same() -> None:
    """An answer of a random trial is labelled, of every item; half of the items answer otherwise in each trial."""
    now = {
        f"i{n}": [
            JudgedAnswer(t, f"a{n}" if n % 2 else f"a{n} {t}", 1.0, 1.0 if n % 2 or n // 2 % 3 == t else None)
            for t in range(3)
        ]
        for n in range(0, 120)
    }
    assert why_not_random({}, now, worst=0.0) == (
        "the labels are no random part of the answers: in the first trial, which counts, 60 of the 60 items that "
        "answer the same in every trial are labelled, and 20 of the 60 others"
    )


def test_labels_of_all_trials_of_some_items_are_not_doubted() -> None:
    now = {
        f"i{n}": [
            JudgedAnswer(t, f"a{n}" if n % 2 else f"a{n} {t}", 1.0, 1.0 if n % 3 == 0 else None)
            for t in range(3)
        ]
        for n in range(120)
    }
    assert why_not_random({}, now, worst=0.0) is None


def test_an_answer_that_never_came_needs_no_label() -> None:
    before = run("a", labelled=every(1))
    now = run("b", labelled=every(1)) | {f"i{n}": [JudgedAnswer(0, None, None, None)] for n in range(30)}
    assert why_not_random(before, now, worst=0.0) is None
