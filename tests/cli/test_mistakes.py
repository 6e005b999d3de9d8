"""What is easily done wrong on a command line, and what it says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.project import GATE, Project

Small = Callable[..., Project]
LOCK = "gates/agent.baseline.jsonl"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("rnu",), "there is no command 'rnu' (did you mean 'run'?) (see 'scoregate --help')"),
        (("runs", "lst"), "No such command 'lst'. Did you mean 'list'?"),
        (("run",), "Missing argument 'GATE...' (see 'scoregate run --help')"),
        (("run", "gates/agent.toml", "--smaple", "3"), "No such option '--smaple'"),
        (("check", "gates/agent.toml"), "Missing option '--candidate' (see 'scoregate check --help')"),
        (
            ("run", "gates/agnt.toml"),
            "gates/agnt.toml: there is no such gate (did you mean 'gates/agent.toml'?)",
        ),
        (("run", "agent"), "agent: there is no such gate (did you mean 'gates/agent.toml'?)"),
        (("plan", "gates"), "gates: a folder, not a gate (gates here: gates/agent.toml)"),
        (("run", "datasets/agent.jsonl"), "datasets/agent.jsonl: this is no gate (a gate is a TOML file"),
        (("check", "results.jsonl", "--candidate", "gates/agent.toml"), "results.jsonl: this is no gate"),
        (
            ("check", "gates/agent.toml", "--candidate", "gates/agent.toml"),
            "--candidate: 'gates/agent.toml' is no results file",
        ),
        (
            ("check", "gates/agent.toml", "--candidate", "nope.jsonl"),
            "--candidate: there is no file 'nope.jsonl'",
        ),
        (
            ("check", "gates/agent.toml", "--candidate", "nope"),
            "--candidate: there is no file 'nope', and this project has no stored runs (give a results file",
        ),
        (
            ("check", "gates/agent.toml", "--candidate", "datasets/agent.jsonl"),
            "datasets/agent.jsonl:1: the first line is no run header",
        ),
        (
            ("run", "gates/agent.toml", "--experiment", "a.py", "--replay", "b.jsonl"),
            "--experiment and --replay both name the candidate (give one of them)",
        ),
        (("runs", "prune"), "nothing says which runs are old (give --keep N or --before TIME)"),
        (
            ("runs", "import", "datasets/agent.jsonl"),
            "datasets/agent.jsonl:1: the first line is no run header",
        ),
    ],
)
def test_a_slip_is_one_line(small: Small, words: tuple[str, ...], told: str) -> None:
    project = small()
    assert project.scoregate(*words).error(2).startswith(told)
    assert not project.path(".scoregate").exists()


def test_a_group_without_a_command_shows_its_help(small: Small) -> None:
    shown = small().scoregate("runs")
    assert "Usage: scoregate runs [OPTIONS] COMMAND" in shown.out + shown.err
    assert "export  " in shown.out + shown.err


def test_a_gate_is_found_from_a_folder_inside_the_project(accepted: Project) -> None:
    inside = accepted.path("experiments")
    told = accepted.scoregate("run", "gates/agent.toml", folder=inside).error(2)
    assert (
        told == "gates/agent.toml: there is no such gate in this folder (did you mean '../gates/agent.toml'?)"
    )
    assert accepted.scoregate("run", "../gates/agent.toml", folder=inside).outcome(0) == "PASS"
    assert not (inside / ".scoregate").exists()
    assert accepted.baseline_run in accepted.scoregate("runs", "list", folder=inside).out


def test_a_gate_without_a_gates_folder_has_its_files_beside_it(small: Small) -> None:
    project = small(number=64)
    for name in ("datasets/agent.jsonl", "experiments/agent.py"):
        project.path(name).rename(project.path(name.rpartition("/")[2]))
    flat = GATE.replace("datasets/", "").replace("experiments/", "").replace("gates/", "")
    project.path("gates/agent.toml").unlink()
    project.path("gates").rmdir()
    project.write("agent.toml", flat)
    run = project.scoregate("run", "agent.toml").started
    assert project.scoregate("baseline", "accept", "agent.toml", run, "--why", "x").code == 0
    assert project.path("agent.baseline.jsonl").exists()
    assert project.scoregate("run", "agent.toml").outcome(0) == "PASS"


def test_swapped_arguments_of_accept_name_the_gates(accepted: Project) -> None:
    words = ("baseline", "accept", accepted.baseline_run, "gates/agent.toml", "--why", "x")
    told = accepted.scoregate(*words).error(2)
    assert told == f"{accepted.baseline_run}: there is no such gate (gates here: gates/agent.toml)"


def test_results_of_another_dataset_are_not_compared(accepted: Project) -> None:
    header, *lines = accepted.read_lines(LOCK)
    other = [{**header, "run": "o", "dataset": "other", "dataset_fingerprint": None}]
    accepted.write_lines("other.jsonl", other + [{**line, "item": f"z{line['item']}"} for line in lines])
    checked = accepted.scoregate("check", "gates/agent.toml", "--candidate", "other.jsonl")
    assert checked.outcome(4) == "INVALID"
    assert "the runs have no item in common" in checked.out


@pytest.mark.parametrize(
    ("lines", "code"), [(0, 2), (1, 4), (10, 4)], ids=["empty", "header only", "few items"]
)
def test_results_that_hold_too_little_never_pass(accepted: Project, lines: int, code: int) -> None:
    header, *rest = accepted.read_lines(LOCK)
    accepted.write_lines("few.jsonl", [{**header, "run": "few"}, *rest][:lines])
    checked = accepted.scoregate("check", "gates/agent.toml", "--candidate", "few.jsonl")
    if code == 2:
        assert checked.error(2) == "few.jsonl: is empty"
    else:
        assert checked.outcome(4) == "INVALID"


def test_a_reader_that_goes_away_is_no_regression(accepted: Project) -> None:
    process = accepted.start("check", "gates/agent.toml", "--candidate", LOCK)
    assert process.stdout is not None
    process.stdout.close()
    process.wait()
    assert process.returncode not in (0, 1)
    assert process.stderr is not None
    assert process.stderr.read() == ""
