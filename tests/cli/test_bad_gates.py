"""A gate that cannot be used: one line that says what, where and what to do; nothing is run or written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.project import AGENT, GATE, Project

Small = Callable[..., Project]

NO_EXPERIMENT = GATE.replace('experiment = "experiments/agent.py"\n', "")


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        (GATE + "x = [", "gates/agent.toml:10: not valid TOML: "),
        ("", "gates/agent.toml: the gate is empty (`scoregate init` writes an example)"),
        (GATE.encode() + b"# \xff", "gates/agent.toml:10: the gate is not UTF-8 text"),
        (
            "max_faild_items = 0.1\n" + GATE,
            "gates/agent.toml:1: 'max_faild_items' is not a known key (did you mean 'max_failed_items'?)",
        ),
        (
            GATE.replace("max_drop", "max_dorp"),
            "gates/agent.toml:9: 'max_dorp' of [scores.correct] is not a known key (did you mean 'max_drop'?)",
        ),
        (
            GATE.replace("0.05", "nan"),
            "gates/agent.toml:9: 'max_drop' of [scores.correct] is nan but must be",
        ),
        (
            GATE.replace("0.05", "inf"),
            "gates/agent.toml:9: 'max_drop' of [scores.correct] is inf but must be",
        ),
        (GATE.replace("0.05", '"5 %"'), "'max_drop' of [scores.correct] must be a number, not \"5 %\""),
        (GATE.split("[scores")[0], "gates/agent.toml: the gate has no scores, so it would decide nothing"),
        (
            GATE + "[scores.polite]\n",
            "gates/agent.toml:10: nothing makes the score 'polite' (known: correct)",
        ),
        (
            GATE + '[scorers.polite]\nuse = "exact_mach"\n',
            "gates/agent.toml:10: unknown scorer 'exact_mach' (did you mean 'exact_match'?)",
        ),
        (
            GATE + '[scorers.correct]\nuse = "exact_match"\n',
            "gates/agent.toml: two scorers make the score 'correct' (keep either the [scorers] table or the exp",
        ),
        (NO_EXPERIMENT, "gates/agent.toml: the gate says nothing about the candidate (add experiment = "),
        (
            GATE.replace("datasets/agent.jsonl", "datasets/agnt.jsonl"),
            "datasets/agnt.jsonl: no such file (did you mean 'agent.jsonl'?)",
        ),
        (
            GATE.replace("experiments/agent.py", "experiments/agnt.py"),
            "experiments/agnt.py: no such file (did you mean 'agent.py'?)",
        ),
        (GATE.replace("metadata.intent", "metadata.intnt"), "(did you mean 'metadata.intent'?)"),
    ],
    ids=[
        "no TOML",
        "empty",
        "not UTF-8",
        "unknown key",
        "unknown key of a score",
        "NaN",
        "infinity",
        "wrong type",
        "no scores",
        "no scorer for a score",
        "unknown scorer",
        "two scorers of one score",
        "no candidate",
        "missing dataset",
        "missing experiment",
        "misspelt slice",
    ],
)
def test_a_gate_that_cannot_be_used(small: Small, gate: str | bytes, told: str) -> None:
    project = small()
    project.write("gates/agent.toml", gate)
    assert told in project.run().error(2)
    assert not project.path(".scoregate").exists()


def test_an_evaluator_of_nearly_the_gated_name_is_pointed_out_before_the_run(small: Small) -> None:
    project = small(gate=GATE.replace("scores.correct", "scores.corect"))
    ran = project.run()
    assert ran.code == 4
    assert ran.err.startswith(
        "scoregate: gates/agent.toml:8: no scorer says that it makes the score 'corect' (did you mean 'correct'?)\n"
    )


def test_a_gate_that_could_never_decide_is_told_before_a_baseline_is_accepted(small: Small) -> None:
    project = small(number=20, experiment=AGENT.replace("output == expected_output", "output / 7"))
    ran = project.run()
    assert ran.outcome(4) == "INVALID"
    assert "→ mend the gate before a run is accepted: " in ran.out
    accepted = project.scoregate("baseline", "accept", "gates/agent.toml", ran.started, "--why", "x")
    assert "score 'correct' holds values such as 0.0 and nothing says which are better" in accepted.error(2)
    assert not project.path("gates/agent.baseline.jsonl").exists()


def test_an_experiment_without_a_task_names_what_it_defines(small: Small) -> None:
    project = small(experiment=AGENT.replace("def task", "def tsak"))
    told = project.run().error(2)
    assert told.startswith("experiments/agent.py: defines no `task` (did you mean 'tsak'?")


@pytest.mark.parametrize(
    ("start", "told"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "called exit(3)"),
        ("def broken(:", "SyntaxError: invalid syntax"),
    ],
)
def test_an_experiment_that_cannot_be_imported(small: Small, start: str, told: str) -> None:
    line = small(experiment=f"{start}\n{AGENT}").run().error(2)
    assert line.startswith("experiments/agent.py:1: cannot be imported: ")
    assert told in line


def test_debug_shows_the_traceback_above_the_line(small: Small) -> None:
    project = small(experiment=f"1 / 0\n{AGENT}")
    told = project.run("--debug")
    assert told.code == 2
    assert told.err.startswith("Traceback (most recent call last):\n")
    assert "ZeroDivisionError: division by zero\n" in told.err
    assert told.err.splitlines()[-1].startswith("scoregate: experiments/agent.py:1: cannot be imported")
