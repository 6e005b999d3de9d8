"""The faulty version of the example beside the good one, both noisy on purpose, through the real command line."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from scoregate.records import JSON
from tests.cli.project import Ended, Project
from tests.documents import checked_document
from tests.git.repository import Repository

EXAMPLE = Path(__file__).parents[2]
GATE = "gates/support-agent-side-by-side.toml"
ITEMS = 247
ONE_PASS = 2 * ITEMS
"""Calls of the agent in one pass: every item once in both versions."""
NOISE = {"SUPPORT_AGENT_NOISE": "0.05"}


def branch_of(folder: Path) -> Project:
    """The example in a repository of its own: the good version on `main`, and nothing more on the branch `pr`."""
    for name in ("datasets", "experiments", "gates"):
        shutil.copytree(EXAMPLE / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    project, repository = Project(folder, NOISE), Repository(folder)
    project.write(".gitignore", ".scoregate/\n__pycache__/\n")
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit()
    repository.git("checkout", "--quiet", "-b", "pr")
    return project


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Ended]:
    """After a build of a branch that makes version 2 of the agent the one in use."""
    project = branch_of(tmp_path_factory.mktemp("faulty") / "example")
    project.write("experiments/support_agent.py", project.read("experiments/support_agent_v2.py"))
    Repository(project.folder).commit()
    return project, project.scoregate("run", GATE, "-o", "json=verdict.json")


def verdict_of(project: Project) -> JSON:
    return checked_document(json.loads(project.read("verdict.json")))


def calls_of(project: Project) -> int:
    """Calls of the agent that the store has of all runs; no call of the example is repeated."""
    with closing(sqlite3.connect(project.path(".scoregate/store.sqlite3"))) as store:
        assert store.execute("SELECT count(*) FROM attempts").fetchone() == (0,)
        number: int = store.execute("SELECT count(*) FROM run_items").fetchone()[0]
    return number


def test_the_faulty_version_breaks_the_build_in_round_b(faulty: tuple[Project, Ended]) -> None:
    project, said = faulty

    assert said.outcome(1) == "REGRESSION"
    assert re.search(
        r"candidate support-agent-2 \(.*\) against baseline support-agent-1 ", " ".join(said.out.split())
    )
    assert [r["round"] for r in verdict_of(project)["rounds"]] == ["A", "B"]
    assert verdict_of(project)["rounds"][-1]["outcome"] == "regression"


def test_the_item_that_breaks_the_policy_is_named_with_its_fresh_counts(
    faulty: tuple[Project, Ended],
) -> None:
    project, said = faulty

    assert "- shipping-040: policy_compliance 5 of 5 before, 0 of 5 now" in said.out
    assert "a customer was shown staff-goodwill (staff)" in " ".join(said.out.split())
    assert "shipping-040" in verdict_of(project)["regressed_items"]


def test_the_build_costs_at_most_two_and_a_half_passes(faulty: tuple[Project, Ended]) -> None:
    project, said = faulty
    fresh = verdict_of(project)["rounds"][1]

    assert calls_of(project) == ONE_PASS + 2 * fresh["items"] * fresh["trials"] <= 2.5 * ONE_PASS
    assert f"{calls_of(project):,} calls" in " ".join(said.out.split())


def test_the_unchanged_version_does_not_break_the_build_however_noisy(tmp_path: Path) -> None:
    project = branch_of(tmp_path / "example")
    said = project.scoregate("run", GATE, "-o", "json=verdict.json", "--max-calls", str(3 * ONE_PASS // 2))

    assert said.outcome(0) in ("PASS", "INCONCLUSIVE")
    moved = {flip["item"] for flip in verdict_of(project)["flips"]}
    assert moved  # so the noise was there


def test_an_agent_without_noise_answers_the_same_in_both_versions(tmp_path: Path) -> None:
    project = branch_of(tmp_path / "example")
    words = ("-o", "json=verdict.json", "--slice", "intent=refunds")
    said = Project(project.folder).scoregate("run", GATE, *words, "--max-calls", "80")

    assert said.outcome(3) == "INCONCLUSIVE"
    assert verdict_of(project)["flips"] == []
