"""Labels of both versions' answers, and which kind of error differs."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from scoregate.calibration.differential_bias import LabelledAnswer, compare_numbers, compare_pass_errors


def answers(name: str, counted: Mapping[tuple[float, float], int]) -> dict[str, LabelledAnswer]:
    """(judge, people) -> so many."""
    every = [pair for pair, many in counted.items() for _ in range(many)]
    return {f"{name}{n}": LabelledAnswer(*pair) for n, pair in enumerate(every)}


def test_more_passes_among_what_people_fail_is_leniency() -> None:
    before = answers("a", {(1, 1): 40, (0, 0): 28, (1, 0): 2})
    now = answers("b", {(1, 1): 38, (0, 0): 15, (1, 0): 16, (0, 1): 2})
    found = compare_pass_errors(before, now)
    assert found.differ == "lenient"
    assert (found.lenient.baseline, found.lenient.candidate) == ((2, 30), (16, 31))
    assert (found.strict.baseline, found.strict.candidate) == ((0, 40), (2, 40))
    assert found.p_value == pytest.approx(2 * found.lenient.p_value)


def test_more_failures_among_what_people_pass_is_strictness() -> None:
    before = answers("a", {(1, 1): 40, (0, 0): 20})
    now = answers("a", {(1, 1): 25, (0, 1): 15, (0, 0): 20})
    assert compare_pass_errors(before, now).differ == "strict"


def test_a_worse_version_is_no_flattered_one() -> None:
    before = answers("a", {(1, 1): 90, (0, 0): 8, (1, 0): 2})
    now = answers("b", {(1, 1): 50, (0, 0): 40, (1, 0): 10})
    assert compare_pass_errors(before, now).differ is None


def test_a_true_change_is_no_fault_of_the_judge_where_one_label_in_twenty_is_wrong() -> None:
    """Of 300 answers 285 are good before and 225 now; the judge is right 19 times of 20, and so are the people."""
    better = answers("a", {(1, 1): 258, (0, 1): 14, (1, 0): 14, (0, 0): 14})
    worse = answers("b", {(1, 1): 204, (0, 1): 14, (1, 0): 14, (0, 0): 68})
    for before, now in ((better, worse), (worse, better)):
        assert compare_pass_errors(before, now).differ is None


def test_a_judge_is_kinder_to_the_candidate_by_passing_its_bad_answers_or_failing_the_others_good_ones() -> (
    None
):
    honest = answers("a", {(1, 1): 40, (0, 0): 30})
    lenient = answers("b", {(1, 1): 40, (0, 0): 15, (1, 0): 15})
    strict = answers("c", {(1, 1): 22, (0, 1): 18, (0, 0): 30})
    for before, now, kinder in (
        (honest, lenient, True),
        (lenient, honest, False),
        (strict, honest, True),
        (honest, strict, False),
        (honest, honest, False),
    ):
        assert compare_pass_errors(before, now).favours_candidate is kinder


def test_a_judge_that_errs_both_ways_with_the_candidate_favours_nobody() -> None:
    honest = answers("a", {(1, 1): 40, (0, 0): 30})
    wild = answers("b", {(1, 1): 28, (0, 1): 12, (0, 0): 10, (1, 0): 20})
    found = compare_pass_errors(honest, wild)
    assert found.differ == "lenient"
    assert not found.favours_candidate


def test_a_kind_of_error_that_differs_by_chance_is_not_proved_twice_as_easily() -> None:
    """p = .039 of one kind alone is .077 of two."""
    before = answers("a", {(0, 0): 30})
    now = answers("a", {(1, 0): 1, (0, 0): 29})
    assert compare_pass_errors(before, now).p_value == 1.0
    nine = answers("a", {(1, 0): 8, (0, 0): 22})
    one = {item: LabelledAnswer(float(item == "a29"), 0.0) for item in nine}
    found = compare_pass_errors(one, nine)
    assert found.lenient.p_value < 0.05
    assert found.differ is None


def test_numbers_are_compared_in_pairs() -> None:
    before = {f"a{n}": LabelledAnswer(float(n % 5), float(n % 5)) for n in range(60)}
    now = {f"a{n}": LabelledAnswer(float(n % 5) + 1 + n % 2, float(n % 5)) for n in range(10, 70)}
    found = compare_numbers(before, now)
    assert found is not None
    assert found.pairs == 50
    assert found.value == pytest.approx(1.5)
    assert found.p_value < 1e-6
    assert compare_numbers(before, dict(list(now.items())[:9])) is None
