"""`decide`: the one way from results to a verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from scoregate import Contract, Rule, ScoregateError
from scoregate.catalog import Catalog
from scoregate.gate_file import Gate
from scoregate.gate_run.decide import decide
from scoregate.gates.compare import compare
from scoregate.records import Run
from scoregate.records.run_facts import ScriptSaid
from tests.gates.runs import RunMaker

ITEMS = 200


def runs() -> tuple[Run, Run]:
    """A baseline whose answers are all right, and a candidate that has four tenths of them wrong."""
    make = RunMaker()
    items = [f"q{n:03}" for n in range(ITEMS)]
    right = make("before", correct=dict.fromkeys(items, True))
    return right, make("now", correct={item: n >= 80 for n, item in enumerate(items)})


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    contract = Contract(name="correct", type="boolean", direction="higher")
    rules = {"correct": Rule(max_drop=0.05)}
    return Gate(name="agent", rules=rules, root=tmp_path, catalog=Catalog({"correct": contract}))


def test_the_verdict_is_that_of_the_comparison(gate: Gate) -> None:
    baseline, candidate = runs()
    decision = decide(gate, baseline, candidate)
    assert decision.verdict == compare(baseline, candidate, gate)
    assert (decision.verdict.outcome, decision.hints) == ("regression", ())


def test_without_a_baseline_it_is_invalid_and_says_why(gate: Gate) -> None:
    _, candidate = runs()
    verdict = decide(gate, None, candidate, why_no_baseline="nobody has accepted one").verdict
    assert (verdict.outcome, verdict.reason) == ("invalid", "nobody has accepted one")


def test_an_anchor_is_held_against_the_candidate_too(gate: Gate) -> None:
    release, candidate = runs()
    twin = replace(candidate, header=replace(candidate.header, run="the newest baseline"))
    gate = replace(gate, anchor="run:before")
    assert decide(gate, twin, candidate, release).verdict.outcome == "regression"


def test_runs_of_two_scorers_come_with_the_command_that_scores_them_alike(gate: Gate) -> None:
    baseline, candidate = runs()
    old, new = (
        replace(run, header=replace(run.header, scorers={"correct": version}))
        for run, version in ((baseline, "1"), (candidate, "2"))
    )
    decision = decide(gate, old, new)
    assert decision.verdict.outcome == "invalid"
    assert decision.hints == ("scoregate runs rescore before --gate gates/agent.toml",)


@pytest.mark.parametrize("there", [True, False], ids=["a baseline", "no baseline yet"])
def test_labels_that_cannot_be_read_decide_nothing(gate: Gate, *, there: bool) -> None:
    baseline, candidate = runs()
    gate = replace(gate, rules={"correct": Rule(max_drop=0.05, labels="labels.csv")})
    with pytest.raises(ScoregateError, match=r"labels\.csv"):
        decide(gate, baseline if there else None, candidate)


def test_what_the_candidates_script_had_against_its_run_stays_against_it(gate: Gate) -> None:
    baseline, _ = runs()
    said = replace(baseline.header.facts, script=ScriptSaid("regression", "the script says: too slow"))
    twin = replace(baseline, header=replace(baseline.header.with_facts(said), run="now"))
    verdict = decide(gate, baseline, twin).verdict
    assert verdict.outcome == "regression"
    assert verdict.reason.startswith("the script says: too slow; the gate's own comparison is pass: ")
