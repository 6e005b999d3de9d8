"""`compare` as its users meet it: what two runs and a rule come to, and why."""

import json
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
import pytest

from scoregate import Gate, Rule, compare
from scoregate.catalog import Catalog, Contract
from scoregate.errors import ConfigError, ResultsError
from scoregate.gates.compare import nothing_to_compare
from scoregate.records import Run, RunHeader
from scoregate.results_file import write_results
from tests.gates.runs import RunMaker, passing

FIVE_POINTS = {"correct": Rule(max_drop=0.05)}


def test_the_manual(make: RunMaker) -> None:
    baseline = make("main", correct=passing(200, failing=10))
    candidate = make("branch", correct=passing(200, failing=40))

    verdict = compare(baseline, candidate, FIVE_POINTS)

    assert verdict.outcome == "regression"
    assert verdict.exit_code == 1
    assert "correct: fell from 95.0 % to 80.0 %" in verdict.reason
    (rule,) = verdict.rules
    assert rule.difference == pytest.approx(-0.15)
    frame = verdict.to_frame()
    assert (frame["ci_low"] < -0.15).all()
    assert frame["ci_high"].between(-0.15, 0).all()
    assert (rule.lost, rule.won, rule.n_items, rule.missing) == (30, 0, 200, 0)
    assert verdict.regressed_items == tuple(f"q{i:03d}" for i in range(10, 40))


def test_the_same_answers_again_pass(make: RunMaker) -> None:
    verdict = compare(make("a", correct=passing(200, 20)), make("b", correct=passing(200, 20)), FIVE_POINTS)
    assert (verdict.outcome, verdict.exit_code) == ("pass", 0)
    assert verdict.rules[0].difference == 0.0
    assert verdict.flips == ()


def test_too_few_items_to_rule_out_the_margin_are_inconclusive_and_say_what_would_do(make: RunMaker) -> None:
    verdict = compare(make("a", correct=passing(30)), make("b", correct=passing(30)), FIVE_POINTS)
    assert verdict.outcome == "inconclusive"
    assert verdict.exit_code == 0
    assert "items × trials would settle it (now 30)" in verdict.reason
    assert verdict.rules[0].minimum_detectable_drop == pytest.approx(7 / 30)
    strict = Gate(name="g", rules=FIVE_POINTS, on_inconclusive="fail")
    assert compare(make("a", correct=passing(30)), make("b", correct=passing(30)), strict).exit_code == 3


def test_a_handful_of_items_cannot_gate_at_all(make: RunMaker) -> None:
    verdict = compare(make("a", correct=passing(6)), make("b", correct=passing(6, 6)), FIVE_POINTS)
    assert (verdict.outcome, verdict.exit_code) == ("invalid", 4)
    assert "cannot gate: 6 independent items" in verdict.reason


def test_noise_in_both_directions_is_no_regression(make: RunMaker) -> None:
    first = {f"q{i:03d}": i % 7 != 0 for i in range(300)}
    second = {f"q{i:03d}": i % 7 != 1 for i in range(300)}
    verdict = compare(make("a", correct=first), make("b", correct=second), FIVE_POINTS)
    assert verdict.outcome != "regression"
    assert verdict.rules[0].lost > 30


def test_an_improvement_in_one_score_does_not_pay_for_a_loss_in_another(make: RunMaker) -> None:
    verdict = compare(
        make("a", correct=passing(100, 30), polite=passing(100)),
        make("b", correct=passing(100), polite=passing(100, 25)),
        {"correct": Rule(), "polite": Rule()},
    )
    assert {r.score: r.outcome for r in verdict.rules} == {"correct": "pass", "polite": "regression"}
    assert verdict.outcome == "regression"


def test_more_scores_raise_the_bar_for_each(make: RunMaker) -> None:
    lost = passing(100, 7)
    alone = compare(make("a", s0=passing(100)), make("b", s0=lost), {"s0": Rule()})
    names = [f"s{i}" for i in range(10)]
    together = compare(
        make("a", dict.fromkeys(names, passing(100))),
        make("b", {"s0": lost, **dict.fromkeys(names[1:], passing(100, 1))}),
        dict.fromkeys(names, Rule()),
    )
    assert alone.outcome == "regression"
    assert together.rules[0].adjusted_p_value == pytest.approx(alone.rules[0].p_value, rel=1e-6)
    every = compare(
        make("a", dict.fromkeys(names, passing(100))),
        make("b", dict.fromkeys(names, lost)),
        dict.fromkeys(names, Rule()),
    )
    assert every.rules[0].adjusted_p_value == pytest.approx(10 * 2**-7, rel=1e-6)


def test_a_conversation_counts_once_however_many_turns_it_has(make: RunMaker) -> None:
    talks = {f"q{i:03d}": f"talk-{i // 10}" for i in range(100)}
    lost = {f"q{i:03d}": i >= 20 for i in range(100)}
    alone = compare(make("a", correct=passing(100)), make("b", correct=lost), FIVE_POINTS)
    talking = compare(
        make("a", correct=passing(100), clusters=talks), make("b", correct=lost, clusters=talks), FIVE_POINTS
    )
    assert alone.outcome == "regression"
    assert talking.outcome == "inconclusive"
    assert talking.rules[0].n_clusters == 10
    assert talking.rules[0].p_value == pytest.approx(0.25)


def test_trials_find_what_one_look_cannot(make: RunMaker) -> None:
    before = {f"q{i:03d}": [True] * 5 for i in range(100)}
    now = {f"q{i:03d}": [i >= 3] * 5 for i in range(100)}
    once = compare(
        make("a", correct={k: v[0] for k, v in before.items()}),
        make("b", correct={k: v[0] for k, v in now.items()}),
        FIVE_POINTS,
    )
    five = compare(make("a", correct=before), make("b", correct=now), FIVE_POINTS)
    assert once.outcome != "regression"
    assert five.outcome == "regression"


def test_arms_may_have_different_numbers_of_trials(make: RunMaker) -> None:
    before = {f"q{i:03d}": [True] * 5 for i in range(100)}
    verdict = compare(make("a", correct=before), make("b", correct=passing(100, 12)), FIVE_POINTS)
    assert verdict.outcome == "regression"


class TestFloors:
    def test_below_the_floor_beyond_doubt_is_a_regression(self, make: RunMaker) -> None:
        run = passing(200, 100)
        verdict = compare(make("a", correct=run), make("b", correct=run), {"correct": Rule(min=0.8)})
        assert verdict.outcome == "regression"
        assert "50.0 % is below its minimum of 80.0 %" in verdict.reason

    def test_astride_the_floor_is_inconclusive(self, make: RunMaker) -> None:
        run = passing(200, 40)
        verdict = compare(make("a", correct=run), make("b", correct=run), {"correct": Rule(min=0.8)})
        assert verdict.outcome == "inconclusive"
        assert "may lie below its minimum" in verdict.reason

    def test_strict_lets_the_plain_value_decide(self, make: RunMaker) -> None:
        run = passing(200, 41)
        rule = {"correct": Rule(min=0.8, strict=True)}
        assert compare(make("a", correct=run), make("b", correct=run), rule).outcome == "regression"
        kept = passing(200, 40)
        assert compare(make("a", correct=kept), make("b", correct=kept), rule).outcome == "pass"

    def test_the_end_of_the_scale_is_always_strict(self, make: RunMaker) -> None:
        rule = {"correct": Rule(min=1.0)}
        good, bad = passing(200), passing(200, 1)
        assert compare(make("a", correct=good), make("b", correct=good), rule).outcome == "pass"
        assert compare(make("a", correct=good), make("b", correct=bad), rule).outcome == "regression"

    def test_a_missing_value_counts_against_the_floor(self, make: RunMaker) -> None:
        run = dict(passing(100), q000=None)
        verdict = compare(make("a", correct=passing(100)), make("b", correct=run), {"correct": Rule(min=1.0)})
        assert verdict.outcome == "regression"


class TestCritical:
    RULE: ClassVar = {"policy": Rule(critical=True)}

    def test_one_item_that_passed_and_fails_now_breaks_the_gate(self, make: RunMaker) -> None:
        verdict = compare(make("a", policy=passing(200)), make("b", policy=passing(200, 1)), self.RULE)
        assert verdict.outcome == "regression"
        assert "critical: 1 item did not fail in the baseline and fails now: q000" in verdict.reason
        assert verdict.flips[0].critical

    def test_an_item_that_failed_before_may_go_on_failing(self, make: RunMaker) -> None:
        run = passing(200, 1)
        assert compare(make("a", policy=run), make("b", policy=run), self.RULE).outcome == "pass"

    def test_an_item_that_is_missing_now_counts_as_failing(self, make: RunMaker) -> None:
        verdict = compare(
            make("a", policy=passing(200)), make("b", policy=dict(passing(200), q007=None)), self.RULE
        )
        assert verdict.outcome == "regression"
        assert "q007" in verdict.reason

    def test_with_trials_one_bad_trial_is_chance_and_five_are_not(self, make: RunMaker) -> None:
        before = {f"q{i:03d}": [True] * 5 for i in range(100)}
        once = dict(before, q000=[False, True, True, True, True])
        never = dict(before, q000=[False] * 5)
        assert compare(make("a", policy=before), make("b", policy=once), self.RULE).outcome == "pass"
        assert compare(make("a", policy=before), make("b", policy=never), self.RULE).outcome == "regression"

    def test_a_number_has_no_pass_or_fail(self, make: RunMaker) -> None:
        values = {f"q{i:03d}": 0.5 for i in range(20)}
        with pytest.raises(ConfigError, match="cannot be critical"):
            compare(
                make("a", s=values), make("b", s=values),
                Gate(name="", rules={"s": Rule(critical=True, direction="higher", max_drop=0.1)}),
            )  # fmt: skip


class TestNotApplicable:
    CATALOG = Catalog(
        {
            "policy": Contract(
                name="policy",
                type="categorical",
                categories=("pass", "fail", "none"),
                passing=("pass",),
                ignore=("none",),
            )
        }
    )

    def gate(self, **rule: object) -> Gate:
        return Gate(name="g", rules={"policy": Rule(**rule)}, catalog=self.CATALOG)  # type: ignore[arg-type]

    def test_an_ignored_category_leaves_the_denominator_in_both_arms(self, make: RunMaker) -> None:
        values = {f"q{i:03d}": "pass" if i < 100 else "none" for i in range(150)}
        verdict = compare(make("a", policy=values), make("b", policy=values), self.gate())
        assert verdict.rules[0].n_items == 100
        assert verdict.rules[0].missing == 0
        assert verdict.outcome == "pass"

    def test_failing_where_it_did_not_apply_before_is_a_loss(self, make: RunMaker) -> None:
        before = {f"q{i:03d}": "pass" if i < 100 else "none" for i in range(150)}
        now = dict(before, q120="fail")
        verdict = compare(make("a", policy=before), make("b", policy=now), self.gate(critical=True))
        assert verdict.outcome == "regression"
        assert "q120" in verdict.reason

    def test_escaping_into_not_applicable_is_found(self, make: RunMaker) -> None:
        before = {f"q{i:03d}": "pass" if i >= 20 else "fail" for i in range(100)}
        now = {item: "none" if value == "fail" else value for item, value in before.items()}
        verdict = compare(make("a", policy=before), make("b", policy=now), self.gate())
        assert verdict.outcome == "regression"
        assert "applies to fewer items than before" in verdict.reason

    def test_a_scorer_may_say_so_itself(self, make: RunMaker) -> None:
        values = {**passing(100), "x": "n/a"}
        verdict = compare(make("a", correct=values), make("b", correct=values), FIVE_POINTS)
        assert verdict.rules[0].n_items == 100
        assert verdict.outcome == "pass"

    def test_a_score_that_applies_nowhere_holds(self, make: RunMaker) -> None:
        values = dict.fromkeys(passing(20), "n/a")
        verdict = compare(
            make("a", correct=passing(200), rare=dict.fromkeys(passing(200), "n/a")),
            make("b", correct=passing(200), rare=dict.fromkeys(passing(200), "n/a")),
            {"correct": Rule(), "rare": Rule()},
        )
        assert values
        assert verdict.outcome == "pass"
        assert verdict.rules[1].reason == "applies to no item of either run"


class TestNumbers:
    def test_direction_decides_what_is_worse(self, make: RunMaker) -> None:
        rng = np.random.default_rng(0)
        before = {f"q{i:03d}": float(v) for i, v in enumerate(rng.uniform(0.5, 0.9, 100))}
        now = {k: v - 0.05 for k, v in before.items()}
        expected: dict[Literal["higher", "lower"], str] = {"higher": "regression", "lower": "pass"}
        for direction, outcome in expected.items():
            verdict = compare(
                make("a", s=before), make("b", s=now), {"s": Rule(max_drop=0.02, direction=direction)}
            )
            assert verdict.outcome == outcome
            assert verdict.rules[0].difference == pytest.approx(-0.05)

    def test_nothing_says_which_numbers_are_better(self, make: RunMaker) -> None:
        values = {f"q{i:03d}": 0.5 for i in range(20)}
        with pytest.raises(ConfigError, match="nothing says which are better"):
            compare(make("a", s=values), make("b", s=values), {"s": Rule(max_drop=0.1)})

    def test_zeros_and_ones_are_booleans(self, make: RunMaker) -> None:
        values = {f"q{i:03d}": float(i > 5) for i in range(200)}
        verdict = compare(make("a", s=values), make("b", s=values), {"s": Rule()})
        assert verdict.outcome == "pass"

    def test_latency_is_compared_by_its_ratio(self, make: RunMaker) -> None:
        rng = np.random.default_rng(1)
        before = {f"q{i:03d}": float(v) for i, v in enumerate(rng.lognormal(0, 1, 100))}
        slower = {k: v * rng.uniform(1.2, 1.5) for k, v in before.items()}
        rule = {"latency_seconds": Rule(max_increase=0.10)}
        verdict = compare(make("a", latency_seconds=before), make("b", latency_seconds=slower), rule)
        assert verdict.outcome == "regression"
        assert verdict.rules[0].difference == pytest.approx(0.34, abs=0.03)
        same = compare(make("a", latency_seconds=before), make("b", latency_seconds=dict(before)), rule)
        assert same.outcome == "pass"

    def test_a_missing_number_without_a_range_cannot_pass(self, make: RunMaker) -> None:
        values = {f"q{i:03d}": 10.0 + i % 3 for i in range(200)}
        verdict = compare(
            make("a", s=values),
            make("b", s=dict(values, q000=None)),
            {"s": Rule(max_drop=1.0, direction="higher")},
        )
        assert verdict.outcome == "inconclusive"
        assert "no range in the score's contract" in verdict.reason

    def test_a_number_without_range_and_margin_cannot_be_decided(self, make: RunMaker) -> None:
        values = {f"q{i:03d}": 10.0 + i for i in range(20)}
        with pytest.raises(ConfigError, match="no margin can be assumed"):
            compare(make("a", s=values), make("b", s=values), {"s": Rule(direction="higher")})


class TestMissing:
    def test_a_missing_item_is_a_failure_even_when_the_rest_got_better(self, make: RunMaker) -> None:
        before = passing(1000, 500)
        now = dict.fromkeys(list(before)[20:], True)
        verdict = compare(make("a", correct=before), make("b", correct=now), FIVE_POINTS)
        assert verdict.outcome == "regression"
        assert verdict.reason.startswith("scored: 20 items of 1,000 without a valid score")
        assert "q000, q001, q002" in verdict.reason
        assert verdict.missing_items[:2] == ("q000", "q001")
        assert verdict.rules[0].candidate_value == pytest.approx(0.98)

    def test_too_many_of_them_make_it_invalid(self, make: RunMaker) -> None:
        now = dict(list(passing(100).items())[:90])
        verdict = compare(make("a", correct=passing(100)), make("b", correct=now), FIVE_POINTS)
        assert (verdict.outcome, verdict.exit_code) == ("invalid", 4)
        assert "10.0 % of the candidate's values of 'correct' are missing" in verdict.reason

    def test_so_do_they_in_the_baseline(self, make: RunMaker) -> None:
        before = dict(passing(100), **dict.fromkeys([f"q{i:03d}" for i in range(8)], None))
        verdict = compare(make("a", correct=before), make("b", correct=passing(100)), FIVE_POINTS)
        assert verdict.outcome == "invalid"
        assert "of the baseline's values" in verdict.reason

    def test_an_item_that_neither_run_names_is_missing_in_both(self, make: RunMaker) -> None:
        run = passing(98)
        verdict = compare(
            make("a", correct=run, expected=100), make("b", correct=run, expected=100), FIVE_POINTS
        )
        assert verdict.rules[0].n_items == 100
        assert verdict.rules[0].missing == 2
        assert verdict.rules[0].candidate_value == pytest.approx(0.98)

    def test_a_gate_may_have_a_rule_of_its_own_for_scored(self, make: RunMaker) -> None:
        now = dict(passing(400), q000=None)
        rules = {"correct": Rule(), "scored": Rule(min=1.0)}
        verdict = compare(make("a", correct=passing(400)), make("b", correct=now), rules)
        assert verdict.outcome == "regression"
        assert verdict.reason.startswith("scored: 99.8 % is below its minimum")


class TestComparable:
    def test_a_run_is_not_its_own_baseline(self, make: RunMaker) -> None:
        run = make("same", correct=passing(100))
        verdict = compare(run, run, FIVE_POINTS)
        assert verdict.outcome == "invalid"
        assert "its own baseline" in verdict.reason
        assert verdict.rules == ()

    def test_a_dataset_that_changed_names_the_items(self, make: RunMaker) -> None:
        verdict = compare(
            make("a", correct=passing(100), header={"dataset_fingerprint": "1"}),
            make("b", correct={**passing(99), "new": True}, header={"dataset_fingerprint": "2"}),
            FIVE_POINTS,
        )
        assert verdict.outcome == "invalid"
        assert "(1 new (new), 1 gone (q099))" in verdict.reason
        assert 'on_dataset_change = "intersection" in the gate to compare the 99 items' in verdict.reason

    def test_a_scorer_that_changed_makes_scores_mean_something_else(self, make: RunMaker) -> None:
        verdict = compare(
            make("a", correct=passing(100), header={"scorers": {"correct": "v1"}}),
            make("b", correct=passing(100), header={"scorers": {"correct": "v2"}}),
            FIVE_POINTS,
        )
        assert verdict.outcome == "invalid"
        assert "the scorer of correct changed since the baseline (v1 then, v2 now)" in verdict.reason

    def test_a_score_that_the_baseline_never_had(self, make: RunMaker) -> None:
        verdict = compare(
            make("a", correct=passing(100)),
            make("b", correct=passing(100), polite=passing(100)),
            {"correct": Rule(), "polite": Rule()},
        )
        assert verdict.outcome == "invalid"
        assert "the baseline has no score 'polite'" in verdict.reason

    def test_nothing_in_common(self, make: RunMaker) -> None:
        verdict = compare(make("a", correct={"x": True}), make("b", correct={"y": True}), FIVE_POINTS)
        assert "no item in common" in verdict.reason

    def test_a_partial_baseline_is_none(self, make: RunMaker) -> None:
        verdict = compare(
            make("a", correct=passing(100), header={"metadata": {"selection": "limit 100"}}),
            make("b", correct=passing(100)),
            FIVE_POINTS,
        )
        assert "accept a whole run" in verdict.reason

    def test_a_partial_candidate_never_passes_and_is_never_waved_through(self, make: RunMaker) -> None:
        part = {"metadata": {"selection": "limit 60"}}
        verdict = compare(
            make("a", correct=passing(200)), make("b", correct=passing(100), header=part), FIVE_POINTS
        )
        assert (verdict.outcome, verdict.exit_code) == ("inconclusive", 3)
        assert verdict.partial
        assert verdict.rules[0].n_items == 100
        worse = compare(
            make("a", correct=passing(200)), make("b", correct=passing(100, 30), header=part), FIVE_POINTS
        )
        assert worse.outcome == "regression"

    def test_an_unknown_score_is_named_with_the_nearest(self, make: RunMaker) -> None:
        with pytest.raises(ConfigError, match="did you mean 'correct'"):
            compare(make("a", correct=passing(9)), make("b", correct=passing(9)), {"corect": Rule()})

    def test_two_records_of_one_cell_are_refused(self, make: RunMaker) -> None:
        run = make("b", correct=passing(10))
        doubled = Run(run.header, run.items, run.scores + run.scores[:1])
        with pytest.raises(ResultsError, match="'q000' is there twice in trial 0"):
            compare(make("a", correct=passing(10)), doubled, FIVE_POINTS)
        with pytest.raises(ResultsError, match="'q000' is there twice in trial 0"):
            compare(make("a", correct=passing(10)), Run(run.header, run.items * 2, run.scores), FIVE_POINTS)


class TestFrames:
    def frame(self, failing: int = 0, missing: int = 0) -> pd.DataFrame:
        values = [None if i < missing else i >= failing for i in range(100)]
        return pd.DataFrame(
            {"item": [f"q{i:03d}" for i in range(100)], "trial": 0, "score": "correct", "value": values}
        )

    def test_a_long_table_is_a_run(self) -> None:
        verdict = compare(self.frame(), self.frame(failing=20), FIVE_POINTS)
        assert verdict.outcome == "regression"
        assert len(verdict.to_frame()) == 1
        assert verdict.to_frame().loc[0, "lost"] == 20

    def test_null_is_missing(self) -> None:
        assert compare(self.frame(), self.frame(missing=3), FIVE_POINTS).rules[0].missing == 3

    def test_clusters_come_from_their_column(self) -> None:
        talks = [f"t{i // 20}" for i in range(100)]
        verdict = compare(
            self.frame().assign(cluster=talks), self.frame(20).assign(cluster=talks), FIVE_POINTS
        )
        assert verdict.rules[0].n_clusters == 5

    def test_trial_may_be_left_out(self) -> None:
        frame = self.frame().drop(columns="trial")
        assert compare(frame, frame, FIVE_POINTS).outcome == "pass"

    def test_numpy_values_are_values(self) -> None:
        frame = self.frame()
        frame["value"] = np.ones(100, dtype=bool)
        assert compare(frame, frame, FIVE_POINTS).outcome == "pass"

    def test_a_missing_column_is_named(self) -> None:
        with pytest.raises(ResultsError, match="the candidate table has no column 'value'"):
            compare(self.frame(), self.frame().drop(columns="value"), FIVE_POINTS)

    def test_a_trial_that_is_no_number(self) -> None:
        with pytest.raises(ResultsError, match="no whole number"):
            compare(self.frame(), self.frame().assign(trial="first"), FIVE_POINTS)

    def test_a_row_without_an_item(self) -> None:
        frame = self.frame()
        frame.loc[3, "item"] = None
        with pytest.raises(ResultsError, match="without item or score"):
            compare(self.frame(), frame, FIVE_POINTS)

    def test_a_doubled_row_is_refused(self) -> None:
        frame = self.frame()
        with pytest.raises(ResultsError, match="there twice"):
            compare(frame, pd.concat([frame, frame]), FIVE_POINTS)

    def test_something_else_is_refused(self) -> None:
        with pytest.raises(ResultsError, match="give a Run, a path"):
            compare(self.frame(), 7, FIVE_POINTS)  # type: ignore[arg-type]


def test_the_verdict_as_json_says_all_of_it(make: RunMaker) -> None:
    verdict = compare(make("a", correct=passing(100)), make("b", correct=passing(100, 20)), FIVE_POINTS)
    document = json.loads(verdict.to_json())
    assert document["outcome"] == "regression"
    assert document["exit_code"] == 1
    assert document["rules"][0]["score"] == "correct"
    assert len(document["regressed_items"]) == 20


def test_the_same_input_gives_the_same_bytes(make: RunMaker) -> None:
    def once() -> str:
        return compare(make("a", c=passing(100, 3)), make("b", c=passing(100, 9)), {"c": Rule()}).to_json()

    assert once() == once()


def test_values_that_break_their_contract_are_named(make: RunMaker) -> None:
    catalog = Catalog({"s": Contract(name="s", type="numeric", min=0.0, max=1.0)})
    gate = Gate(name="", rules={"s": Rule()}, catalog=catalog)
    values = {f"q{i:03d}": 0.5 for i in range(20)}
    with pytest.raises(ResultsError, match=r"score 's' of item 'q003' is 1\.5"):
        compare(make("a", s=values), make("b", s=dict(values, q003=1.5)), gate)


def test_a_score_without_better_and_worse_cannot_be_gated(make: RunMaker) -> None:
    catalog = Catalog({"s": Contract(name="s", type="numeric", direction="none")})
    values = {f"q{i:03d}": 0.5 for i in range(20)}
    with pytest.raises(ConfigError, match="cannot be gated"):
        compare(make("a", s=values), make("b", s=values), Gate(name="", rules={"s": Rule()}, catalog=catalog))


def test_no_rules_decide_nothing(make: RunMaker) -> None:
    run = make("a", c=passing(10))
    with pytest.raises(ConfigError, match="no rules"):
        compare(run, run, {})


def test_a_trial_beyond_the_runs_own_number_is_refused(make: RunMaker) -> None:
    run = make("b", c={f"q{i}": [True, True] for i in range(10)})
    header = RunHeader(run="b", dataset="cases", candidate="b", expected_items=10, trials=1)
    with pytest.raises(ResultsError, match="has trial 1 in a run of 1 trials"):
        compare(make("a", c={f"q{i}": True for i in range(10)}), Run(header, (), run.scores), {"c": Rule()})


def test_a_run_without_a_baseline_is_invalid_and_says_so(make: RunMaker) -> None:
    verdict = nothing_to_compare(
        make("b", c=passing(10)), Gate(name="g", rules={"c": Rule()}), "no baseline yet"
    )
    assert (verdict.outcome, verdict.exit_code, verdict.reason) == ("invalid", 4, "no baseline yet")
    assert verdict.candidate == "b-version"
    assert verdict.baseline_run is None


def test_results_files_are_runs(make: RunMaker, tmp_path: Path) -> None:
    for name, failing in (("a", 0), ("b", 30)):
        write_results(make(name, correct=passing(100, failing)), tmp_path / f"{name}.jsonl")
    verdict = compare(tmp_path / "a.jsonl", str(tmp_path / "b.jsonl"), FIVE_POINTS)
    assert verdict.outcome == "regression"


def test_a_proved_drop_below_the_smallest_effect_does_not_break_the_rule(make: RunMaker) -> None:
    before, now = passing(1000), passing(1000, 9)
    assert compare(make("a", s=before), make("b", s=now), {"s": Rule(max_drop=0.05)}).outcome == "regression"
    tolerant = {"s": Rule(max_drop=0.05, min_effect=0.01)}
    assert compare(make("a", s=before), make("b", s=now), tolerant).outcome == "pass"


def test_what_does_not_decide_is_noted(make: RunMaker) -> None:
    verdict = compare(
        make("a", correct=passing(100), header={"dataset": "old", "scorers": {"correct": "v1"}}),
        make("b", correct=passing(100), header={"dataset": "new", "metadata": {"dirty": True}}),
        FIVE_POINTS,
    )
    assert verdict.outcome == "pass"
    assert [note.split(" ")[0:3] for note in verdict.notes] == [
        ["the", "runs", "name"],
        ["only", "one", "run"],
        ["the", "candidate", "was"],
    ]


def test_one_slow_call_in_a_ratio_may_be_free(make: RunMaker) -> None:
    rng = np.random.default_rng(2)
    before = {f"q{i:03d}": float(v) for i, v in enumerate(rng.uniform(0.01, 0.02, 100))}
    free = dict(before, q000=0.0)
    verdict = compare(make("a", cost_usd=before), make("b", cost_usd=free), {"cost_usd": Rule()})
    assert verdict.outcome in ("pass", "inconclusive")


def test_a_negative_cost_is_refused(make: RunMaker) -> None:
    values = {f"q{i:03d}": 1.0 for i in range(20)}
    with pytest.raises(ResultsError):
        compare(make("a", cost_usd=values), make("b", cost_usd=dict(values, q003=-1.0)), {"cost_usd": Rule()})


def test_categories_without_a_catalog_need_only_their_passing_ones(make: RunMaker) -> None:
    before = {f"q{i:03d}": "good" for i in range(100)}
    now = {item: "poor" if i < 20 else "good" for i, item in enumerate(before)}
    verdict = compare(make("a", grade=before), make("b", grade=now), {"grade": Rule(passing=("good",))})
    assert verdict.outcome == "regression"
    assert verdict.flips[0].baseline_value == "good"
    assert verdict.flips[0].candidate_value == "poor"


def test_a_boolean_may_be_bad(make: RunMaker) -> None:
    catalog = Catalog({"made_up": Contract(name="made_up", type="boolean", direction="lower")})
    gate = Gate(name="g", rules={"made_up": Rule()}, catalog=catalog)
    clean = {f"q{i:03d}": False for i in range(100)}
    worse = {item: i < 20 for i, item in enumerate(clean)}
    verdict = compare(make("a", made_up=clean), make("b", made_up=worse), gate)
    assert verdict.outcome == "regression"
    assert verdict.reason.startswith("made_up: rose from 0.0 % to 20.0 %")
