"""A drop in one slice of the dataset, where the whole hardly moves."""

import pytest

from scoregate import Gate, Rule, compare
from scoregate.errors import ConfigError
from scoregate.records import Run, RunHeader, RunItem, Score


def run(name: str, *, broken: int = 0, trials: int = 1, refunds: int = 20, others: int = 180) -> Run:
    """Items about refunds, of which the first `broken` fail, and others that all pass."""
    ids = [(f"refund-{i:03d}", "refund", i >= broken) for i in range(refunds)]
    ids += [(f"other-{i:03d}", f"intent-{i % 4}", True) for i in range(others)]
    return Run(
        RunHeader(run=name, dataset="cases", candidate=name, expected_items=len(ids), trials=trials),
        tuple(RunItem(i, t, "ok", slices={"intent": intent}) for i, intent, _ in ids for t in range(trials)),
        tuple(Score(i, t, "correct", passes) for i, _, passes in ids for t in range(trials)),
    )


GATE = Gate(name="agent", slices={"intent": "metadata.intent"}, rules={"correct": Rule(max_drop=0.2)})


def test_the_manual() -> None:
    verdict = compare(run("a", trials=3), run("b", broken=6, trials=3), GATE)

    assert verdict.outcome == "regression"
    broken = [rule for rule in verdict.rules if rule.slice == "intent=refund"]
    assert broken[0].outcome == "regression"
    assert broken[0].baseline_value == 1.0
    assert broken[0].candidate_value == pytest.approx(0.7)
    assert broken[0].n_items == 20


def test_the_verdict_names_the_slice_first_where_only_it_is_broken() -> None:
    gate = Gate(name="agent", slices=GATE.slices, rules={"correct": Rule(max_drop=0.2, min_effect=0.05)})
    verdict = compare(run("a", trials=3), run("b", broken=6, trials=3), gate)
    assert verdict.reason.startswith("correct on intent=refund: fell from 100.0 % to 70.0 %")


def test_a_slice_gates_regressions_only_so_a_small_one_does_not_keep_the_gate_from_passing() -> None:
    verdict = compare(run("a"), run("b"), GATE)
    assert verdict.outcome == "pass"
    assert {rule.outcome for rule in verdict.rules} == {"pass"}
    assert (
        verdict.reason
        == "the rule holds, and no score is proved to be worse on the whole or on one of 5 slices"
    )


def test_slices_of_fewer_than_ten_items_are_left_out() -> None:
    verdict = compare(run("a", refunds=9), run("b", refunds=9), GATE)
    assert "intent=refund" not in {rule.slice for rule in verdict.rules}


def test_a_rule_may_look_into_some_slices_or_none() -> None:
    rules = {"correct": Rule(max_drop=0.2, slices=())}
    verdict = compare(run("a"), run("b"), Gate(name="agent", slices=GATE.slices, rules=rules))
    assert [rule.slice for rule in verdict.rules] == [None]
    named = compare(run("a"), run("b"), {"correct": {"max_drop": 0.2, "slices": ["intent"]}})
    assert len(named.rules) == 6


def test_a_slice_that_no_item_has_is_refused_where_a_rule_names_it_and_noted_where_the_gate_does() -> None:
    with pytest.raises(
        ConfigError, match=r"no item of either run has a slice 'intnt' \(did you mean 'intent'"
    ):
        compare(run("a"), run("b"), {"correct": {"max_drop": 0.2, "slices": ["intnt"]}})
    gate = Gate(name="agent", slices={"tier": "metadata.tier"}, rules=GATE.rules)
    assert compare(run("a"), run("b"), gate).notes == (
        "no item of either run has the gate's slice 'tier', so nothing was sought in it",
    )


def test_what_looks_worse_can_be_read_from_the_false_discovery_rate() -> None:
    verdict = compare(run("a"), run("b", broken=4), GATE)
    by_slice = {rule.slice: rule for rule in verdict.rules}
    worst = by_slice["intent=refund"]
    assert worst.q_value is not None
    assert worst.p_value is not None
    assert worst.p_value <= worst.q_value < 1.0
    assert by_slice["intent=intent-0"].q_value == 1.0


class TestRoles:
    """Which scores decide the pass."""

    def two(self, name: str, *, broken: int = 0) -> Run:
        first = run(name)
        second = run(name, broken=broken)
        return Run(
            first.header,
            first.items,
            first.scores + tuple(Score(s.item, s.trial, "polite", s.value) for s in second.scores),
        )

    def test_an_advisory_score_is_reported_and_never_gates(self) -> None:
        rules = {"correct": Rule(max_drop=0.2, slices=()), "polite": Rule(max_drop=0.02, advisory=True)}
        verdict = compare(self.two("a"), self.two("b", broken=15), rules)
        assert verdict.outcome == "pass"
        advice = verdict.rules[-1]
        assert (advice.score, advice.role, advice.outcome) == ("polite", "advisory", "regression")

    def test_scores_beside_primary_ones_gate_regressions_only(self) -> None:
        rules = {"correct": Rule(max_drop=0.2, primary=True), "polite": Rule(max_drop=0.001)}
        assert compare(self.two("a"), self.two("b"), rules).outcome == "pass"
        broken = compare(self.two("a"), self.two("b", broken=15), rules)
        assert broken.outcome == "regression"
        assert [rule.role for rule in broken.rules] == ["primary", "secondary"]

    def test_a_gate_of_advisory_scores_alone_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="every score is advisory"):
            compare(self.two("a"), self.two("b"), {"correct": Rule(advisory=True)})


def test_in_the_population_reading_losses_that_others_make_up_for_are_no_regression() -> None:
    """Ten items broke for good and ten were mended: a real loss of nothing on average, and a reproducible change."""

    def mixed(name: str, lost: range, trials: int) -> Run:
        items = [f"q{i:03d}" for i in range(100)]
        return Run(
            RunHeader(run=name, dataset="cases", candidate=name, expected_items=100, trials=trials),
            tuple(RunItem(item, t, "ok") for item in items for t in range(trials)),
            tuple(
                Score(item, t, "correct", i not in lost)
                for i, item in enumerate(items)
                for t in range(trials)
            ),
        )

    before, now = mixed("a", range(10), 3), mixed("b", range(5, 21), 3)
    rules = {"correct": Rule(max_drop=0.2)}
    here = compare(before, now, Gate(name="g", rules=rules))
    elsewhere = compare(before, now, Gate(name="g", rules=rules, inference="population"))
    assert here.rules[0].p_value is not None
    assert elsewhere.rules[0].p_value is not None
    assert here.rules[0].p_value < 0.01 < elsewhere.rules[0].p_value
