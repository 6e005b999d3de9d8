"""`merge`: the shards of a run decided once, as if one job had run it all."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from scoregate.records import JSON
from tests.cli.project import GATE, Project, agent
from tests.git.repository import Repository

SHARDS = [f"shard-{number}.jsonl" for number in range(1, 9)]
MERGE = ("merge", "gates/agent.toml")


@pytest.fixture(scope="module")
def _sharded(_regressed: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder, _ = _regressed
    project = Project(folder).copied_to(tmp_path_factory.mktemp("sharded") / "project")
    for number, file in enumerate(SHARDS, start=1):
        assert project.run("--shard", f"{number}/8", "-o", f"results={file}").code == 0
    return project


@pytest.fixture
def sharded(_sharded: Project, _regressed: tuple[Path, str], tmp_path: Path) -> tuple[Project, str]:
    """The `regressed` project whose agent v2 eight jobs have run as well, and the id of the run by one job."""
    return _sharded.copied_to(tmp_path / "project"), _regressed[1]


Sharded = tuple[Project, str]


def edit_header(project: Project, file: str, **changed: JSON) -> None:
    header, *cells = project.read_lines(file)
    project.write_lines(file, [{**header, **changed}, *cells])


def timeless(text: str) -> str:
    """A report without the times of its run, which are another run's where the same is run again."""
    return re.sub(r'("(?:started|finished)_at": )"[^"]*"', r'\1"a time"', text)


def test_eight_shards_give_the_verdict_of_one_run_to_the_byte(sharded: Sharded) -> None:
    project, whole = sharded
    reports = [f"{fmt}=merged.{fmt}" for fmt in ("json", "markdown", "csv")]
    merged = project.scoregate(*MERGE, *SHARDS, *(word for report in reports for word in ("-o", report)))
    assert (merged.outcome(1), merged.err) == ("REGRESSION", "")
    run = project.scoregate(*MERGE, *SHARDS, "--json").json()["candidate_run"]
    reports = [report.replace("merged", "whole") for report in reports]
    checked = project.scoregate(
        "check", "gates/agent.toml", "--candidate", whole, *(word for r in reports for word in ("-o", r))
    )
    # A run's id is made of its gate, its time and four digits, of whichever job it is.
    assert len(run) == len(whole)
    assert merged.out.replace(run, whole) == checked.out
    for fmt in ("json", "markdown", "csv"):
        assert timeless(project.read(f"merged.{fmt}")).replace(run, whole) == timeless(
            project.read(f"whole.{fmt}")
        )


def test_trials_clusters_slices_and_failures_are_counted_as_in_one_run(small: Callable[..., Project]) -> None:
    gate = GATE.replace(
        "[slices]", 'trials = 2\ncluster = "metadata.intent"\nmax_failed_items = 0.3\n\n[slices]'
    )
    project = small(number=40, gate=f'{gate}slices = ["intent"]\n').with_baseline()
    project.write(
        "experiments/agent.py", agent('assert n % 9, "no such page"\nreturn -n if n % 5 == 3 else n')
    )
    whole = project.run("--json")
    shards = [project.run("--shard", f"{number}/3").started for number in (1, 2, 3)]
    merged = project.scoregate(*MERGE, *shards, "--json")
    assert (merged.code, len(whole.json()["missing_items"])) == (whole.code, 5)
    assert timeless(merged.out).replace(merged.json()["candidate_run"], whole.started) == timeless(whole.out)


def test_what_judges_took_comes_with_the_shards(judged_accepted: Project, tmp_path: Path) -> None:
    whole = judged_accepted.run("--no-cache", "--json")
    jobs = [judged_accepted.copied_to(tmp_path / name) for name in ("one", "two")]
    for number, job in enumerate(jobs, start=1):
        words = ("--shard", f"{number}/2", "--no-cache", "-o", f"results=../{number}.jsonl")
        assert job.run(*words).code == 0
    there = Project.small(tmp_path / "there")
    for name in (
        "datasets/agent.jsonl",
        "gates/agent.toml",
        "gates/scores.toml",
        "gates/agent.baseline.jsonl",
    ):
        there.write(name, judged_accepted.read(name))
    merged = there.scoregate(*MERGE, "../1.jsonl", "../2.jsonl", "--json")
    assert [judge["calls"] for judge in merged.json()["judges"]] == [8]
    assert timeless(merged.out).replace(merged.json()["candidate_run"], whole.started) == timeless(whole.out)


def test_neither_the_order_of_the_files_nor_a_second_time_matters(sharded: Sharded) -> None:
    project, _ = sharded
    first = project.scoregate(*MERGE, *SHARDS)
    assert project.scoregate(*MERGE, *SHARDS[::-1]).out == first.out
    assert project.scoregate("merge", *SHARDS[3:], *SHARDS[:3], "gates/agent.toml").out == first.out


def test_the_shards_know_their_gate(sharded: Sharded) -> None:
    project, _ = sharded
    assert project.scoregate("merge", *SHARDS).outcome(1) == "REGRESSION"
    project.path("gates/agent.toml").rename(project.path("gates/other.toml"))
    told = project.scoregate("merge", *SHARDS).error(2)
    assert told == (
        "shard 1/8 (shard-1.jsonl) is of the gate 'agent', which is not in the folder gates/ of this project "
        "(name the gate: scoregate merge GATE RESULTS...)"
    )


def test_a_job_of_its_own_needs_the_checkout_and_the_files_alone(sharded: Sharded, tmp_path: Path) -> None:
    project, _ = sharded
    there = Project(tmp_path / "there")
    for name in ("datasets/agent.jsonl", "gates/agent.toml", "gates/agent.baseline.jsonl", *SHARDS):
        there.write(name, project.path(name).read_bytes())
    merged = there.scoregate(*MERGE, *SHARDS)
    assert merged.outcome(1) == "REGRESSION"
    assert merged.out == project.scoregate(*MERGE, *SHARDS).out


def test_the_merged_run_is_kept_and_can_be_compared_accepted_and_written(sharded: Sharded) -> None:
    project, whole = sharded
    run = project.scoregate(*MERGE, *SHARDS, "--json", "-o", "results=merged.jsonl.gz").json()[
        "candidate_run"
    ]
    shown = project.scoregate("runs", "show", run, "--json").json()
    assert shown["items"]["ok"] == shown["expected_items"] == 64
    assert len(shown["metadata"]["merged_from"]) == 8
    assert "shard" not in shown["metadata"]
    assert project.scoregate("runs", "diff", whole, run).out == "no cell differs\n"
    assert project.scoregate("runs", "diff", run, "merged.jsonl.gz").out == "no cell differs\n"
    accept = ("baseline", "accept", "gates/agent.toml", run, "--why", "wanted", "--yes")
    assert project.scoregate(*accept).code == 0
    assert project.scoregate("check", "gates/agent.toml", "--candidate", whole).outcome(0) == "PASS"


def test_results_that_are_written_into_the_checkout_are_no_change_of_it(accepted: Project) -> None:
    repository = Repository(accepted.folder)
    repository.git("init", "--quiet")
    accepted.edit("experiments/agent.py", 'version = "v1"\n', "")  # so that the commit is the version's label
    commit = repository.commit()
    first = accepted.run("--shard", "1/3").started
    assert accepted.scoregate("runs", "export", first, "-o", "1.jsonl").code == 0
    assert accepted.run("--shard", "2/3", "-o", "results=2.jsonl").code == 0
    assert accepted.run("--shard", "3/3", "-o", "results=3.jsonl").code == 0
    headers = [accepted.read_lines(f"{number}.jsonl")[0] for number in (1, 2, 3)]
    assert [(one["commit"], one["metadata"]["dirty"]) for one in headers] == [(commit, False)] * 3
    assert accepted.scoregate(*MERGE, "1.jsonl", "2.jsonl", "3.jsonl").outcome(0) == "PASS"


def test_a_shard_of_another_commit_is_named(accepted: Project) -> None:
    repository = Repository(accepted.folder)
    repository.git("init", "--quiet")
    old = repository.commit({"README.md": "old"})[:12]
    for number in (1, 2):
        assert accepted.run("--shard", f"{number}/3", "-o", f"results={number}.jsonl").code == 0
    new = repository.commit({"README.md": "new"})[:12]
    assert accepted.run("--shard", "3/3", "-o", "results=3.jsonl").code == 0
    told = invalid(accepted, "1.jsonl", "2.jsonl", "3.jsonl")
    assert told == f"shard 3/3 (3.jsonl): commit {new}, of the others {old}"


def test_stored_runs_are_merged_by_their_ids(accepted: Project) -> None:
    shards = [accepted.run("--shard", f"{number}/2").started for number in (1, 2)]
    assert accepted.scoregate(*MERGE, *shards).outcome(0) == "PASS"


def test_merge_has_the_options_of_check(sharded: Sharded) -> None:
    project, whole = sharded
    same = project.scoregate(*MERGE, *SHARDS, "--baseline", whole, "--seed", "7", "--json").json()
    assert (same["outcome"], same["baseline_run"], same["seed"]) == ("pass", whole, 7)
    project.edit("gates/agent.toml", "max_drop = 0.05", "max_drop = 0.0001")
    words = (*MERGE, *SHARDS, "--baseline", whole, "--on-inconclusive")
    assert project.scoregate(*words, "warn").outcome(0) == "INCONCLUSIVE"
    assert project.scoregate(*words, "fail").outcome(3) == "INCONCLUSIVE"


def test_the_first_run_of_a_gate_may_be_one_of_shards(small: Callable[..., Project]) -> None:
    project = small(number=64)
    for number in (1, 2):
        ran = project.run("--shard", f"{number}/2", "-o", f"results={number}.jsonl")
        assert (ran.code, "; the merged run can become the first\n" in ran.err) == (0, True)
    merged = project.scoregate(*MERGE, "1.jsonl", "2.jsonl")
    assert merged.outcome(4) == "INVALID"
    assert "64 ok of 64 expected" in merged.out
    accept = next(line for line in merged.out.splitlines() if line.startswith("→ scoregate baseline accept"))
    run = accept.split()[5]
    words = ("baseline", "accept", "gates/agent.toml", run, "--why", "first")
    assert project.scoregate(*words).code == 0
    assert project.run().outcome(0) == "PASS"


def test_more_shards_than_items_are_merged_as_well(small: Callable[..., Project]) -> None:
    project = small(number=3).with_baseline()
    for number in range(1, 6):
        assert project.run("--shard", f"{number}/5", "-o", f"results={number}.jsonl").code == 0
    merged = project.scoregate(*MERGE, *(f"{number}.jsonl" for number in range(1, 6)), "--json").json()
    assert merged["rules"][0]["n_items"] == 3


def invalid(project: Project, *files: str) -> str:
    """The reason of an invalid verdict, without its beginning; every face of it says the same."""
    merged = project.scoregate(*MERGE, *files, "--json", "-o", "markdown=verdict.md")
    assert merged.code == 4
    verdict = merged.json()
    assert (verdict["outcome"], verdict["exit_code"], verdict["candidate_run"]) == ("invalid", 4, None)
    assert "**INVALID**: the results are not one whole run: " in project.read("verdict.md")
    assert project.scoregate(*MERGE, *files).outcome(4) == "INVALID"
    reason: str = verdict["reason"]
    return reason.removeprefix("the results are not one whole run: ")


def test_a_shard_that_is_missing_is_named(sharded: Sharded) -> None:
    project, _ = sharded
    assert invalid(project, *SHARDS[:2], *SHARDS[3:]) == "shard 3/8 is missing"


def test_a_shard_that_is_there_twice_is_named(sharded: Sharded) -> None:
    project, _ = sharded
    told = invalid(project, *SHARDS, "shard-3.jsonl")
    assert told == "shard 3/8 is there twice (shard-3.jsonl, shard-3.jsonl)"


def test_a_shard_that_was_run_twice_may_have_answered_otherwise(sharded: Sharded) -> None:
    project, _ = sharded
    project.write("experiments/agent.py", agent("return -1", version="v2"))
    assert project.run("--shard", "3/8", "-o", "results=again.jsonl").code == 0
    told = invalid(project, *SHARDS, "again.jsonl")
    assert "shard 3/8 (again.jsonl): program experiments/agent.py " in told
    assert "shard 3/8 is there twice (shard-3.jsonl, again.jsonl), with another answer to item 'q" in told


def test_an_item_that_is_in_two_shards_is_named(sharded: Sharded) -> None:
    project, _ = sharded
    item, score = project.read_lines("shard-2.jsonl")[1:3]
    id = item["item"]
    lines = project.read_lines("shard-5.jsonl")
    project.write_lines("shard-5.jsonl", [*lines, item, score])
    both = f"item '{id}' is both in shard 2/8 (shard-2.jsonl) and in shard 5/8 (shard-5.jsonl)"
    alien = f"item '{id}' is in shard 5/8 (shard-5.jsonl), which was not to run it"
    assert invalid(project, *SHARDS) == f"{both}; {alien}"
    project.write_lines("shard-5.jsonl", [*lines, {**item, "output": "?"}, score])
    assert invalid(project, *SHARDS) == f"{both}, with another answer; {alien}"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"commit": "b" * 40}, "commit bbbbbbbbbbbb, of the others unknown"),
        ({"candidate": "v3"}, "candidate v3, of the others v2"),
        ({"dataset": "other"}, "dataset other, of the others agent"),
        ({"dataset_fingerprint": "c" * 64}, "content of the dataset cccccccccccc, of the others "),
        ({"scorers": {"correct": "src-1"}}, "scorer of correct src-1, of the others src-"),
        ({"trials": 2}, "trials 2, of the others 1"),
    ],
)
def test_a_shard_of_something_else_is_named(sharded: Sharded, changed: dict[str, JSON], told: str) -> None:
    project, _ = sharded
    edit_header(project, "shard-6.jsonl", **changed)
    assert invalid(project, *SHARDS).startswith(f"shard 6/8 (shard-6.jsonl): {told}")


def test_results_that_cannot_be_trusted_are_named(sharded: Sharded) -> None:
    """A file that was cut off on its way, and one that says something twice."""
    project, _ = sharded
    project.write("shard-3.jsonl", project.read("shard-3.jsonl")[:-9])
    end = len(project.read_lines("shard-6.jsonl"))
    project.write(
        "shard-6.jsonl", project.read("shard-6.jsonl") + project.read("shard-6.jsonl").splitlines()[1]
    )
    cut, twice, missing = invalid(project, *SHARDS).split("; ")
    assert cut.startswith("shard-3.jsonl:")
    assert "the last line is cut off" in cut
    assert twice.startswith(f"shard-6.jsonl:{end + 1}: item 'q")
    assert twice.endswith("was already given in line 2")
    assert missing == "shards 3/8, 6/8 are missing"
    assert "the last line is cut off" in project.scoregate(*MERGE, "shard-3.jsonl").error(2)


def test_a_shard_of_another_gate_is_named(sharded: Sharded) -> None:
    project, _ = sharded
    metadata = project.read_lines("shard-6.jsonl")[0]["metadata"]
    edit_header(project, "shard-6.jsonl", metadata={**metadata, "gate": "other"})
    assert invalid(project, *SHARDS) == "shard 6/8 (shard-6.jsonl) is of the gate 'other'"


def test_a_shard_of_another_number_of_shards_is_named(sharded: Sharded) -> None:
    project, _ = sharded
    assert project.run("--shard", "3/9", "-o", "results=other.jsonl").code == 0
    told = invalid(project, *SHARDS[:2], "other.jsonl", *SHARDS[3:])
    assert "shard 3/9 (other.jsonl) is a share of 9, the others are of 8" in told


def test_a_shard_that_did_not_come_to_its_end_is_named(sharded: Sharded) -> None:
    project, _ = sharded
    stopped = project.run("--shard", "3/8", "--max-calls", "5")
    assert stopped.code == 5
    assert project.scoregate("runs", "export", stopped.started, "-o", "shard-3.jsonl").code == 0
    assert invalid(project, *SHARDS) == "shard 3/8 (shard-3.jsonl) did not come to its end, at 5 run items"


def test_items_that_no_shard_was_to_run_are_missed(sharded: Sharded) -> None:
    """Such as where two jobs shared the items out by two baselines."""
    project, _ = sharded
    header = project.read_lines("shard-1.jsonl")[0]
    gone, *kept = header["metadata"]["selected_items"]
    edit_header(project, "shard-1.jsonl", metadata={**header["metadata"], "selected_items": kept})
    lines = project.read_lines("shard-1.jsonl")
    project.write_lines("shard-1.jsonl", [line for line in lines if line.get("item") != gone])
    told = "together they were to run 63 of 64 items: were they shared out by one baseline?"
    assert invalid(project, *SHARDS) == told


def test_nothing_is_kept_of_what_is_not_one_run(sharded: Sharded) -> None:
    project, _ = sharded
    before = project.scoregate("runs", "list", "--json").json()
    invalid(project, *SHARDS[1:])
    assert project.scoregate("runs", "list", "--json").json() == before
    merged = project.scoregate(*MERGE, *SHARDS[1:], "-o", "results=merged.jsonl")
    assert merged.error(4) == "merged.jsonl: is not written, as there is no run"
    assert not project.path("merged.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("gates/agent.toml",), "no results are named: scoregate merge GATE RESULTS"),
        (
            ("gates/agent.toml", "gates/b.toml", "shard-1.jsonl"),
            "one gate is decided at a time, not gates/agent",
        ),
        (("gates/agent.toml", "shard-9.jsonl"), "RESULTS: there is no file 'shard-9.jsonl' (did you mean"),
        (("gates/agnt.toml", "shard-1.jsonl"), "gates/agnt.toml: "),
    ],
)
def test_what_cannot_be_merged(sharded: Sharded, words: tuple[str, ...], told: str) -> None:
    project, _ = sharded
    assert project.scoregate("merge", *words).error(2).startswith(told)


def test_a_whole_run_is_no_shard(sharded: Sharded) -> None:
    project, whole = sharded
    told = project.scoregate(*MERGE, *SHARDS, whole).error(2)
    assert told == (
        f"'{whole}' is no shard: run {whole} says nothing of one (`scoregate run GATE --shard K/N` makes shards; "
        f"a whole run is decided by: scoregate check GATE --candidate {whole})"
    )
