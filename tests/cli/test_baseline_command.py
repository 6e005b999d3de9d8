"""`baseline`: a person accepts it, and nobody by accident."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.project import Project, agent

ACCEPT = ("baseline", "accept", "gates/agent.toml")
LOCK = "gates/agent.baseline.jsonl"


def test_the_lock_file_says_who_when_and_why_and_is_sorted(accepted: Project) -> None:
    header, *lines = accepted.read_lines(LOCK)
    assert header["metadata"]["accepted"].keys() == {"who", "when", "why", "forced"}
    assert header["metadata"]["accepted"]["why"] == "x"
    assert header["metadata"]["accepted"]["forced"] == []
    assert [line["item"] for line in lines] == [f"q{n:03}" for n in range(64)]
    assert lines[0]["scores"] == {"correct": True}


def test_show_tells_who_accepted_it_and_why(accepted: Project) -> None:
    shown = accepted.scoregate("baseline", "show", "gates/agent.toml").out
    assert shown.startswith("accepted by ")
    assert shown.splitlines()[0].endswith(": x")
    assert "64 ok of 64 expected" in shown
    document = accepted.scoregate("baseline", "show", "gates/agent.toml", "--json").json()
    assert document["metadata"]["accepted"]["why"] == "x"


def test_diff_shows_what_would_change_and_decides_nothing(regressed: tuple[Project, str]) -> None:
    project, run = regressed
    assert project.scoregate("baseline", "diff", "gates/agent.toml", run).outcome(0) == "REGRESSION"
    document = project.scoregate("baseline", "diff", "gates/agent.toml", run, "--json").json()
    assert document["outcome"] == "regression"


def test_what_lowers_a_score_is_shown_and_asked_about(regressed: tuple[Project, str]) -> None:
    project, run = regressed
    before = project.read(LOCK)
    question = "this lowers correct. Accept it as the baseline all the same? [y/N]: "

    declined = project.scoregate(*ACCEPT, run, "--why", "cheaper", answer="n\n")
    assert declined.outcome(4) == "REGRESSION"
    assert question in declined.out
    assert "the baseline stays as it was" in declined.error(4)
    assert project.read(LOCK) == before

    nobody = project.scoregate(*ACCEPT, run, "--why", "cheaper")
    assert "nobody answered, so nothing was changed (--yes does it without asking)" in nobody.error(2)
    assert project.read(LOCK) == before

    assert project.scoregate(*ACCEPT, run, "--why", "cheaper", answer="y\n").code == 0
    assert project.read_lines(LOCK)[0]["run"] == run


def test_what_lowers_nothing_is_accepted_without_a_question(accepted: Project) -> None:
    assert accepted.scoregate(*ACCEPT, accepted.run().started, "--why", "again").code == 0


def test_a_baseline_is_never_accepted_in_ci(accepted: Project) -> None:
    before = accepted.read(LOCK)
    words = (*ACCEPT, accepted.baseline_run, "--why", "x", "--force", "--yes")
    refused = accepted.scoregate(*words, environment={"CI": "true"})
    assert "a baseline is never accepted in CI" in refused.error(2)
    assert accepted.read(LOCK) == before


def test_the_baseline_itself_is_there_already(accepted: Project) -> None:
    before = accepted.read(LOCK)
    again = accepted.scoregate(*ACCEPT, "agent", "--why", "x")
    assert (again.code, again.err) == (0, "")
    assert (
        again.out == f"run {accepted.baseline_run} is the baseline already, so nothing was changed: {LOCK}\n"
    )
    assert accepted.read(LOCK) == before


def test_a_baseline_that_runs_beside_the_candidate_is_not_accepted(accepted: Project) -> None:
    accepted.edit("gates/agent.toml", LOCK, "git:main")
    refused = accepted.scoregate(*ACCEPT, "agent", "--why", "x").error(2)
    assert (
        "the baseline is git:main, which is run beside every candidate: there is nothing to accept" in refused
    )


LUCKY = agent("import json\nreturn n if n >= json.load(open('failing')) else -1", version="v2")
"""An agent that fails as many items as a file says: the luck of a run."""


def lucky_run(project: Project, failing: int) -> str:
    project.write("failing", str(failing))
    return project.run().started


@pytest.fixture(scope="module")
def _several(_accepted: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[str]]:
    project = Project(_accepted).copied_to(tmp_path_factory.mktemp("several") / "project")
    project.write("experiments/agent.py", LUCKY)
    project.edit("gates/agent.toml", "max_drop = 0.05", "max_drop = 0.5")
    return project, [lucky_run(project, failing) for failing in (2, 4, 1)]


@pytest.fixture
def several(_several: tuple[Project, list[str]], tmp_path: Path) -> tuple[Project, list[str]]:
    """Three runs of one version, of which the last is the best and the first the second best."""
    project, runs = _several
    return project.copied_to(tmp_path / "project"), runs


def test_the_best_of_several_equal_runs_is_refused(several: tuple[Project, list[str]]) -> None:
    project, runs = several
    before = project.read(LOCK)
    refused = project.scoregate(*ACCEPT, runs[2], "--why", "x", "--yes").error(4)
    assert refused.startswith(
        f"run {runs[2]} was not accepted: it is one of 3 equal runs, and better than the first of them in "
        "correct (0.9844 against 0.9688); a baseline chosen by its score makes unchanged candidates look worse"
    )
    assert f"accept the first, {runs[0]}; --best-of-several accepts this one" in refused
    assert project.read(LOCK) == before


def test_forced_it_is_recorded(several: tuple[Project, list[str]]) -> None:
    project, runs = several
    assert project.scoregate(*ACCEPT, runs[2], "--why", "x", "--yes", "--best-of-several").code == 0
    assert project.read_lines(LOCK)[0]["metadata"]["accepted"]["best_of"] == 3
    shown = project.scoregate("baseline", "show", "gates/agent.toml").out
    assert "the baseline is the better one of 3 equal runs, chosen by its score" in shown


@pytest.mark.parametrize("chosen", [0, 1])
def test_the_first_of_them_is_accepted_and_so_is_one_that_is_no_better(
    several: tuple[Project, list[str]], chosen: int
) -> None:
    project, runs = several
    assert project.scoregate(*ACCEPT, runs[chosen], "--why", "x", "--yes").code == 0
    assert "best_of" not in project.read_lines(LOCK)[0]["metadata"]["accepted"]


def test_a_first_run_that_could_be_no_baseline_is_no_reason_to_refuse(accepted: Project) -> None:
    accepted.edit("gates/agent.toml", "max_drop = 0.05", "max_drop = 0.5")
    accepted.write("experiments/agent.py", agent("open('calm').close()\nreturn n", version="v2"))
    assert accepted.run("--keep-going").code == 4  # every call failed
    accepted.write("calm", "")
    assert accepted.scoregate(*ACCEPT, accepted.run().started, "--why", "x").code == 0


def test_other_versions_are_other_runs(several: tuple[Project, list[str]]) -> None:
    project, _ = several
    project.write("experiments/agent.py", LUCKY.replace('"v2"', '"v3"'))
    assert project.scoregate(*ACCEPT, lucky_run(project, 1), "--why", "x", "--yes").code == 0


def test_an_empty_reason_is_refused(accepted: Project) -> None:
    assert "--why is empty" in accepted.scoregate(*ACCEPT, "agent", "--why", "  ").error(2)


def test_a_partial_run_needs_force_which_is_recorded(accepted: Project) -> None:
    accepted_before = accepted.baseline_run
    run, before = accepted.run("--limit", "10").started, accepted.read(LOCK)
    refused = accepted.scoregate(*ACCEPT, run, "--why", "x").error(4)
    assert "it ran only a part of the dataset (the first 10: 10 of 64 items)" in refused
    assert accepted.read(LOCK) == before
    assert accepted.scoregate(*ACCEPT, run, "--why", "x", "--force", "--yes").code == 0
    forced = accepted.read_lines(LOCK)[0]["metadata"]["accepted"]["forced"]
    assert forced == ["it ran only a part of the dataset (the first 10: 10 of 64 items)"]
    assert (
        "forced in spite of: it ran only a part"
        in accepted.scoregate("baseline", "show", "gates/agent.toml").out
    )
    compared = accepted.scoregate("check", "gates/agent.toml", "--candidate", accepted_before)
    assert compared.outcome(4) == "INVALID"
    assert "ran only a part of its dataset" in compared.out


def test_a_run_with_failed_items_needs_force(accepted: Project) -> None:
    accepted.write("experiments/agent.py", agent("if n == 5: raise ValueError('no')\nreturn n"))
    refused = accepted.scoregate(*ACCEPT, accepted.run().started, "--why", "x").error(4)
    assert "1 of its run items failed (first: q005)" in refused


def test_a_run_without_a_gated_score_needs_force(accepted: Project) -> None:
    accepted.path(LOCK).unlink()
    accepted.write(
        "gates/agent.toml", accepted.read("gates/agent.toml") + "\n[scores.polite]\nmax_drop = 0.1\n"
    )
    assert "it has no score polite, which the gate decides on" in accepted.scoregate(
        *ACCEPT, "agent", "--why", "x"
    ).error(4)
    assert not accepted.path(LOCK).exists()


def test_a_run_of_another_dataset_needs_force(accepted: Project) -> None:
    accepted.path(LOCK).unlink()
    accepted.write_lines("datasets/agent.jsonl", accepted.read_lines("datasets/agent.jsonl")[:60])
    refused = accepted.scoregate(*ACCEPT, "agent", "--why", "x").error(4)
    assert "it ran on another dataset than the gate's present one" in refused


@pytest.fixture
def checkout(accepted: Project) -> Project:
    """The same project, committed to git."""
    accepted.write(".gitignore", ".scoregate/\n__pycache__/\n")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "x")):
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        subprocess.run(["git", *identity, *words], cwd=accepted.folder, check=True)
    subprocess.run(["git", "config", "user.name", "Ada"], cwd=accepted.folder, check=True)
    subprocess.run(["git", "config", "user.email", "ada@example.org"], cwd=accepted.folder, check=True)
    return accepted


def test_a_run_of_a_clean_checkout_is_accepted_with_its_commit(checkout: Project) -> None:
    assert checkout.scoregate(*ACCEPT, checkout.run().started, "--why", "clean").code == 0
    header = checkout.read_lines(LOCK)[0]
    assert len(header["commit"]) == 40
    assert header["metadata"]["accepted"]["who"] == "Ada <ada@example.org>"


def test_reports_and_other_gates_leave_a_checkout_clean(checkout: Project) -> None:
    checkout.run("-o", "markdown=reports/verdict.md")
    checkout.write("gates/other.toml", checkout.read("gates/agent.toml").replace("agent", "other"))
    checkout.write("datasets/other.jsonl", "{}")
    ran = checkout.run()
    assert "uncommitted" not in ran.out
    assert checkout.scoregate(*ACCEPT, ran.started, "--why", "x").code == 0


def test_a_run_of_a_dirty_tree_needs_force_which_is_recorded(checkout: Project) -> None:
    checkout.write("experiments/agent.py", checkout.read("experiments/agent.py") + "\n# not committed\n")
    ran = checkout.run()
    assert "run from a working tree with uncommitted changes in experiments/agent.py" in ran.out
    run, before = ran.started, checkout.read(LOCK)
    refused = checkout.scoregate(*ACCEPT, run, "--why", "x").error(4)
    assert (
        "it was made from a working tree with uncommitted changes in experiments/agent.py (--force accepts it and "
        "records why not)" in refused
    )
    assert checkout.read(LOCK) == before
    assert checkout.scoregate(*ACCEPT, run, "--why", "x", "--force").code == 0
    forced = checkout.read_lines(LOCK)[0]["metadata"]["accepted"]["forced"]
    assert forced == ["it was made from a working tree with uncommitted changes in experiments/agent.py"]
