"""A pull request that makes the agent worse can move the gate as well: what it moves is told with the verdict."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.project import GATE, Ended, Project, agent, items
from tests.git.repository import Repository
from tests.github.markdown import rendered
from tests.github.workflow import Workflow
from tests.github_server.description import described_server

PULL_REQUEST = {"GITHUB_BASE_REF": "main"}
OUTPUTS = ("-o", "markdown=report.md", "-o", "json=report.json")
LOWER = agent("return n if n % 4 else -1", version="v2")
"""A quarter of the answers is wrong."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A repository whose branch `main` is pushed to a bare origin, with an accepted baseline of 40 items."""
    project = Project.small(tmp_path / "project", number=40)
    project.write("gates/scores.toml", '[correct]\ntype = "boolean"\n')
    project.write(".github/workflows/gate.yml", "run: scoregate run gates/agent.toml\n")
    project.write(".gitignore", ".scoregate/\n__pycache__/\n")
    repository = Repository(project.folder)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit()
    project.with_baseline()
    repository.commit()
    repository.git("init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    repository.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    repository.git("push", "--quiet", "origin", "main")
    repository.git("checkout", "--quiet", "-b", "change")
    return project


def in_pull_request(project: Project, *words: str) -> Ended:
    """Commit the change, and run the gate in the build of its pull request."""
    Repository(project.folder).commit()
    return project.scoregate("run", "gates/agent.toml", *words, environment=PULL_REQUEST)


def changes(project: Project) -> list[str]:
    told: list[str] = in_pull_request(project, "--json").json()["policy_changes"]
    return told


def write_items(project: Project, kept: list[dict[str, object]]) -> None:
    project.write("datasets/agent.jsonl", "".join(json.dumps(item) + "\n" for item in kept))


def test_a_change_that_leaves_the_gate_alone_says_nothing(project: Project) -> None:
    project.write("experiments/agent.py", LOWER)
    project.write("README.md", "Another agent.\n")
    assert changes(project) == []


def test_a_lower_bar_is_named_with_both_values(project: Project) -> None:
    project.edit("gates/agent.toml", "max_drop = 0.05", "max_drop = 0.5\nmin = 0.2")
    assert changes(project) == ["correct: min none → 0.2", "correct: max_drop 0.05 → 0.5"]


def test_the_part_of_a_shared_alpha_is_named_that_another_gate_takes(project: Project) -> None:
    """A gate that never decides anything would make drops of the others harder to prove."""
    project.write("gates/project.toml", "[project]\nalpha = 0.01\n")
    assert changes(project) == []
    project.write("gates/idle.toml", GATE)
    assert changes(project) == ["gate: alpha 0.01 → 0.005"]


def test_every_part_of_the_gate_is_looked_at(project: Project) -> None:
    further = "alpha = 0.001\ntrials = 2\n\n[limits]\ntimeout_seconds = 5\n\n[slices]"
    gate = GATE.replace("[slices]", further)
    project.write("gates/agent.toml", gate + "\n[scores.latency_seconds]\nmax_increase = 0.5\n")
    project.edit("gates/scores.toml", '"boolean"', '"boolean"\nrubric = "v2"')
    project.edit(".github/workflows/gate.yml", "agent.toml", "agent.toml || true")
    kept = items(40)[6:]
    kept[0]["expected_output"] = -1
    write_items(project, kept)
    assert sorted(changes(project)) == sorted(
        [
            "latency_seconds: rule added",
            "gate: alpha 0.01 → 0.001",
            "gate: trials 1 → 2",
            "limits: timeout_seconds 120.0 → 5.0",
            "catalog: correct: rubric none → v2",
            "dataset: 6 items removed from it (q000, q001, q002, q003, q004 and 1 more item)",
            "dataset: 1 item changed in it (q006)",
            "workflow .github/workflows/gate.yml changed (1 line)",
        ]
    )


def test_a_worse_baseline_is_told_with_who_accepted_it_and_why(project: Project) -> None:
    project.write("experiments/agent.py", LOWER)
    accept = (
        "baseline",
        "accept",
        "gates/agent.toml",
        project.run().started,
        "--force",
        "--yes",
        "--why",
        "good enough",
    )
    assert project.scoregate(*accept).code == 0
    (line,) = changes(project)
    assert line.startswith("baseline: 10 items lower, accepted by ")
    assert line.endswith(" because good enough")


def test_a_baseline_that_is_scored_in_another_way_is_not_told_to_be_the_same(project: Project) -> None:
    project.edit("experiments/agent.py", "output == expected_output", "str(output) == str(expected_output)")
    Repository(project.folder).commit()
    accept = (
        "baseline",
        "accept",
        "gates/agent.toml",
        project.run().started,
        "--force",
        "--yes",
        "--why",
        "new",
    )
    accepted = project.scoregate(*accept)
    assert accepted.code == 0, accepted.err
    (line,) = changes(project)
    assert line.startswith("baseline: another run, which cannot be compared with the one before: ")


def test_a_judges_prompt_is_looked_at(project: Project) -> None:
    repository = Repository(project.folder)
    repository.git("checkout", "--quiet", "main")
    judge = '\n[scorers.clear]\nuse = "judge"\nprompt = "prompts/clear.md"\nmodel = "m"\n'
    prompt = "Is {{output}} clear?\nAnswer yes or no.\n"
    repository.commit({"gates/agent.toml": GATE + judge, "prompts/clear.md": prompt})
    repository.git("checkout", "--quiet", "-b", "kinder")
    repository.commit({"prompts/clear.md": prompt.replace("yes or no", "yes")})
    results = "gates/agent.baseline.jsonl"
    check = ("check", "gates/agent.toml", "--candidate", results, "--json")
    checked = project.scoregate(*check, environment=PULL_REQUEST)
    assert checked.json()["policy_changes"] == ["scorer clear: prompt prompts/clear.md changed (1 line)"]


def test_what_moved_stands_in_every_face_above_the_figures(project: Project) -> None:
    project.edit("gates/agent.toml", "max_drop = 0.05", "max_drop = 0.5")
    project.write("experiments/agent.py", LOWER)
    ran = in_pull_request(project, "-o", "markdown=report.md")
    assert "this change also moves the gate: correct: max_drop 0.05 → 0.5" in ran.err
    for face in (ran.out, project.read("report.md")):
        _, heading, below = face.partition("This change also moves the gate")
        assert heading
        assert below.replace("\\", "").index("0.05 → 0.5") < below.index("75")


def test_outside_of_a_pull_request_nothing_is_looked_at(project: Project) -> None:
    project.edit("gates/agent.toml", "max_drop = 0.05", "max_drop = 0.5")
    assert project.run("--json").json()["policy_changes"] == []


def test_an_edited_baseline_a_lower_bar_and_a_smaller_dataset_are_all_named_in_all_faces(
    project: Project, tmp_path: Path
) -> None:
    """No baseline, no comparison, and so no call; but a verdict, which says what the change moves."""
    project.write("experiments/agent.py", LOWER)
    project.edit("gates/agent.toml", "max_drop = 0.05", "max_drop = 0.5")
    project.edit("gates/agent.baseline.jsonl", '"item": "q007"', '"item": "q007b"')
    write_items(project, items(40)[6:])
    ran = in_pull_request(project, *OUTPUTS, "-o", "junit=report.xml")
    assert ran.outcome(4) == "INVALID"
    assert "no call was made" in " ".join(ran.out.split())
    head = Repository(project.folder).git("rev-parse", "HEAD")
    with described_server() as server:
        server.repository.open_pull_request(7, head)
        workflow = Workflow(server, tmp_path / "runner", pull_request=7, head=head)
        published = project.scoregate("github", "publish", "report.json", environment=workflow.environ())
        check = next(iter(server.repository.check_runs.values())).asked["output"]["summary"]
        comment = rendered(workflow.comment).text
    assert comment.index("This change also moves the gate") < comment.index("no call was made")
    faces = [ran.out, published.out, workflow.summary, comment, rendered(check).text]
    faces += [project.read(f"report.{kind}") for kind in ("md", "json", "xml")]
    for face in faces:
        text = " ".join(face.replace("\\", "").split())
        for words in ("max_drop 0.05", "edited by hand since it was accepted", "6 items removed"):
            assert words in text


def test_stored_results_are_decided_alike_where_the_baseline_was_edited(project: Project) -> None:
    run = project.run().started
    assert project.scoregate("runs", "export", run, "-o", "results.jsonl").code == 0
    project.edit("gates/agent.baseline.jsonl", '"item": "q007"', '"item": "q007b"')
    Repository(project.folder).commit()
    check = ("check", "gates/agent.toml", "--candidate", "results.jsonl", "--json")
    done = project.scoregate(*check, environment=PULL_REQUEST)
    assert done.code == 4
    assert any("edited by hand" in line for line in done.json()["policy_changes"])


def test_the_policy_of_the_base_decides_where_it_says_so(project: Project) -> None:
    repository = Repository(project.folder)
    repository.git("checkout", "--quiet", "main")
    repository.commit({"pyproject.toml": '[tool.scoregate]\npolicy = "base"\n'})
    repository.git("checkout", "--quiet", "-b", "lenient")
    project.write("pyproject.toml", '[tool.scoregate]\npolicy = "head"\n')
    project.write("experiments/agent.py", LOWER)
    project.edit("gates/agent.toml", "max_drop = 0.05", "max_drop = 0.5")
    project.edit("gates/agent.baseline.jsonl", '"item": "q007"', '"item": "q007b"')
    ran = in_pull_request(project, "--json")
    assert ran.code == 1
    verdict = ran.json()
    assert next(rule["margin"] for rule in verdict["rules"] if rule["score"] == "correct") == 0.05
    note, *moved = verdict["policy_changes"]
    assert note.startswith("decided by the policy of ")
    assert "correct: max_drop 0.05 → 0.5" in moved
    assert any("edited by hand" in line for line in moved)


def test_a_new_gate_is_told_as_one(project: Project) -> None:
    project.write("gates/other.toml", GATE)
    Repository(project.folder).commit()
    ran = project.scoregate("run", "gates/other.toml", "--json", environment=PULL_REQUEST)
    (line,) = ran.json()["policy_changes"]
    assert line.startswith("the gate is new")


def test_a_gate_that_is_gone_is_told_by_those_that_stay_whatever_it_is_called_now(project: Project) -> None:
    repository = Repository(project.folder)
    repository.git("checkout", "--quiet", "main")
    project.write("gates/shop/strict.toml", GATE)
    project.write("gates/old.toml", GATE)
    repository.commit()
    repository.git("checkout", "--quiet", "-b", "fewer")
    project.path("gates/shop/strict.toml").unlink()
    project.path("gates/old.toml").rename(project.path("gates/new.toml"))
    gone = ["gate gates/old.toml removed", "gate gates/shop/strict.toml removed"]
    assert changes(project) == gone
    ran = project.scoregate("run", "gates/new.toml", "--json", environment=PULL_REQUEST)
    new, *others = ran.json()["policy_changes"]
    assert new.startswith("the gate is new")
    assert others == gone
    built = project.scoregate("run", "gates", "--only-changed", "--json", environment=PULL_REQUEST).json()
    assert built["left_out"] == []
    assert [one["policy_changes"][-2:] for one in built["gates"]] == [gone, gone]


def test_a_project_that_was_copied_without_its_repository_says_so(project: Project, tmp_path: Path) -> None:
    copied = project.copied_to(tmp_path / "image")
    shutil.rmtree(copied.path(".git"))
    ran = copied.scoregate("run", "gates/agent.toml", "--json", environment=PULL_REQUEST)
    (line,) = ran.json()["policy_changes"]
    assert "is in no git repository" in line


def test_a_shallow_clone_says_that_it_cannot_tell(project: Project, tmp_path: Path) -> None:
    repository = Repository(project.folder)
    repository.commit()
    repository.git("push", "--quiet", "origin", "change")
    clone = Project(tmp_path / "shallow")
    origin = f"file://{tmp_path}/origin.git"
    repository.git("clone", "--quiet", "--depth=1", "--branch=change", origin, str(clone.folder))
    (line,) = changes(clone)
    assert "no merge base with main to look at" in line
    assert "fetch-depth: 0" in line
