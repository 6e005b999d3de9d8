"""Baselines, anchors and candidates in Langfuse: named, accepted, compared, and refused with the reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from scoregate.baselines.langfuse_acceptance import other_branch
from scoregate.gate_file import read_gate
from scoregate.langfuse import ids
from scoregate.langfuse.connection import Connection
from scoregate.sources import open_store
from tests.cli.project import GATE, NOTE_CALL, Project, agent
from tests.git.repository import Repository
from tests.langfuse.delivered import put_experiment, trace_of
from tests.langfuse.put_spans import settings_of
from tests.langfuse_server.faults import Fault
from tests.langfuse_server.server import LangfuseServer
from tests.langfuse_server.state import State

BRANCH = GATE.replace("gates/agent.baseline.jsonl", "langfuse:branch=main")
ACCEPT = ("baseline", "accept", "gates/agent.toml")
SHOW = ("baseline", "show", "gates/agent.toml")
CHECK = ("check", "gates/agent.toml")
WORSE = agent("return n if n >= 12 else -1", version="v2")
NAMED = 'baseline = "langfuse:branch=main"'


def on_branch(name: str) -> dict[str, str]:
    return {"GITHUB_ACTIONS": "true", "GITHUB_REF_NAME": name}


@pytest.fixture(scope="module")
def _server() -> Iterator[LangfuseServer]:
    with LangfuseServer() as started:
        yield started


@pytest.fixture
def server(_server: LangfuseServer) -> LangfuseServer:
    """One at the same address for all tests; each finds it empty."""
    _server.begin_again()
    return _server


def project_in(folder: Path, server: LangfuseServer) -> Project:
    made = Project(folder, {**server.environment, **on_branch("main")})
    Project.small(made.folder, number=64, gate=BRANCH)
    return made


@pytest.fixture
def project(server: LangfuseServer, tmp_path: Path) -> Project:
    """64 items; its gate compares with what was accepted on main. Runs are of main and delivered."""
    return project_in(tmp_path / "project", server)


@pytest.fixture(scope="module")
def _first(_server: LangfuseServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str, State]:
    _server.begin_again()
    project = project_in(tmp_path_factory.mktemp("first") / "project", _server)
    run = project.run().started
    assert project.scoregate(*ACCEPT, run, "--why", "the first").code == 0
    return project, run, _server.state.copied()


@pytest.fixture
def first(_first: tuple[Project, str, State], project: Project, server: LangfuseServer) -> str:
    """Id of a run of the project that was delivered and accepted."""
    made, run, state = _first
    made.copied_to(project.folder)
    server.begin_again(state.copied())
    return run


def test_before_anything_is_accepted_a_run_can_become_the_first(project: Project) -> None:
    ended = project.run()
    assert "no run of the branch 'main' was accepted yet" in ended.out
    assert f"scoregate baseline accept gates/agent.toml {ended.started}" in ended.out
    accepted = project.scoregate(*ACCEPT, ended.started, "--why", "good enough")
    assert accepted.code == 0, accepted.err
    assert accepted.out.startswith(f"accepted {ended.started} (v1) as the baseline: langfuse:branch=main")
    shown = project.scoregate(*SHOW).out
    assert shown.splitlines()[0].startswith("accepted by ")
    assert shown.splitlines()[0].endswith(": good enough")
    assert "64 ok of 64 expected" in shown


def test_a_run_is_compared_with_what_was_accepted(project: Project, first: str) -> None:
    same = project.run()
    assert same.outcome(0) == "PASS"
    assert first in same.out
    baseline, candidate = (ids.experiment_id(run, 0) for run in (first, same.started))
    assert f"/experiments/results?baseline={baseline}&c={candidate}" in same.out
    project.write("experiments/agent.py", WORSE)
    assert project.run().outcome(1) == "REGRESSION"


def test_every_trial_is_marked_with_who_when_and_why(server: LangfuseServer, project: Project) -> None:
    project.edit("gates/agent.toml", NAMED, f"{NAMED}\ntrials = 2")
    run = project.run().started
    assert project.scoregate(*ACCEPT, run, "--why", "x").code == 0
    marks = [score for score in server.state.kept_scores().values() if score.name == "accepted_baseline"]
    assert len(marks) == 2
    for mark in marks:
        assert (mark.value, mark.comment, mark.parent.kind) == (1, "x", "experiment")
        assert {"by", "when", "gate", "branch", "commit"} <= mark.metadata.keys()
        assert (mark.metadata["branch"], mark.metadata["gate"]) == ("main", "agent")


def test_the_verdict_of_langfuses_copy_is_that_of_the_store(project: Project, first: str) -> None:
    project.write("experiments/agent.py", WORSE)
    second = project.run().started
    stored = project.scoregate(*CHECK, "--baseline", first, "--candidate", second, "--json")
    copied = project.scoregate(
        *CHECK, "--baseline", f"langfuse:{first}", "--candidate", f"langfuse:{second}", "--json"
    )
    assert stored.code == copied.code == 1
    assert copied.json() == stored.json()


def test_the_newest_acceptance_counts_and_can_be_taken_back(
    server: LangfuseServer, project: Project, first: str
) -> None:
    project.write("experiments/agent.py", WORSE)
    worse = project.run().started
    assert project.scoregate(*ACCEPT, worse, "--why", "cheaper", "--yes").outcome(0) == "REGRESSION"
    assert project.scoregate(*SHOW).out.splitlines()[0].endswith(": cheaper")
    newest = max(
        (score for score in server.state.kept_scores().values() if score.name == "accepted_baseline"),
        key=lambda score: str(score.metadata["when"]),
    )
    body = {"id": newest.id, "datasetRunId": newest.parent.id, "name": newest.name, "dataType": "BOOLEAN"}
    with Connection(settings_of(server)) as connection:
        connection.post("/scores", {**body, "value": 0})
    assert project.scoregate(*SHOW).out.splitlines()[0].endswith(": the first")


def test_accepting_what_is_accepted_changes_nothing(project: Project, first: str) -> None:
    again = project.scoregate(*ACCEPT, first, "--why", "again")
    assert again.out == f"run {first} is the baseline already, so nothing was changed: langfuse:branch=main\n"


def test_a_run_of_another_branch_is_not_accepted(project: Project) -> None:
    other = Project(project.folder, {**project.environment, **on_branch("feature")})
    run = other.run().started
    message = project.scoregate(*ACCEPT, run, "--why", "x").error(4)
    assert f"run {run} was made on the branch 'feature', and the gate compares with 'main'" in message


def test_a_branch_without_accepted_runs_is_told_with_those_that_have_some(
    project: Project, first: str
) -> None:
    project.edit("gates/agent.toml", "branch=main", "branch=next")
    told = "no run of the branch 'next' was accepted yet, only of main, so nothing was compared"
    assert told in " ".join(project.run().out.split())


def test_an_acceptance_for_another_gate_is_told_and_does_not_count(project: Project, first: str) -> None:
    project.write("gates/strict.toml", project.read("gates/agent.toml"))
    ended = project.scoregate("run", "gates/strict.toml")
    assert ended.code == 4
    assert (
        "no run of the branch 'main' was accepted yet for the gate 'strict', only for 'agent': an acceptance is for "
        "one gate, so nothing was compared"
    ) in " ".join(ended.out.split())


def test_an_acceptance_on_another_dataset_is_told(project: Project, first: str) -> None:
    project.write("datasets/other.jsonl", project.read("datasets/agent.jsonl"))
    project.edit("gates/agent.toml", "datasets/agent.jsonl", "datasets/other.jsonl")
    message = project.scoregate(*SHOW).error(4)
    assert "the accepted runs of the branch 'main' are of another dataset than the gate's, or gone" in message


def test_a_misspelt_branch_is_told_before_a_call_is_paid_for(project: Project, first: str) -> None:
    project.write("experiments/agent.py", agent(f"{NOTE_CALL}\nreturn n"))
    project.edit("gates/agent.toml", "branch=main", "branch=mian")
    message = project.run().error(4)
    assert message == (
        "langfuse:branch=mian: no run of the branch 'mian' was accepted yet, and git knows no such branch "
        "(did you mean 'main'?)"
    )
    assert project.calls() == []


def test_a_branch_that_git_knows_is_not_misspelt(project: Project, first: str) -> None:
    repository = Repository(project.folder)
    repository.git("init", "--quiet", "--initial-branch=mine")
    repository.commit({"x": "1"})
    repository.git("update-ref", "refs/remotes/origin/team/mian", "HEAD")
    for branch in ("mine", "team/mian", "main2"):
        project.edit("gates/agent.toml", "branch=main", f"branch={branch}")
        assert f"no run of the branch '{branch}' was accepted yet, only of main" in project.scoregate(
            *SHOW
        ).error(4)
        project.edit("gates/agent.toml", f"branch={branch}", "branch=main")


def test_a_run_that_says_no_branch_is_named_by_itself(project: Project, theirs: Callable[..., str]) -> None:
    theirs("sdk-run-1", 0)
    message = project.scoregate(*ACCEPT, "sdk-run-1", "--why", "x").error(4)
    assert "does not say its branch, and the gate compares with 'main'" in message
    assert 'or set baseline = "langfuse:sdk-run-1"' in message


@pytest.mark.parametrize(
    ("baseline", "said"),
    [
        ("langfuse:branch=main", None),
        ("gates/agent.baseline.jsonl", None),
        ("langfuse:branch=next", "it was made on the branch 'main', and the gate compares with 'next'"),
    ],
)
def test_a_run_of_another_branch_is_known_before_it_is_accepted(
    project: Project, baseline: str, said: str | None
) -> None:
    run = project.run().started
    project.edit("gates/agent.toml", "langfuse:branch=main", baseline)
    with open_store(project.folder) as store:
        assert other_branch(read_gate(project.path("gates/agent.toml")), store.load_run(run)) == said


def test_what_speaks_against_a_run_is_said_and_can_be_overruled(project: Project) -> None:
    project.write("experiments/agent.py", agent("assert n != 5\nreturn n"))
    run = project.run().started
    message = project.scoregate(*ACCEPT, run, "--why", "x").error(4)
    assert "was not accepted: 1 of its run items failed (first: q005)" in message
    assert project.scoregate(*ACCEPT, run, "--why", "x", "--force").code == 0
    assert "forced in spite of: 1 of its run items failed (first: q005)" in project.scoregate(*SHOW).out


def test_a_run_that_was_not_delivered_is_not_accepted(project: Project) -> None:
    run = project.run("--local").started
    message = project.scoregate(*ACCEPT, run, "--why", "x").error(4)
    assert f"run {run} is not in Langfuse, where the gate's baseline is" in message
    assert f"scoregate runs push {run}" in message


def test_nothing_is_accepted_in_ci(project: Project) -> None:
    ended = project.scoregate(*ACCEPT, "x", "--why", "x", environment={"CI": "true"})
    assert ended.error(2) == "a baseline is never accepted in CI (accept it on a checkout)"


def test_an_experiment_can_be_named(project: Project, first: str) -> None:
    project.edit("gates/agent.toml", "langfuse:branch=main", f"langfuse:{first}")
    assert project.run().outcome(0) == "PASS"
    second = project.run().started
    message = project.scoregate(*ACCEPT, second, "--why", "x").error(2)
    assert f"the baseline is the experiment '{first}' and no other" in message
    assert 'set baseline = "langfuse:branch=main"' in message


def test_an_anchor_can_be_in_langfuse(project: Project, first: str) -> None:
    project.edit("gates/agent.toml", NAMED, f'{NAMED}\nanchor = "langfuse:{first}"')
    project.write("experiments/agent.py", WORSE)
    ended = project.run()
    assert ended.outcome(1) == "REGRESSION"
    assert f"langfuse:{first}" in ended.out


def test_a_run_can_be_taken_into_a_store(project: Project, first: str, tmp_path: Path) -> None:
    taken = project.scoregate("runs", "import", f"langfuse:{first}", "--store", tmp_path / "other.sqlite3")
    assert taken.out == f"imported {first}: 64 run items, 64 scores\n"


def test_an_unknown_experiment_is_an_invalid_comparison(project: Project, first: str) -> None:
    near = first[:-1] + "?"
    message = project.scoregate(*CHECK, "--candidate", f"langfuse:{near}").error(4)
    assert f"there is no experiment '{near}' in this Langfuse project (did you mean '{first}'?)" in message


def test_a_run_of_another_dataset_is_foreign(project: Project, first: str) -> None:
    project.edit("gates/agent.toml", "datasets/agent.jsonl", "langfuse:elsewhere")
    message = project.scoregate(*CHECK, "--candidate", f"langfuse:{first}").error(4)
    assert (
        f"the candidate {first} is a run of another dataset: 'agent', and the gate's is 'elsewhere'"
        in message
    )


def test_without_keys_it_cannot_be_read(project: Project) -> None:
    keyless = Project(project.folder)
    message = keyless.scoregate(*SHOW).error(2)
    assert "the baseline 'langfuse:branch=main' needs Langfuse, and there are no keys" in message


def test_a_server_that_does_not_serve_ends_before_a_call_is_paid_for(
    server: LangfuseServer, project: Project, first: str
) -> None:
    project.edit("gates/agent.toml", "[slices]", "[limits]\nconcurrency = 2\n\n[slices]")
    server.faults.plan(Fault(status=429, retry_after=3600), every=1)
    ended = project.scoregate(*CHECK, "--candidate", first)
    assert "it asks to wait 3600 s" in ended.error(5)


def theirs_of(n: int) -> dict[str, str]:
    metadata = {"intent": ("refund", "hours")[n % 2]}
    return {
        "langfuse.observation.output": str(n),
        "langfuse.experiment.item.metadata": json.dumps(metadata),
    }


@pytest.fixture
def theirs(server: LangfuseServer) -> Callable[..., str]:
    """Makes an experiment by spans of somebody else's: 64 items, the first so many of them wrong."""

    def make(name: str, wrong: int, attributes: Mapping[str, str] | None = None) -> str:
        experiment = f"id-of-{name}"
        items = {f"q{n:03}": {**theirs_of(n), **(attributes or {})} for n in range(64)}
        scores = []
        for n, item in enumerate(items):
            trace = trace_of(experiment, item)
            score = {"id": trace, "traceId": trace, "observationId": trace[:16], "name": "correct"}
            scores.append({**score, "value": int(n >= wrong), "dataType": "BOOLEAN"})
        with Connection(settings_of(server)) as connection:
            put_experiment(connection, experiment, name, items)
            connection.post("/scores", scores)
        return f"langfuse:{name}"

    return make


def test_two_experiments_that_scoregate_did_not_make_are_compared(
    project: Project, theirs: Callable[..., str]
) -> None:
    good, bad = theirs("good", 0), theirs("bad", 12)
    assert project.scoregate(*CHECK, "--baseline", good, "--candidate", bad).outcome(1) == "REGRESSION"
    document = project.scoregate(*CHECK, "--baseline", good, "--candidate", bad, "--json").json()
    assert {rule["slice"] for rule in document["rules"]} == {None, "intent=refund", "intent=hours"}
    assert document["candidate"] == "bad"


def test_an_experiment_that_scoregate_did_not_make_is_compared_with_an_accepted_run(
    project: Project, first: str, theirs: Callable[..., str]
) -> None:
    assert project.scoregate(*CHECK, "--candidate", theirs("other", 0)).outcome(0) == "PASS"
    assert project.scoregate(*CHECK, "--candidate", theirs("worse", 12)).outcome(1) == "REGRESSION"


def test_an_experiment_that_scoregate_did_not_make_can_be_accepted(
    server: LangfuseServer, project: Project, theirs: Callable[..., str]
) -> None:
    project.edit("gates/agent.toml", "datasets/agent.jsonl", "langfuse:answers")
    assert project.scoregate("dataset", "push", "datasets/agent.jsonl", "answers").code == 0
    dataset = server.state.datasets.by_name["answers"].id
    about = {"langfuse.experiment.dataset.id": dataset, "langfuse.experiment.metadata": '{"branch": "main"}'}
    theirs("good", 0, about)
    accepted = project.scoregate(*ACCEPT, "good", "--why", "made by hand")
    assert accepted.out == "accepted id-of-good (good) as the baseline: langfuse:branch=main\n"
    assert project.scoregate(*CHECK, "--candidate", theirs("bad", 12, about)).outcome(1) == "REGRESSION"
    assert project.run().outcome(0) == "PASS"
