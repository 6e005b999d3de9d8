"""The manual, from an empty folder to a regression that is caught."""

from __future__ import annotations

from pathlib import Path

from tests.cli.project import Project


def test_the_first_gate_from_init_to_a_regression(tmp_path: Path) -> None:
    project = Project(tmp_path)

    begun = project.scoregate("init", cold=True)
    assert begun.code == 0
    assert "scoregate run gates/agent.toml" in begun.out
    assert {path.name for path in tmp_path.iterdir()} == {
        ".github", ".gitignore", "datasets", "experiments", "gates",
    }  # fmt: skip
    assert "wrote .env and .scoregate/ into .gitignore" in begun.out

    first = project.scoregate("run", "gates/agent.toml", cold=True)
    assert first.outcome(4) == "INVALID"
    assert "gates/agent.baseline.jsonl: there is no baseline yet, so nothing was compared" in first.out
    assert "this run will be compared with nothing, and can become the first baseline\n" in first.err
    assert (first.out + first.err).count("no baseline yet") == 1
    run = first.started
    assert f'scoregate baseline accept gates/agent.toml {run} --why "…"' in first.out

    accepted = project.scoregate("baseline", "accept", "gates/agent.toml", run, "--why", "first version")
    assert accepted.code == 0
    assert accepted.out.startswith(f"accepted {run} (agent-1) as the baseline: gates/agent.baseline.jsonl\n")

    second = project.run()
    assert second.outcome(0) == "PASS"
    assert "PASS: all 2 rules hold, and no score is proved to be worse" in second.out

    project.edit("experiments/agent.py", '"saturday": "10 to 14"', '"saturday": "11 to 15"')
    worse = project.run("--version", "agent-2")
    assert worse.outcome(1) == "REGRESSION"
    assert "answer_correctness: fell from 100.0 % to 87.5 %" in worse.out
    assert "Items that moved: 8 worse, 0 better" in worse.out
    for number in range(1, 9):
        assert f"- hours-saturday-{number}: answer_correctness true → false" in worse.out
    assert 'before    {"answer": "On Saturday we are open 10 to 14."}' in worse.out
    assert 'after     {"answer": "On Saturday we are open 11 to 15."}' in worse.out


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("datasets/agent.jsonl", "mine")
    assert "datasets/agent.jsonl exists already, so nothing was written" in project.scoregate("init").error(2)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["agent.jsonl"]
    assert project.read("datasets/agent.jsonl") == "mine"


def test_init_adds_to_an_ignore_file_what_it_lacks(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(".gitignore", "*.log\n/.scoregate")
    assert "wrote .env into .gitignore" in project.scoregate("init").out
    assert project.read(".gitignore") == "*.log\n/.scoregate\n.env\n"
    assert ".gitignore" not in project.scoregate("init", "--name", "router").out
    assert project.read(".gitignore") == "*.log\n/.scoregate\n.env\n"


def test_a_second_gate_beside_the_first_keeps_the_shared_files(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.scoregate("init")
    project.write("gates/scores.toml", project.read("gates/scores.toml") + "# mine\n")
    second = project.scoregate("init", "--name", "router")
    assert second.code == 0
    assert "wrote gates/router.toml" in second.out
    assert "kept  gates/scores.toml as it is" in second.out
    assert project.read("gates/scores.toml").endswith("# mine\n")
    assert project.scoregate("run", "gates/router.toml").outcome(4) == "INVALID"


def test_init_into_a_folder_of_its_own(tmp_path: Path) -> None:
    project = Project(tmp_path)
    begun = project.scoregate("init", "my agent")
    assert "\n  cd 'my agent'\n" in begun.out
    assert project.scoregate("run", "my agent/gates/agent.toml").outcome(4) == "INVALID"


def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path) -> None:
    assert "'../x' cannot name a gate" in Project(tmp_path).scoregate("init", "--name", "../x").error(2)
    assert list(tmp_path.iterdir()) == []
