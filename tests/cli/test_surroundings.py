"""What else is in a repository decides nothing: other projects and gates, and what commands leave behind."""

from __future__ import annotations

import shutil

from tests.cli.project import Project, agent


def test_a_gate_of_a_project_in_the_project_is_the_same_from_everywhere(accepted: Project) -> None:
    inner = accepted.folder / "agents" / "a"
    for name in ("gates", "datasets", "experiments"):
        shutil.copytree(accepted.folder / name, inner / name)
    (inner / "experiments" / "agent.py").write_text(agent("return -1", version="wrong"))

    ran = accepted.scoregate("run", "agents/a/gates/agent.toml")

    assert ran.outcome(1) == "REGRESSION"
    assert "agents/a/datasets/agent.jsonl and agents/a/experiments/agent.py" in ran.out
    assert (inner / ".scoregate").is_dir()


def test_where_only_one_project_is_there_nothing_is_said_of_others(accepted: Project) -> None:
    assert "own project" not in accepted.run().out
