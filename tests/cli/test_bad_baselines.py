"""No baseline, a broken one, the candidate itself, another dataset: four messages, and none is a pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.project import Ended, Project, agent, items

LOCK = "gates/agent.baseline.jsonl"
CALLED = agent("open('called', 'w').close()\nreturn n", version="v2")
"""Leaves a file behind when it is called."""


def _broken(cause: str) -> Callable[[str], bytes]:
    causes: dict[str, Callable[[str], bytes]] = {
        "cut off": lambda text: text[:3000].encode(),
        "empty": lambda _: b"",
        "no header": lambda text: text.partition("\n")[2].encode(),
        "not UTF-8": lambda text: text.encode()[:-3] + b"\xff\n",
        "newer format": lambda text: text.replace('"schema": 1', '"schema": 9').encode(),
        "merge conflict": lambda text: f"<<<<<<< HEAD\n{text}".encode(),
    }
    return causes[cause]


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        ("cut off", f"{LOCK}:15: the baseline cannot be read: the last line is cut off: "),
        ("empty", f"{LOCK}: the baseline cannot be read: is empty"),
        ("no header", f"{LOCK}:1: the baseline cannot be read: the first line is no run header"),
        ("not UTF-8", f"{LOCK}:65: the baseline cannot be read: not UTF-8: byte 0xff"),
        ("newer format", f"{LOCK}:1: the baseline cannot be read: written by a newer version of scoregate"),
        ("merge conflict", f"{LOCK}:1: the baseline cannot be read: broken JSON at column 1"),
    ],
)
def test_a_broken_baseline_is_told_before_any_call(accepted: Project, cause: str, told: str) -> None:
    accepted.write(LOCK, _broken(cause)(accepted.read(LOCK)))
    accepted.write("experiments/agent.py", CALLED)
    line = accepted.run().error(4)
    assert line.startswith(told)
    assert line.endswith("(restore the file from git, or accept a run anew)")
    assert not accepted.path("called").exists()


def test_a_broken_baseline_of_the_command_line_is_as_bad(accepted: Project) -> None:
    accepted.write("other.jsonl", "{")
    line = accepted.run("--baseline", "other.jsonl").error(4)
    assert line.startswith("other.jsonl:1: the baseline cannot be read: the last line is cut off")


def reason(ended: Ended) -> str:
    """The verdict's reason on one line."""
    assert ended.outcome(4) == "INVALID"
    return " ".join(ended.out[ended.out.index("INVALID: ") :].split("\ncandidate ")[0].split())


def test_no_baseline_says_so_and_how_to_accept_one(accepted: Project) -> None:
    accepted.path(LOCK).unlink()
    ran = accepted.run()
    assert reason(ran) == f"INVALID: {LOCK}: there is no baseline yet, so nothing was compared"
    assert f'→ scoregate baseline accept gates/agent.toml {ran.started} --why "…"' in ran.out
    checked = accepted.scoregate("check", "gates/agent.toml", "--candidate", ran.started).error(4)
    assert checked.startswith(
        f"{LOCK}: there is no baseline yet, so nothing was compared (accept a run: scoregate"
    )


def test_the_candidate_is_refused_as_its_own_baseline(accepted: Project) -> None:
    checked = accepted.scoregate("check", "gates/agent.toml", "--candidate", LOCK)
    assert reason(checked).startswith("INVALID: the candidate is its own baseline (both are run agent-")


def test_a_dataset_that_changed_since_is_told_before_the_run_and_with_its_items(accepted: Project) -> None:
    accepted.write_lines("datasets/agent.jsonl", items(66)[1:])
    ran = accepted.run()
    assert ran.err.startswith(
        "scoregate: the dataset changed since the baseline was made: 1 gone (q000); this run will not be compared, it "
        "can become the next baseline (or give --against git:merge-base, which runs both versions on what is there now)"
    )
    assert reason(ran) == (
        "INVALID: the dataset 'agent' changed since the baseline was made "
        "(2 new (q064, q065), 1 gone (q000)); run the baseline's version on the present dataset and accept it, "
        'or set on_dataset_change = "intersection" in the gate to compare the 63 items that did not change'
    )


def test_a_scorer_that_changed_since_is_told(accepted: Project) -> None:
    accepted.edit(
        "experiments/agent.py", "return output == expected_output", "return output >= expected_output"
    )
    assert reason(accepted.run()).startswith("INVALID: the scorer of correct changed since the baseline")


def test_a_stored_run_that_is_gone_is_named(accepted: Project) -> None:
    accepted.edit("gates/agent.toml", LOCK, "run:gone")
    told = accepted.run().error(2)
    assert told == f"baseline: there is no run 'gone' (the latest are: {accepted.baseline_run})"


def test_a_file_that_is_named_like_a_stored_run_is_not_taken_for_it(accepted: Project) -> None:
    accepted.write("run:gone.jsonl", accepted.read(LOCK))
    check = ("check", "gates/agent.toml", "--candidate", accepted.baseline_run)
    told = accepted.scoregate(*check, "--baseline", "run:gone.jsonl").error(2)
    assert told.startswith("--baseline: there is no run 'gone.jsonl'")
    accepted.edit("gates/agent.toml", LOCK, "run:gone.jsonl")
    assert accepted.scoregate(*check).error(2).startswith("baseline: there is no run 'gone.jsonl'")


def test_a_file_that_is_named_like_a_git_ref_is_no_candidate_and_no_baseline(accepted: Project) -> None:
    accepted.write("git:pr.jsonl", accepted.read(LOCK))
    check = ("check", "gates/agent.toml")
    told = accepted.scoregate(*check, "--candidate", "git:pr.jsonl").error(2)
    assert told.startswith("--candidate: there is no file 'git:pr.jsonl', and there is no run 'git:pr.jsonl'")
    told = accepted.scoregate(*check, "--candidate", LOCK, "--baseline", "git:pr.jsonl").error(2)
    assert told.startswith("--baseline: the baseline git:pr.jsonl is run beside the candidate")


@pytest.mark.parametrize("name", ["best", "run:best", "highest"])
def test_no_baseline_is_chosen_by_its_score(accepted: Project, name: str) -> None:
    check = ("check", "gates/agent.toml", "--candidate", accepted.baseline_run)
    why = f"'{name.removeprefix('run:')}' names no run, and nothing to compare with is chosen by its score"
    told = accepted.scoregate(*check, "--baseline", name).error(2)
    assert told.startswith(f"--baseline: {why}")
    accepted.edit("gates/agent.toml", LOCK, name)
    assert why in accepted.scoregate(*check).error(2)


def test_check_needs_results_where_the_baseline_is_a_git_ref(accepted: Project) -> None:
    lock = accepted.read_lines(LOCK)
    accepted.write_lines("again.jsonl", [{**lock[0], "run": "again"}, *lock[1:]])
    accepted.edit("gates/agent.toml", LOCK, "git:main")
    check = ("check", "gates/agent.toml", "--candidate", "again.jsonl")
    assert accepted.scoregate(*check).error(2) == (
        "gates/agent.toml: the baseline git:main is run beside the candidate by `scoregate run`, so there are no "
        "results of it yet (`scoregate check --baseline FILE|RUN` decides from results that exist)"
    )
    assert accepted.scoregate(*check, "--baseline", "agent").outcome(0) == "PASS"


def test_a_git_ref_without_its_prefix_is_taken_for_no_file(accepted: Project) -> None:
    accepted.edit("gates/agent.toml", LOCK, "main")
    said = accepted.scoregate("run", "gates/agent.toml").error(2)
    assert "the baseline 'main' is no results file" in said
    assert 'a git ref is written "git:main"' in said
