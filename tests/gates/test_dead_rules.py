"""A rule whose score is at its worst on every item of the baseline can never break: it is named, and never passed."""

import pytest

from scoregate import Gate, Rule, Run, Verdict, compare
from scoregate.catalog import Catalog, Contract
from scoregate.gates.dead_rules import dead_rules
from scoregate.records import Score
from tests.gates.runs import Cells, RunMaker, passing

FAILING = passing(70, 70)


def gate(contract: Contract | None = None, **rules: Rule) -> Gate:
    catalog = Catalog({contract.name: contract}) if contract else Catalog()
    return Gate(name="g", rules=rules, catalog=catalog)


def outcome_of(verdict: Verdict, score: str) -> str:
    return next(rule.outcome for rule in verdict.rules if rule.score == score)


def said(run: Run, score: str, comment: str) -> Run:
    """The run with a comment on every cell of a score."""
    scores = (
        Score(s.item, s.trial, s.score, s.value, s.status, comment) if s.score == score else s
        for s in run.scores
    )
    return Run(run.header, run.items, tuple(scores))


@pytest.mark.parametrize(
    "rule",
    [Rule(max_drop=0.05), Rule(critical=True), Rule(critical=True, max_drop=0.1), Rule(min_effect=0.1)],
)
def test_what_failed_everywhere_is_not_passed(make: RunMaker, rule: Rule) -> None:
    before = make("a", correct=passing(70), short=FAILING)
    after = make("b", correct=passing(70), short=FAILING)
    verdict = compare(before, after, {"correct": Rule(max_drop=0.05), "short": rule})
    assert verdict.outcome == "inconclusive"
    assert outcome_of(verdict, "correct") == "pass"
    assert verdict.reason.startswith("short: guards nothing: it fails on 70 of 70 items of the baseline")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (FAILING, "short fails on 70 of 70 items"),
        (dict.fromkeys(FAILING, "n/a"), "short applies to none of 70 items"),
        (dict.fromkeys(FAILING), "short has a value on none of 70 items (the scorer failed)"),
        (
            {**FAILING, "q000": "n/a"},
            "short passes on none of 70 items: 69 fail, 1 is one that it does not apply to",
        ),
    ],
)
def test_it_is_named_with_its_reason(make: RunMaker, cells: Cells, words: str) -> None:
    run = make("a", correct=passing(70), short=cells)
    assert dead_rules(gate(correct=Rule(), short=Rule()), run) == {"short": words}


def test_the_reason_is_what_most_items_say(make: RunMaker) -> None:
    run = said(make("a", short=FAILING), "short", "output: no 'text'")
    assert dead_rules(gate(short=Rule()), run) == {
        "short": "short fails on 70 of 70 items (output: no 'text')"
    }
    # A lock file keeps no comments, so that the candidate's say it.
    verdict = compare(
        make("a", short=FAILING),
        said(make("b", short=FAILING), "short", "output: no 'text'"),
        {"short": Rule()},
    )
    assert "(output: no 'text')" in verdict.reason


def test_one_item_that_passed_can_fall(make: RunMaker) -> None:
    alive = {**FAILING, "q069": True}
    assert dead_rules(gate(short=Rule()), make("a", short=alive)) == {}
    verdict = compare(make("a", short=alive), make("b", short=alive), {"short": Rule(critical=True)})
    assert verdict.outcome == "pass"


def test_a_floor_is_guarded_without_a_baseline(make: RunMaker) -> None:
    rules = {"short": Rule(min=1.0)}
    assert dead_rules(Gate(name="g", rules=rules), make("a", short=FAILING)) == {}
    assert compare(make("a", short=FAILING), make("b", short=passing(70)), rules).outcome == "pass"


def test_advice_is_not_in_question(make: RunMaker) -> None:
    run = make("a", correct=passing(70), short=FAILING)
    assert dead_rules(gate(correct=Rule(), short=Rule(advisory=True)), run) == {}


@pytest.mark.parametrize(
    ("contract", "value", "dead"),
    [
        (Contract(name="s", type="numeric", min=0.0, max=1.0), 0.0, True),
        (Contract(name="s", type="numeric", min=0.0, max=1.0), 0.1, False),
        (Contract(name="s", type="numeric", min=0.0, max=1.0, direction="lower"), 1.0, True),
        (Contract(name="s", type="numeric", min=0.0, max=1.0, direction="lower"), 0.0, False),
        (Contract(name="s", type="boolean", direction="lower"), True, True),
        (Contract(name="s", type="boolean", direction="lower"), False, False),
        (Contract(name="s", type="categorical", categories=("good", "bad"), passing=("good",)), "bad", True),
        (Contract(name="s", type="categorical", categories=("good", "bad"), passing=("good",)), "good", False),
        (Contract(name="s", type="categorical", categories=("poor", "fair", "fine"), ordered=True), "poor", True),
        (Contract(name="s", type="categorical", categories=("poor", "fair", "fine"), ordered=True), "fair", False),
    ],
)  # fmt: skip
def test_the_worst_value_of_each_kind(
    make: RunMaker, contract: Contract, value: float | bool | str, dead: bool
) -> None:
    run = make("a", s=dict.fromkeys(passing(20), value))
    assert bool(dead_rules(gate(contract, s=Rule()), run)) is dead


def test_a_number_without_a_worst_end_can_always_fall(make: RunMaker) -> None:
    run = make("a", s=dict.fromkeys(passing(20), 7.0))
    assert dead_rules(gate(s=Rule(direction="higher", max_drop=1.0)), run) == {}


def test_a_candidate_that_passes_is_told_how_it_is_guarded(make: RunMaker) -> None:
    verdict = compare(make("a", short=FAILING), make("b", short=passing(70)), {"short": Rule()})
    assert verdict.outcome == "inconclusive"
    assert "accept a run in which it does not" in verdict.reason
