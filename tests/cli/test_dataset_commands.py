"""`scoregate dataset push|pull|diff|validate`, and a gate whose dataset is in Langfuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.project import NOTE_CALL, Ended, Project, agent, items
from tests.langfuse_server.faults import Fault
from tests.langfuse_server.server import LangfuseServer
from tests.langfuse_server.state import State
from tests.recorded_answers import BOTH, recorded_answers

NO_KEYS = {"LANGFUSE_PUBLIC_KEY": "", "LANGFUSE_SECRET_KEY": "", "LANGFUSE_BASE_URL": "", "LANGFUSE_HOST": ""}
FILE = "datasets/agent.jsonl"


@pytest.fixture(scope="module")
def _server() -> Iterator[LangfuseServer]:
    with LangfuseServer() as running:
        yield running


@pytest.fixture
def server(_server: LangfuseServer) -> LangfuseServer:
    """One at the same address for all tests; each finds it empty."""
    _server.begin_again()
    return _server


@pytest.fixture
def project(server: LangfuseServer, tmp_path: Path) -> Project:
    """Eight items, an agent that notes its calls, a gate with the dataset `langfuse:team/agent`, and keys for it."""
    return project_in(tmp_path / "project", server)


@pytest.fixture(scope="module")
def _pushed(_server: LangfuseServer, tmp_path_factory: pytest.TempPathFactory) -> State:
    _server.begin_again()
    push(project_in(tmp_path_factory.mktemp("pushed") / "project", _server))
    return _server.state.copied()


@pytest.fixture
def pushed(_pushed: State, project: Project, server: LangfuseServer) -> Project:
    """The same project, whose eight items were pushed to `team/agent`."""
    server.begin_again(_pushed.copied())
    return project


def project_in(folder: Path, server: LangfuseServer) -> Project:
    made = Project(folder, environment={**NO_KEYS, **server.environment})
    made.write_lines(FILE, items(8))
    made.write("experiments/agent.py", agent(f"{NOTE_CALL}\nreturn n"))
    made.write(
        "gates/agent.toml",
        'dataset = "langfuse:team/agent"\nexperiment = "experiments/agent.py"\n'
        'baseline = "gates/agent.baseline.jsonl"\n\n[scores.correct]\nmax_drop = 0.05\n',
    )
    return made


def push(project: Project, *words: str) -> Ended:
    return project.scoregate("dataset", "push", FILE, "team/agent", *words)


def written(server: LangfuseServer) -> int:
    return sum(received.method == "POST" for received in server.received)


def test_a_second_push_sends_nothing(project: Project, server: LangfuseServer) -> None:
    first = push(project)
    assert first.code == 0, first.err
    assert first.out == "pushed 8 items to 'team/agent': 8 new\n"
    before = written(server)
    assert push(project).out == "sent nothing: 8 items of 'team/agent' are as they were\n"
    assert written(server) == before


def test_a_dry_run_lists_what_it_would_send(pushed: Project, server: LangfuseServer) -> None:
    rows = items(10)[1:]
    rows[1]["expected_output"] = "other"
    pushed.write_lines(FILE, rows)
    before = written(server)
    told = push(pushed, "--dry-run", "--archive-missing", "--description", "d").out
    assert told.splitlines() == [
        "new           q008",
        "new           q009",
        "changed       q002: expected_output",
        "archived      q000",
        "set           description of the dataset",
        "would push 9 items to 'team/agent': 2 new, 1 changed, 6 as before, 1 archived",
    ]
    assert written(server) == before


def test_items_that_left_the_file_stay_unless_archiving_is_asked_for(pushed: Project) -> None:
    pushed.write_lines(FILE, items(5))
    assert push(pushed).out.splitlines() == [
        "sent nothing: 5 items of 'team/agent' are as they were",
        "in Langfuse and not in datasets/agent.jsonl: q005, q006, q007 (3; --archive-missing archives them)",
    ]
    assert (
        push(pushed, "--archive-missing").out == "pushed 5 items to 'team/agent': 5 as before, 3 archived\n"
    )
    pulled = pushed.scoregate("dataset", "pull", "team/agent")
    assert [json.loads(line) for line in pulled.out.splitlines()] == items(5)
    pushed.write_lines(FILE, items(9))
    back = push(pushed).out
    assert back == "pushed 9 items to 'team/agent': 1 new, 3 brought back, 5 as before\n"
    pushed.write_lines(FILE, items(1))
    assert push(pushed, "--archive-missing").out.startswith("pushed 1 item to 'team/agent': 1 as before, 8 ")
    assert push(pushed).out == "sent nothing: 1 item of 'team/agent' is as it was\n"


def test_a_pulled_file_pushed_back_sends_nothing(pushed: Project, server: LangfuseServer) -> None:
    pulled = pushed.scoregate("dataset", "pull", "team/agent", "-o", "copy.jsonl", cold=True)
    assert pulled.code == 0
    assert pulled.err.startswith("wrote 8 items of 'team/agent' as of 20")
    assert pushed.read_lines("copy.jsonl") == items(8)
    before = written(server)
    again = pushed.scoregate("dataset", "push", "copy.jsonl", "langfuse:team/agent")
    assert "sent nothing: 8 items" in again.out
    assert written(server) == before


def test_a_file_that_is_there_is_only_replaced_by_force(pushed: Project) -> None:
    pushed.write("copy.jsonl", "mine\n")
    refused = pushed.scoregate("dataset", "pull", "team/agent", "-o", "copy.jsonl").error(2)
    assert refused == "-o: 'copy.jsonl' is there already (--force replaces it)"
    assert pushed.read("copy.jsonl") == "mine\n"
    assert pushed.scoregate("dataset", "pull", "team/agent", "-o", "copy.jsonl", "--force").code == 0
    assert pushed.read_lines("copy.jsonl") == items(8)


def test_another_ending_is_refused_with_the_one_that_is_written(project: Project) -> None:
    refused = project.scoregate("dataset", "pull", "team/agent", "-o", "copy.csv").error(2)
    assert refused == (
        "-o: 'copy.csv' does not end in .jsonl, the only form that datasets are written in (such as copy.jsonl)"
    )


def test_a_name_that_is_no_file_is_told_as_one_in_langfuse(project: Project) -> None:
    refused = project.scoregate("dataset", "validate", "team/agent").error(2)
    assert refused == "there is no file 'team/agent' (the dataset in Langfuse is langfuse:team/agent)"


def test_a_date_pins_to_the_midnight_before(pushed: Project) -> None:
    refused = pushed.scoregate("dataset", "pull", "team/agent@2024-01-31").error(2)
    assert refused == "langfuse:team/agent@2024-01-31T00:00:00.000Z: holds no active items at that time"


def test_a_version_is_pulled_as_it_was(pushed: Project) -> None:
    then = (
        pushed.scoregate("dataset", "pull", "team/agent", "-o", "then.jsonl")
        .err.split(" as of ")[1]
        .split()[0]
    )
    pushed.write_lines(FILE, items(3))
    push(pushed, "--archive-missing")
    pulled = pushed.scoregate("dataset", "pull", f"team/agent@{then}")
    assert [json.loads(line) for line in pulled.out.splitlines()] == items(8)


def test_a_diff_names_what_is_new_gone_and_changed(pushed: Project) -> None:
    rows = items(9)[1:]
    rows[0]["metadata"] = {"intent": "other"}
    pushed.write_lines("other.jsonl", rows)
    told = pushed.scoregate("dataset", "diff", "team/agent", "other.jsonl")
    assert told.code == 0, told.err
    assert told.out.splitlines() == [
        "in team/agent only: q000",
        "in other.jsonl only: q008",
        "changed: q001: metadata",
        "1 in team/agent only, 1 in other.jsonl only, 1 changed, 6 the same",
    ]
    found = pushed.scoregate("dataset", "diff", FILE, "langfuse:team/agent", "--json").json()
    assert (found["new"], found["gone"], found["changed"], found["same"]) == ([], [], {}, 8)
    assert found["before"]["fingerprint"] == found["after"]["fingerprint"]


def test_schemas_are_pushed_and_held_to(project: Project) -> None:
    project.write("number.json", '{"type": "integer", "maximum": 6}')
    refused = push(project, "--expected-output-schema", "number.json").error(2)
    assert refused.startswith("datasets/agent.jsonl:8: item 'q007': expected_output: 7 is greater than")
    project.write("number.json", '{"type": "integer"}')
    assert push(project, "--expected-output-schema", "number.json", "--description", "x").code == 0
    project.write_lines(FILE, [{"id": "q009", "input": 1}])
    assert "item 'q009': expected_output: None is not of type 'integer'" in push(project).error(2)


def test_an_item_that_stays_is_held_to_a_new_schema(pushed: Project, server: LangfuseServer) -> None:
    pushed.write_lines(FILE, items(3))
    pushed.write("small.json", '{"maximum": 5}')
    before = written(server)
    told = push(pushed, "--expected-output-schema", "small.json").error(2)
    assert told.startswith(
        "langfuse:team/agent, not in datasets/agent.jsonl: item 'q006': expected_output: 6 is"
    )
    assert written(server) == before
    archived = push(pushed, "--expected-output-schema", "small.json", "--archive-missing")
    assert archived.out.endswith("3 as before, 5 archived\n")


def test_an_id_of_another_dataset_is_told_with_its_owner(pushed: Project, server: LangfuseServer) -> None:
    told = pushed.scoregate("dataset", "push", FILE, "other").error(2)
    assert told.startswith("item 'q000' of 'other': its id belongs to the dataset 'team/agent' already")
    assert "other" not in server.state.datasets.by_name


def test_nothing_is_pushed_to_a_version(project: Project) -> None:
    told = project.scoregate("dataset", "push", FILE, "x@2026-01-31T12:00:00Z").error(2)
    assert "only the present can be written to" in told


def test_a_broken_file_is_told_before_langfuse_is_asked(project: Project, server: LangfuseServer) -> None:
    project.write(FILE, '{"id": "a", "input": NaN}\n')
    assert push(project).error(2) == "datasets/agent.jsonl:1: NaN is no JSON number"
    project.write_lines(FILE, [{"id": "a", "input": 12345678901234567}])
    told = push(project).error(2)
    assert told.startswith(
        "datasets/agent.jsonl: item 'a' holds the number 12345678901234567, which Langfuse rounds"
    )
    assert server.received == []


def test_a_gate_runs_on_a_dataset_of_langfuse_and_notes_its_version(pushed: Project) -> None:
    checked = pushed.scoregate("dataset", "validate", "gates/agent.toml")
    assert checked.out.startswith("team/agent: 8 items, 8 with an expected output\nversion: 20")
    ran = pushed.run()
    assert len(pushed.calls()) == 8
    header = json.loads(pushed.scoregate("runs", "export", ran.started).out.splitlines()[0])
    assert header["dataset"] == "team/agent"
    assert header["dataset_version"].startswith("20")
    assert header["metadata"]["langfuse_dataset_id"]
    local = pushed.scoregate("dataset", "validate", FILE, "--json").json()
    assert header["dataset_fingerprint"] == local["fingerprint"]
    accepted = pushed.scoregate("baseline", "accept", "gates/agent.toml", ran.started, "--why", "x")
    assert accepted.code == 0, accepted.err
    locked = pushed.read_lines("gates/agent.baseline.jsonl")[0]
    assert locked["dataset_version"] == header["dataset_version"]
    assert pushed.run().outcome(0) == "INCONCLUSIVE"  # comparable, and eight items prove little


def test_a_pinned_gate_runs_on_the_items_of_that_time(pushed: Project) -> None:
    then = pushed.scoregate("dataset", "validate", "langfuse:team/agent").out.split("version: ")[1].split()[0]
    pushed.write_lines(FILE, items(3))
    push(pushed, "--archive-missing")
    pushed.edit("gates/agent.toml", "langfuse:team/agent", f"langfuse:team/agent@{then}")
    pushed.run()
    assert len(pushed.calls()) == 8


def test_a_run_on_a_dataset_that_changed_since_goes_on_once_it_is_pinned(pushed: Project) -> None:
    dies = "if n == 5 and not os.path.exists('mended'): os._exit(9)"
    pushed.write("experiments/agent.py", agent(f"{dies}\n{NOTE_CALL}\nreturn n", before="import os"))
    pushed.run("--concurrency", "1")
    pushed.write_lines(FILE, items(9))
    push(pushed)
    pushed.write("mended", "")
    told = pushed.run("--resume").error(2)
    assert "the dataset changed since it started (pin the gate's dataset to 20" in told
    then = told.split("dataset to ")[1].split()[0]
    pushed.edit("gates/agent.toml", "langfuse:team/agent", f"langfuse:team/agent@{then}")
    assert pushed.run("--resume").code == 4  # it went on to its end, and there is no baseline yet
    assert set(pushed.calls()) == set(range(8))


def test_without_keys_one_line_says_what_to_set_and_nothing_is_called(project: Project) -> None:
    told = project.scoregate("run", "gates/agent.toml", environment=NO_KEYS).error(2)
    assert told == (
        "the dataset 'langfuse:team/agent' needs Langfuse, and there are no keys (set LANGFUSE_PUBLIC_KEY, "
        "LANGFUSE_SECRET_KEY and LANGFUSE_BASE_URL, in the environment or in .env)"
    )
    assert project.calls() == []


def test_a_wrong_key_ends_before_any_call_was_paid_for(project: Project) -> None:
    wrong = {"LANGFUSE_SECRET_KEY": "sk-lf-of-somebody-else"}
    told = project.scoregate("run", "gates/agent.toml", environment=wrong).error(2)
    assert "Langfuse refuses (401)" in told
    assert "check LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY and LANGFUSE_BASE_URL" in told
    assert "sk-lf" not in told
    assert project.calls() == []


def test_a_server_that_does_not_serve_ends_the_run_before_any_call(
    project: Project, server: LangfuseServer
) -> None:
    server.faults.plan(Fault(status=503, retry_after=3600))
    told = project.scoregate("run", "gates/agent.toml").error(5)
    assert told.startswith(f"Langfuse at {server.url} does not serve: it asks to wait 3600 s")
    assert project.calls() == []


def test_an_unknown_dataset_is_told_with_the_nearest_name(pushed: Project) -> None:
    pushed.edit("gates/agent.toml", "team/agent", "team/agents")
    told = pushed.run().error(2)
    assert told.endswith("there is no such dataset in this Langfuse project (did you mean 'team/agent'?)")
    assert pushed.calls() == []


def test_a_mistake_in_the_name_is_told_with_its_line(project: Project) -> None:
    project.edit("gates/agent.toml", "team/agent", "team/agent@yesterday")
    told = project.run().error(2)
    assert told.startswith("gates/agent.toml:1: 'dataset' pins the dataset to 'yesterday', which is no time")


def test_the_secret_key_is_nowhere(project: Project, server: LangfuseServer) -> None:
    ended = [
        push(project),
        project.run(),
        project.scoregate("dataset", "pull", "team/agent", "-o", "copy.jsonl"),
        project.scoregate("dataset", "diff", FILE, "team/agent", "--json"),
        project.scoregate("dataset", "pull", "none", "--debug"),
    ]
    texts = [text for command in ended for text in (command.out, command.err)]
    files = [path.read_bytes() for path in project.folder.rglob("*") if path.is_file()]
    assert not any(server.secret_key in text for text in texts)
    assert not any(server.secret_key.encode() in content for content in files)


@pytest.mark.parametrize("name", BOTH)
def test_many_questions_are_pushed_once_and_pulled_alike(
    name: str, project: Project, server: LangfuseServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    answers = recorded_answers(name, tmp_path_factory.mktemp("answers"))
    number = f"{answers.number:,}"
    first = project.scoregate("dataset", "push", answers.dataset, name)
    assert first.out == f"pushed {number} items to '{name}': {number} new\n"
    before = written(server)
    second = project.scoregate("dataset", "push", answers.dataset, name)
    assert second.out == f"sent nothing: {number} items of '{name}' are as they were\n"
    assert written(server) == before
    pulled = project.scoregate("dataset", "pull", name, "-o", "pulled.jsonl")
    there, here = (
        project.scoregate("dataset", "validate", file, "--json").json()["fingerprint"]
        for file in (answers.dataset, "pulled.jsonl")
    )
    assert there == here
    assert pulled.err.endswith(f"fingerprint: {here}\n")


def test_the_schemas_of_the_example_are_pushed(project: Project, server: LangfuseServer) -> None:
    example = Path(__file__).parents[2] / "datasets"
    options = []
    for member in ("input", "expected_output"):
        schema = example / "schemas" / f"support-agent.{member}.json"
        options += [f"--{member.replace('_', '-')}-schema", str(schema)]
    pushed = project.scoregate("dataset", "push", str(example / "support-agent.jsonl"), "agent", *options)
    assert pushed.code == 0, pushed.err
    assert server.state.datasets.by_name["agent"].expected_output_schema is not None


def test_a_schema_that_langfuse_would_refuse_is_told_before_anything_is_sent(
    project: Project, server: LangfuseServer
) -> None:
    project.write("number.json", '{"type": "integer", "maximun": 6}')
    told = push(project, "--expected-output-schema", "number.json").error(2)
    assert told.startswith(
        "--expected-output-schema number.json: Langfuse would refuse this schema for maximun at #"
    )
    assert not written(server)
