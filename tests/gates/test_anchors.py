"""A second, fixed baseline: small drops that each pass are caught together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoregate import Gate, Rule, Verdict, compare
from scoregate.gates.anchors import with_anchor
from scoregate.gates.compare import compare_with_both
from scoregate.gates.levels import main_share
from scoregate.gates.provenance import age_note, best_of_note
from scoregate.gates.table import Column, RunTable
from scoregate.records import Run, RunHeader, RunItem, Score
from tests.gates.runs import RunMaker, passing

GATE = Gate(name="g", rules={"correct": Rule(max_drop=0.1)}, anchor="run:release")


def decided(
    make: RunMaker, *, at_anchor: int = 0, before: int = 0, now: int = 0, gate: Gate = GATE
) -> Verdict:
    """The verdict where so many of 200 items failed in the release, in the baseline and in the candidate."""
    anchor, baseline, candidate = (
        make(name, correct=passing(200, failing))
        for name, failing in (("release", at_anchor), ("main", before), ("branch", now))
    )
    return compare_with_both(gate, baseline, candidate, anchor, seed=0)


def test_a_drop_since_the_anchor_breaks_a_gate_that_the_baseline_passes(make: RunMaker) -> None:
    verdict = decided(make, at_anchor=0, before=15, now=16)
    assert verdict.outcome == "regression"
    assert verdict.reason.startswith("correct: fell from 100.0 % to 92.0 % (−8.0 points, ")
    assert verdict.reason.endswith(" since the anchor release-version (run release)")
    assert [(rule.score, rule.against, rule.outcome) for rule in verdict.rules] == [
        ("correct", "baseline", "pass"),
        ("correct", "anchor", "regression"),
    ]
    assert "worse than at the anchor: q000, q001, q002, q003, q004 and 11 more" in verdict.notes
    assert verdict.regressed_items == ("q015",)
    assert verdict.baseline_run == "main"


def test_where_nothing_fell_the_verdict_says_so_of_the_anchor_too(make: RunMaker) -> None:
    verdict = decided(make)
    assert verdict.outcome == "pass"
    assert verdict.reason.endswith(
        "; and nothing is proved to be worse since the anchor release-version (run release)"
    )
    assert verdict.rules[1].reason == "no drop since the anchor release-version (run release) is proved"


def test_a_regression_against_the_baseline_keeps_its_own_reason(make: RunMaker) -> None:
    verdict = decided(make, now=30)
    assert verdict.outcome == "regression"
    assert "since the anchor" not in verdict.reason
    assert [rule.outcome for rule in verdict.rules] == ["regression", "regression"]


def test_only_proved_drops_count_against_the_anchor(make: RunMaker) -> None:
    # The candidate is far below the floor and lost critical items since the anchor, but not since the baseline.
    rules = {"correct": Rule(max_drop=0.1, min=0.985, strict=True, critical=True)}
    verdict = decided(make, at_anchor=0, before=3, now=3, gate=replace(GATE, rules=rules))
    assert verdict.outcome == "pass"


def test_nor_is_anything_left_open_there(make: RunMaker) -> None:
    verdict = decided(make, now=1, gate=replace(GATE, rules={"correct": Rule(max_drop=0.001)}))
    assert [(rule.against, rule.outcome) for rule in verdict.rules] == [
        ("baseline", "inconclusive"),
        ("anchor", "pass"),
    ]
    assert verdict.outcome == "inconclusive"


def test_an_advisory_score_does_not_gate_against_the_anchor_either(make: RunMaker) -> None:
    rules = {"correct": Rule(max_drop=0.1), "polite": Rule(advisory=True)}
    runs = [make(name, correct=passing(200), polite=passing(200, bad)) for name, bad in (("a", 0), ("b", 40))]
    verdict = compare_with_both(
        replace(GATE, rules=rules), runs[1], replace_id(runs[1], "c"), runs[0], seed=0
    )
    assert verdict.outcome == "pass"
    assert [rule.score for rule in verdict.rules if rule.against == "anchor"] == ["correct"]


def replace_id(run: Run, name: str) -> Run:
    return replace(run, header=replace(run.header, run=name))


def test_a_slice_that_fell_since_the_anchor_is_named() -> None:
    def run(name: str, broken: int) -> Run:
        ids = [(f"{intent}-{i:03d}", intent) for intent in ("refund", "hours") for i in range(40)]
        return Run(
            RunHeader(run=name, dataset="cases", candidate=name, expected_items=80),
            tuple(RunItem(i, 0, "ok", slices={"intent": intent}) for i, intent in ids),
            tuple(Score(i, 0, "correct", position >= broken) for position, (i, _) in enumerate(ids)),
        )

    gate = replace(GATE, slices={"intent": "metadata.intent"}, rules={"correct": Rule(max_drop=0.3)})
    verdict = compare_with_both(gate, run("b", 14), run("c", 14), run("a", 0), seed=0)
    fell = [rule.slice for rule in verdict.rules if rule.outcome == "regression"]
    assert fell == [None, "intent=refund"]
    assert {rule.against for rule in verdict.rules if rule.outcome == "regression"} == {"anchor"}


def test_both_comparisons_share_the_alpha_of_the_build(make: RunMaker) -> None:
    assert main_share(GATE).alpha == GATE.alpha / 2
    assert main_share(replace(GATE, anchor=None)) == replace(GATE, anchor=None)
    assert decided(make).alpha == GATE.alpha
    # Seven lost items of 200 are p = 0.0078: proof at the whole alpha, not at half of it.
    assert decided(make, now=7, gate=replace(GATE, anchor=None)).rules[0].outcome == "regression"
    assert {rule.outcome for rule in decided(make, now=7).rules} == {"pass"}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"dataset_fingerprint": "1"}, "the dataset 'cases' changed since the baseline was made"),
        ({"scorers": {"correct": "1"}}, "the scorer of correct changed since the baseline (1 then, 2 now)"),
        ({"metadata": {"selection": "the first 5"}}, "ran only a part of its dataset (the first 5)"),
    ],
)
def test_an_anchor_that_cannot_be_compared_fails_closed(
    make: RunMaker, changes: dict[str, object], why: str
) -> None:
    present = {"dataset_fingerprint": "2", "scorers": {"correct": "2"}}
    anchor = make("release", correct=passing(200), header={**present, **changes})
    baseline, candidate = (make(name, correct=passing(200), header=present) for name in ("main", "branch"))
    verdict = compare_with_both(GATE, baseline, candidate, anchor, seed=0)
    assert verdict.outcome == "invalid"
    assert verdict.reason.startswith(
        "the anchor release-version (run release) cannot be compared with the candidate"
    )
    assert why in verdict.reason
    assert verdict.reason.endswith(
        "run the anchor's version again and name that run, or another anchor, in the gate"
    )


def test_one_that_lost_too_many_cells_fails_closed_as_well(make: RunMaker) -> None:
    gone = {**passing(200), **{f"q{i:03d}": None for i in range(20)}}
    verdict = with_anchor(
        GATE,
        compare(make("main", correct=passing(200)), make("branch", correct=passing(200)), main_share(GATE)),
        make("release", correct=gone),
        make("branch", correct=passing(200)),
        seed=0,
    )
    assert verdict.outcome == "invalid"
    assert "10.0 % of the baseline's values of 'correct' are missing or failed" in verdict.reason


def test_a_proved_regression_stays_one_beside_a_bad_anchor(make: RunMaker) -> None:
    anchor = make("release", other=passing(200))
    verdict = compare_with_both(
        GATE, make("main", correct=passing(200)), make("branch", correct=passing(200, 30)), anchor, seed=0
    )
    assert verdict.outcome == "regression"
    assert "cannot be compared with the candidate" in verdict.notes[-1]


def test_ten_small_drops_pass_one_by_one_and_are_caught_together() -> None:
    gate = Gate(name="g", rules={"correct": Rule(max_drop=0.05)}, anchor="run:a")
    items, sequences = 1000, 10
    random = np.random.default_rng(1)
    names, places = tuple(f"q{i:04}" for i in range(items)), np.arange(items)

    def run(name: str, chances: np.ndarray[tuple[int], np.dtype[np.float64]]) -> RunTable:
        values = (random.random(items) < chances).astype(object)
        header = RunHeader(run=name, dataset="d", candidate=name, expected_items=items)
        return RunTable(header, names, {"correct": Column(places, np.zeros(items, dtype=np.intp), values)})

    steps_that_failed = caught = 0
    for _ in range(sequences):
        chances = random.beta(4, 1, items)
        anchor = before = run("v0", chances)
        for step in range(1, 11):
            now = run(f"v{step}", np.clip(chances - 0.01 * step, 0, 1))
            steps_that_failed += compare(before, now, main_share(gate)).outcome == "regression"
            before = now
        passed = compare(before, run("v11", np.clip(chances - 0.1, 0, 1)), main_share(gate))
        verdict = with_anchor(gate, passed, anchor, now, seed=0)
        caught += any(rule.outcome == "regression" for rule in verdict.rules if rule.against == "anchor")
    assert steps_that_failed <= 0.05 * 10 * sequences
    assert caught == sequences


def header(name: str, started_at: str | None, **metadata: object) -> RunHeader:
    return RunHeader(
        run=name, dataset="d", candidate=name, expected_items=1, started_at=started_at, metadata=metadata
    )


def test_an_old_baseline_is_said_to_be_old_by_the_times_of_both_runs() -> None:
    old, now = header("a", "2026-10-01T12:00:00Z"), header("b", "2026-11-10T14:00:00+02:00")
    note = age_note(Gate(name="g", rules={}), old, now)
    assert note is not None
    assert note.startswith(
        "the baseline was run 40 days before the candidate: a model provider may have changed"
    )
    assert age_note(Gate(name="g", rules={}, max_baseline_age_days=40), old, now) is None
    assert age_note(Gate(name="g", rules={}, baseline="git:main"), old, now) is None


def test_a_lock_file_without_a_time_of_its_run_is_as_old_as_its_acceptance() -> None:
    gate, now = Gate(name="g", rules={}), header("b", "2026-11-10T00:00:00Z")
    note = age_note(gate, header("a", None, accepted={"when": "2026-10-10T00:00:00"}), now)
    assert note is not None
    assert "31 days" in note
    assert age_note(gate, header("a", None), now) is None
    assert age_note(gate, header("a", "long ago"), now) is None


def test_a_drop_since_an_old_anchor_may_be_the_providers(make: RunMaker) -> None:
    def run(name: str, day: str, failing: int) -> Run:
        return make(name, correct=passing(200, failing), header={"started_at": f"2026-{day}T00:00:00Z"})

    verdict = compare_with_both(
        GATE, run("b", "11-01", 20), run("c", "11-02", 20), run("a", "08-01", 0), seed=0
    )
    assert verdict.outcome == "regression"
    assert verdict.notes[-1].startswith(
        "the anchor was run 93 days before the candidate: a model provider may"
    )


def test_a_baseline_that_was_the_best_of_several_says_so() -> None:
    note = best_of_note(header("a", None, accepted={"best_of": 10}))
    assert note is not None
    assert note.startswith("the baseline is the better one of 10 equal runs, chosen by its score")
    assert best_of_note(header("a", None, accepted={"who": "Ada"})) is None
