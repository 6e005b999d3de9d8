"""Which slices a table shows, and how it counts the others."""

from scoregate.records import RuleResult
from scoregate.reports.shown_rules import MOST_SLICES, broken_scores, shown_rules
from tests.reports.verdicts import part, rule, verdict


def shown(*rules: RuleResult) -> list[str | None]:
    return [result.slice for result in shown_rules(verdict(*rules)).rules]


def summary(*rules: RuleResult) -> str | None:
    return shown_rules(verdict(*rules)).summary


def quiet(count: int, **changes: object) -> list[RuleResult]:
    return [part(f"topic=t{i}", q_value=1.0, **changes) for i in range(count)]


def test_slices_in_which_nothing_was_found_are_counted_and_not_shown() -> None:
    rules = rule(), *quiet(40)

    assert shown(*rules) == [None]
    assert summary(*rules) == "40 slices sought, none broken"


def test_broken_slices_come_first_then_what_stands_out_the_worst_first() -> None:
    found = (
        part("a", q_value=0.09),
        part("b", q_value=0.02),
        part("c", q_value=0.11),
        part("d", q_value=0.5, outcome="regression"),
    )

    assert shown(rule(), *found) == [None, "d", "b", "a"]
    assert summary(rule(), *found) == (
        "4 slices sought, 1 broken; 2 more look worse, which decides nothing "
        "(false discovery rate 10 %: of such slices, about 1 in 10 is chance)"
    )


def test_of_many_the_worst_are_shown_and_the_others_counted() -> None:
    many = [part(f"s{i}", q_value=0.001 * (9 - i), outcome="regression") for i in range(9)]

    assert shown(rule(), *many) == [None, "s8", "s7", "s6", "s5", "s4"]
    assert summary(rule(), *many) == f"9 slices sought, 9 broken; {9 - MOST_SLICES} of these left out here"


def test_slices_stand_below_their_score_and_are_counted_over_all() -> None:
    other = rule(score="tone"), *(rule(score="tone", slice=f"topic=t{i}") for i in range(3))
    broken = part("topic=t9", outcome="regression")

    assert shown(rule(), *other, broken) == [None, "topic=t9", None]
    assert summary(rule(), *quiet(3), *other) == "3 slices sought in each of 2 scores, none broken"
    assert summary(rule(), *quiet(1), *other) == "4 slices sought over 2 scores, none broken"


def test_advisory_slices_are_neither_broken_nor_counted() -> None:
    advice = [part(f"s{i}", role="advisory", outcome="regression", q_value=0.01) for i in range(4)]
    rules = rule(role="advisory", outcome="regression"), *advice

    assert shown(*rules) == [None, "s0", "s1"]
    assert summary(*rules) is None
    assert broken_scores(verdict(*rules)) == frozenset()


def test_the_anchor_has_its_own_rules() -> None:
    both = verdict(rule(), rule(score="tone", against="anchor"))

    assert [result.score for result in shown_rules(both).rules] == ["answer_correctness"]
    assert [result.score for result in shown_rules(both, "anchor").rules] == ["tone"]
