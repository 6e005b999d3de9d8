"""`runs`: what the store holds, in text and as JSON."""

from __future__ import annotations

import pytest

from tests.cli.project import Project


@pytest.fixture
def two(regressed: tuple[Project, str]) -> tuple[Project, str, str]:
    """A project with two runs, and their ids: all 64 correct, then 10 of them wrong."""
    project, second = regressed
    return project, project.baseline_run, second


def test_list_shows_the_newest_first(two: tuple[Project, str, str]) -> None:
    project, first, second = two
    listed = project.scoregate("runs", "list").out.splitlines()
    assert [line.split()[0] for line in listed[2:]] == [second, first]
    assert "64 of 64" in listed[2]
    summaries = project.scoregate("runs", "list", "--json").json()
    assert [(s["run"], s["candidate"], s["done"]) for s in summaries] == [
        (second, "v2", 64),
        (first, "v1", 64),
    ]
    assert project.scoregate("runs", "list", "--gate", "other").out == "no runs of the gate 'other'\n"
    assert project.scoregate("runs", "list", "--gate", "other", "--json").json() == []


def test_show_tells_counts_and_scores_with_their_denominators(two: tuple[Project, str, str]) -> None:
    project, _, second = two
    shown = project.scoregate("runs", "show", second).out
    assert "64 ok of 64 expected" in shown
    assert shown.splitlines()[-1].split() == ["correct", "84.4", "%", "64", "of", "64", "0", "0"]
    document = project.scoregate("runs", "show", second, "--json").json()
    assert document["items"] == {
        "expected": 64,
        "ok": 64,
        "error": 0,
        "timeout": 0,
        "skipped": 0,
        "not_run": 0,
    }
    assert document["scores"]["correct"]["mean_of_valid"] == 54 / 64


def test_diff_lists_every_cell_that_differs(two: tuple[Project, str, str]) -> None:
    project, first, second = two
    told = project.scoregate("runs", "diff", first, second)
    assert told.code == 0
    assert told.out.endswith("10 cells differ\n")
    cells = project.scoregate("runs", "diff", first, second, "--json").json()
    assert [cell["item"] for cell in cells] == [f"q{n:03}" for n in range(10)]
    assert cells[0] == {
        "item": "q000",
        "trial": 0,
        "score": "correct",
        "before": True,
        "after": False,
        "comment": None,
    }
    assert project.scoregate("runs", "diff", first, first).out == "no cell differs\n"


def test_an_exported_run_comes_back_the_same(two: tuple[Project, str, str]) -> None:
    project, _, second = two
    on_stdout = project.scoregate("runs", "export", second)
    written = project.scoregate("runs", "export", second, "-o", "second.jsonl.gz")
    assert written.err == f"wrote {second}: 64 run items, 64 scores to second.jsonl.gz\n"
    imported = project.scoregate("runs", "import", "second.jsonl.gz", "--store", "other/store.sqlite3")
    assert imported.out == f"imported {second}: 64 run items, 64 scores\n"
    again = project.scoregate("runs", "export", second, "--store", "other/store.sqlite3")
    assert again.out == on_stdout.out
    taken = project.scoregate("runs", "import", "second.jsonl.gz", "--store", "other/store.sqlite3")
    assert f"there is already a run '{second}'" in taken.error(2)
    replaced = project.scoregate(
        "runs", "import", "second.jsonl.gz", "--store", "other/store.sqlite3", "--replace"
    )
    assert replaced.code == 0


def test_a_run_is_written_as_results_beside_its_verdict(two: tuple[Project, str, str]) -> None:
    project, _, second = two
    exported = project.scoregate("runs", "export", second).out
    words = ("check", "gates/agent.toml", "--candidate", second)
    assert project.scoregate(*words, "-o", "results=out/second.jsonl").outcome(1) == "REGRESSION"
    assert project.read("out/second.jsonl") == exported
    assert project.run("-o", "results=third.jsonl").outcome(1) == "REGRESSION"
    assert len(project.read_lines("third.jsonl")) == len(exported.splitlines())
    told = project.scoregate(*words, "-o", "results=second.json").error(2)
    assert told == "-o: 'second.json' could not be read again (a results file ends in .jsonl or .jsonl.gz)"
    told = project.scoregate("runs", "export", second, "-o", "second.json").error(2)
    assert told == "-o: 'second.json' could not be read again (a results file ends in .jsonl or .jsonl.gz)"


def test_prune_asks_and_keeps_the_newest(two: tuple[Project, str, str]) -> None:
    project, _, second = two
    declined = project.scoregate("runs", "prune", "--keep", "1", answer="n\n")
    assert declined.code == 0
    assert declined.out.endswith("nothing was deleted\n")
    assert "nobody answered, so nothing was changed" in project.scoregate(
        "runs", "prune", "--keep", "1"
    ).error(2)
    pruned = project.scoregate("runs", "prune", "--keep", "1", answer="y\n")
    assert "deleted 1 run, 64 run items, 64 scores" in pruned.out
    assert [s["run"] for s in project.scoregate("runs", "list", "--json").json()] == [second]


def test_prune_keeps_the_run_that_a_gate_compares_with(two: tuple[Project, str, str]) -> None:
    project, first, second = two
    gate = project.read("gates/agent.toml").replace("gates/agent.baseline.jsonl", f"run:{first}")
    project.write("gates/other.toml", gate)
    assert project.scoregate("runs", "prune", "--keep", "0", "--yes").code == 0
    assert [s["run"] for s in project.scoregate("runs", "list", "--json").json()] == [first]
    assert second != first


def test_an_empty_project_says_that_there_are_no_runs(two: tuple[Project, str, str]) -> None:
    project = two[0]
    nowhere = project.scoregate("runs", "list", "--store", "nowhere.sqlite3")
    assert (
        "nowhere.sqlite3: there are no stored runs (run a gate first: scoregate run GATE)" in nowhere.error(2)
    )
    assert not project.path("nowhere.sqlite3").exists()


def test_an_unknown_run_is_told_with_the_latest_ones(two: tuple[Project, str, str]) -> None:
    project, first, second = two
    assert f"there is no run 'nope' (the latest are: {second}, {first})" in project.scoregate(
        "runs", "show", "nope"
    ).error(2)
    assert "'agent' begins the ids of 2 runs" in project.scoregate("runs", "show", "agent").error(2)


def test_prune_keeps_the_run_that_is_a_gates_anchor(two: tuple[Project, str, str]) -> None:
    project, first, _ = two
    project.edit("gates/agent.toml", "[slices]", f'anchor = "run:{first}"\n\n[slices]')
    assert project.scoregate("runs", "prune", "--keep", "0", "--yes").code == 0
    assert [s["run"] for s in project.scoregate("runs", "list", "--json").json()] == [first]
