"""Ways in which a worse candidate might slip through, or an unchanged one be stopped; each was open once."""

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from scoregate import Gate, Rule, compare
from scoregate.catalog import Catalog, Contract
from scoregate.errors import ConfigError, ResultsError
from scoregate.records import Run, ScoreValue
from tests.gates.runs import RunMaker, passing


def without(run: Run, items: set[str]) -> Run:
    return dataclasses.replace(
        run,
        items=tuple(i for i in run.items if i.item not in items),
        scores=tuple(s for s in run.scores if s.item not in items),
    )


def test_losing_items_that_fail_anyway_does_not_dilute_a_proved_drop(make: RunMaker) -> None:
    baseline = make("a", s=passing(200, 40))
    candidate = make("b", s={item: i >= 47 for i, item in enumerate(passing(200))})
    rule = {"s": Rule(max_drop=0.1)}
    assert compare(baseline, candidate, rule).outcome == "regression"
    hidden = without(candidate, {f"q{i:03d}" for i in range(7)})
    assert compare(baseline, hidden, rule).outcome == "regression"


def test_a_drop_that_is_only_suspected_among_many_scores_does_not_pass(make: RunMaker) -> None:
    names = [f"s{i}" for i in range(10)]
    noisy = {item: i >= 10 for i, item in enumerate(passing(400))}
    other = {item: not 0 <= i - 20 < 10 for i, item in enumerate(passing(400))}
    before = make("a", {"s0": passing(400), **dict.fromkeys(names[1:], noisy)})
    now = make("b", {"s0": passing(400, 7), **dict.fromkeys(names[1:], other)})
    verdict = compare(before, now, dict.fromkeys(names, Rule(max_drop=0.05)))
    assert verdict.rules[0].outcome == "inconclusive"
    assert "is suspected" in verdict.rules[0].reason


class TestScalesWithoutEnds:
    def values(self, low: float = -100.0) -> dict[str, ScoreValue]:
        return {f"q{i:03d}": low if i < 6 else 1.0 + i % 3 / 100 for i in range(300)}

    def test_deleting_the_bad_items_does_not_mend_a_floor(self, make: RunMaker) -> None:
        good = self.values(1.0)
        rule = {"s": Rule(min=0.5, direction="higher")}
        baseline, candidate = make("a", s=good), make("b", s=self.values())
        assert (
            compare(baseline, candidate, {"s": Rule(min=0.5, direction="higher", strict=True)}).outcome
            == "regression"
        )
        gone = compare(baseline, without(candidate, {f"q{i:03d}" for i in range(6)}), rule)
        assert gone.outcome == "inconclusive"
        assert gone.rules[0].candidate_value is None

    def test_nor_does_calling_them_not_applicable(self, make: RunMaker) -> None:
        escaped = {item: "n/a" if value == -100.0 else value for item, value in self.values().items()}
        verdict = compare(
            make("a", s=self.values(1.0)),
            make("b", s=escaped),
            {"s": Rule(max_drop=0.5, direction="higher")},
        )
        assert verdict.outcome == "inconclusive"

    def test_one_value_everywhere_has_its_own_size_for_a_range(self, make: RunMaker) -> None:
        values: dict[str, ScoreValue] = {f"q{i:03d}": 3.0 for i in range(50)}
        arms = make("a", s=values), make("b", s=values)
        assert compare(*arms, {"s": Rule(max_drop=1e-6, direction="higher")}).outcome == "inconclusive"
        assert compare(*arms, {"s": Rule(max_drop=0.5, direction="higher")}).outcome == "pass"

    def test_nothing_but_zeros_rules_nothing_out(self, make: RunMaker) -> None:
        values: dict[str, ScoreValue] = {f"q{i:03d}": 0.0 for i in range(50)}
        catalog = Catalog({"s": Contract(name="s", type="numeric", direction="higher")})
        gate = Gate(name="", rules={"s": Rule(max_drop=0.5)}, catalog=catalog)
        verdict = compare(make("a", s=values), make("b", s=values), gate)
        assert verdict.outcome == "inconclusive"
        assert verdict.rules[0].ci_low is None
        assert verdict.to_json()


class TestNotApplicableWithTrials:
    RULE: ClassVar[Mapping[str, Rule]] = {"s": Rule(max_drop=0.1)}

    def gate(self) -> Gate:
        catalog = Catalog({"s": Contract(name="s", type="numeric", min=0.0, max=1.0)})
        return Gate(name="", rules=self.RULE, catalog=catalog)

    def test_one_trial_that_does_not_apply_does_not_hide_the_others(self, make: RunMaker) -> None:
        before: dict[str, list[ScoreValue]] = {f"q{i:03d}": ["n/a", 1.0, 1.0, 1.0, 1.0] for i in range(100)}
        now: dict[str, list[ScoreValue]] = {f"q{i:03d}": ["n/a", 0.0, 0.0, 0.0, 0.0] for i in range(100)}
        assert compare(make("a", s=before), make("b", s=now), self.gate()).outcome == "regression"

    def test_nor_does_one_in_the_baseline_alone(self, make: RunMaker) -> None:
        before: dict[str, list[ScoreValue]] = {
            f"q{i:03d}": ["n/a" if i % 2 else 1.0, 1.0, 1.0] for i in range(100)
        }
        now: dict[str, list[ScoreValue]] = {f"q{i:03d}": [0.0 if i % 2 else 1.0] * 3 for i in range(100)}
        assert compare(make("a", s=before), make("b", s=now), self.gate()).outcome == "regression"


class TestNotApplicableAndFloors:
    def test_failures_that_no_longer_apply_do_not_hold_a_floor(self, make: RunMaker) -> None:
        before = passing(1000)
        escaped = {item: "n/a" if i < 6 else True for i, item in enumerate(before)}
        verdict = compare(
            make("a", s=before), make("b", s=escaped), {"s": Rule(min=1.0, strict=True, max_drop=0.05)}
        )
        assert verdict.outcome == "inconclusive"
        assert "may lie below" in verdict.reason


class TestRatios:
    def test_one_free_call_does_not_blind_the_comparison_of_costs(self, make: RunMaker) -> None:
        rng = np.random.default_rng(4)
        before: dict[str, ScoreValue] = {
            f"q{i:03d}": float(v) for i, v in enumerate(rng.lognormal(-7, 1.5, 300))
        }
        now: dict[str, ScoreValue] = {
            item: float(v) * 1.4 for item, v in before.items() if isinstance(v, float)
        }
        before["q000"] = now["q000"] = 0.0
        verdict = compare(make("a", cost_usd=before), make("b", cost_usd=now), {"cost_usd": Rule()})
        assert verdict.outcome == "regression"
        assert verdict.rules[0].difference == pytest.approx(0.4, abs=0.02)

    def test_nor_does_it_raise_a_ceiling(self, make: RunMaker) -> None:
        costs: dict[str, ScoreValue] = {f"q{i:03d}": 0.001 * (i % 5) for i in range(200)}
        rule = {"cost_usd": Rule(max=0.5)}
        assert compare(make("a", cost_usd=costs), make("b", cost_usd=costs), rule).outcome == "pass"

    def test_a_measured_score_may_be_better_when_higher(self, make: RunMaker) -> None:
        before: dict[str, ScoreValue] = {f"q{i:03d}": 100 + i for i in range(100)}
        half: dict[str, ScoreValue] = {f"q{i:03d}": (100 + i) // 2 for i in range(100)}
        gate = Gate(name="", rules={"tokens_output": Rule(max_drop=0.1, direction="higher")})
        verdict = compare(make("a", tokens_output=before), make("b", tokens_output=half), gate)
        assert verdict.outcome == "regression"
        assert verdict.rules[0].difference == pytest.approx(-0.5, abs=0.01)


def test_a_cluster_that_holds_half_of_all_items_is_not_one_of_many(make: RunMaker) -> None:
    talks = {f"q{i:03d}": "long" if i < 300 else f"t{i}" for i in range(600)}
    lost = {f"q{i:03d}": i not in range(300, 315) for i in range(600)}
    verdict = compare(
        make("a", s=passing(600), clusters=talks),
        make("b", s=lost, clusters=talks),
        {"s": Rule(max_drop=0.05)},
    )
    assert verdict.outcome != "pass"


class TestCriticalWithFewTrials:
    def test_flaky_items_do_not_stop_an_unchanged_agent(self, make: RunMaker) -> None:
        stopped = 0
        for seed in range(40):
            rng = np.random.default_rng(seed)
            arms = [
                {f"q{i:03d}": [bool(v) for v in rng.random(2) < (0.7 if i < 20 else 1.0)] for i in range(100)}
                for _ in range(2)
            ]
            verdict = compare(
                make("a", s=arms[0]), make("b", s=arms[1]), {"s": Rule(critical=True, max_drop=0.3)}
            )
            stopped += verdict.outcome == "regression"
        assert stopped <= 3

    def test_what_two_trials_cannot_tell_is_inconclusive_and_named(self, make: RunMaker) -> None:
        before = {f"q{i:03d}": [True, True] for i in range(100)}
        verdict = compare(
            make("a", s=before), make("b", s=dict(before, q007=[False, False])), {"s": Rule(critical=True)}
        )
        assert verdict.outcome == "inconclusive"
        assert "q007" in verdict.reason


def test_a_handful_of_critical_items_is_decided_item_by_item(make: RunMaker) -> None:
    few = {f"q{i:03d}": True if i < 5 else "n/a" for i in range(300)}
    rules = {"policy": Rule(min=1.0, strict=True, critical=True)}
    assert compare(make("a", policy=few), make("b", policy=few), rules).outcome == "pass"
    assert (
        compare(make("a", policy=few), make("b", policy=dict(few, q001=False)), rules).outcome == "regression"
    )


def test_an_item_that_failed_has_no_answer_that_could_be_right(make: RunMaker) -> None:
    run = make("b", s=passing(100))
    failed = tuple(
        dataclasses.replace(item, status="error", error="boom") if i < 20 else item
        for i, item in enumerate(run.items)
    )
    verdict = compare(make("a", s=passing(100)), dataclasses.replace(run, items=failed), {"s": Rule()})
    assert verdict.outcome == "invalid"
    assert "20.0 %" in verdict.reason


def test_a_gate_on_completeness_alone_compares_nothing(make: RunMaker) -> None:
    run = make("a", s=passing(20))
    with pytest.raises(ConfigError, match="no score would be compared"):
        compare(run, make("b", s=passing(20)), {"scored": Rule(min=1.0)})


class TestTables:
    def frame(self, trial: int = 0) -> pd.DataFrame:
        return pd.DataFrame(
            {"item": [f"q{i}" for i in range(50)], "trial": trial, "score": "s", "value": True}
        )

    def test_trials_that_do_not_start_at_zero_are_refused(self) -> None:
        with pytest.raises(ResultsError, match="count trials from 0"):
            compare(self.frame(), self.frame(trial=1), {"s": Rule()})
        with pytest.raises(ResultsError, match="not all of those before"):
            compare(self.frame(), self.frame(trial=1_000_000), {"s": Rule()})

    def test_a_status_column_is_honoured(self) -> None:
        frame = self.frame().assign(status=["error"] * 3 + ["not_applicable"] * 2 + ["ok"] * 45)
        rule = compare(self.frame(), frame, Gate(name="", rules={"s": Rule()}, max_failed_items=1.0)).rules[0]
        assert (rule.missing, rule.n_scored) == (3, 47)


def test_gaps_of_the_baseline_that_were_filled_are_noted(make: RunMaker) -> None:
    before = dict(passing(500), **dict.fromkeys([f"q{i:03d}" for i in range(20)], None))
    verdict = compare(make("a", s=before), make("b", s=passing(500)), {"s": Rule(max_drop=0.1)})
    assert any("20 cells that the baseline lacked" in note for note in verdict.notes)
