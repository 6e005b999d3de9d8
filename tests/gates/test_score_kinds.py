"""Latency quantiles, sums, grades, reducers over trials, and calls that timed out."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import pytest

from scoregate import Gate, Rule, compare
from scoregate.catalog import Catalog, Contract
from scoregate.errors import ConfigError, ResultsError
from scoregate.records import Run, RunHeader, RunItem, Score, ScoreValue, Verdict
from tests.gates.runs import RunMaker

LATENCIES = np.exp(np.random.default_rng(1).normal(0.0, 0.5, (300, 1)))


def measured(
    name: str, seconds: np.ndarray, *, score: str = "latency_seconds", limit: float | None = None
) -> Run:
    """One item a row, one trial a column; what reaches the limit timed out."""
    items, trials = seconds.shape
    cells = [(f"q{i:04d}", t, float(seconds[i, t])) for i in range(items) for t in range(trials)]
    late = {(i, t) for i, t, value in cells if limit is not None and value >= limit}
    return Run(
        RunHeader(
            run=name,
            dataset="cases",
            candidate=name,
            expected_items=items,
            trials=trials,
            metadata={"timeout_seconds": limit} if limit else {},
        ),
        tuple(RunItem(i, t, "timeout" if (i, t) in late else "ok") for i, t, _ in cells),
        tuple(Score(i, t, score, min(value, limit or math.inf)) for i, t, value in cells),
    )


def decide(before: Run, now: Run, rule: Rule, score: str = "latency_seconds") -> Verdict:
    return compare(before, now, {score: rule})


class TestQuantiles:
    def test_the_manual(self) -> None:
        noise = np.exp(np.random.default_rng(2).normal(0.0, 0.1, LATENCIES.shape))
        slow = np.where(np.arange(300)[:, None] % 10 == 0, 8 * LATENCIES, LATENCIES) * noise
        p95 = Rule(statistic="p95", max_increase=0.2, fails_on="any proved drop")
        verdict = decide(measured("a", LATENCIES), measured("b", slow), p95)
        rule = verdict.rules[0]
        assert verdict.outcome == "regression"
        assert rule.statistic == "p95"
        assert rule.baseline_value == pytest.approx(
            float(np.quantile(LATENCIES, 0.95, method="inverted_cdf"))
        )
        assert rule.difference is not None
        assert rule.difference > 0.5

    def test_the_same_latencies_again_pass_only_where_the_tail_is_known_well_enough(self) -> None:
        noise = np.exp(np.random.default_rng(2).normal(0.0, 0.05, LATENCIES.shape))
        again = measured("b", LATENCIES * noise)
        assert (
            decide(measured("a", LATENCIES), again, Rule(statistic="p50", max_increase=0.2)).outcome == "pass"
        )
        few = decide(
            measured("a", LATENCIES[:40]), measured("b", (LATENCIES * noise)[:40]), Rule(statistic="p95")
        )
        assert few.outcome == "inconclusive"
        assert "p95 rests on 8 calls of 80 and shows only large changes" in few.reason

    def test_a_ceiling_holds_for_the_quantile(self) -> None:
        runs = measured("a", LATENCIES), measured("b", LATENCIES * 1.001)
        assert decide(*runs, Rule(statistic="p90", max=1.0, max_increase=9.0)).outcome == "regression"
        assert decide(*runs, Rule(statistic="p90", max=9.0, max_increase=9.0)).outcome == "pass"

    def test_only_measured_scores_have_quantiles(self) -> None:
        with pytest.raises(ConfigError, match="needs a measured score"):
            compare(
                measured("a", LATENCIES, score="x"),
                measured("b", LATENCIES, score="x"),
                {"x": {"statistic": "p95", "direction": "lower"}},
            )

    def test_missing_calls_count_as_the_slowest(self) -> None:
        candidate = measured("b", LATENCIES)
        gone = tuple(s for s in candidate.scores if s.item > "q0011")
        rule = Rule(statistic="p99", max_increase=0.5)
        verdict = decide(measured("a", LATENCIES), dataclasses.replace(candidate, scores=gone), rule)
        assert verdict.outcome == "regression"


def test_quantiles_of_both_runs_are_reported_whatever_statistic_is_gated() -> None:
    verdict = decide(measured("a", LATENCIES), measured("b", 2 * LATENCIES), Rule(advisory=False))
    (spread,) = verdict.spreads
    assert (spread.score, spread.quantiles) == ("latency_seconds", ("p50", "p90", "p95", "p99"))
    assert spread.baseline[0] == pytest.approx(float(np.quantile(LATENCIES, 0.5, method="inverted_cdf")))
    assert spread.candidate[3] == pytest.approx(
        2 * float(np.quantile(LATENCIES, 0.99, method="inverted_cdf"))
    )


class TestSums:
    def test_the_whole_bill_is_compared_and_told_as_a_share(self) -> None:
        before = measured("a", LATENCIES, score="cost_usd")
        now = measured("b", LATENCIES * 1.5, score="cost_usd")
        verdict = decide(before, now, Rule(statistic="sum", max_increase=0.1), "cost_usd")
        rule = verdict.rules[0]
        assert verdict.outcome == "regression"
        assert rule.baseline_value == pytest.approx(LATENCIES.sum())
        assert rule.candidate_value == pytest.approx(1.5 * LATENCIES.sum())
        assert rule.difference == pytest.approx(0.5)
        assert "+50.0 %" in rule.reason

    def test_a_ceiling_is_on_the_sum(self) -> None:
        runs = measured("a", LATENCIES, score="cost_usd"), measured("b", LATENCIES, score="cost_usd")
        total = float(LATENCIES.sum())
        for limit, outcome in ((total * 0.8, "regression"), (total * 1.3, "pass")):
            rule = Rule(statistic="sum", max=limit, max_increase=0.5)
            assert decide(*runs, rule, "cost_usd").outcome == outcome


class TestTimeouts:
    def test_two_runs_with_different_limits_are_cut_at_the_lower_one(self) -> None:
        slow = np.where(np.arange(300)[:, None] < 12, 50.0, LATENCIES)
        before, now = measured("a", slow, limit=30.0), measured("b", slow, limit=10.0)
        rule = decide(before, now, Rule(max_increase=0.1)).rules[0]
        assert rule.difference == pytest.approx(0.0)

    def test_more_timed_out_calls_break_the_gate(self) -> None:
        slow = np.where(np.arange(300)[:, None] < 12, 50.0, LATENCIES)
        gate = Gate(name="g", rules={"latency_seconds": Rule(max_increase=0.5)})
        verdict = compare(measured("a", LATENCIES, limit=10.0), measured("b", slow, limit=10.0), gate)
        assert verdict.outcome == "regression"
        broken = {rule.score for rule in verdict.rules if rule.outcome == "regression"}
        assert "latency_seconds (in time)" in broken


class TestGrades:
    GATE = Gate(
        name="g",
        rules={"tone": Rule(max_drop=0.5)},
        catalog=Catalog(
            {
                "tone": Contract(
                    name="tone",
                    type="categorical",
                    categories=("rude", "plain", "kind", "n/a"),
                    ignore=("n/a",),
                    ordered=True,
                )
            }
        ),
    )

    def run(self, make: RunMaker, name: str, grades: Sequence[str]) -> Run:
        return make(name, tone={f"q{i:03d}": grade for i, grade in enumerate(grades)})

    def test_grades_are_gated_as_numbers_from_the_worst_to_the_best(self, make: RunMaker) -> None:
        before = self.run(make, "a", ["kind"] * 150 + ["plain"] * 50)
        worse = self.run(make, "b", ["kind"] * 120 + ["plain"] * 50 + ["rude"] * 30)
        verdict = compare(before, worse, self.GATE)
        assert verdict.outcome == "regression"
        assert verdict.rules[0].baseline_value == pytest.approx(1.75)
        assert verdict.rules[0].candidate_value == pytest.approx(1.45)

    def test_ignored_grades_do_not_count(self, make: RunMaker) -> None:
        again = (
            self.run(make, "a", ["kind"] * 100 + ["n/a"] * 100),
            self.run(make, "b", ["kind"] * 100 + ["n/a"] * 100),
        )
        rule = compare(*again, self.GATE).rules[0]
        assert (rule.n_items, rule.candidate_value) == (100, 2.0)


class TestReducers:
    def flaky(self, make: RunMaker, name: str, passes: int, *, trials: int = 5, items: int = 60) -> Run:
        """Every item passes `passes` of its trials."""
        values: dict[str, ScoreValue | Sequence[ScoreValue]] = {
            f"q{i:03d}": [t < passes for t in range(trials)] for i in range(items)
        }
        return make(name, correct=values)

    @pytest.mark.parametrize(("reducer", "before", "now"), [("pass^3", 1.0, 0.4), ("pass@3", 1.0, 1.0)])
    def test_an_items_value_comes_from_all_its_trials_without_bias(
        self, make: RunMaker, reducer: str, before: float, now: float
    ) -> None:
        runs = self.flaky(make, "a", 5), self.flaky(make, "b", 4)
        rule = decide(*runs, Rule(reducer=reducer, max_drop=0.1), "correct").rules[0]
        assert rule.statistic == reducer
        assert rule.baseline_value == pytest.approx(before)
        assert rule.candidate_value == pytest.approx(now)

    def test_reliability_can_be_lost_where_the_chance_of_any_pass_is_not(self, make: RunMaker) -> None:
        runs = self.flaky(make, "a", 5), self.flaky(make, "b", 4)
        assert decide(*runs, Rule(reducer="pass^5", max_drop=0.1), "correct").outcome == "regression"
        assert decide(*runs, Rule(reducer="pass@5", max_drop=0.1), "correct").outcome == "pass"

    def test_too_few_trials_are_refused_and_never_extrapolated(self, make: RunMaker) -> None:
        runs = self.flaky(make, "a", 2, trials=2), self.flaky(make, "b", 2, trials=2)
        with pytest.raises(
            ConfigError, match=r"pass\^3 of 'correct' needs 3 trials of every item, and the baseline has 2"
        ):
            decide(*runs, Rule(reducer="pass^3"), "correct")

    def test_reduced_and_plain_scores_share_one_family(self, make: RunMaker) -> None:
        before, now = self.flaky(make, "a", 5), self.flaky(make, "b", 4)
        both = [
            Run(r.header, r.items, r.scores + tuple(dataclasses.replace(s, score="plain") for s in r.scores))
            for r in (before, now)
        ]
        verdict = compare(
            both[0], both[1], {"correct": Rule(reducer="pass^3", max_drop=0.1), "plain": Rule(max_drop=0.1)}
        )
        assert [rule.outcome for rule in verdict.rules] == ["regression", "regression"]


def test_a_number_just_beyond_a_bound_is_the_bound(make: RunMaker) -> None:
    catalog = Catalog({"bleu": Contract("bleu", "numeric", "higher", min=0, max=1)})
    gate = Gate(name="g", rules={"bleu": Rule()}, catalog=catalog)
    values = {f"q{n:03}": 1.0000000000000004 if n % 2 else -1e-12 for n in range(60)}
    assert compare(make("a", bleu=values), make("b", bleu=values), gate).rules[0].candidate_value == 0.5
    with pytest.raises(ResultsError, match="is 1.000001, which its contract"):
        compare(make("a", bleu=values), make("b", bleu={**values, "q001": 1.000001}), gate)
