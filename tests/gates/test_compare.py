"""`compare` as its users meet it: what two runs and a rule come to, and why."""

import json
from pathlib import Path

import numpy as np
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
