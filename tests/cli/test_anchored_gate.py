"""`check` of a gate with an anchor: drops too small to show one by one."""

from __future__ import annotations

import pytest

from tests.cli.project import Project

ANCHOR = "gates/release.jsonl"
CHECK = ("check", "gates/agent.toml", "--candidate", "candidate.jsonl", "--baseline", "baseline.jsonl")


@pytest.fixture
def anchored(accepted: Project) -> Project:
    """The accepted run as the anchor; a baseline that fails 8 of its 64 items, and a candidate that fails 9."""
    lines = accepted.read_lines("gates/agent.baseline.jsonl")
    accepted.write_lines(ANCHOR, lines)
    for name, failing in (("baseline", 8), ("candidate", 9)):
        header = {**lines[0], "run": name, "candidate": name}
        items = [
            {**line, "scores": {"correct": position >= failing}} for position, line in enumerate(lines[1:])
        ]
        accepted.write_lines(f"{name}.jsonl", [header, *items])
    anchor = f'anchor = "{ANCHOR}"\n'
    accepted.write("gates/agent.toml", anchor + accepted.read("gates/agent.toml").replace("0.05", "0.2"))
    return accepted


def test_a_drop_since_the_anchor_is_a_regression_that_names_it(anchored: Project) -> None:
    checked = anchored.scoregate(*CHECK, "--json")
    assert checked.code == 1
    verdict = checked.json()
    assert verdict["reason"].startswith("correct: fell from 100.0 % to 85.9 %")
    assert f"since the anchor v1 (run {anchored.baseline_run})" in verdict["reason"]
    assert verdict["alpha"] == 0.01
    assert {rule["against"] for rule in verdict["rules"]} == {"baseline", "anchor"}
    assert anchored.scoregate(*CHECK).outcome(1) == "REGRESSION"


def test_without_the_anchor_it_passes(anchored: Project) -> None:
    anchored.edit("gates/agent.toml", f'anchor = "{ANCHOR}"\n', "")
    assert anchored.scoregate(*CHECK).outcome(0) == "PASS"


def test_the_anchor_may_be_a_stored_run(anchored: Project) -> None:
    anchored.edit("gates/agent.toml", ANCHOR, f"run:{anchored.baseline_run}")
    assert anchored.scoregate(*CHECK).outcome(1) == "REGRESSION"


def test_an_anchor_that_is_not_there_says_how_to_write_it(anchored: Project) -> None:
    anchored.path(ANCHOR).unlink()
    told = anchored.scoregate(*CHECK).error(4)
    assert told == (
        f"{ANCHOR}: the anchor of gates/agent.toml is not there, so drops since then cannot be seen "
        f"(write it: scoregate runs export RUN -o {ANCHOR}; or take `anchor` out of the gate)"
    )


def test_a_broken_anchor_is_told(anchored: Project) -> None:
    anchored.write(ANCHOR, "{")
    assert anchored.scoregate(*CHECK).error(4).startswith(f"{ANCHOR}:1: the anchor cannot be read: ")


def test_an_anchor_of_another_dataset_makes_the_verdict_invalid(anchored: Project) -> None:
    lines = anchored.read_lines(ANCHOR)
    changed = {**lines[1], "content": "0" * 16}
    anchored.write_lines(ANCHOR, [{**lines[0], "dataset_fingerprint": "other"}, changed, *lines[2:]])
    checked = anchored.scoregate(*CHECK, "--json")
    assert checked.code == 4
    assert "the dataset 'agent' changed since the baseline was made" in checked.json()["reason"]


def test_no_anchor_is_chosen_by_its_score(anchored: Project) -> None:
    anchored.edit("gates/agent.toml", ANCHOR, "run:best")
    assert "'best' names no run, and nothing to compare with is chosen by its score" in anchored.scoregate(
        *CHECK
    ).error(2)
