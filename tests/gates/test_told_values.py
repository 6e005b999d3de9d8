"""Where a score does not apply to some cells, the report tells what it shows where it applies in both runs."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoregate import Rule, compare
from scoregate.catalog import Catalog, Contract
from scoregate.gate_file import Gate
from scoregate.gates.measuring import gather, within_slice
from scoregate.gates.pairing import PairedScore, Universe, paired_score, universe
from scoregate.gates.table import table_from_run
from scoregate.records import RuleResult, Run, ScoreValue, Verdict
from tests.gates.runs import Cells, RunMaker

make = RunMaker()

GRADE = Catalog({"grade": Contract(name="grade", type="numeric", min=0.0, max=10.0)})


def graded(before: Cells, now: Cells, rule: Rule) -> Verdict:
    gate = Gate(name="", rules={"grade": rule}, catalog=GRADE)
    return compare(make("a", grade=before), make("b", grade=now), gate)


def numbered(values: Sequence[object]) -> Cells:
    return {f"q{i:03d}": value for i, value in enumerate(values)}  # type: ignore[misc]  # a cell, or one a trial


def quarter_skipped() -> tuple[Cells, Cells]:
    """A hundred items of which either run skips 25, others each: on the 50 left the grade falls from 8 to 4.5."""
    before = numbered(["n/a"] * 25 + [8.0] * 75)
    now = numbered([4.5] * 25 + ["n/a"] * 25 + [4.5] * 50)
    return before, now


class TestNumbers:
    def test_a_drop_is_told_as_large_as_it_is_on_the_items_that_both_runs_judge(self) -> None:
        verdict = graded(*quarter_skipped(), Rule(max_drop=0.5))
        rule = verdict.rules[0]
        assert (rule.baseline_value, rule.candidate_value, rule.difference) == (8.0, 4.5, -3.5)
        assert rule.ci_low is not None
        assert rule.ci_high is not None
        assert rule.ci_low < -3.5 < rule.ci_high
        assert (rule.n_items, rule.n_clusters) == (50, 50)
        assert "fell from 8 to 4.5 (−3.5," in verdict.reason

    def test_the_notes_say_of_how_many_items_the_values_are(self) -> None:
        verdict = graded(*quarter_skipped(), Rule(max_drop=0.5))
        note = "grade did not apply to 25 cells of each run; its values are of the 50 items that it applies to in both"
        assert note in verdict.notes

    def test_the_candidates_cells_are_all_counted_as_before(self) -> None:
        rule = graded(*quarter_skipped(), Rule(max_drop=0.5)).rules[0]
        assert (rule.n_scored, rule.n_expected, rule.missing, rule.not_applicable) == (100, 100, 0, 25)

    def test_an_item_is_the_mean_of_its_trials_that_apply(self) -> None:
        before, now = numbered([[8.0, 6.0, "n/a"]] * 40), numbered([["n/a", "n/a", 4.0]] * 40)
        rule = graded(before, now, Rule(max_drop=0.5)).rules[0]
        assert (rule.baseline_value, rule.candidate_value, rule.difference) == (7.0, 4.0, -3.0)

    def test_a_missing_cell_still_counts_as_the_worst(self) -> None:
        before, now = numbered(["n/a"] * 10 + [8.0] * 100), numbered(["n/a"] * 10 + [None] * 2 + [8.0] * 98)
        rule = graded(before, now, Rule(max_drop=0.5)).rules[0]
        assert rule.candidate_value == pytest.approx(8.0 * 98 / 100)
        assert (rule.n_items, rule.missing) == (100, 2)

    def test_without_an_item_that_both_runs_judge_there_is_nothing_to_tell(self) -> None:
        verdict = graded(numbered(["n/a", 8.0] * 20), numbered([8.0, "n/a"] * 20), Rule(max_drop=0.5))
        assert (verdict.rules[0].n_items, verdict.rules[0].difference) == (0, None)
        assert any("no item has it in both" in note for note in verdict.notes)

    def test_a_drop_that_is_read_as_larger_than_the_smallest_effect_counts(self) -> None:
        # The test's own mean, skipped items counted as unchanged, fell by 1.75 only.
        verdict = graded(*quarter_skipped(), Rule(max_drop=0.5, min_effect=3.0))
        assert verdict.outcome == "regression"
        assert graded(*quarter_skipped(), Rule(max_drop=5.0, min_effect=4.0)).rules[0].outcome != "regression"


class TestRates:
    def test_skipped_cells_are_no_passes(self) -> None:
        before = numbered(["n/a"] * 50 + [True] * 30 + [False] * 20)
        rule = compare(make("a", ok=before), make("b", ok=before), {"ok": Rule(max_drop=0.1)}).rules[0]
        assert (rule.baseline_value, rule.candidate_value, rule.n_items) == (0.6, 0.6, 50)

    def test_a_drop_is_told_in_points_of_the_items_that_both_runs_judge(self) -> None:
        before = numbered(["n/a"] * 20 + [True] * 60 + ["n/a"] * 20)
        now = numbered(["n/a"] * 20 + [False] * 30 + [True] * 50)
        verdict = compare(make("a", ok=before), make("b", ok=now), {"ok": Rule(max_drop=0.1)})
        assert (verdict.rules[0].difference, verdict.rules[0].n_items) == (-0.5, 60)
        assert "fell from 100.0 % to 50.0 % (−50.0 points" in verdict.reason

    def test_what_it_did_not_apply_to_before_is_neither_lost_nor_won(self) -> None:
        before = numbered(["n/a"] * 60 + [True] * 240)
        now = numbered([False] * 30 + [True] * 30 + [True] * 240)
        verdict = compare(make("a", ok=before), make("b", ok=now), {"ok": Rule(max_drop=0.1)})
        rule = verdict.rules[0]
        assert (verdict.outcome, rule.difference, rule.lost, rule.won) == ("pass", 0.0, 0, 0)
        assert any(
            "of the 60 items that it did not apply to before 30 fail now" in note for note in verdict.notes
        )

    def test_a_failure_that_no_longer_applies_is_not_won(self) -> None:
        before = numbered([False] * 5 + [True] * 595)
        now = numbered(["n/a"] * 5 + [False] * 14 + [True] * 581)
        verdict = compare(make("a", ok=before), make("b", ok=now), {"ok": Rule(max_drop=0.05)})
        rule = verdict.rules[0]
        assert (verdict.outcome, rule.lost, rule.won) == ("regression", 14, 0)

    def test_where_no_item_is_judged_in_both_nothing_is_told(self) -> None:
        before, now = numbered(["n/a"] * 50 + [True] * 50), numbered([False] * 50 + ["n/a"] * 50)
        verdict = compare(make("a", ok=before), make("b", ok=now), {"ok": Rule(max_drop=0.1)})
        rule = verdict.rules[0]
        assert (rule.baseline_value, rule.candidate_value, rule.difference, rule.n_items) == (
            None,
            None,
            None,
            0,
        )
        assert verdict.outcome == "inconclusive"


class TestCategoriesThatDoNotApply:
    """A judge that says of an answer that its rubric does not apply: such an answer has not failed."""

    POLICY = Contract(
        name="policy",
        type="categorical",
        categories=("pass", "fail", "none"),
        passing=("pass",),
        ignore=("none",),
    )

    def verdict(self, before: list[str], now: list[str], **rule: object) -> Verdict:
        gate = Gate(
            name="",
            rules={"policy": Rule(max_drop=0.05, **rule)},  # type: ignore[arg-type]  # keys of a rule
            catalog=Catalog({"policy": self.POLICY}),
        )
        return compare(make("a", policy=numbered(before)), make("b", policy=numbered(now)), gate)

    def test_to_fail_where_it_did_not_apply_is_a_regression_of_its_own(self) -> None:
        verdict = self.verdict(
            ["none"] * 100 + ["pass"] * 100, ["fail"] * 14 + ["none"] * 86 + ["pass"] * 100
        )
        assert verdict.outcome == "regression"
        assert (
            "policy (newly failing): fails where it did not apply before (100 items, p = " in verdict.reason
        )

    def test_and_a_few_such_failures_are_no_pass(self) -> None:
        verdict = self.verdict(["none"] * 100 + ["pass"] * 100, ["fail"] * 6 + ["none"] * 94 + ["pass"] * 100)
        assert verdict.outcome == "inconclusive"

    def test_and_of_a_critical_rule_a_single_one_is_a_loss(self) -> None:
        verdict = self.verdict(
            ["none"] * 5 + ["pass"] * 95, ["fail"] + ["none"] * 4 + ["pass"] * 95, critical=True
        )
        assert verdict.outcome == "regression"
        assert "q000" in verdict.reason

    def test_to_fail_elsewhere_is_no_win_because_it_no_longer_applies_there(self) -> None:
        verdict = self.verdict(["fail"] * 9 + ["pass"] * 291, ["none"] * 9 + ["fail"] * 12 + ["pass"] * 279)
        assert verdict.outcome == "regression"
        assert verdict.rules[0].won == 0


def test_items_that_the_score_applies_to_for_the_first_time_hide_no_loss() -> None:
    before = numbered(["n/a"] * 300 + [True] * 50)
    now = numbered([True] * 300 + [False] * 4 + [True] * 46)
    rule = compare(make("a", s=before), make("b", s=now), {"s": Rule(max_drop=0.06)}).rules[0]
    assert rule.difference == pytest.approx(-0.08)
    assert rule.outcome == "inconclusive"


def test_a_grade_that_is_ignored_is_no_pass() -> None:
    contract = Contract(
        name="policy",
        type="categorical",
        categories=("pass", "fail", "none"),
        passing=("pass",),
        ignore=("none",),
    )
    gate = Gate(name="", rules={"policy": Rule(max_drop=0.1)}, catalog=Catalog({"policy": contract}))
    grades = {f"q{i:03d}": ("none", "pass", "fail", "pass")[i % 4] for i in range(80)}
    rule = compare(make("a", policy=grades), make("b", policy=grades), gate).rules[0]
    assert rule.n_items == 60
    assert rule.candidate_value == pytest.approx(2 / 3)


def test_a_reducer_is_told_of_the_items_with_enough_trials_that_apply() -> None:
    before = numbered([[True, True, True]] * 30 + [[True, "n/a", "n/a"]] * 10)
    now = numbered([[True, False, "n/a"]] * 30 + [[True, True, True]] * 10)
    rule = compare(
        make("a", ok=before), make("b", ok=now), {"ok": Rule(max_drop=0.1, reducer="pass^2")}
    ).rules[0]
    assert (rule.n_items, rule.baseline_value, rule.candidate_value) == (30, 1.0, 0.0)


def test_a_sum_is_told_of_the_items_that_both_runs_measure() -> None:
    before = numbered(["n/a"] * 20 + [1.0] * 60)
    now = numbered([1.0] * 20 + [2.0] * 40 + ["n/a"] * 20)
    rule = compare(
        make("a", cost_usd=before), make("b", cost_usd=now), {"cost_usd": Rule(statistic="sum")}
    ).rules[0]
    assert (rule.n_items, rule.baseline_value, rule.candidate_value) == (40, 40.0, 80.0)
    assert rule.difference == pytest.approx(1.0)


def test_a_candidate_that_gains_much_proves_no_less_than_one_that_gains_little() -> None:
    before = numbered([3.0] * 20)
    bounds = []
    for gain in (0.0, 1.0, 4.0):
        gate = Gate(name="", rules={"grade": Rule(max_drop=4.0)}, catalog=GRADE)
        after = numbered([3.0 + gain + (0.3 if n % 2 else -0.3) for n in range(20)])
        verdict = compare(make("a", grade=before), make("b", grade=after), gate)
        assert verdict.outcome == "pass"
        found = re.search(r"bound ([−+]?)([0-9.]+)", verdict.rules[0].reason)
        assert found is not None
        bounds.append(float(found[2]) * (-1 if found[1] == "−" else 1))
    assert bounds == sorted(bounds)


def test_a_quantile_is_told_of_the_items_that_both_runs_measure() -> None:
    before = numbered(["n/a"] * 60 + [1.0] * 50)
    now = numbered([5.0] * 60 + [3.0] * 50)
    rule = compare(
        make("a", cost_usd=before), make("b", cost_usd=now), {"cost_usd": Rule(statistic="p90")}
    ).rules[0]
    assert (rule.n_items, rule.baseline_value) == (50, 1.0)
    assert rule.candidate_value == pytest.approx(3.0)


def test_a_slice_is_told_of_its_own_items() -> None:
    before, now = quarter_skipped()
    pair, everything = paired(make("a", grade=before), make("b", grade=now), GRADE.get("grade"))
    evidence = gather("grade", pair, GRADE.get("grade"), Rule(), everything, alpha=0.01, level=0.05)
    members = everything.clusters < 60
    inside = within_slice(evidence, members, everything.clusters).shown
    assert (inside.before, inside.now, int(inside.coded.counted.sum())) == (8.0, 4.5, 10)


def paired(before: Run, now: Run, contract: Contract | None) -> tuple[PairedScore, Universe]:
    arms = table_from_run(before), table_from_run(now)
    everything = universe(*arms)
    return paired_score("grade", contract, everything, *arms), everything


cells = st.one_of(st.floats(0.0, 10.0), st.none())
some_skipped = st.one_of(cells, st.just("n/a"))


def arms_of(
    cell: st.SearchStrategy[ScoreValue],
) -> st.SearchStrategy[list[tuple[list[ScoreValue], list[ScoreValue]]]]:
    arm = st.lists(cell, min_size=2, max_size=2)
    return st.lists(st.tuples(arm, arm), min_size=7, max_size=12)


def rule_of(items: list[tuple[list[ScoreValue], list[ScoreValue]]]) -> RuleResult:
    before, now = (numbered([item[arm] for item in items]) for arm in (0, 1))
    return graded(before, now, Rule(max_drop=0.5)).rules[0]


@settings(max_examples=25, deadline=None)
@given(arms_of(cells))
def test_where_every_cell_applies_the_figures_of_the_test_are_told(
    items: list[tuple[list[ScoreValue], list[ScoreValue]]],
) -> None:
    before, now = (make(run, grade=numbered([item[arm] for item in items])) for arm, run in enumerate("ab"))
    contract = GRADE.get("grade")
    pair, everything = paired(before, now, contract)
    evidence = gather("grade", pair, contract, Rule(max_drop=0.5), everything, alpha=0.01, level=0.05)
    rule = rule_of(items)
    assert evidence.shown is evidence
    assert evidence.estimate is not None
    assert (rule.baseline_value, rule.candidate_value) == (evidence.before, evidence.now)
    assert (rule.difference, rule.n_items) == (evidence.estimate.value, len(items))


@settings(max_examples=40, deadline=None)
@given(arms_of(some_skipped))
def test_the_difference_is_the_one_of_the_two_values_beside_it(
    items: list[tuple[list[ScoreValue], list[ScoreValue]]],
) -> None:
    rule = rule_of(items)
    both = [item for item in items if all(set(arm) != {"n/a"} for arm in item)]
    assert rule.n_items == len(both) or not both
    if rule.difference is None:
        assert rule.n_items == 0
        return
    assert rule.baseline_value is not None
    assert rule.candidate_value is not None
    assert rule.candidate_value - rule.baseline_value == pytest.approx(rule.difference, abs=1e-9)
