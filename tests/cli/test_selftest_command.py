"""`selftest`: false alarms and planted drops, on builds that are dealt from stored trials."""

from __future__ import annotations

from collections.abc import Callable

from tests.cli.noisy import noisy_results
from tests.cli.project import GATE, Project, agent

Small = Callable[..., Project]
SELFTEST = ("selftest", "gates/agent.toml", "--builds", "10")
OF_MANY = (*SELFTEST, "--builds", "40")
"""So many that a share of them is proved to be too large, or small."""
BESIDE = GATE.replace('"gates/agent.baseline.jsonl"', '"git:main"')


def test_stored_trials_of_a_run_are_dealt_to_two_arms(small: Small) -> None:
    project = small(number=40, experiment=agent("import random\nreturn n if random.random() < 0.8 else -1"))
    run = project.run("--trials", "4").started
    tested = project.scoregate(*SELFTEST, "--drop", "0.5")
    assert tested.code == 0, tested.err
    assert "10 A/A builds of 40 items, one look, 1 trial an arm" in tested.out
    assert f"dealt from run {run}: 4 trials of v1" in tested.out
    assert "the gate allows 1 %" in tested.out
    assert "correct, 50 points" in tested.out


def test_too_little_stored_says_what_to_run(small: Small) -> None:
    project = small()
    project.run()
    line = project.scoregate(*SELFTEST).error(2)
    assert line.startswith("gates/agent.toml: no stored version of this gate has two trials of its items")
    assert line.endswith("(run: scoregate run gates/agent.toml --trials 5)")


def test_the_same_seed_gives_the_same_bytes(small: Small) -> None:
    project = small()
    words = (*SELFTEST, "--from", noisy_results(project, "noisy.jsonl"), "--drop", "0.1", "--json")
    first = project.scoregate(*words, "--seed", "3")
    # Cold, as what is forked has the hash seed of its brothers, and so the order of their sets.
    assert first.out == project.scoregate(*words, "--seed", "3", cold=True).out
    assert first.out != project.scoregate(*words, "--seed", "4").out


def test_a_gate_that_calls_chance_a_regression_fails_its_test(small: Small) -> None:
    project = small(gate=GATE.replace("max_drop = 0.05", "critical = true"))
    tested = project.scoregate(*OF_MANY, "--from", noisy_results(project, "noisy.jsonl"))
    assert tested.code == 1
    assert "TOO MANY" in tested.out
    assert "false alarms by score: correct (40)" in tested.out


def test_a_limit_on_the_own_value_is_no_false_alarm(small: Small) -> None:
    project = small(gate=GATE.replace("max_drop = 0.05", "max_drop = 0.05\nmin = 0.95"))
    tested = project.scoregate(*SELFTEST, "--from", noisy_results(project, "noisy.jsonl"), "--json")
    assert tested.code == 0
    assert tested.json()["outcomes"]["floor"] == 10
    assert tested.json()["false_alarms"]["count"] == 0


def test_large_drops_are_found_and_unchanged_builds_are_not(small: Small) -> None:
    project = small()
    results = noisy_results(project, "noisy.jsonl", items=200, rate=0.9)
    tested = project.scoregate(*OF_MANY, "--from", results, "--drop", "0.25", "--json").json()
    assert tested["false_alarms"]["count"] <= 2
    assert [d["kind"] for d in tested["detections"]] == ["concentrated", "diffuse"]
    assert all(d["found"]["count"] >= 38 for d in tested["detections"])


def test_a_side_by_side_gate_is_decided_in_its_rounds(small: Small) -> None:
    project = small(gate=BESIDE)
    results = noisy_results(project, "noisy.jsonl", items=100, trials=20, rate=0.9)
    tested = project.scoregate(*SELFTEST, "--from", results, "--drop", "0.2")
    assert tested.code == 0, tested.err
    assert "side by side in rounds" in tested.out
    assert "drawn anew" not in tested.out


def test_few_trials_for_many_rounds_are_drawn_anew_and_it_is_said(small: Small) -> None:
    project = small(gate=BESIDE)
    tested = project.scoregate(*SELFTEST, "--from", noisy_results(project, "noisy.jsonl", trials=3))
    assert tested.code == 0, tested.err
    assert "each was drawn anew from those of its item" in tested.out


def test_fewer_stored_trials_than_the_gate_asks_for_are_said(small: Small) -> None:
    project = small(gate="trials = 3\n" + GATE)
    tested = project.scoregate(*SELFTEST, "--from", noisy_results(project, "noisy.jsonl", trials=4))
    assert "too few trials are stored for the gate's 3 in each arm" in tested.out
    assert "2 trials an arm" in tested.out


def test_builds_that_cannot_be_decided_are_no_proof(small: Small) -> None:
    project = small()
    tested = project.scoregate(
        *SELFTEST, "--from", noisy_results(project, "noisy.jsonl", items=5), "--drop", "0.1"
    )
    assert tested.code == 4
    assert "No build could be decided" in tested.out
    assert "cannot gate" in tested.out


def test_a_drop_is_planted_in_the_score_that_is_named(small: Small) -> None:
    gate = GATE + "\n[scores.polite]\nmax_drop = 0.05\n"
    project = small(gate=gate)
    results = noisy_results(project, "noisy.jsonl", scores=("correct", "polite"))
    words = (*SELFTEST, "--from", results, "--drop", "0.4")
    named = project.scoregate(*words, "--score", "polite", "--json").json()
    assert {d["score"] for d in named["detections"]} == {"polite"}
    assert project.scoregate(*words, "--score", "polit").error(2).endswith("(did you mean 'polite'?)")


def test_a_drop_that_the_score_has_no_room_for_is_one_line(small: Small) -> None:
    project = small()
    results = noisy_results(project, "noisy.jsonl", rate=0.1)
    line = project.scoregate(*SELFTEST, "--from", results, "--drop", "0.5").error(2)
    assert line.startswith("--drop: a drop of 0.5 cannot be planted in correct")


def test_an_anchor_keeps_its_half_of_alpha(small: Small) -> None:
    project = small(gate='anchor = "release.jsonl"\n' + GATE)
    results = noisy_results(project, "noisy.jsonl")
    tested = project.scoregate(*SELFTEST, "--from", results, "--drop", "0.1")
    assert "the gate allows 0.5 %" in tested.out
    assert "without the anchor, which has a half of the gate's alpha" in tested.out
