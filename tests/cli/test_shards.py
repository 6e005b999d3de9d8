"""`run --shard K/N`: jobs that know nothing of each other run a share each, and none of them decides."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scoregate.gate_run.shares import shares
from tests.cli.project import NOTE_CALL, Project, agent, ended
from tests.fork_server.process import start_python

WRONG = agent(f"{NOTE_CALL}\nreturn n if n >= 10 else -1", version="v2")


def test_a_shard_runs_its_share_and_leaves_the_verdict_to_the_merge(accepted: Project) -> None:
    accepted.write("experiments/agent.py", WRONG)
    ran = accepted.run("--shard", "2/8", "-o", "results=out/shard-2.jsonl")
    assert ran.code == 0, "no job of a matrix ends red before the results are merged"
    header, *cells = accepted.read_lines("out/shard-2.jsonl")
    own = header["metadata"]["selected_items"]
    assert {cell["item"] for cell in cells} == set(own)
    assert sorted(accepted.calls()) == [int(item[1:]) for item in own]
    assert header["metadata"]["shard"] == {"number": 2, "of": 8, "items": 64}
    assert f"{len(own)} calls, about 1 s, PARTIAL: shard 2/8: {len(own)} of 64 items" in ran.err
    assert ran.out.splitlines()[-1] == (
        "→ shard 2/8 is done and decides nothing; with the results of all shards: "
        "scoregate merge gates/agent.toml RESULTS..."
    )


def test_every_item_is_run_by_one_shard(accepted: Project) -> None:
    accepted.write("experiments/agent.py", WRONG)
    for number in (1, 2, 3):
        assert accepted.run("--shard", f"{number}/3").code == 0
    assert sorted(accepted.calls()) == list(range(64))


def test_the_order_of_the_dataset_does_not_move_an_item(accepted: Project) -> None:
    def own() -> list[str]:
        chosen: list[str] = accepted.run("--shard", "1/3", "--json").json()["metadata"]["selected_items"]
        return sorted(chosen)

    before = own()
    accepted.write_lines("datasets/agent.jsonl", accepted.read_lines("datasets/agent.jsonl")[::-1])
    assert own() == before


def test_clusters_are_kept_together(accepted: Project) -> None:
    accepted.edit("gates/agent.toml", "[slices]", 'cluster = "metadata.intent"\n\n[slices]')
    sizes = [accepted.run("--shard", f"{n}/3", "--json").json()["items"]["ok"] for n in (1, 2, 3)]
    assert sorted(sizes) == [0, 32, 32]


def test_slow_items_are_spread_by_the_latency_that_the_baseline_tells(accepted: Project) -> None:
    """Results files and stored runs do; a lock file has none, and its items are counted."""
    export = accepted.scoregate("runs", "export", accepted.baseline_run, "-o", "before.jsonl")
    assert export.code == 0
    lines = accepted.read_lines("before.jsonl")
    for line in lines:
        if line["kind"] == "item":
            line["latency_seconds"] = 30.0 if line["item"] < "q008" else 1.0
    accepted.write_lines("before.jsonl", lines)
    for number in (1, 5):
        ran = accepted.run("--shard", f"{number}/8", "--baseline", "before.jsonl", "--json").json()
        assert sum(item < "q008" for item in ran["metadata"]["selected_items"]) == 1


def test_a_shard_without_an_item_is_done_at_once(small: Callable[..., Project]) -> None:
    project = small(number=3)
    taken = set(shares({f"q{n:03}": None for n in range(3)}, {}, 8).values())
    empty = next(number for number in range(1, 9) if number not in taken)
    ran = project.run("--shard", f"{empty}/8", "-o", "results=empty.jsonl")
    assert (ran.code, len(project.read_lines("empty.jsonl"))) == (0, 1), "a header alone"
    assert f"shard {empty}/8: 0 of 3 items" in ran.out


def test_a_shard_that_was_interrupted_is_gone_on_with_as_any_run(accepted: Project) -> None:
    accepted.write("experiments/agent.py", WRONG)
    stopped = accepted.run("--shard", "2/4", "--max-calls", "5", "-o", "results=two.jsonl")
    assert stopped.code == 5
    assert not accepted.path("two.jsonl").exists()
    command = stopped.err.partition("go on with: scoregate ")[2].rstrip().rstrip(")").split()
    ran = accepted.scoregate(*command)
    assert ran.code == 0, ran.err
    assert "shard 2/4 is done and decides nothing" in ran.out
    own = accepted.read_lines("two.jsonl")[0]["metadata"]["selected_items"]
    assert sorted(accepted.calls()) == [int(item[1:]) for item in own], "each was called once"


def test_a_shard_is_neither_compared_nor_accepted_as_the_whole(regressed: tuple[Project, str]) -> None:
    project, _ = regressed
    shard = project.run("--shard", "1/2").started
    checked = project.scoregate("check", "gates/agent.toml", "--candidate", shard)
    assert "PARTIAL RUN" in checked.out
    told = project.scoregate("baseline", "accept", "gates/agent.toml", shard, "--why", "x").error(4)
    assert "it ran only a part of the dataset (shard 1/2: " in told
    assert "partial" in project.scoregate("runs", "list").out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--shard", "9/8"), "--shard: '9/8' is no shard (K/N, such as 2/8: one of N shares"),
        (("--shard", "0/8"), "--shard: '0/8' is no shard"),
        (("--shard", "2"), "--shard: '2' is no shard"),
        (("--shard", "1/1001"), "--shard: '1/1001' is no shard"),
        (("--shard", "1/2", "--limit", "9"), "--shard: a shard is a share of the whole dataset"),
        (("--shard", "1/2", "--resume"), "--shard: --resume goes on with the shard that the run is"),
        (
            ("--shard", "1/2", "--against", "git:main"),
            "--shard: git:main is run beside the candidate in rounds, each of which is planned from the results of "
            "all items (leave out --shard, or compare with stored results: --baseline FILE)",
        ),
        (
            ("--shard", "1/2", "--rescore-baseline"),
            "--shard: every shard would have the baseline scored again (do it once: scoregate runs rescore BASELINE",
        ),
        (
            ("--shard", "1/2", "-o", "markdown=verdict.md"),
            "-o: a shard has no verdict, and so no markdown report (write its results with -o results=FILE",
        ),
    ],
)
def test_what_a_shard_does_not_go_with(accepted: Project, words: tuple[str, ...], told: str) -> None:
    assert accepted.run(*words).error(2).startswith(told)
    assert len(accepted.scoregate("runs", "list", "--json").json()) == 1, "nothing was run"


def test_a_script_is_not_run_in_shards(accepted: Project) -> None:
    accepted.write("experiments/agent.py", SCRIPT)
    told = accepted.run("--shard", "1/2").error(2)
    assert told.startswith("--shard: a script says its word of the results of all items")


SCRIPT = """
def task(*, item, **kwargs):
    return item.input["n"]


def correct(*, output, expected_output, **kwargs):
    return output == expected_output


def experiment(context):
    return context.run_experiment(name="agent", task=task, evaluators=[correct])
"""


def test_a_shard_from_python_has_no_verdict_of_its_own(accepted: Project) -> None:
    accepted.write("shard.py", SHARD)
    ran = ended(start_python(["shard.py"], folder=accepted.folder))
    assert ran.out.split() == ["0", "inconclusive", "True", "2"], ran.err


SHARD = """
import scoregate
outcome = scoregate.run("gates/agent.toml", shard="2/8", local=True)
verdict = outcome.verdict
print(outcome.exit_code, verdict.outcome, verdict.partial, outcome.run.header.facts.shard.number)
"""
