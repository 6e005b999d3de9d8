"""Corners of the gate: odd numbers, odd runs, and what a candidate's run must not be able to change."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import ArrayLike

from scoregate import Gate, Rule, compare
from scoregate.errors import ConfigError, ResultsError
from scoregate.gates.comparability import advisory_left_out, why_not_comparable
from scoregate.gates.compare import compare_with_both
from scoregate.gates.pairing import universe
from scoregate.gates.slices import changed_places
from scoregate.gates.table import NOT_APPLICABLE, Column, RunTable, table_from_run
from scoregate.records import Run, RunHeader, RunItem, Score
from scoregate.statistics.quantiles import exceedance, quantile_ratio_bound
from tests.gates.runs import RunMaker, passing


def table(
    score: str,
    cells: ArrayLike,
    label: str = "run",
    *,
    slices: Sequence[Mapping[str, str]] = (),
    limit: float | None = None,
    late: Sequence[int] = (),
) -> RunTable:
    """Items q0000… a row each, trials a column each; NaN is a missing cell."""
    values = np.asarray(cells)
    items, trials = values.shape
    names = tuple(f"q{i:04d}" for i in range(items))
    flat = np.empty(values.size, dtype=object)
    flat[:] = [None if isinstance(v, float) and math.isnan(v) else v for v in values.ravel().tolist()]
    column = Column(np.repeat(np.arange(items), trials), np.tile(np.arange(trials), items), flat)
    header = RunHeader(
        run=label,
        dataset="cases",
        candidate=label,
        expected_items=items,
        trials=trials,
        metadata={"timeout_seconds": limit} if limit else {},
    )
    return RunTable(
        header,
        names,
        {score: column},
        slices=dict(zip(names, slices, strict=False)),
        timeouts=frozenset((names[i], 0) for i in late),
    )


def both(score: str, before: ArrayLike, now: ArrayLike) -> tuple[RunTable, RunTable]:
    return table(score, before, "before"), table(score, now, "now")


def coins(seed: int, items: int, trials: int, chance: float) -> np.ndarray:
    return np.random.default_rng(seed).random((items, trials)) < chance


class TestPopulation:
    def test_arms_of_different_trials_are_no_easier_to_tell_apart_than_within_items(self) -> None:
        gates = [Gate(name="g", rules={"ok": Rule()}, inference=how) for how in ("dataset", "population")]
        for seed in range(5):
            runs = both("ok", coins(seed, 40, 1, 0.8), coins(seed + 100, 40, 5, 0.6))
            dataset, population = (compare(*runs, gate).rules[0] for gate in gates)
            assert population.p_value is not None
            assert dataset.p_value is not None
            assert population.p_value >= dataset.p_value
            assert population.adjusted_p_value >= dataset.adjusted_p_value  # type: ignore[operator]

    def test_a_reducer_is_tested_on_its_own_values(self) -> None:
        # Each item passes two of three trials now, all three in every second item before: pass@3 is 1 everywhere.
        before = np.array([[True, True, True], [True, False, False]] * 10)
        now = np.array([[True, False, False]] * 20)
        gate = Gate(name="g", rules={"ok": Rule(reducer="pass@3")}, inference="population")
        assert compare(*both("ok", before, now), gate).rules[0].p_value == 1.0
        gate = Gate(name="g", rules={"ok": Rule(reducer="pass^3")}, inference="population")
        verdict = compare(*both("ok", before, now), gate)
        assert verdict.rules[0].p_value == pytest.approx(2.0**-10, rel=0.2)
        assert verdict.outcome == "regression"

    def test_too_few_clusters_to_prove_a_total_loss_are_invalid_however_many_trials(self) -> None:
        runs = both("ok", np.ones((6, 5), dtype=bool), np.zeros((6, 5), dtype=bool))
        gate = Gate(name="g", rules={"ok": Rule()}, inference="population", alpha=0.01)
        verdict = compare(*runs, gate)
        assert verdict.outcome == "invalid"
        assert compare(*runs, replace(gate, inference="dataset")).outcome == "regression"

    def test_no_drop_is_larger_than_its_scale(self) -> None:
        before, now = np.ones((7, 1), dtype=bool), np.arange(7)[:, None] >= 6
        verdict = compare(*both("ok", before, now), {"ok": {}})
        assert verdict.outcome == "inconclusive"
        assert "(bound −100.0 points)" in verdict.reason
        assert verdict.rules[0].minimum_detectable_drop == 1.0


class TestTails:
    def test_more_answers_at_the_limit_are_a_longer_tail(self) -> None:
        rng = np.random.default_rng(0)
        before = np.minimum(4096, np.round(np.exp(rng.normal(6, 0.8, (300, 1)))))
        now = np.where(rng.random((300, 1)) < 0.4, 4096.0, before)
        for statistic in ("p90", "p95"):
            verdict = compare(
                *both("tokens_output", before, now), {"tokens_output": {"statistic": statistic}}
            )
            assert verdict.outcome == "regression", statistic
            assert compare(
                *both("tokens_output", now, now), {"tokens_output": {"statistic": statistic}}
            ).rules[0].p_value == pytest.approx(1.0, abs=0.6)

    def test_every_call_dearer_is_a_regression(self) -> None:
        runs = both("cost_usd", np.full((80, 1), 2.0), np.full((80, 1), 5.0))
        verdict = compare(*runs, {"cost_usd": {"statistic": "p95"}})
        assert verdict.outcome == "regression"
        assert verdict.rules[0].candidate_value == pytest.approx(5.0)

    def test_which_ties_count_depends_on_both_runs_together(self) -> None:
        rng = np.random.default_rng(3)
        for _ in range(20):
            pooled = np.minimum(rng.integers(0, 30, 200), rng.integers(5, 25)).astype(float)
            counts = {
                sum(int(arm.sum()) for arm in exceedance(order[:100], order[100:], 0.9))
                for order in (pooled, rng.permutation(pooled))
            }
            assert len(counts) == 1

    def test_a_few_outliers_above_one_common_value_still_count_alone(self) -> None:
        before, now = np.full((80, 1), 2.0), np.full((80, 1), 2.0)
        now[:3] = 9.0
        assert [int(arm.sum()) for arm in exceedance(before, now, 0.9)] == [0, 3]

    def test_names_of_items_do_not_move_the_bound(self) -> None:
        rng = np.random.default_rng(1)
        before = np.exp(rng.normal(0, 0.5, (60, 2)))
        now = before * np.exp(rng.normal(0, 0.2, (60, 2)))
        clusters = np.arange(60) // 2

        def bound(order: np.ndarray, numbers: np.ndarray) -> object:
            return quantile_ratio_bound(
                before[order], now[order], numbers[clusters[order]], 0.95, level=0.05, seed=0, resamples=199
            )

        first = bound(np.arange(60), np.arange(30))
        assert bound(rng.permutation(60), rng.permutation(30)) == first

    def test_a_quantile_that_is_a_missing_call_has_no_value(self) -> None:
        before = np.exp(np.random.default_rng(0).normal(0, 0.3, (300, 1)))
        rules = {"latency_seconds": Rule(statistic="p95", max=60.0)}
        gate = Gate(name="g", rules=rules, max_failed_items=0.2)
        now = before.copy()
        now[:50] = np.nan
        rule = compare(*both("latency_seconds", before, now), gate).rules[0]
        assert rule.outcome == "regression"
        assert "p95 is worse than any value that was seen: 50 calls without a value (p" in rule.reason
        assert (rule.candidate_value, rule.difference, rule.ci_low, rule.ci_high) == (None,) * 4
        now = before.copy()
        now[np.argsort(before[:, 0])[-20:]] = np.nan
        rule = compare(*both("latency_seconds", before, now), gate).rules[0]
        assert rule.outcome == "inconclusive"
        assert (rule.candidate_value, rule.difference, rule.ci_low, rule.ci_high) == (None,) * 4
        assert "may lie above its maximum of 60 s (it could be any value)" in rule.reason

    def test_a_few_missing_calls_leave_the_quantile_as_it_is(self) -> None:
        before = np.exp(np.random.default_rng(0).normal(0, 0.3, (300, 1)))
        rules = {"latency_seconds": Rule(statistic="p95", max=60.0)}
        now = before.copy()
        now[:2] = np.nan
        few = compare(*both("latency_seconds", before, now), Gate(name="g", rules=rules)).rules[0]
        assert few.candidate_value is not None
        assert few.candidate_value < before.max()

    def test_a_quantile_is_not_sought_in_slices(self) -> None:
        runs = both("latency_seconds", np.ones((40, 1)), np.ones((40, 1)))
        with pytest.raises(ConfigError, match="too few calls of a slice"):
            compare(*runs, {"latency_seconds": {"statistic": "p95", "slices": ["intent"]}})
        rules = {"latency_seconds": Rule(statistic="p95", slices=("intent",))}
        with pytest.raises(ConfigError, match="whole dataset only"):
            compare(*runs, Gate(name="g", rules=rules))


class TestPlacesOfItems:
    def slices(self, name: str, *values: str) -> list[dict[str, str]]:
        return [{name: value} for value in values for _ in range(20)]

    def test_the_slices_of_the_baseline_hold(self) -> None:
        before = table("ok", np.ones((40, 1), dtype=bool), "a", slices=self.slices("intent", "buy", "ask"))
        broken = np.arange(40)[:, None] >= 12
        hidden = [{"intent": "buy" if i % 2 else "ask"} for i in range(40)]
        now = table("ok", broken, "b", slices=hidden)
        gate = Gate(name="g", rules={"ok": Rule()}, slices={"intent": "metadata.intent"})
        honest = compare(before, replace(now, slices=before.slices), gate)
        assert [(r.slice, r.p_value) for r in compare(before, now, gate).rules] == [
            (r.slice, r.p_value) for r in honest.rules
        ]
        notes = changed_places(universe(before, now), before, now)
        assert notes == [
            "20 items changed the slice 'intent' since the baseline, whose own holds where it names one: "
            "q0000, q0002, q0004, q0006, q0008 and 15 more"
        ]
        assert changed_places(universe(before, before), before, before) == []

    def test_so_do_its_clusters(self) -> None:
        before = replace(
            table("ok", np.ones((20, 1), dtype=bool), "a"), clusters={"q0000": "x", "q0001": "x"}
        )
        now = replace(before, clusters={f"q{i:04d}": "all" for i in range(20)})
        assert universe(before, now).clusters[0] == universe(before, now).clusters[1]
        assert universe(before, now).clusters[0] != universe(before, now).clusters[2]
        assert "20 items changed the cluster" in changed_places(universe(before, now), before, now)[0]
        other = replace(now, header=replace(now.header, run="b"))
        assert any(
            "20 items changed the cluster" in note for note in compare(before, other, {"ok": {}}).notes
        )

    def test_slices_whose_labels_read_the_same_are_two(self) -> None:
        names = [{"a": "b=c", "a=b": "d" if i < 20 else "c"} for i in range(40)]
        before = table("n", np.full((40, 1), 1.0), "a", slices=names)
        drops = np.where(np.arange(40)[:, None] >= 20, 0.5, 1.0)
        now = table("n", drops, "b", slices=names)
        gate = Gate(
            name="g",
            rules={"n": Rule(direction="higher", max_drop=0.1)},
            slices={"a": "metadata.a", "a=b": "metadata.ab"},
        )
        found = [(r.slice, r.n_items, r.p_value) for r in compare(before, now, gate).rules]
        assert [(label, items) for label, items, _ in found] == [
            (None, 40),
            ("a=b=c", 40),
            ("a=b=c", 20),
            ("a=b=d", 20),
        ]
        assert found[3][2] == 1.0
        assert found[2][2] is not None
        assert found[2][2] < 0.01

    def test_a_limit_that_its_own_run_did_not_keep_cuts_nothing(self) -> None:
        seconds = np.exp(np.random.default_rng(0).normal(1, 0.3, (60, 1)))
        before = table("latency_seconds", seconds, "a")
        slow = table("latency_seconds", 3 * seconds, "b", limit=0.5)
        rule = compare(before, slow, {"latency_seconds": {"fails_on": "any proved drop"}}).rules[0]
        assert rule.outcome == "regression"
        assert rule.difference == pytest.approx(2.0)
        kept = table("latency_seconds", np.minimum(seconds, 3.0), "b", limit=2.9, late=range(60))
        assert compare(before, kept, {"latency_seconds": {}}).rules[0].baseline_value == pytest.approx(
            float(np.exp(np.log(np.minimum(seconds, 2.9)).mean()))
        )


class TestReducersOfManyTrials:
    @pytest.mark.parametrize(("before", "now"), [(7, 7), (5, 10)])
    def test_many_trials_can_be_reduced(self, before: int, now: int) -> None:
        runs = both("ok", coins(0, 30, before, 0.95), coins(1, 30, now, 0.4))
        assert compare(*runs, {"ok": {"reducer": "pass^3"}}).outcome == "regression"

    def test_too_many_are_refused_in_words(self) -> None:
        runs = both("ok", coins(0, 30, 10, 0.9), coins(1, 30, 10, 0.9))
        with pytest.raises(ConfigError, match="up to 7 trials"):
            compare(*runs, {"ok": {"reducer": "pass^3"}})


class TestSums:
    def test_a_sum_of_nothing_before(self) -> None:
        before, now = np.zeros((40, 1)), np.full((40, 1), 3.0)
        verdict = compare(*both("cost_usd", before, now), {"cost_usd": {"statistic": "sum"}})
        assert verdict.outcome == "regression"
        rule = verdict.rules[0]
        assert (rule.baseline_value, rule.candidate_value, rule.difference) == (0.0, 120.0, 120.0)
        assert "rose from 0 USD to 120 USD (+120 USD" in rule.reason
        json.loads(verdict.to_json())
        same = compare(*both("cost_usd", before, before), {"cost_usd": {"statistic": "sum"}})
        assert same.outcome == "inconclusive"
        assert "the baseline's sum is 0" in same.reason

    def test_a_sum_of_what_never_applies(self) -> None:
        nothing = np.full((40, 1), NOT_APPLICABLE, dtype=object)
        verdict = compare(*both("cost_usd", nothing, nothing), {"cost_usd": {"statistic": "sum"}})
        assert verdict.reason.startswith(
            "cost_usd: guards nothing: it applies to none of 40 items of the baseline"
        )


class TestNumbers:
    def test_zeros_are_shown_as_zeros(self) -> None:
        zeros, paid = np.zeros((80, 1)), np.full((80, 1), 3.0)
        rule = compare(*both("cost_usd", zeros, paid), {"cost_usd": {}}).rules[0]
        assert rule.baseline_value == 0.0
        assert rule.candidate_value == pytest.approx(3.0)
        assert "rose from 0 USD to 3 USD (p" in rule.reason
        rule = compare(*both("cost_usd", zeros, zeros), {"cost_usd": {}}).rules[0]
        assert (rule.baseline_value, rule.candidate_value) == (0.0, 0.0)

    @pytest.mark.parametrize("value", [10**400, 10**6000, 1e308, -1e308, math.inf], ids=range(5))
    def test_numbers_beyond_all_measuring_are_refused(self, value: float) -> None:
        cells = np.empty((20, 1), dtype=object)
        cells[:] = value
        rules = {"n": {"direction": "higher", "max_drop": 0.1}}
        with pytest.raises(ResultsError, match="q0000"):
            compare(*both("n", np.ones((20, 1)), cells), rules)

    def test_so_are_latencies_next_to_nothing(self) -> None:
        runs = both("latency_seconds", np.full((20, 1), 1e-320), np.ones((20, 1)))
        with pytest.raises(ResultsError, match="no ratio can be taken"):
            compare(*runs, {"latency_seconds": {"statistic": "p95"}})
        widest = both("latency_seconds", np.full((20, 1), 1e-39), np.full((20, 1), 1e39))
        for statistic in ("mean", "p95", "sum"):
            json.loads(compare(*widest, {"latency_seconds": {"statistic": statistic}}).to_json())


class TestRoles:
    def test_a_floor_alone_can_be_compared_with_an_anchor(self, make: RunMaker) -> None:
        runs = [
            make(name, n={f"q{i}": 5.0 + (i * shift) % 3 for i in range(30)})
            for name, shift in (("a", 1), ("b", 2), ("c", 1))
        ]
        gate = Gate(name="g", rules={"n": Rule(min=1.0, direction="higher")}, anchor="run:c")
        before, now, anchor = runs
        assert compare_with_both(gate, before, now, anchor, seed=0).outcome == "pass"

    def test_an_advisory_score_that_cannot_be_compared_is_left_out_with_a_note(self, make: RunMaker) -> None:
        before = table_from_run(
            make("a", ok=passing(20), tone=passing(20), header={"scorers": {"tone": "1"}})
        )
        now = table_from_run(
            make("b", ok=passing(20), tone=passing(20), new=passing(20), header={"scorers": {"tone": "2"}})
        )
        rules = {
            "ok": Rule(),
            "tone": Rule(advisory=True),
            "new": Rule(advisory=True),
            "often": Rule(advisory=True, reducer="pass@3"),
        }
        assert why_not_comparable(Gate(name="g", rules=rules), before, now, ["ok"]) is None
        notes = advisory_left_out(rules, ["tone", "new", "often"], before, now)
        assert notes == {
            "new": "the advisory score 'new' was left out: the baseline has no such score",
            "often": "the advisory score 'often' was left out: pass@3 of 'often' needs 3 trials of every item, "
            "and the baseline has 1",
            "tone": "the advisory score 'tone' was left out: its scorer changed since the baseline (1 then, 2 now)",
        }


class TestCriticalItemsInOneLook:
    """Each is decided by its own trials, and all of them together at alpha."""

    def flaky(self, seed: int) -> tuple[Run, Run]:
        """30 of 100 items pass every other trial in both runs; the others always."""
        rng = np.random.default_rng(seed)

        def run(name: str) -> Run:
            cells = [
                (f"q{i:03d}", t, bool(i >= 30 or rng.random() < 0.5)) for i in range(100) for t in range(5)
            ]
            return Run(
                RunHeader(run=name, dataset="cases", candidate=name, expected_items=100, trials=5),
                tuple(RunItem(i, t, "ok") for i, t, _ in cells),
                tuple(Score(i, t, "correct", value) for i, t, value in cells),
            )

        return run("a"), run("b")

    def test_many_flaky_items_do_not_break_an_unchanged_agents_gate(self) -> None:
        rules = {"correct": Rule(max_drop=0.2, critical=True)}
        broken = sum(compare(*self.flaky(seed), rules).outcome == "regression" for seed in range(150))
        assert broken <= 4  # at most 1 % each of the build and of the critical rule

    def test_one_item_that_is_lost_for_good_is_proved_among_stable_ones(self, make: RunMaker) -> None:
        before = make("a", correct={f"q{i:03d}": [True] * 5 for i in range(100)})
        now = make("b", correct={f"q{i:03d}": [i != 7] * 5 for i in range(100)})
        verdict = compare(before, now, {"correct": Rule(max_drop=0.2, critical=True)})
        assert verdict.outcome == "regression"
        assert "q007" in verdict.reason
