"""The dataset grew since the baseline was accepted: from a refusal to a comparison of what did not change."""

from __future__ import annotations

import pytest

from tests.cli.project import Project, agent, items

GATE = "gates/agent.toml"
LOCK = "gates/agent.baseline.jsonl"
KEY = 'on_dataset_change = "intersection"\n'


@pytest.fixture
def grown(accepted: Project) -> Project:
    """64 accepted items of which `q000` is gone and `q001` asks something else, and the new `q064` and `q065`."""
    changed = items(66)[1:]
    changed[0]["metadata"] = {"intent": "opening hours"}
    accepted.write_lines("datasets/agent.jsonl", changed)
    accepted.write(GATE, KEY + accepted.read(GATE))
    return accepted


def notes(project: Project, *words: str, code: int = 0) -> list[str]:
    ran = project.scoregate(*words, "--json")
    assert ran.code == code, (ran.err, ran.out)
    found: list[str] = ran.json()["notes"]
    return found


def test_a_dataset_that_grew_from_the_refusal_to_the_next_baseline(grown: Project) -> None:
    grown.edit(GATE, KEY, "")
    refused = grown.run()
    assert refused.outcome(4) == "INVALID"
    assert "(2 new (q064, q065), 1 gone (q000), 1 changed (q001))" in refused.out
    assert 'or set on_dataset_change = "intersection" in the gate to compare the 62 items' in " ".join(
        refused.out.split()
    )

    grown.write(GATE, KEY + grown.read(GATE))
    compared = grown.run("--json")
    assert "will not be compared" not in compared.err
    assert compared.code == 0
    assert compared.json()["notes"][:2] == [
        "the dataset changed since the baseline was made: compared on the 62 items that are the same in both; "
        "2 new (q064, q065), 1 gone (q000), 1 changed (q001)",
        "floors, critical items and missing scores count all 65 items of the candidate's dataset, new and changed ones "
        "included; every other number is of the items that were compared",
    ]
    checked = grown.scoregate("check", GATE, "--candidate", compared.started, "--json")
    assert checked.json() == compared.json()

    accept = ("baseline", "accept", GATE, compared.started, "--why", "the dataset grew")
    assert grown.scoregate(*accept).code == 0
    assert all(len(line["content"]) == 16 for line in grown.read_lines(LOCK)[1:])
    again = grown.run("--json")
    assert again.code == 0
    assert again.json()["notes"] == []


def test_a_regression_on_what_did_not_change_is_found(grown: Project) -> None:
    grown.write("experiments/agent.py", agent("return n if n >= 12 else -1", version="v2"))
    worse = grown.run()
    assert worse.outcome(1) == "REGRESSION"
    assert "compared on the 62 items" in worse.out
    assert "Items that moved: 10 worse, 0 better" in worse.out


def test_a_new_item_that_fails_is_below_the_floor(grown: Project) -> None:
    grown.edit(GATE, "max_drop = 0.05", "max_drop = 0.05\nmin = 1.0")
    grown.write("experiments/agent.py", agent("return n if n < 65 else -1", version="v2"))
    assert "correct: 98.5 % is below its minimum of 100.0 %" in grown.run().out


def test_an_item_that_the_run_lost_does_not_leave_the_comparison(grown: Project) -> None:
    run = grown.run().started
    grown.scoregate("runs", "export", run, "-o", "whole.jsonl")
    lines = [line for line in grown.read_lines("whole.jsonl") if line.get("item") not in ("q030", "q065")]
    grown.write_lines("lost.jsonl", [{**lines[0], "run": "lost"}, *lines[1:]])

    checked = grown.scoregate("check", GATE, "--candidate", "lost.jsonl", "--json").json()
    assert "compared on the 62 items that are the same in both; 2 new (q064, q065)" in checked["notes"][0]
    assert checked["missing_items"] == ["q030", "q065"]

    grown.path(".scoregate").rename(grown.path("elsewhere"))
    without_store = grown.scoregate("check", GATE, "--candidate", "lost.jsonl", "--json")
    assert without_store.err == ""
    assert without_store.json() == checked

    grown.write_lines("datasets/agent.jsonl", items(3))
    untold = grown.scoregate("check", GATE, "--candidate", "lost.jsonl")
    assert untold.outcome(4) == "INVALID"
    assert "it cannot be told which of q000, q030 left the dataset" in " ".join(untold.out.split())


def test_a_baseline_of_an_earlier_version_is_compared_by_id_and_says_so(grown: Project) -> None:
    header, *lines = grown.read_lines(LOCK)
    for line in lines:
        del line["content"]
    grown.write_lines(LOCK, [header, *lines])
    assert notes(grown, "run", GATE)[0] == (
        "the dataset changed since the baseline was made: compared on the 63 items that are the same in both (by id, "
        "as the baseline does not say what its items held); 2 new (q064, q065), 1 gone (q000)"
    )


def test_another_word_than_the_two_is_a_mistake_of_the_gate(accepted: Project) -> None:
    accepted.write(GATE, 'on_dataset_change = "union"\n' + accepted.read(GATE))
    told = accepted.run().error(2)
    assert told.startswith("gates/agent.toml:1: 'on_dataset_change' ")
    assert "intersection" in told
