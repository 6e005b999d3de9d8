"""A lock file that was edited is noticed, and a rule that guards nothing is named before a baseline is accepted."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.cli.project import GATE, Project, agent

ACCEPT = ("baseline", "accept", "gates/agent.toml")
LOCK = "gates/agent.baseline.jsonl"
RUN = ("run", "gates/agent.toml")
SHORT = """
[scores.short]
critical = true

[scorers.short]
use = "length_limit"
output_path = "text"
max = 20
"""


def lines_of(project: Project) -> list[str]:
    return project.read(LOCK).splitlines()


Edit = Callable[[list[str]], list[str]]


@pytest.mark.parametrize(
    "edit",
    [
        lambda lines: [lines[0], *(line.replace("true", "false") for line in lines[1:16]), *lines[16:]],
        lambda lines: lines[:-1],
        lambda lines: [lines[0].replace('"why": "x"', '"why": "y"'), *lines[1:]],
    ],
    ids=["other scores", "a line that is gone", "another reason"],
)
def test_a_lock_file_that_was_edited_is_no_baseline(accepted: Project, edit: Edit) -> None:
    accepted.write(LOCK, "\n".join(edit(lines_of(accepted))) + "\n")
    for command in (
        RUN,
        ("check", "gates/agent.toml", "--candidate", LOCK),
        ("baseline", "show", "gates/agent.toml"),
    ):
        told = accepted.scoregate(*command).error(4)
        assert "the baseline was edited since it was accepted" in told
        assert "scoregate baseline accept gates/agent.toml RUN" in told


def test_accepting_a_run_again_mends_it(accepted: Project) -> None:
    run = json.loads(lines_of(accepted)[0])["run"]
    accepted.write(LOCK, accepted.read(LOCK).replace("true", "false", 1))
    done = accepted.scoregate(*ACCEPT, run, "--why", "as it was", "--yes")
    assert done.code == 0
    assert "was edited since it was accepted" in done.err
    assert accepted.scoregate("baseline", "show", "gates/agent.toml").code == 0


@pytest.mark.parametrize(
    "edit",
    [
        lambda lines: [line + "\r" for line in lines],
        lambda lines: [lines[0], "", *reversed(lines[1:])],
    ],
    ids=["line ends of another system", "another order"],
)
def test_what_reading_passes_over_is_no_edit(accepted: Project, edit: Edit) -> None:
    accepted.write(LOCK, "\n".join(edit(lines_of(accepted))) + "\n")
    assert accepted.scoregate("baseline", "show", "gates/agent.toml").code == 0


def test_a_lock_file_of_an_earlier_version_is_read_and_said_to_hold_no_digest(accepted: Project) -> None:
    header = json.loads(lines_of(accepted)[0])
    del header["digest"]
    accepted.write(LOCK, "\n".join([json.dumps(header), *lines_of(accepted)[1:]]) + "\n")
    shown = accepted.scoregate("baseline", "show", "gates/agent.toml")
    assert f"{LOCK} holds no digest, as an earlier version wrote it" in shown.out
    again = accepted.scoregate(*RUN)
    assert again.outcome(0) == "PASS"
    assert "holds no digest" in again.err


def test_a_rule_that_fails_everywhere_is_named_and_has_to_be_named(accepted: Project) -> None:
    accepted.write("gates/agent.toml", GATE + SHORT)
    accepted.path(LOCK).unlink()
    first = accepted.scoregate(*RUN)
    assert "short fails on 64 of 64 items (output: " in " ".join(first.out.split())
    assert "so that its rule would guard nothing" in " ".join(first.out.split())
    refused = accepted.scoregate(*ACCEPT, first.started, "--why", "new rule", "--yes").error(4)
    assert "short fails on 64 of 64 items" in refused
    assert "name short in --why" in refused

    named = accepted.scoregate(*ACCEPT, first.started, "--why", "short reads what is not there yet", "--yes")
    assert named.code == 0
    assert "its rule guards nothing" in named.err
    later = accepted.scoregate(*RUN)
    assert later.outcome(0) == "INCONCLUSIVE"
    assert "short fails on 64 of 64 items of the baseline, so that its rule guards nothing" in later.err
    assert "short: guards nothing" in " ".join(later.out.split())


def test_a_rule_that_guards_something_is_accepted_without_a_word(accepted: Project) -> None:
    accepted.write("experiments/agent.py", agent("return n", version="v2"))
    said = accepted.scoregate(*RUN)
    assert "guards nothing" not in said.err + said.out
