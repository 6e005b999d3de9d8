"""Two versions beside each other: which are run, on what, and what is kept of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.beside import BESIDE, Branch, answers, rounds_told, table_cells
from tests.cli.project import GATE, Ended, Project
from tests.documents import checked_document
from tests.git.repository import Repository

Beside = Callable[..., Branch]

FEW_WRONG = answers("new", "n >= 5")
HALF_WRONG = answers("new", "n >= 20")
"""So many that the first round tells."""


@pytest.fixture
def beside(tmp_path: Path) -> Beside:
    def make(**parts: object) -> Branch:
        return Branch.made(tmp_path / "project", **parts)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="module")
def _decided(tmp_path_factory: pytest.TempPathFactory) -> tuple[Branch, Ended]:
    branch = Branch.made(tmp_path_factory.mktemp("decided") / "project", new=FEW_WRONG)
    return branch, replace(branch, project=replace(branch.project, cold=True)).run("-o", "json=verdict.json")


@pytest.fixture
def decided(_decided: tuple[Branch, Ended], tmp_path: Path) -> tuple[Branch, Ended]:
    """A copy of a project whose working tree gets 5 of 40 items wrong, after a session, and what that printed."""
    before, said = _decided
    shutil.copytree(before.project.folder.parent, tmp_path / "copy")
    folder = tmp_path / "copy" / "project"
    return Branch(Project(folder), Repository(folder)), said


def test_a_drop_is_confirmed_by_fresh_trials_of_its_items(decided: tuple[Branch, Ended]) -> None:
    _, said = decided

    assert said.outcome(1) == "REGRESSION"
    assert rounds_told(said) == ["A", "B"]
    assert "- q004: correct 5 of 5 before, 0 of 5 now" in said.out
    assert "130 calls, 1.6 × one pass of both versions" in said.out


def test_an_end_before_the_last_round_that_the_gate_allows_is_said_to_be_early(
    decided: tuple[Branch, Ended], beside: Beside
) -> None:
    _, early = decided
    gate = BESIDE + "\n[rounds]\nsuspects = 0\nmax_trials = 1\n"
    last = beside(gate=gate, new=HALF_WRONG).run()

    assert "Stopped early, after round B (the last would be D)" in early.out
    assert last.outcome(1) == "REGRESSION"
    assert rounds_told(last) == ["A"]
    assert "Stopped early" not in last.out


def test_what_is_tested_is_the_working_tree_and_each_version_has_its_own_imports(
    decided: tuple[Branch, Ended],
) -> None:
    branch, _ = decided
    once_and_fresh = [f"q{n:03}" for n in range(40)] + [f"q{n:03}" for n in range(5)] * 5

    for version in ("old", "new"):
        called = [item for name, item in branch.calls() if name == version]
        assert sorted(called) == sorted(once_and_fresh)


def test_both_versions_take_turns_item_by_item(decided: tuple[Branch, Ended]) -> None:
    branch, said = decided
    # When calls were begun, not when they were answered: a busy machine may hold up either version for long.
    begun = sorted(
        (line["started_at"], version, line["item"])
        for version, run in (("old", f"{said.started}-baseline"), ("new", said.started))
        for line in map(json.loads, branch.project.scoregate("runs", "export", run).out.splitlines())
        if line["kind"] == "item"
    )
    place = {(version, item): number for number, (_, version, item) in enumerate(begun)}
    first = {begun[number][1] for number in range(0, 80, 2)}

    # Two calls are made at once, so that neighbours may swap.
    assert all(abs(place["old", f"q{n:03}"] - place["new", f"q{n:03}"]) <= 3 for n in range(40))
    assert first == {"old", "new"}


def test_the_runs_of_a_session_are_kept_and_listed(decided: tuple[Branch, Ended]) -> None:
    branch, said = decided
    run = said.started
    listed = table_cells(branch.project.scoregate("runs", "list").out)

    assert {name: words[words.index("of") :] for name, words in listed.items()} == {
        run: ["of", "40"],
        f"{run}-baseline": ["of", "40"],
        f"{run}-confirm": ["of", "25", "partial"],
        f"{run}-baseline-confirm": ["of", "25", "partial"],
    }
    shown = branch.project.scoregate("runs", "show", run)
    assert "(uncommitted changes in experiments/answers.py)" in shown.out
    assert "40 ok of 40 expected" in shown.out
    diff = branch.project.scoregate("runs", "diff", f"{run}-baseline", run)
    assert "5 cells differ" in diff.out


def test_the_verdict_as_json_tells_the_rounds_and_the_fresh_trials(decided: tuple[Branch, Ended]) -> None:
    verdict = checked_document(json.loads(decided[0].project.read("verdict.json")))

    assert [(r["round"], r["items"], r["trials"]) for r in verdict["rounds"]] == [("A", 40, 1), ("B", 5, 5)]
    assert {
        f["item"]: (sum(f["baseline_values"]), sum(f["candidate_values"])) for f in verdict["confirmed"]
    } == {f"q{n:03}": (5, 0) for n in range(5)}


def test_the_two_runs_can_be_decided_again_from_the_store(decided: tuple[Branch, Ended]) -> None:
    branch, said = decided
    words = ("--candidate", said.started, "--baseline", f"{said.started}-baseline")

    assert branch.project.scoregate("check", "gates/agent.toml", *words).outcome(0) == "INCONCLUSIVE"


def test_check_needs_results_where_the_baseline_is_run_beside_the_candidate(
    decided: tuple[Branch, Ended],
) -> None:
    branch, said = decided
    line = branch.project.scoregate("check", "gates/agent.toml", "--candidate", said.started).error(2)

    assert line == (
        "gates/agent.toml: the baseline git:main is run beside the candidate by `scoregate run`, so there are no "
        "results of it yet (`scoregate check --baseline FILE|RUN` decides from results that exist)"
    )


def test_nothing_is_accepted_where_the_baseline_is_run_beside_the_candidate(
    decided: tuple[Branch, Ended],
) -> None:
    branch, said = decided
    line = branch.project.scoregate(
        "baseline", "accept", "gates/agent.toml", said.started, "--why", "x"
    ).error(2)

    assert line.startswith(
        "gates/agent.toml: the baseline is git:main, which is run beside every candidate: "
        "there is nothing to accept (for a stored one set baseline ="
    )


def test_a_gate_with_a_stored_baseline_can_be_run_beside_another_version_and_accepted(beside: Beside) -> None:
    branch = beside(gate=GATE + "\n[limits]\nconcurrency = 2\n[rounds]\nmax_trials = 1\n")
    branch.commit_on("pr", {"experiments/answers.py": answers("new")})
    said = branch.run("--against", "git:main")
    accepted = branch.project.scoregate(
        "baseline", "accept", "gates/agent.toml", said.started, "--why", "first"
    )

    assert said.outcome(0) == "INCONCLUSIVE"
    assert accepted.code == 0, accepted.err
    assert branch.project.baseline_run == said.started


def test_the_merge_base_is_the_version_where_the_branch_began(beside: Beside) -> None:
    branch = beside()
    branch.commit_on("main", {"experiments/answers.py": answers("newer")})
    branch.project.write("experiments/answers.py", HALF_WRONG)

    assert branch.run("--baseline", "git:merge-base").outcome(1) == "REGRESSION"
    assert branch.versions_called() == {"old", "new"}


def test_another_file_of_the_working_tree_is_scored_by_the_candidates_evaluators(beside: Beside) -> None:
    branch = beside(new=HALF_WRONG)
    other = "version = 'other'\n\n\ndef task(*, item, **kwargs):\n    return item.input['n']\n\n\n"
    branch.project.write(
        "experiments/other.py",
        other + "def correct(**kwargs):\n    return False\n\n\nevaluators = [correct]\n",
    )
    said = branch.run("--against", "experiments/other.py")

    assert said.outcome(1) == "REGRESSION"
    assert "fell from 100.0 % to 50.0 %" in said.out.replace("\n", " ")
    assert "against baseline other" in said.out.replace("\n", " ")


def test_two_refs_are_compared_whatever_the_working_tree_holds(beside: Beside) -> None:
    branch = beside()
    branch.commit_on("worse", {"experiments/answers.py": answers("worse", "n >= 20")})
    branch.project.write("experiments/answers.py", answers("tree", "False"))
    said = branch.run("--candidate", "git:worse", "--against", "git:main")

    assert said.outcome(1) == "REGRESSION"
    assert branch.versions_called() == {"old", "worse"}
    assert "uncommitted changes" not in branch.project.scoregate("runs", "show", said.started).out


def test_a_version_beside_itself_is_no_comparison_in_every_face(beside: Beside, tmp_path: Path) -> None:
    branch = beside(gate=BESIDE + "[rounds]\nmax_trials = 1\n")
    report, document = (str(tmp_path / name) for name in ("report.md", "report.json"))
    said = branch.run("-o", f"markdown={report}", "-o", f"json={document}")

    assert said.outcome(0) == "INCONCLUSIVE"
    same = "both versions are the same commit"
    for face in (
        said.out,
        said.err,
        Path(report).read_text(),
        json.loads(Path(document).read_text())["reason"],
    ):
        assert same in " ".join(face.split())


def test_a_file_beside_itself_is_no_comparison(beside: Beside) -> None:
    said = beside(gate=BESIDE + "[rounds]\nmax_trials = 1\n").run("--against", "experiments/agent.py")

    assert said.outcome(0) == "INCONCLUSIVE"
    assert "both versions are the same file experiments/agent.py" in " ".join(said.out.split())


def test_a_version_beside_itself_that_breaks_its_floor_is_a_regression(beside: Beside) -> None:
    gate = BESIDE.replace("[scores.correct]", "[scores.correct]\nmin = 0.9") + "[rounds]\nmax_trials = 1\n"
    branch = beside(gate=gate)
    branch.commit_on("worse", {"experiments/answers.py": answers("worse", "n >= 20")})
    said = branch.run("--candidate", "git:worse", "--against", "git:worse")

    assert said.outcome(1) == "REGRESSION"
    assert "both versions are the same commit" in " ".join(said.out.split())


def test_json_is_one_document_on_stdout(beside: Beside) -> None:
    verdict = beside(new=HALF_WRONG).run("--json").json()

    assert verdict["outcome"] == "regression"
    assert [r["round"] for r in verdict["rounds"]] == ["A"]


def test_a_cap_before_the_fresh_trials_leaves_the_verdict_of_the_first_round(beside: Beside) -> None:
    branch = beside(new=FEW_WRONG)
    said = branch.run("--max-calls", "129")

    assert said.outcome(0) == "INCONCLUSIVE"
    assert rounds_told(said) == ["A"]
    assert "a cap on calls, cost or time ruled out round B" in said.out
    assert len(branch.calls()) == 80


def test_a_cap_before_a_repetition_leaves_the_verdict_of_what_is_there(beside: Beside) -> None:
    branch = beside()
    said = branch.run("--max-calls", "239")

    assert said.outcome(0) == "INCONCLUSIVE"
    assert rounds_told(said) == ["A"]
    assert "a cap on calls, cost or time ruled out round C" in said.out
    assert len(branch.calls()) == 80


def test_a_cap_within_the_first_round_ends_with_the_command_that_does_the_rest(beside: Beside) -> None:
    branch = beside(new=HALF_WRONG)
    line = branch.run("--max-calls", "30").error(5)

    assert line.startswith(
        "reached max_calls = 30 in round A after 30 of 80 run items, which are kept (go on with: "
    )
    assert line.endswith(" --max-calls 80)")


def test_a_cost_cap_on_versions_that_name_no_cost_is_said_to_be_none(beside: Beside) -> None:
    said = beside(new=HALF_WRONG).run("--max-cost", "1")

    assert said.outcome(1) == "REGRESSION"
    assert "max_cost_usd limited nothing: the candidate does not say what its calls cost" in said.err


@pytest.mark.parametrize(
    ("words", "items"), [(("--slice", "intent=refund"), 20), (("--item", "q001", "--item", "q003"), 2)]
)
def test_a_selection_of_items_is_no_pass(beside: Beside, words: tuple[str, ...], items: int) -> None:
    branch = beside(gate=BESIDE + "[rounds]\nmax_trials = 1\n", new=answers("new"))
    said = branch.run(*words)

    assert said.outcome(3) == "INCONCLUSIVE"
    assert f"{items} items, PARTIAL: " in said.err
    assert len(branch.calls()) == 2 * items


def test_trials_are_those_of_the_first_round(beside: Beside) -> None:
    branch = beside(number=20, new=answers("new", "n >= 10"))
    said = branch.run("--trials", "3")

    assert said.outcome(1) == "REGRESSION"
    assert "round A, every item in both versions: 20 items × 3 trials × 2 versions, 120 calls" in said.err
    assert len(branch.calls()) == 120


def test_the_other_checkouts_are_kept_out_of_sight_of_git(decided: tuple[Branch, Ended]) -> None:
    assert decided[0].repository.git("status", "--porcelain") == "M experiments/answers.py\n?? verdict.json"
