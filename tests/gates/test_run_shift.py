"""Latency of a stored baseline, and what a rule fails on."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from scoregate import Gate, Rule, Verdict, compare
from scoregate.errors import ConfigError
from scoregate.gate_file import ANY_DROP, BEYOND_MARGIN, rule_from_mapping
from scoregate.gates.anchors import with_anchor
from scoregate.gates.run_shift import cover, same_version, shifts_of
from scoregate.gates.table import RunTable
from scoregate.records import RunHeader
from scoregate.records.run_facts import RunFacts, RunShift
from tests.gates.runs import RunMaker, passing
from tests.gates.test_corners import table

ANY, BEYOND = ANY_DROP, BEYOND_MARGIN


def latency(
    factor: float, name: str, facts: RunFacts | None = None, score: str = "latency_seconds"
) -> RunTable:
    """A hundred calls of about two seconds, as slow as `factor` makes them."""
    random = np.random.default_rng(len(name))
    seconds = 2.0 * np.exp(0.5 * np.sin(np.arange(100))) * factor * np.exp(0.1 * random.standard_normal(100))
    made = table(score, seconds[:, None], name)
    return replace(made, header=made.header.with_facts(facts or RunFacts()))


def verdict(
    factor: float,
    rule: Rule,
    *,
    before: RunFacts | None = None,
    now: RunFacts | None = None,
    score: str = "latency_seconds",
) -> Verdict:
    return compare(latency(1.0, "main", before, score), latency(factor, "branch", now, score), {score: rule})


class TestAStoredLatency:
    def test_moves_as_reruns_do_and_is_no_regression(self) -> None:
        found = verdict(1.5, Rule(max_increase=0.25))
        assert found.outcome == "pass"
        assert found.rules[0].reason.startswith(
            "a rise of 329.4 % or more in the typical call is ruled out (bound +5"
        )
        assert found.notes == (
            "latency_seconds: the baseline is stored, and reruns of an unchanged agent move as a whole (a shift of "
            "40 % a run is assumed: 4 past runs would tell), so only a rise that is proved to be more than 329 % "
            "fails; side by side it is judged by its margin of 25 %; fails_on in its rule says otherwise",
        )

    def test_beyond_that_it_is_one(self) -> None:
        found = verdict(6.0, Rule())
        assert found.outcome == "regression"
        assert found.reason.startswith("latency_seconds: rose from 1.99 s to 12.1 s (+505")
        assert found.reason.endswith(" for more than its margin of 329.4 %)")

    def test_past_runs_of_one_version_say_how_far_they_move(self) -> None:
        facts = RunFacts(run_shifts={"latency_seconds": RunShift(0.05, 10)})
        assert verdict(1.15, Rule(), before=facts).outcome == "pass"
        found = verdict(1.5, Rule(), before=facts)
        assert found.outcome == "regression"
        assert "(a shift of 5.0 % a run in 10 past runs of one version)" in found.notes[0]

    def test_a_margin_that_is_wider_stays(self) -> None:
        facts = RunFacts(run_shifts={"latency_seconds": RunShift(0.01, 10)})
        assert verdict(1.5, Rule(max_increase=1.0), before=facts).rules[0].margin == pytest.approx(1.0)

    def test_the_candidate_does_not_say_how_far_runs_move(self) -> None:
        facts = RunFacts(run_shifts={"latency_seconds": RunShift(5.0, 10)})
        assert verdict(6.0, Rule(), now=facts).outcome == "regression"

    def test_a_rule_that_says_on_what_it_fails_is_left_as_it_is(self) -> None:
        found = verdict(1.5, Rule(fails_on=ANY))
        assert (found.outcome, found.notes) == ("regression", ())
        assert verdict(1.15, Rule(max_increase=0.3, fails_on=BEYOND)).outcome == "pass"
        assert verdict(1.6, Rule(max_increase=0.3, fails_on=BEYOND)).outcome == "regression"

    def test_arms_of_one_session_are_not_stored(self) -> None:
        beside = RunFacts(session="s-1")
        found = verdict(1.5, Rule(), before=beside, now=beside)
        assert (found.outcome, found.notes) == ("regression", ())

    def test_an_anchor_is_stored(self, make: RunMaker) -> None:
        gate = Gate(name="g", rules={"latency_seconds": Rule()}, anchor="run:release")
        now = latency(1.5, "branch")
        passed = replace(compare(now, latency(1.0, "again"), gate), outcome="pass", notes=())
        held = with_anchor(gate, passed, latency(1.0, "release"), now, seed=0)
        assert held.outcome == "pass"
        assert "the anchor is stored" in held.notes[-1]

    @pytest.mark.parametrize("statistic", ["mean", "p50", "p90", "sum"])
    def test_a_call_that_takes_a_thousand_times_as_long_never_helps(self, statistic: str) -> None:
        rule = Rule(statistic=statistic)  # type: ignore[arg-type]  # one of its names
        slow, slower = latency(8.0, "branch"), latency(8.0, "branch")
        slower.columns["latency_seconds"].values[3] *= 1000
        for candidate in (slow, slower):
            found = compare(latency(1.0, "main"), candidate, {"latency_seconds": rule})
            assert found.outcome == "regression"

    def test_two_data_frames_belong_together(self) -> None:
        import pandas as pd

        frames = [
            pd.DataFrame(
                {
                    "item": range(100),
                    "score": "latency_seconds",
                    "value": 2.0 * factor * (1 + np.arange(100) % 7),
                }
            )
            for factor in (1.0, 1.5)
        ]
        assert compare(frames[0], frames[1], {"latency_seconds": Rule()}).outcome == "regression"


class TestACost:
    def test_that_never_moved_is_judged_as_any_score(self) -> None:
        still = RunFacts(run_shifts={"cost_usd": RunShift(0.0, 6)})
        for facts in (None, still):
            found = verdict(1.3, Rule(), before=facts, score="cost_usd")
            assert (found.outcome, found.notes) == ("regression", ())

    def test_whose_price_drifts_is_judged_beyond_that(self) -> None:
        drifts = RunFacts(run_shifts={"cost_usd": RunShift(0.1, 6)})
        assert verdict(1.3, Rule(), before=drifts, score="cost_usd").outcome == "pass"
        assert verdict(1.3, Rule(), before=drifts, score="tokens_total").outcome == "regression"


@pytest.mark.parametrize("shift", [0.0, 0.2, 0.4])
@pytest.mark.parametrize("past", [0, 5])
def test_reruns_of_an_unchanged_agent_are_red_in_few_builds(shift: float, past: int) -> None:
    """Each run is as slow as its hour makes it; the typical item is known well, so that the shift alone decides."""
    red, builds = 0, 4000
    for build in range(builds):
        moved = shift * np.random.default_rng([build, past]).standard_normal(max(past, 1) + 1)
        known = RunShift(float(np.std(moved[:-1], ddof=1)), past) if past else None
        red += moved[-1] - moved[0] > cover(known, 0.005) + 1e-9
    assert red <= 0.01 * builds


def test_of_a_rate_a_drop_within_the_margin_may_be_proved(make: RunMaker) -> None:
    rule = {"correct": Rule(max_drop=0.10, fails_on=BEYOND)}
    before = make("main", correct=passing(400))
    slight, much = make("a", correct=passing(400, 20)), make("b", correct=passing(400, 100))
    assert compare(before, slight, {"correct": Rule(max_drop=0.10)}).outcome == "regression"
    assert compare(before, slight, rule).outcome == "pass"
    found = compare(before, much, rule)
    assert found.outcome == "regression"
    assert "for more than its margin of 10.0 points" in found.reason
    told = json.loads(found.to_json())["rules"][0]
    assert (told["fails_on"], told["margin"]) == (BEYOND, 0.10)


def test_every_rule_says_on_what_it_fails_and_its_margin(make: RunMaker) -> None:
    run = passing(100)
    told = json.loads(compare(make("a", c=run), make("b", c=run), {"c": Rule()}).to_json())["rules"][0]
    assert (told["fails_on"], told["margin"]) == (ANY, 0.05)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"fails_on": "any drop"}, "fails_on"),
        ({"fails_on": BEYOND, "reducer": "pass^2"}, "cannot be tested of the passes that a reducer counts"),
    ],
)
def test_what_cannot_be_asked_is_refused(rule: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        rule_from_mapping(rule, "correct")


def test_a_rule_of_floors_alone_has_no_margin_to_go_beyond(make: RunMaker) -> None:
    values = {f"q{i:03d}": 10.0 + i % 3 for i in range(100)}
    rule = {"s": Rule(min=5.0, direction="higher", fails_on=BEYOND)}
    with pytest.raises(ConfigError, match="fails only on a drop beyond its margin, and has none"):
        compare(make("a", s=values), make("b", s=values), rule)


class TestHowRunsMove:
    def test_it_is_told_from_the_items_that_all_of_them_have(self, make: RunMaker) -> None:
        runs = [
            make(
                f"r{n}",
                latency_seconds={"a": 1.0 * factor, "b": 3.0 * factor, **({"c": 50.0} if n == 0 else {})},
            )
            for n, factor in enumerate((1.0, 1.2, 0.9, 1.1))
        ]
        shift = shifts_of(runs)["latency_seconds"]
        logs = np.log([1.0, 1.2, 0.9, 1.1])
        assert shift.sd == pytest.approx(float(logs.std(ddof=1)))
        assert shift.runs == 4
        assert shifts_of(runs[:3]) == {}

    def test_runs_of_the_new_version_come_first_and_others_must_be_enough(self) -> None:
        def header(run: str, candidate: str, trials: int = 1) -> RunHeader:
            return RunHeader(run=run, dataset="d", candidate=candidate, expected_items=5, trials=trials)

        old = [header(f"o{n}", "v1") for n in range(5)]
        new = [header(f"n{n}", "v2") for n in range(4)]
        assert same_version([*old, *new], new[0]) == ["n0", "n1", "n2", "n3"]
        assert same_version([*old, *new[:2]], new[0]) == ["o0", "o1", "o2", "o3", "o4"]
        assert same_version([*old[:3], *new[:2]], new[0]) == []
        assert same_version([header(f"o{n}", "v1", trials=3) for n in range(5)], new[0]) == []

    def test_few_runs_are_allowed_for(self) -> None:
        assert cover(RunShift(0.1, 4), 0.005) > cover(RunShift(0.1, 40), 0.005) > 0.1 * math.sqrt(2) * 2.57
