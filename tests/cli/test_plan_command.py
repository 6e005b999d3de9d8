"""`plan`: where the noise comes from, what a gate sees, and what would help. Nothing is run."""

from __future__ import annotations

from collections.abc import Callable

from tests.cli.noisy import noisy_results
from tests.cli.project import AGENT, GATE, NOTE_CALL, Project, agent

Small = Callable[..., Project]
PLAN = ("plan", "gates/agent.toml")
SOMETIMES = agent(f"import random\n{NOTE_CALL}\nreturn n if random.random() < 0.8 else -1")
"""Wrong in one call of five."""


def test_a_gate_is_planned_without_any_stored_run(small: Small) -> None:
    project = small(number=40, experiment="raise SystemExit('not to be imported')")
    planned = project.scoregate(*PLAN, cold=True)
    assert planned.code == 0
    assert planned.err == ""
    assert "40 items, 1 trial, one look at stored results" in planned.out
    assert "assumption: a rate of 85 %, two runs disagree on 14.3 % of the items" in planned.out
    assert "A build costs 40 calls." in planned.out
    assert not project.path(".scoregate").exists()


def test_assumed_rates_can_be_given(small: Small) -> None:
    project = small(number=300)
    quiet = project.scoregate(*PLAN, "--rate", "0.97", "--discordance", "0.02", "--json").json()
    usual = project.scoregate(*PLAN, "--json").json()
    assert quiet["assumed"]
    assert quiet["scores"][0]["noise"] == 0.1
    assert quiet["inconclusive"] < 0.01 < usual["inconclusive"]


def test_rates_that_contradict_each_other_are_one_line(small: Small) -> None:
    line = small().scoregate(*PLAN, "--rate", "0.95", "--discordance", "0.3").error(2)
    assert line.startswith(
        "--discordance: two runs of a rate of 0.95 cannot disagree on 0.3 of the items (at most 0.095"
    )


def test_the_newest_stored_trials_tell_the_noise_and_the_price(small: Small) -> None:
    project = small(number=40, experiment=SOMETIMES)
    run = project.run("--trials", "5").started
    called = len(project.calls())
    planned = project.scoregate(*PLAN)
    assert planned.code == 0, planned.err
    assert f"noise from: run {run}: 5 trials of v1" in planned.out
    assert "A build costs 40 calls (<1 s). No run says what a call costs." in planned.out
    assert len(project.calls()) == called
    noise = project.scoregate(*PLAN, "--json").json()["scores"][0]["noise"]
    assert 0.3 < noise < 0.45  # the standard deviation of a rate of 0.8 is 0.4


def test_two_runs_of_one_version_are_as_good_as_two_trials(small: Small) -> None:
    project = small(number=40, experiment=SOMETIMES)
    assert "assumption" in project.scoregate(*PLAN).out
    project.run()
    assert "assumption" in project.scoregate(*PLAN).out
    project.run()
    assert "noise from: 2 runs (" in project.scoregate(*PLAN).out


def test_runs_of_different_versions_are_no_repetitions(small: Small) -> None:
    project = small(number=40)
    first = project.run().started
    project.write("experiments/agent.py", AGENT.replace('"v1"', '"v2"'))
    second = project.run().started
    assert "assumption" in project.scoregate(*PLAN).out
    line = project.scoregate(*PLAN, "--from", first, "--from", second).error(2)
    assert line == (
        f"--from: runs {first} and {second} are no repetitions: of versions v1 and v2 "
        "(name runs of one version, one dataset and the same scorers)"
    )


def test_one_trial_says_what_to_run(small: Small) -> None:
    project = small()
    run = project.run().started
    line = project.scoregate(*PLAN, "--from", run).error(2)
    assert line.endswith("(run: scoregate run gates/agent.toml --trials 5)")


def test_an_accepted_baseline_of_several_trials_tells_the_noise(small: Small) -> None:
    project = small(number=60)
    noisy_results(project, "gates/agent.baseline.jsonl")
    planned = project.scoregate(*PLAN)
    assert "noise from: the accepted baseline, run gates/agent.baseline: 6 trials of v1" in planned.out
    assert "(the baseline has 6, so 1 of each are compared)" in planned.out


def test_the_edits_that_help_do_what_they_say(small: Small) -> None:
    project = small(number=100)
    planned = project.scoregate(*PLAN, "--json").json()
    assert planned["inconclusive"] > 0.5
    edits = {edit["edit"].split(" = ")[0]: edit for edit in planned["edits"]}
    assert set(edits) == {"trials", "about 600 items", "max_drop"}
    trials = edits["trials"]["edit"].removeprefix("trials = ")
    then = project.scoregate(*PLAN, "--trials", trials, "--json").json()
    assert then["inconclusive"] == edits["trials"]["inconclusive"] < 0.05
    fewer = project.scoregate(*PLAN, "--trials", str(int(trials) - 1), "--json").json()
    assert fewer["inconclusive"] > 0.05
    larger = project.scoregate(*PLAN, "--items", "600", "--json").json()
    assert larger["inconclusive"] == edits["about 600 items"]["inconclusive"]
    project.edit("gates/agent.toml", "max_drop = 0.05", edits["max_drop"]["edit"].split(" in ")[0])
    wider = project.scoregate(*PLAN, "--json").json()
    assert wider["inconclusive"] == edits["max_drop"]["inconclusive"] < 0.05
    assert wider["edits"] == []


def test_a_gate_with_few_items_is_told_to_be_invalid(small: Small) -> None:
    planned = small(number=5).scoregate(*PLAN)
    assert planned.code == 0
    assert "Every build will be invalid: 5 independent items" in planned.out


def test_side_by_side_is_planned_in_its_rounds(small: Small) -> None:
    gate = GATE.replace('"gates/agent.baseline.jsonl"', '"git:main"')
    planned = small(number=300, gate=gate).scoregate(*PLAN, "--json").json()
    assert planned["trials"] == [1, 3, 5]
    assert planned["one_pass"]["calls"] == 600
    assert planned["one_pass"]["calls"] < planned["expected"]["calls"] < planned["cap"]["calls"]
    assert planned["passes"] > 0.95


def test_turns_of_a_conversation_are_not_counted_as_independent(small: Small) -> None:
    project = small(number=60, gate='cluster = "metadata.intent"\n' + GATE)
    assert "60 items in clusters worth 2 independent ones" in project.scoregate(*PLAN).out


def test_a_floor_that_the_version_does_not_keep_is_said(small: Small) -> None:
    project = small(number=60, gate=GATE.replace("max_drop = 0.05", "min = 0.9"))
    planned = project.scoregate(*PLAN, "--from", noisy_results(project, "noisy.jsonl", rate=0.7))
    assert "correct does not keep its own limit of 90.0 %: no build passes" in planned.out
    assert "0 % of builds pass" in planned.out


def test_a_missing_dataset_is_one_line(small: Small) -> None:
    project = small()
    project.path("datasets/agent.jsonl").unlink()
    assert "datasets/agent.jsonl" in project.scoregate(*PLAN).error(2)
