"""What an unchanged candidate is to expect of a gate, told from noise alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoregate.gate_file import Gate, Rule
from scoregate.gates.compare import compare
from scoregate.gates.rounds import decide_in_rounds
from scoregate.gates.table import table_from_run
from scoregate.planning.assigning import AssignedTrials, assign_two_arms, trial_pool_of
from scoregate.planning.chances import Size
from scoregate.planning.gate_plan import with_trials
from scoregate.planning.noise import Noise, assumed_noise, measured_noise, with_margin
from scoregate.planning.outlook import cannot_gate, unchanged, visible_drops
from tests.gates.runs import RunMaker

ONE = Gate(name="g", rules={"correct": Rule(max_drop=0.05)})
BESIDE = replace(ONE, baseline="git:main")


def size(items: int, **parts: int) -> Size:
    return Size(**{"items": items, "clusters": items, "hypotheses": 1, **parts})


def noise_of(gate: Gate = ONE) -> tuple[Noise, ...]:
    return assumed_noise(gate)


def test_more_trials_are_planned_with_a_baseline_of_as_many() -> None:
    gate, stored = replace(ONE, trials=2), size(50, baseline_trials=3)
    assert with_trials(gate, stored, 5) == (replace(ONE, trials=5), size(50, baseline_trials=5))
    assert with_trials(gate, stored, 3)[1] == stored
    assert with_trials(gate, stored, 1)[1] == stored
    assert with_trials(gate, size(50), 5)[1] == size(50)
    fewer = size(50, baseline_trials=1)
    assert with_trials(gate, fewer, 2)[1] == fewer


def quiet(gate: Gate) -> tuple[Noise, ...]:
    return assumed_noise(gate, within=0.0)


def test_a_gate_whose_items_may_not_flip_passes_with_any_number_of_them() -> None:
    gate = Gate(name="g", rules={"correct": Rule(critical=True)})
    assert not cannot_gate(gate, size(3))
    assert unchanged(gate, quiet(gate), size(3)).passes == 1.0
    assert visible_drops(gate, quiet(gate), size(20))[0].diffuse == pytest.approx(1 / 20)
    # An agent that answers now this way and now that one flips some item by chance.
    assert unchanged(gate, noise_of(gate), size(20)).passes == pytest.approx((1 - 0.0714) ** 20, abs=0.01)
    assert cannot_gate(Gate(name="g", rules={"correct": Rule(critical=True, max_drop=0.05)}), size(3))


def test_the_drop_that_a_gate_sees_is_the_one_that_its_report_shows() -> None:
    rules = {name: Rule(max_drop=0.05) for name in ("correct", "tone", "short")}
    gate = Gate(name="g", rules=rules)
    seen = visible_drops(gate, quiet(gate), size(64, hypotheses=3))
    cells = {f"q{n:03}": True for n in range(64)}
    before, now = (RunMaker()(run, dict.fromkeys(rules, cells)) for run in ("a", "b"))
    verdict = compare(before, now, gate)
    assert [drop.diffuse for drop in seen] == [rule.minimum_detectable_drop for rule in verdict.rules]


@pytest.mark.parametrize(
    ("items", "passes", "trials"), [(30, 0.037, 5.0), (100, 0.64, 3.9), (300, 0.995, 2.2), (1000, 0.999, 1.1)]
)
def test_the_published_rounds_of_an_unchanged_candidate(items: int, passes: float, trials: float) -> None:
    """Shares and trials of an item are those of the simulations behind the default rule."""
    expected = unchanged(BESIDE, noise_of(), size(items))
    assert expected.passes == pytest.approx(passes, abs=0.04)
    assert expected.calls / 2 / items == pytest.approx(trials, rel=0.1)


@pytest.mark.parametrize("margin", [0.06, 0.10])
def test_the_share_that_passes_one_look_is_that_of_the_shipped_comparison(margin: float) -> None:
    random = np.random.default_rng(0)
    chances = random.beta(3, 0.5, size=80)
    cells = {f"q{n:03}": (random.random(12) < p).tolist() for n, p in enumerate(chances)}
    table = table_from_run(RunMaker()("stored", correct=cells))
    gate = Gate(name="g", rules={"correct": Rule(max_drop=margin)}, trials=2)
    pool = trial_pool_of(table)
    outcomes = [compare(*assign_two_arms(pool, 2, random), gate, seed=n).outcome for n in range(200)]
    predicted = unchanged(gate, measured_noise(gate, table), size(80)).passes
    assert outcomes.count("pass") / 200 == pytest.approx(predicted, abs=0.09)


def test_the_share_that_passes_the_rounds_is_that_of_the_shipped_decision() -> None:
    random = np.random.default_rng(1)
    cells = {f"q{n:03}": (random.random(20) < 0.9).tolist() for n in range(80)}
    table = table_from_run(RunMaker()("stored", correct=cells))
    gate = replace(BESIDE, rules={"correct": Rule(max_drop=0.06)})
    pool = trial_pool_of(table)
    outcomes = [
        decide_in_rounds(gate, AssignedTrials(pool, whole=5, confirm=5, random=random), seed=n).outcome
        for n in range(100)
    ]
    predicted = unchanged(gate, measured_noise(gate, table), size(80)).passes
    assert outcomes.count("pass") / 100 == pytest.approx(predicted, abs=0.12)


def test_more_items_trials_or_margin_never_make_a_gate_less_conclusive() -> None:
    noises = noise_of()
    shares = [unchanged(ONE, noises, size(n)).passes for n in (50, 100, 200, 400)]
    assert shares == sorted(shares)
    shares = [unchanged(replace(ONE, trials=k), noises, size(100)).passes for k in (1, 2, 3, 5)]
    assert shares == sorted(shares)
    shares = [unchanged(BESIDE, [with_margin(noises[0], m)], size(60)).passes for m in (0.02, 0.05, 0.1)]
    assert shares == sorted(shares)


def test_as_many_trials_count_as_both_runs_have() -> None:
    """A first trial may differ from later ones, so that those of one run alone are not compared."""
    noises = noise_of()
    assert unchanged(ONE, noises, size(100, baseline_trials=5)) == unchanged(ONE, noises, size(100))
    assert visible_drops(ONE, noises, size(100, baseline_trials=5)) == visible_drops(ONE, noises, size(100))
    three = replace(ONE, trials=3)
    assert unchanged(three, noises, size(100, baseline_trials=1)).passes == pytest.approx(
        unchanged(ONE, noises, size(100)).passes
    )


def test_few_clusters_see_and_pass_less_than_as_many_items() -> None:
    noises = noise_of()
    assert unchanged(ONE, noises, size(200, clusters=20)).passes < unchanged(ONE, noises, size(200)).passes


def test_the_noise_of_a_conversation_that_varies_as_a_whole() -> None:
    random = np.random.default_rng(0)
    turns = {c: (random.random(10) < 0.8).tolist() for c in range(20)}
    cells = {f"q{c:02}-{turn}": turns[c] for c in range(20) for turn in range(5)}
    clusters = {item: item.split("-")[0] for item in cells}
    (noise,) = measured_noise(ONE, table_from_run(RunMaker()("stored", correct=cells, clusters=clusters)))
    assert noise.design_effect == pytest.approx(5.0)


def test_five_items_cannot_gate() -> None:
    assert cannot_gate(ONE, size(5))
    assert cannot_gate(ONE, size(6))  # a total loss of six items is no better than p = 1/64
    assert not cannot_gate(ONE, size(7))


def test_scores_that_are_not_primary_need_not_pass() -> None:
    rules = {"a": Rule(max_drop=0.05, primary=True), "b": Rule(max_drop=0.001)}
    gate = Gate(name="g", rules=rules)
    assert unchanged(gate, assumed_noise(gate), size(1000)).passes > 0.9
